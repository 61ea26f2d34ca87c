"""What the session does to Python, here and on the executors."""

from __future__ import annotations

import gc
import importlib
import sys
from typing import Any

from radnet_spark.lake.daemon import sparing


def test_no_worker_reads_the_directories_of_packages(spark: Any) -> None:
    """Spark's own jar stays, by which a worker finds Spark."""
    packages = {jar.rpartition("/")[2] for jar in spark.conf.get("spark.jars").split(",")}
    assert len(packages) > 10  # they are there for the JVM
    paths = spark.range(2).rdd.map(lambda _: list(sys.path)).collect()
    assert not packages & {name.rpartition("/")[2] for path in [*paths, sys.path] for name in path}


def test_workers_pass_over_the_objects_of_their_modules(spark: Any) -> None:
    assert spark.range(2).rdd.map(lambda _: gc.get_freeze_count()).min() > 10_000


def test_only_imports_are_frozen() -> None:
    def task(name: str) -> int:
        importlib.import_module(name)
        return 3

    sys.modules.pop("colorsys", None)
    try:
        assert sparing(task)("sys") == 3
        assert gc.get_freeze_count() == 0
        assert sparing(task)("colorsys") == 3
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()
