"""The lake: Spark session, Delta tables, record of runs, MLflow. The only room that knows where things lie."""
