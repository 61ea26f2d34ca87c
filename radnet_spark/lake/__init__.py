"""The lake: the Spark session, the Delta tables, the record of runs, MLflow. The only room that knows where things lie."""
