"""`radnet images`: exports what has no image of its file's present version and of the present settings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from radnet_spark.dicom.frames import (
    EXPORTED,
    ExportSettings,
    dropped_exports,
    export_state,
    exported_files,
    staged_exports,
)
from radnet_spark.dicom.frames_of_versions import same_version
from radnet_spark.dicom.reasons import DropReason
from radnet_spark.errors import SchemaError, StageError
from radnet_spark.lake.stage import StageContext, StageSummary
from radnet_spark.schemas import TABLES

READS = ("instances",)
WRITES = ("images", "dropped/stage=images")
CONFIG = ("images",)

_TASKS_PER_CORE = 4


def run(context: StageContext) -> StageSummary:
    """Writes `images` and the stage's part of `dropped`; every instance is in exactly one of them.

    Raises:
        StageError: there is no instance.
    """
    tables = context.tables
    instances = tables.read("instances")
    export = ExportSettings.of(context.config.images)
    images = tables.read_or_empty("images")
    kept = _up_to_date(images, instances, export.hash)
    refused = _still_refused(_dropped(context), instances, export.hash).persist()
    done = kept.select("sop_instance_uid").unionByName(refused.select(F.col("key").alias("sop_instance_uid")))
    work = context.sample(instances.join(done, "sop_instance_uid", "left_anti"))
    try:
        with _exported(context, work, export) as exported:
            return _publish(context, images, kept, refused, exported)
    finally:
        refused.unpersist()


@contextmanager
def _exported(context: StageContext, work: DataFrame, export: ExportSettings) -> Iterator[DataFrame]:
    """Images that `ingest` left in its staging area; all others by reading their files, once."""
    ready, staged = None, _staged(context)
    if staged is not None:
        staged = staged_exports(same_version(staged, work, "left_semi", "ingest_hash"), export.hash)
        work = work.join(staged.select("path"), "path", "left_anti")
        ready = staged.select(*EXPORTED)
    cores, count = context.spark.sparkContext.defaultParallelism, work.count()
    if ready is not None and not count:
        yield ready
        return
    tasks = max(cores * _TASKS_PER_CORE, -(-count // context.config.ingest.files_per_task))
    read = exported_files(work.repartition(tasks), export).persist(StorageLevel.DISK_ONLY)
    try:
        yield read if ready is None else ready.unionByName(read)
    finally:
        read.unpersist()


def _staged(context: StageContext) -> DataFrame | None:
    """What `ingest` has staged; None: nothing, or by code whose rows had other columns."""
    if not context.tables.exists("ingest_staging"):
        return None
    try:
        return context.tables.read("ingest_staging")
    except SchemaError:
        return None


def _publish(
    context: StageContext, images: DataFrame, kept: DataFrame, refused: DataFrame, exported: DataFrame
) -> StageSummary:
    """A table in which nothing changes is not written."""
    tables = context.tables
    new = exported.where(F.col("reason").isNull()).select(*TABLES["images"].columns)
    counts = {row[0]: row[1] for row in exported.groupBy("reason").count().collect()}
    written, before, up_to_date = counts.pop(None, 0), images.count(), kept.count()
    known = Counter({row[0]: row[1] for row in refused.groupBy("reason").count().collect()})
    every = known + Counter(counts)
    if not written + up_to_date + every.total():
        raise StageError("images: there is no instance; `radnet ingest` found none")
    rows = {"images": 0}
    if before != up_to_date:
        rows["images"] = tables.overwrite("images", kept.unionByName(new))
    elif written or not tables.exists("images"):
        rows["images"] = tables.append("images", new)
    rows["dropped"] = 0
    if counts or known.total() != _dropped(context).count() or not tables.exists("dropped"):
        lost = refused.unionByName(dropped_exports(exported))
        rows["dropped"] = tables.overwrite("dropped", lost, part={"stage": "images"})
    extra = {"images": written + up_to_date}
    return StageSummary("images", rows=rows, dropped=dict(sorted(every.items())), extra=extra)


def _up_to_date(images: DataFrame, instances: DataFrame, export_hash: str) -> DataFrame:
    now = instances.select("sop_instance_uid", F.col("modification_time").alias("file_modification_time"))
    right = images.where(F.col("export_hash") == export_hash)
    return right.join(now, ["sop_instance_uid", "file_modification_time"], "left_semi").select(*images.columns)


def _dropped(context: StageContext) -> DataFrame:
    """The stage's part of `dropped`, as it is."""
    return context.tables.read_or_empty("dropped").where("stage = 'images'")


def _still_refused(dropped: DataFrame, instances: DataFrame, export_hash: str) -> DataFrame:
    """What was left out with these settings and has not changed since: a file that hangs is not tried every time.

    A file that was not as ingest had found it may have been out of reach for a moment, and is tried again.
    """
    now = instances.select(
        F.col("sop_instance_uid").alias("key"),
        export_state(F.lit(export_hash), F.col("modification_time")).alias("decided_on"),
    )
    settled = dropped.where(F.col("reason") != str(DropReason.FILE_CHANGED))
    return settled.join(now, ["key", "decided_on"], "left_semi").select(*dropped.columns)
