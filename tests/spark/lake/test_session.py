"""What the session does to Python, here and on the executors."""

from __future__ import annotations

import sys
from typing import Any


def test_no_worker_reads_the_directories_of_packages(spark: Any) -> None:
    """Spark's own jar stays, by which a worker finds Spark."""
    packages = {jar.rpartition("/")[2] for jar in spark.conf.get("spark.jars").split(",")}
    assert len(packages) > 10  # they are there for the JVM
    paths = spark.range(2).rdd.map(lambda _: list(sys.path)).collect()
    assert not packages & {name.rpartition("/")[2] for path in [*paths, sys.path] for name in path}
