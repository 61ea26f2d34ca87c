"""`radnet diagnoses`: lists of exam keys and texts → one text an exam."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from functools import reduce
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from radnet_spark.config import Diagnoses
from radnet_spark.errors import StageError, UsageError
from radnet_spark.lake.dropped import dropped_rows
from radnet_spark.lake.secrets import deid_key
from radnet_spark.lake.stage import StageContext, StageSummary
from radnet_spark.lake.tables import Tables
from radnet_spark.text.frames import cleaned, nearly_met, texts_by_exam
from radnet_spark.text.frames_of_files import PLAN, censuses, parts_of, raw_rows, table_rows
from radnet_spark.text.reading import Census, csv_layout, json_columns, require_columns
from radnet_spark.text.sources import Source, check_columns, first_lines, sources, title

READS = ("instances",)
WRITES = ("exams", "dropped/stage=diagnoses")
CONFIG = ("diagnoses", "deidentify")
_TABULAR = ("parquet", "delta")


def check(context: StageContext) -> None:
    """Raises `UsageError` for a file that is missing or lacks a column, before any stage has written."""
    settings = context.config.diagnoses
    for source in sources([str(path) for path in context.options["input"]]):
        if source.kind in _TABULAR:
            _table(context.spark, source, settings)
        else:
            check_columns(source, settings)


def run(context: StageContext) -> StageSummary:
    """Writes `exams` and the stage's part of `dropped`.

    Raises:
        UsageError: a file is missing or lacks a column; nothing was written.
        StageError: no diagnosis is left.
    """
    config, tables = context.config, context.tables
    read = read_diagnoses(context.spark, [str(path) for path in context.options["input"]], config.diagnoses)
    key = deid_key(config.deidentify, tables.root) if config.deidentify.enabled else None
    rows = context.sample(cleaned(read.rows, key, config.diagnoses.mask_persons), "exam_id")
    marked = texts_by_exam(rows, config.diagnoses.min_length).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        counts, extra = _counted(marked)
        kept = counts.pop(None, 0)
        if not kept:
            found = ", ".join(f"{reason}: {n}" for reason, n in sorted(counts.items())) or "no rows at all"
            raise StageError(f"diagnoses: no diagnosis is left ({found})")
        exams = marked.where(F.col("reason").isNull()).select(F.col("key").alias("exam_id"), "diagnosis")
        _write_changes(tables, "exams", exams)
        dropped = dropped_rows(marked, "diagnoses", "exam", detail=F.col("detail"))
        _write_changes(tables, "dropped", dropped, {"stage": "diagnoses"})
        keys = marked.where(F.col("raw_key").isNotNull()).select(F.col("key").alias("exam_id"), "raw_key")
        join, notes = _join_diagnostics(context, keys, key)
    finally:
        marked.unpersist()
    extra |= {"files": read.about, **join}
    written = {"exams": kept, "dropped": sum(counts.values())}
    dropped_counts = {str(reason): n for reason, n in sorted(counts.items(), key=str)}
    return StageSummary("diagnoses", written, dropped_counts, read.notes + _odd(extra) + notes, extra, _facts(extra))


def _counted(marked: DataFrame) -> tuple[dict[str | None, int], dict[str, Any]]:
    """Rows of `marked` by reason, and how many rows of the files they stand for."""
    sums = (F.sum(name).alias(name) for name in ("rows", "odd_times", "odd_texts"))
    found = marked.groupBy("reason").agg(F.count("*").alias("n"), *sums).collect()
    extra = {f"{name}_read": sum(row[name] for row in found) for name in ("rows", "odd_times", "odd_texts")}
    extra["rows_joined"] = sum(row["rows"] for row in found if row["reason"] is None)
    return {row["reason"]: row["n"] for row in found}, extra


def _odd(extra: dict[str, Any]) -> list[str]:
    notes = []
    if extra["odd_times_read"]:
        notes.append(f"{extra['odd_times_read']} times could not be read; their texts come last")
    if extra["odd_texts_read"]:
        notes.append(f"{extra['odd_texts_read']} texts held null bytes, which were removed, or unreadable letters")
    return notes


def _facts(extra: dict[str, Any]) -> list[str]:
    joined = f"{extra['rows_joined']} of {extra['rows_read']} rows of the files are in a diagnosis"
    if "met" not in extra:
        return [joined]
    by_modality = ", ".join(f"{modality} {n}" for modality, n in extra["met_by_modality"].items())
    return [
        joined,
        f"{extra['met']} of {extra['exam_keys']} exam keys met an instance" + f" ({by_modality})" * bool(by_modality),
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
class Read:
    """What the files hold: rows as `cleaned` takes them, and what may be said of each file."""

    rows: DataFrame
    about: list[dict[str, Any]]
    notes: list[str]


def read_diagnoses(spark: SparkSession, paths: list[str], settings: Diagnoses) -> Read:
    """Recognises each file's format, encoding and columns.

    Raises:
        UsageError: one is missing or lacks a column.
    """
    found = list(enumerate(sources(paths), start=1))
    frames = [
        table_rows(_table(spark, source, settings), n, settings) for n, source in found if source.kind in _TABULAR
    ]
    about: dict[int, dict[str, Any]] = {n: {"format": source.kind} for n, source in found}
    notes = []
    texts = [(n, source) for n, source in found if source.kind not in _TABULAR]
    if texts:
        counted = _censuses(spark, texts, settings)
        plan = []
        for n, source in texts:
            known, told = _layout(source, counted[n], settings)
            about[n] |= told
            notes += [f"file {n}: {note}" for note in counted[n].notes]
            parts = parts_of(source.size, spark.sparkContext.defaultParallelism)
            plan += [
                (n, i, parts, source.path, source.kind, counted[n].single_byte_encoding, known) for i in range(parts)
            ]
        frames.append(
            raw_rows(spark.createDataFrame(plan, PLAN).repartitionByRange(len(plan), "file", "part"), settings)
        )
    return Read(reduce(DataFrame.unionByName, frames), [about[n] for n, _ in found], notes)


def _censuses(spark: SparkSession, texts: list[tuple[int, Source]], settings: Diagnoses) -> dict[int, Census]:
    files = spark.createDataFrame([(n, source.path) for n, source in texts], "file int, path string")
    spread = files.repartition(min(len(texts), spark.sparkContext.defaultParallelism))
    rows = (row.asDict() for row in censuses(spread, settings).collect())
    return {row.pop("file"): Census(**row) for row in rows}


def _layout(source: Source, counted: Census, settings: Diagnoses) -> tuple[str, dict[str, str]]:
    """A text file's layout as JSON, and what the summary says of the file."""
    head = first_lines(source, settings)
    if source.kind == "json":
        require_columns(title(source), json_columns(title(source), head), settings)
        return "", {"encoding": counted.encoding}
    layout = csv_layout(title(source), head, counted.encoding, settings)
    return json.dumps(vars(layout)), {"encoding": counted.encoding, "delimiter": layout.delimiter}


def _table(spark: SparkSession, source: Source, settings: Diagnoses) -> DataFrame:
    try:
        frame = spark.read.format(source.kind).load(re.sub(r"([\[\]{}*?])", r"\\\1", source.path))
    except (Py4JJavaError, PySparkException) as error:
        raise UsageError(f"{title(source)}: can't be read as {source.kind} ({type(error).__name__})") from error
    require_columns(title(source), frame.columns, settings)
    return frame


def _join_diagnostics(context: StageContext, keys: DataFrame, key: bytes | None) -> tuple[dict[str, Any], list[str]]:
    """How many exam keys of the files met an instance, by modality, and why others did not: counts only."""
    if not context.tables.exists("instances"):
        return {}, ["no instances yet: exam keys were not compared with theirs"]
    instances = context.tables.read("instances").select("exam_id", "modality").distinct()
    total = keys.count()
    by_modality = keys.join(instances, "exam_id", "inner").groupBy("modality").count().collect()
    met = keys.join(instances, "exam_id", "left_semi").count()
    unmet: Counter[str] = Counter()
    if met < total:
        nearly = nearly_met(keys, instances.select("exam_id").distinct(), key).groupBy("reason").count().collect()
        unmet.update({row[0]: row[1] for row in nearly})
        unmet["unknown"] = total - met - sum(unmet.values())
    modalities = sorted((row[0] or "none", row[1]) for row in by_modality)
    extra = {"exam_keys": total, "met": met, "met_by_modality": dict(modalities), "unmet": dict(sorted(unmet.items()))}
    notes = [] if met else ["no exam key of the files met an instance"]
    if sum(unmet.values()) > unmet["unknown"]:
        damaged = {reason: n for reason, n in sorted(unmet.items()) if reason != "unknown"}
        notes.append(f"exam keys that would meet an instance if they were undamaged: {damaged}")
    return extra, notes
