"""`radnet diagnoses`: lists of exam keys and texts → one text an exam."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from radnet_spark.config import Diagnoses
from radnet_spark.errors import StageError, UsageError
from radnet_spark.lake.dropped import dropped_rows
from radnet_spark.lake.secrets import deid_key
from radnet_spark.lake.stage import StageContext, StageSummary
from radnet_spark.lake.tables import Tables
from radnet_spark.text.frames import cleaned, encoding_census, nearly_met, texts_by_exam
from radnet_spark.text.reading import Census, csv_layout, file_format, json_columns, require_columns

READS = ("instances",)
WRITES = ("exams", "dropped/stage=diagnoses")
CONFIG = ("diagnoses", "deidentify")
_HEAD_LINES = 100


def check(context: StageContext) -> None:
    """Raises `UsageError` for a file that is missing or lacks a column, before any stage has written."""
    for path in context.options["input"]:
        open_source(context.spark, str(path), context.config.diagnoses)


def run(context: StageContext) -> StageSummary:
    """Writes `exams` and the stage's part of `dropped`.

    Raises:
        UsageError: a file is missing or lacks a column; nothing was written.
        StageError: no diagnosis is left.
    """
    config, tables = context.config, context.tables
    sources = [open_source(context.spark, str(path), config.diagnoses) for path in context.options["input"]]
    raw = reduce(DataFrame.unionByName, (numbered(source.frame, n) for n, source in enumerate(sources, start=1)))
    key = deid_key(config.deidentify, tables.root) if config.deidentify.enabled else None
    rows = context.sample(cleaned(raw, key, config.diagnoses.mask_persons), "exam_id")
    marked = texts_by_exam(rows, config.diagnoses.min_length).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        counts = {row[0]: row[1] for row in marked.groupBy("reason").count().collect()}
        kept = counts.pop(None, 0)
        if not kept:
            found = ", ".join(f"{reason}: {n}" for reason, n in sorted(counts.items())) or "no rows at all"
            raise StageError(f"diagnoses: no diagnosis is left ({found})")
        exams = marked.where(F.col("reason").isNull()).select(F.col("key").alias("exam_id"), "diagnosis")
        _write_changes(tables, "exams", exams)
        _write_changes(tables, "dropped", dropped_rows(marked, "diagnoses", "exam"), {"stage": "diagnoses"})
        written = {"exams": kept, "dropped": sum(counts.values())}
    finally:
        marked.unpersist()
    extra, notes = _join_diagnostics(context, rows, key)
    extra["files"] = [source.about for source in sources]
    notes = [note for source in sources for note in source.notes] + notes
    return StageSummary("diagnoses", written, dict(sorted(counts.items())), notes, extra, _facts(extra))


def _facts(extra: dict[str, Any]) -> list[str]:
    if "met" not in extra:
        return []
    by_modality = ", ".join(f"{modality} {n}" for modality, n in extra["met_by_modality"].items())
    return [
        f"{extra['met']} of {extra['exam_keys']} exam keys met an instance" + f" ({by_modality})" * bool(by_modality)
    ]


def _write_changes(tables: Tables, name: str, frame: DataFrame, part: dict[str, str] | None = None) -> None:
    """Replaces a table or its part unless the same rows are there: no stage has to run again for an unchanged file."""
    if tables.exists(name):
        old = tables.read(name)
        for column, value in (part or {}).items():
            old = old.where(F.col(column) == value)
        differences = frame.exceptAll(old).unionByName(old.exceptAll(frame))
        if not differences.limit(1).count():
            return
    tables.overwrite(name, frame, part)


@dataclass(frozen=True)
class _Source:
    """A file that was found right: rows `exam_key, text, time`, and what may be said of it."""

    frame: DataFrame
    about: dict[str, Any]
    notes: tuple[str, ...] = ()


def open_source(spark: SparkSession, path: str, settings: Diagnoses) -> _Source:
    """Recognises a file's format, encoding and columns.

    Raises:
        UsageError: it is missing or lacks a column.
    """
    if not _exists(spark, path):
        raise UsageError(f"diagnoses --input {path}: not found; expected a CSV, JSON lines, Parquet or Delta file")
    if _exists(spark, f"{path.rstrip('/')}/_delta_log"):
        return _columnar(spark.read.format("delta").load(path), path, "delta", settings)
    kind = file_format(path.rstrip("/").rsplit("/", 1)[-1])
    if kind == "parquet":
        return _columnar(spark.read.parquet(_literal(path)), path, kind, settings)
    return _delimited(spark, path, settings) if kind == "csv" else _json_lines(spark, path, settings)


def _exists(spark: SparkSession, path: str) -> bool:
    """Whether there is a file or folder, on any file system that Spark reaches."""
    jvm: Any = spark._jvm
    hadoop = jvm.org.apache.hadoop.fs.Path(path)
    return bool(hadoop.getFileSystem(spark._jsc.hadoopConfiguration()).exists(hadoop))


def _literal(path: str) -> str:
    """The path with the signs escaped that Spark would take for a pattern."""
    return re.sub(r"([\[\]{}*?])", r"\\\1", path)


def _columnar(frame: DataFrame, path: str, kind: str, settings: Diagnoses) -> _Source:
    require_columns(f"diagnoses --input {path}", frame.columns, settings)
    return _Source(_selected(frame, settings), {"format": kind})


def _delimited(spark: SparkSession, path: str, settings: Diagnoses) -> _Source:
    counted, head = _examined(spark, path)
    layout = csv_layout(f"diagnoses --input {path}", head[0] if head else b"", counted.encoding, settings)
    names = [f"c{position}" for position in range(len(layout.columns))]
    frame = (
        spark.read.schema(", ".join(f"{name} string" for name in names))
        .options(header=True, enforceSchema=True, multiLine=True, sep=layout.delimiter, quote='"', escape='"')
        .csv(_literal(path), encoding=counted.encoding)
    )
    of_column = dict(reversed(list(zip(layout.columns, names, strict=True))))  # the first of two columns of one name
    frame = frame.select(*(F.col(name).alias(column) for column, name in of_column.items()))
    about = {"format": "csv", "encoding": counted.encoding, "delimiter": layout.delimiter}
    return _Source(_selected(frame, settings), about, _mixed_note(counted))


def _json_lines(spark: SparkSession, path: str, settings: Diagnoses) -> _Source:
    counted, head = _examined(spark, path)
    name = f"diagnoses --input {path}"
    require_columns(name, json_columns(name, head), settings)
    columns = (settings.exam_id_column, settings.diagnosis_column, settings.time_column)
    reader = spark.read.schema(", ".join(f"`{column}` string" for column in columns))
    frame = reader.options(encoding=counted.encoding, lineSep="\n", allowNumericLeadingZeros=True).json(_literal(path))
    return _Source(_selected(frame, settings), {"format": "json", "encoding": counted.encoding}, _mixed_note(counted))


def _examined(spark: SparkSession, path: str) -> tuple[Census, list[bytes]]:
    """The census of a text file and its first lines."""
    lines = spark.read.text(_literal(path)).select(F.col("value").cast("binary").alias("value"))
    counts = (Census(**row.asDict()) for row in encoding_census(lines).collect())
    return sum(counts, Census()), [bytes(row[0]) for row in lines.limit(_HEAD_LINES).collect()]


def _mixed_note(counted: Census) -> tuple[str, ...]:
    if not counted.mixed:
        return ()
    return (f"{counted.not_utf8} lines are no UTF-8 and {counted.multibyte} are; read as {counted.encoding}",)


def _selected(frame: DataFrame, settings: Diagnoses) -> DataFrame:
    has_time = settings.time_column in frame.columns
    return frame.select(
        F.col(f"`{settings.exam_id_column}`").cast("string").alias("exam_key"),
        F.col(f"`{settings.diagnosis_column}`").cast("string").alias("text"),
        (F.col(f"`{settings.time_column}`") if has_time else F.lit(None)).cast("string").alias("time"),
    )


def numbered(frame: DataFrame, file: int) -> DataFrame:
    """Adds `file` and `row`, the order of texts of one exam that have no time."""
    return frame.withColumn("file", F.lit(file)).withColumn("row", F.monotonically_increasing_id() + 1)


def _join_diagnostics(context: StageContext, rows: DataFrame, key: bytes | None) -> tuple[dict[str, Any], list[str]]:
    """How many exam keys of the files met an instance, by modality, and why others did not: counts only."""
    if not context.tables.exists("instances"):
        return {}, ["no instances yet: exam keys were not compared with theirs"]
    instances = context.tables.read("instances").select("exam_id", "modality").distinct()
    keys = rows.where(F.col("exam_id").isNotNull()).select("exam_id").distinct().persist()
    try:
        total = keys.count()
        by_modality = keys.join(instances, "exam_id", "inner").groupBy("modality").count().collect()
        met = keys.join(instances, "exam_id", "left_semi").count()
    finally:
        keys.unpersist()
    unmet: Counter[str] = Counter()
    if met < total:
        nearly = nearly_met(rows, instances.select("exam_id").distinct(), key).groupBy("reason").count().collect()
        unmet.update({row[0]: row[1] for row in nearly})
        unmet["unknown"] = total - met - sum(unmet.values())
    modalities = sorted((row[0] or "none", row[1]) for row in by_modality)
    extra = {"exam_keys": total, "met": met, "met_by_modality": dict(modalities), "unmet": dict(sorted(unmet.items()))}
    notes = [] if met else ["no exam key of the files met an instance"]
    if sum(unmet.values()) > unmet["unknown"]:
        damaged = {reason: n for reason, n in sorted(unmet.items()) if reason != "unknown"}
        notes.append(f"exam keys that would meet an instance if they were undamaged: {damaged}")
    return extra, notes
