"""Tells a person how far a long write has come, while it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

_SECONDS = 2.0  # between two looks


@contextmanager
def watched(spark: SparkSession, show: Callable[[float], None]) -> Iterator[None]:
    """Calls `show` with the share of tasks that are done, as long as the body runs.

    Args:
        spark: the session whose running stages are looked at.
        show: takes a share from 0 to 1; called from another thread.
    """
    ended = threading.Event()
    thread = threading.Thread(target=_watch, args=(spark, show, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _watch(spark: SparkSession, show: Callable[[float], None], ended: threading.Event) -> None:
    tracker = spark.sparkContext.statusTracker()
    while not ended.wait(_SECONDS):
        stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
        tasks = sum(stage.numTasks for stage in stages if stage)
        if tasks:
            show(sum(stage.numCompletedTasks for stage in stages if stage) / tasks)
