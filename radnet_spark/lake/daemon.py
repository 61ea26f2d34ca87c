"""Spark's Python daemon (`spark.python.daemon.module`): workers look through no module's objects after each task.

A worker calls `gc.collect()` after each task. With torch, pandas and pydicom there are 280,000 objects, which live as
long as the worker, and that takes 0.1 s of processor time or more; frozen ones are passed over (`gc.freeze`).
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Any

from pyspark import daemon


def sparing(work: Callable[..., int]) -> Callable[..., int]:
    """`work`, after which what it imported is frozen; garbage goes before, and tasks without imports freeze nothing.

    Args:
        work: runs one task and returns its exit code.
    """

    def worked(*arguments: Any) -> int:
        before = len(sys.modules)
        code = work(*arguments)
        if len(sys.modules) > before:
            gc.collect()
            gc.freeze()
        return code

    return worked


if __name__ == "__main__":
    daemon.worker = sparing(daemon.worker)
    gc.freeze()
    daemon.manager()
