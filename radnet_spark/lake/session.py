"""The one place that builds a SparkSession."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from pyspark import SparkFiles
from pyspark.sql import SparkSession

from radnet_spark.config import Spark, conf_file
from radnet_spark.lake.java import use_java

logger = logging.getLogger(__name__)
_AS_WHEELS = ("io.delta_", "com.johnsnowlabs.nlp_")  # groups of jars whose Python code is installed
_SHUFFLE = "spark.sql.shuffle.partitions"
_SNAPSHOT = "spark.databricks.delta.snapshotPartitions"
_MOST_SNAPSHOT_PARTITIONS = 50  # Delta's default; half of a small run's time when there are two cores

_SQL = {  # what results and memory depend on: set on a session of somebody else's, too
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "512",
    "spark.sql.session.timeZone": "UTC",
    "spark.databricks.delta.properties.defaults.enableDeletionVectors": "false",
}
_ONE_MACHINE = {
    "spark.python.daemon.module": "radnet_spark.lake.daemon",  # a cluster's daemons may start without the package
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}


def session_is_there() -> bool:
    """Whether somebody else's session is active (a notebook's, Databricks'): it is used, and left running."""
    return SparkSession.getActiveSession() is not None or "DATABRICKS_RUNTIME_VERSION" in os.environ


def open_session(settings: Spark, master: str | None = None, log_level: str = "FATAL") -> SparkSession:
    """The session that is there (Databricks, a notebook, a test), spark-submit's, or a new one.

    Args:
        settings: the `spark` section.
        master: `--master`; wins over the section's. None of both and no spark-submit: `local[*]`.
        log_level: of Spark's own log; from ERROR on it quotes what failed in a worker, values of files included.

    Raises:
        UsageError: a JVM has to be started and there is no Java 17.
    """
    if session_is_there():
        session = SparkSession.getActiveSession() or SparkSession.builder.getOrCreate()
        for key, value in _SQL.items():
            session.conf.set(key, value)
        return session
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ  # spark-submit has started the JVM and decides master and memory
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("radnet_spark")
    for key, value in _properties(settings).items():
        builder = builder.config(key, value)
    if not submitted:
        use_java()
        target = master or settings.master or "local[*]"
        builder = builder.master(target).config("spark.driver.memory", settings.driver_memory)
        if target.startswith("local"):
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
            for key, value in _ONE_MACHINE.items():
                builder = builder.config(key, value)
    for key, value in settings.conf.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel(log_level)
    _keep_jars_from_python(session)
    if str(session.sparkContext.master).startswith("local"):  # a cluster's cores are not known before they register
        _fit_to_cores(session, settings)
    return session


def _keep_jars_from_python(session: SparkSession) -> None:
    """Takes jars without Python code, and our own, off the paths on which Python looks for modules.

    Spark puts those of `spark.jars.packages` there since a package may hold Python code; that of ours comes as wheels.
    A worker that has imported anything reads the directory of each jar again at each task: 39 jars, 39,108 entries,
    0.13 s of processor time. Other packages' jars with Python code stay.
    """
    includes, root = session.sparkContext._python_includes or [], Path(SparkFiles.getRootDirectory())
    for path in (includes, sys.path):
        path[:] = [name for name in path if not _needless(root / name)]


def _needless(path: Path) -> bool:
    """Whether a path for modules is a jar that Python need not look into."""
    if path.suffix != ".jar":
        return False
    if path.name.startswith(_AS_WHEELS):
        return True
    try:
        with ZipFile(path) as jar:
            return not any(name.endswith((".py", ".pyc")) for name in jar.namelist())
    except (OSError, BadZipFile):
        return False


def _fit_to_cores(session: SparkSession, settings: Spark) -> None:
    """As many tasks for a shuffle and a table's state as there are cores, where nobody asked for another number."""
    cores, asked = session.sparkContext.defaultParallelism, session.sparkContext.getConf()
    if settings.shuffle_partitions is None and not asked.contains(_SHUFFLE):
        session.conf.set(_SHUFFLE, str(cores))
    if not asked.contains(_SNAPSHOT):
        session.conf.set(_SNAPSHOT, str(min(cores, _MOST_SNAPSHOT_PARTITIONS)))


def _properties(settings: Spark) -> dict[str, str]:
    properties = {
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.serializer": "org.apache.spark.serializer.KryoSerializer",
        "spark.kryoserializer.buffer.max": "512m",
        "spark.ui.showConsoleProgress": "false",
        **_SQL,
    }
    if settings.shuffle_partitions is not None:
        properties[_SHUFFLE] = str(settings.shuffle_partitions)
    if settings.packages:
        properties["spark.jars.packages"] = ",".join(settings.packages)
        properties["spark.jars.excludes"] = ",".join(settings.excludes).replace(" ", "")
        properties["spark.jars.ivySettings"] = settings.ivy_settings or str(conf_file("ivysettings.xml"))
    return properties
