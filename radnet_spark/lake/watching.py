"""Tells a person how far a long write has come, while it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

_SECONDS = 2.0  # between two looks


@contextmanager
def watched(spark: SparkSession, tasks: int, show: Callable[[float], None]) -> Iterator[None]:
    """Calls `show` with the share of tasks that are done, as long as the body runs.

    Args:
        spark: the session whose running stages are looked at.
        tasks: how many the stage of interest has: what comes before and after it, mostly with others, does not count.
        show: takes a share from 0 to 1; called from another thread.
    """
    ended = threading.Event()
    thread = threading.Thread(target=_watch, args=(spark, tasks, show, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _watch(spark: SparkSession, tasks: int, show: Callable[[float], None], ended: threading.Event) -> None:
    tracker = spark.sparkContext.statusTracker()
    while not ended.wait(_SECONDS):
        stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
        done = [stage.numCompletedTasks for stage in stages if stage and stage.numTasks == tasks]
        if done:
            show(max(done) / tasks)
