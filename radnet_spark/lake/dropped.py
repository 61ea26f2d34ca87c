"""Rows of the table `dropped`: what a stage left out, and why."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from radnet_spark.schemas import TABLES


def dropped_rows(
    frame: DataFrame, stage: str, key_type: str, key: str = "key", detail: Column | None = None,
    decided_on: Column | None = None,
) -> DataFrame:  # fmt: skip
    """The rows of `frame` that have a reason, as rows of `dropped`.

    Args:
        frame: has `reason` (null: kept) and the column of the key.
        stage: the stage that left them out.
        key_type: `instance` or `exam`.
        key: the column that names the instance or exam.
        detail: more about it; nothing that names a person.
        decided_on: the state of file and settings on which it was left out; with another one it is tried again.
    """
    nothing = F.lit(None).cast("string")
    return frame.where(F.col("reason").isNotNull()).select(
        F.lit(stage).alias("stage"), F.col(key).alias("key"), F.lit(key_type).alias("key_type"), "reason",
        (nothing if detail is None else detail).alias("detail"),
        (nothing if decided_on is None else decided_on).alias("decided_on"),
    ).select(*TABLES["dropped"].columns)  # fmt: skip
