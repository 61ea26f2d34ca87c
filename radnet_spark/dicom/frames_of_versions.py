"""What is listed beside what the tables know: which files are new, changed, gone, or stand for an instance."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from radnet_spark.dicom.files import MEMBER, is_gone
from radnet_spark.dicom.frames import burned_in
from radnet_spark.dicom.reasons import QuarantineReason
from radnet_spark.schemas import TABLES

FILE_VERSION = ("path", "file_size", "modification_time")
_RANK = ("header_complete", "pixels_intact", "decodable", "header_hash")
_FEW = 100_000  # rows of three columns that fit into the memory of every executor


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
        row stays: `instance_kept`; whether it was read by other settings, another key or other code: `outdated`.
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
    other = F.coalesce("i.ingest_hash", "q.ingest_hash") != ingest_hash
    return both.select(
        "path",
        *(column.alias(name) for name, column in version.items()),
        state.alias("state"),
        F.col("q.reason").alias("reason"),
        F.coalesce("i.sop_instance_uid", "q.sop_instance_uid").alias("sop_instance_uid"),
        (F.col("i").isNotNull() & looked_for & ~instance).alias("instance_lost"),
        (F.col("i").isNotNull() & (instance | ~looked_for)).alias("instance_kept"),
        (F.col("q").isNotNull() & looked_for & (instance | ~aside)).alias("quarantine_lost"),
        F.coalesce(listed & other, F.lit(False)).alias("outdated"),
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
        "outdated",
    )
    return state.where("state != 'missing'").unionByName(answered)


def accounts(listed: DataFrame | None, instances: DataFrame, quarantine: DataFrame) -> DataFrame:
    """What the two tables say of the listed files.

    Args:
        listed: their `path`; None: the tables hold no others.
        instances: the table.
        quarantine: the table.

    Returns:
        `reason string, count bigint, flagged bigint, silent bigint`: the rows of each reason (null for instances); how
        many say that text is burned into their pixels, and how many do not say it. A file in neither is not counted.
    """
    kept = instances.select("path", F.lit(None).cast("string").alias("reason"), "burned_in_annotation")
    aside = quarantine.select("path", "reason", F.lit(None).cast("string").alias("burned_in_annotation"))
    rows = kept.unionByName(aside)
    if listed is not None:
        rows = rows.join(listed, "path", "left_semi")
    silent = F.count_if(~burned_in("YES") & ~burned_in("NO"))
    sums = [F.count("*").alias("count"), F.count_if(burned_in()).alias("flagged"), silent.alias("silent")]
    return rows.groupBy("reason").agg(*sums)


def freed_duplicates(state: DataFrame, waiting: int) -> DataFrame:
    """The listed duplicates that no instance stands for any more: one of them takes the place.

    Args:
        state: as `compared` gives it.
        waiting: how many listed duplicates there are: a few are sent to where the rows are.
    """
    few = F.broadcast if waiting <= _FEW else (lambda frame: frame)
    duplicates = state.where((F.col("reason") == str(QuarantineReason.DUPLICATE)) & (F.col("state") == "quarantine"))
    kept = state.where("instance_kept").select("sop_instance_uid")
    stand = kept.join(few(duplicates.select("sop_instance_uid")), "sop_instance_uid", "left_semi")
    return duplicates.join(few(stand), "sop_instance_uid", "left_anti")


def contest(parsed: DataFrame, instances: DataFrame, lost: DataFrame) -> DataFrame:
    """Compares the files that carry one SOPInstanceUID, those that were read now and instances that stay.

    Args:
        parsed: rows of `ingest_staging` that can be instances.
        instances: the table.
        lost: `path` of its rows that go in any case.

    Returns:
        What decides of each file; whether it is `new` and was `judged`; `place`, 1 for the one that is the instance.
    """
    rivals = instances.join(parsed.select("sop_instance_uid"), "sop_instance_uid", "left_semi")
    rivals = rivals.join(lost, "path", "left_anti")
    columns = [*FILE_VERSION, "sop_instance_uid", *_RANK, "ingest_hash"]
    new = parsed.select(*columns, "judged", F.lit(True).alias("new"))
    old = rivals.select(*columns, F.lit(None).cast("boolean").alias("judged"), F.lit(False).alias("new"))
    return with_place(new.unionByName(old))


def with_place(candidates: DataFrame) -> DataFrame:
    """Adds `place`: 1 for the file that stands for its SOPInstanceUID.

    The order: complete header, intact pixels by length, decodable transfer syntax, smaller hash of the header, smaller
    path.
    """
    window = Window.partitionBy("sop_instance_uid").orderBy(*map(F.desc, _RANK[:3]), F.asc(_RANK[3]), F.asc("path"))
    return candidates.withColumn("place", F.row_number().over(window))


def winners(parsed: DataFrame, place: DataFrame, losers: int) -> DataFrame:
    """The rows of `parsed` that become instances.

    Args:
        parsed: rows of `ingest_staging` that can be instances.
        place: as `contest` gives it.
        losers: how many of them are in second place or below: a few are sent to where the rows are.
    """
    beaten = place.where("new AND place > 1").select("path")
    if losers <= _FEW:
        beaten = F.broadcast(beaten)
    return (parsed.join(beaten, "path", "left_anti") if losers else parsed).select(*TABLES["instances"].columns)


def put_aside(staged: DataFrame, place: DataFrame) -> DataFrame:
    """Rows of `quarantine`: files that are refused, and those whose SOPInstanceUID another file stands for."""
    refused = staged.where(F.col("reason").isNotNull()).select(*TABLES["quarantine"].columns)
    duplicates = place.where("place > 1").select(
        *FILE_VERSION,
        F.lit(str(QuarantineReason.DUPLICATE)).alias("reason"),
        F.lit("another file with the same SOPInstanceUID is the instance").alias("detail"),
        "sop_instance_uid",
        "ingest_hash",
    )
    return refused.unionByName(duplicates)


def large_patients(instances: DataFrame, share: float, least: int) -> DataFrame:
    """Patients with more than a share of all exams: most often placeholders that the settings don't list.

    Args:
        instances: the table.
        share: of all exams.
        least: exams; fewer are nothing remarkable.

    Returns:
        `patient_key string, count bigint, total bigint`: exams of the patient, and of all.
    """
    exams = instances.select("patient_key", "exam_id").distinct()
    exams = exams.groupBy("patient_key").agg(F.count("*").alias("count"))
    of_all = exams.withColumn("total", F.sum("count").over(Window.partitionBy()))
    large = (F.col("count") > share * F.col("total")) & (F.col("count") >= least)
    return of_all.where(large).orderBy("patient_key")


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
