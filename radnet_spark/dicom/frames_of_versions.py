"""What is listed beside what the tables know: which files are new, changed, gone, or stand for an instance."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from radnet_spark.dicom.files import MEMBER, is_gone
from radnet_spark.dicom.frames import burned_in
from radnet_spark.dicom.reasons import QuarantineReason

FILE_VERSION = ("path", "file_size", "modification_time")


def same_version(left: DataFrame, right: DataFrame, how: str, *also: str) -> DataFrame:
    """Joins `left` with `right` (`left_anti`, `left_semi`) on path, size, time and what is named; nulls are equal."""
    conditions = [left[name].eqNullSafe(right[name]) for name in (*FILE_VERSION, *also)]
    return left.join(right, on=conditions, how=how)


def below(inputs: Iterable[str]) -> Column:
    """Whether `path` is one of the inputs, lies below it, or is a member of it."""
    path, condition = F.col("path"), F.lit(False)
    for text in inputs:
        base = text.rstrip("/")
        condition |= (path == text) | path.startswith(f"{base}/") | path.startswith(f"{base}{MEMBER}")
    return condition


def compared(
    listing: DataFrame, instances: DataFrame, quarantine: DataFrame, scope: Column, ingest_hash: str, retry: list[str]
) -> DataFrame:
    """What is listed beside what is known.

    Args:
        listing: `LISTING`.
        instances: the table.
        quarantine: the table.
        scope: whether a file at `path` would have been listed if it were there.
        ingest_hash: of the present settings; rows of others are outdated.
        retry: reasons in `quarantine` that do not count.

    Returns:
        One row a path: `LISTING`, as known where it is not listed; `state`: `instance` or `quarantine` (known and
        unchanged; an instance that can't be asked for its size stays one), `work` (to be read), `missing` (known,
        looked for and not listed: `settled` says more), `elsewhere` (known, and not looked for); `reason` and
        `sop_instance_uid`, as known; whether the table's row has to go: `instance_lost`, `quarantine_lost`; whether the
        row stays: `instance_kept`.
    """
    known = [_known(table, name) for table, name in ((instances, "i"), (quarantine, "q"))]
    both = listing.withColumn("listed", F.lit(True)).join(known[0], "path", "full").join(known[1], "path", "full")
    listed = F.coalesce("listed", F.lit(False))
    unchanged = {
        name: listed & (F.col(f"{name}.ingest_hash") == ingest_hash)
        & F.col(f"{name}.file_size").eqNullSafe(F.col("file_size"))
        & F.col(f"{name}.modification_time").eqNullSafe(F.col("modification_time"))
        for name in ("i", "q")
    }  # fmt: skip
    out_of_reach = listed & F.col("file_size").isNull() & (F.col("i.ingest_hash") == ingest_hash)
    instance = F.coalesce(unchanged["i"] | out_of_reach, F.lit(False))
    aside = F.coalesce(unchanged["q"] & ~F.col("q.reason").isin(retry), F.lit(False))
    version = {
        name: F.when(listed, F.col(name)).otherwise(F.coalesce(f"i.{name}", f"q.{name}"))
        for name in ("file_size", "modification_time")
    }
    state = F.when(instance, "instance").when(aside, "quarantine").when(listed, "work")
    state = state.when(scope, "missing").otherwise("elsewhere")
    looked_for = listed | scope
    return both.select(
        "path",
        *(column.alias(name) for name, column in version.items()),
        state.alias("state"),
        F.col("q.reason").alias("reason"),
        F.coalesce("i.sop_instance_uid", "q.sop_instance_uid").alias("sop_instance_uid"),
        (F.col("i").isNotNull() & looked_for & ~instance).alias("instance_lost"),
        (F.col("i").isNotNull() & (instance | ~looked_for)).alias("instance_kept"),
        (F.col("q").isNotNull() & looked_for & (instance | ~aside)).alias("quarantine_lost"),
    )


def settled(state: DataFrame) -> DataFrame:
    """Asks for each path that is `missing`: it is `gone`, or out of reach and so `elsewhere`.

    Out of reach is what lies below a folder that can't be listed, or behind a link that is no input.
    """
    asked = state.where("state = 'missing'").withColumn("gone", _gone("path", F.unix_micros("modification_time")))
    answered = asked.select(
        *FILE_VERSION,
        F.when(F.col("gone"), "gone").otherwise("elsewhere").alias("state"),
        "reason",
        "sop_instance_uid",
        (F.col("instance_lost") & F.col("gone")).alias("instance_lost"),
        (F.col("instance_lost") & ~F.col("gone")).alias("instance_kept"),
        (F.col("quarantine_lost") & F.col("gone")).alias("quarantine_lost"),
    )
    return state.where("state != 'missing'").unionByName(answered)


def accounts(listing: DataFrame, instances: DataFrame, quarantine: DataFrame) -> DataFrame:
    """What the two tables say of the listed files.

    Returns:
        `reason string, count bigint, flagged bigint, silent bigint`: the rows of each reason (null for instances); how
        many say that text is burned into their pixels, and how many do not say it. A file in neither is not counted.
    """
    kept = instances.select("path", F.lit(None).cast("string").alias("reason"), "burned_in_annotation")
    aside = quarantine.select("path", "reason", F.lit(None).cast("string").alias("burned_in_annotation"))
    rows = kept.unionByName(aside).join(listing.select("path"), "path", "left_semi")
    silent = F.count_if(~burned_in("YES") & ~burned_in("NO"))
    sums = [F.count("*").alias("count"), F.count_if(burned_in()).alias("flagged"), silent.alias("silent")]
    return rows.groupBy("reason").agg(*sums)


def freed_duplicates(state: DataFrame) -> DataFrame:
    """The listed duplicates that no instance stands for any more: one of them takes the place."""
    waiting = state.where((F.col("reason") == str(QuarantineReason.DUPLICATE)) & (F.col("state") == "quarantine"))
    return waiting.join(state.where("instance_kept").select("sop_instance_uid"), "sop_instance_uid", "left_anti")


def with_place(candidates: DataFrame) -> DataFrame:
    """Adds `place`: 1 for the file that stands for its SOPInstanceUID.

    The order: complete header, intact pixels by length, decodable transfer syntax, smaller hash of the header, smaller
    path.
    """
    better = [F.desc(name) for name in ("header_complete", "pixels_intact", "decodable")]
    window = Window.partitionBy("sop_instance_uid").orderBy(*better, F.asc("header_hash"), F.asc("path"))
    return candidates.withColumn("place", F.row_number().over(window))


def duplicates(losers: DataFrame) -> DataFrame:
    """Rows of `quarantine` for files whose SOPInstanceUID another file stands for."""
    return losers.select(
        *FILE_VERSION,
        F.lit(str(QuarantineReason.DUPLICATE)).alias("reason"),
        F.lit("another file with the same SOPInstanceUID is the instance").alias("detail"),
        "sop_instance_uid",
        "ingest_hash",
    )


def _gone(path: str, changed: Column) -> Column:
    """`is_gone` of each path."""

    def asked(paths: pd.Series, times: pd.Series) -> pd.Series:
        pairs = zip(paths, times, strict=True)
        return pd.Series([is_gone(path, None if pd.isna(time) else int(time)) for path, time in pairs], dtype=bool)

    return F.pandas_udf(asked, "boolean")(path, changed)  # type: ignore[call-overload]


def _known(table: DataFrame, name: str) -> DataFrame:
    reason = F.col("reason") if "reason" in table.columns else F.lit(None).cast("string").alias("reason")
    row = F.struct("file_size", "modification_time", "sop_instance_uid", "ingest_hash", reason)
    return table.select("path", row.alias(name))
