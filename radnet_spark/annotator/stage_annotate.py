"""`radnet annotate`: a label for every instance, or for every file of `--input`, by the registered model."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from radnet_spark.annotator.frames import annotated, known_files, known_instances, not_yet_annotated
from radnet_spark.annotator.model import NO_SOURCE
from radnet_spark.annotator.registry import Registered, champion, model_folder, version_of_alias
from radnet_spark.dicom.frames import listed_files
from radnet_spark.dicom.inventory import listing_units
from radnet_spark.errors import StageError
from radnet_spark.lake.secrets import deid_key
from radnet_spark.lake.stage import StageContext, StageSummary
from radnet_spark.lake.tables import Tables
from radnet_spark.text.frames import cleaned, texts_by_exam
from radnet_spark.text.stage_diagnoses import read_diagnoses

READS = ("instances", "images", "exams", "fits/stage=register")
WRITES = ("annotations", "quarantine")
CONFIG = ("register", "annotate", "deidentify", "diagnoses")


def state(context: StageContext) -> str | None:
    """The registered version that would label: the alias may have been moved."""
    return version_of_alias(context.tracker, context.config.register_)


def run(context: StageContext) -> StageSummary:
    """Writes the new rows of `annotations`; files that this version has annotated and that did not change keep theirs.

    Raises:
        StageError: no model is registered, or there is no file at all.
    """
    config, tables = context.config, context.tables
    entry = champion(context.tracker, config.register_)
    models = tables.files / "models"
    folder = str(model_folder(context.tracker, config.register_, entry, models))
    files = _files(context)
    known = _known(context, folder, files, entry)
    labelled = annotated(known, _exams(context), folder, entry, config.annotate.batch_size)
    written = tables.merge("annotations", labelled, ["path"])
    aside = 0 if files is None else _put_aside(tables, files, entry)
    summary = _summary(context, entry, written)
    summary.rows |= {"quarantine": aside} if aside else {}
    return summary


def _new(context: StageContext, rows: DataFrame, time: str, entry: Registered) -> DataFrame:
    """Leaves out what this version has annotated; not where a person names texts: then labels may change."""
    if context.options.get("diagnoses"):
        return rows
    return not_yet_annotated(rows, time, context.tables.read_or_empty("annotations"), entry.version)


def _known(context: StageContext, folder: str, files: DataFrame | None, entry: Registered) -> DataFrame:
    """What is known of all instances, or of the files of `--input`, as far as this version has not annotated them."""
    tables = context.tables
    if files is None:
        known = known_instances(context.sample(tables.read("instances")), tables.read_or_empty("images"))
        return _new(context, known, "file_modification_time", entry)
    unread = _new(context, files, "modification_time", entry)
    return known_files(unread.repartition(context.spark.sparkContext.defaultParallelism), folder, _key(context))


def _put_aside(tables: Tables, files: DataFrame, entry: Registered) -> int:
    """Merges the files that are no instances into `quarantine`; rows written."""
    no_instance = (F.col("model_version") == entry.version) & F.col("error").isNotNull() & (F.col("error") != NO_SOURCE)
    refused = tables.read("annotations").where(no_instance)
    refused = refused.join(tables.read_or_empty("instances").select("path"), "path", "left_anti")
    rows = files.join(refused.select("path", "error"), "path", how="inner").select(
        "path", "file_size", "modification_time", F.col("error").alias("reason"),
        F.lit("found when it was annotated").alias("detail"), F.lit(None).cast("string").alias("sop_instance_uid"),
        F.lit(None).cast("string").alias("ingest_hash"),
    )  # fmt: skip
    unknown = rows.join(tables.read_or_empty("quarantine").select("path", "reason"), ["path", "reason"], "left_anti")
    return 0 if unknown.isEmpty() else tables.merge("quarantine", unknown, ["path"])


def _files(context: StageContext) -> DataFrame | None:
    """The files of `--input` as listed; None without."""
    inputs = [str(path) for path in context.options.get("input") or ()]
    if not inputs:
        return None
    cores = context.spark.sparkContext.defaultParallelism
    units = [(unit.path, unit.recursive) for unit in listing_units(inputs, cores)]
    files = listed_files(context.spark.createDataFrame(units, "path string, recursive boolean").repartition(cores))
    files = context.sample(files, "path")
    if files.isEmpty():
        raise StageError(f"annotate --input {', '.join(inputs)}: found no file")
    return files


def _exams(context: StageContext) -> DataFrame:
    """The texts of `--diagnoses`, else those of the table."""
    paths = [str(path) for path in context.options.get("diagnoses") or ()]
    if not paths:
        return context.tables.read_or_empty("exams")
    settings = context.config.diagnoses
    rows = cleaned(read_diagnoses(context.spark, paths, settings).rows, _key(context), settings.mask_persons)
    texts = texts_by_exam(rows, settings.min_length)
    return texts.where(F.col("reason").isNull()).select(F.col("key").alias("exam_id"), "diagnosis")


def _key(context: StageContext) -> bytes | None:
    settings = context.config.deidentify
    return deid_key(settings, context.tables.root) if settings.enabled else None


def _summary(context: StageContext, entry: Registered, written: int) -> StageSummary:
    of_version = context.tables.read("annotations").where(F.col("model_version") == entry.version)
    errors = of_version.where(F.col("error").isNotNull()).groupBy("error").count().collect()
    sources = of_version.where(F.col("error").isNull()).groupBy("sources").count().collect()
    return StageSummary(
        "annotate", rows={"annotations": written}, dropped={row["error"]: row["count"] for row in errors},
        extra={
            "model": f"models:/{context.config.register_.name}/{entry.version}",
            "by_sources": {row["sources"]: row["count"] for row in sorted(sources)},
        },
    )  # fmt: skip
