"""Text files of diagnoses as DataFrames, read in the Python workers: what they hold, then their rows. All lazy."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from radnet_spark.config import Diagnoses
from radnet_spark.text.reading import Census, Layout, census
from radnet_spark.text.reasons import Reason
from radnet_spark.text.records import Record, byte_lines, csv_records, json_records
from radnet_spark.text.sources import DAMAGED, open_text

Batches = Iterable[pa.RecordBatch]
PLAN = "file int, part int, parts int, path string, kind string, single_byte string, layout string"
RAW = "file int, row bigint, exam_key string, text string, time string, reason string"
_CENSUS = "file int, single_byte bigint, multibyte bigint, damaged bigint, c1 bigint, iso_carons bigint"
_ROWS = 2000  # of one Arrow batch
_PART = 1 << 25  # bytes of a file that are worth a task of their own


def parts_of(size: int, cores: int) -> int:
    """How many tasks share the rows of a file; each reads all of it and keeps every so many-th row."""
    return max(1, min(cores, size // _PART + 1))


def censuses(files: DataFrame, settings: Diagnoses) -> DataFrame:
    """`file` and the counts of `Census`, of files `file, path`; of one that ends in an error up to there."""
    return files.select("file", "path").mapInArrow(partial(_censuses, longest=settings.max_row_characters), _CENSUS)


def raw_rows(plan: DataFrame, settings: Diagnoses) -> DataFrame:
    """Every row of the files of a `PLAN`, the broken ones with a reason; `row` is the line at which it begins."""
    return plan.mapInArrow(partial(_raw_rows, settings=settings), RAW)


def table_rows(frame: DataFrame, file: int, settings: Diagnoses) -> DataFrame:
    """The same of a Parquet or Delta table; `row` tells rows apart and keeps their order."""
    has_time = settings.time_column in frame.columns
    return frame.select(
        F.lit(file).alias("file"), (F.monotonically_increasing_id() + 1).alias("row"),
        F.col(f"`{settings.exam_id_column}`").cast("string").alias("exam_key"),
        F.col(f"`{settings.diagnosis_column}`").cast("string").alias("text"),
        (F.col(f"`{settings.time_column}`") if has_time else F.lit(None)).cast("string").alias("time"),
        F.lit(None).cast("string").alias("reason"),
    )  # fmt: skip


def _censuses(batches: Batches, longest: int) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for file, path in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            counted = census(_readable_lines(path, longest))
            yield pa.RecordBatch.from_pylist([{"file": file, **vars(counted)}], schema=_census_schema())


def _readable_lines(path: str, longest: int) -> Iterator[bytes]:
    """The lines up to an error; the row that says so comes from `_raw_rows`."""
    try:
        with open_text(path) as source:
            yield from (line or b"" for line in byte_lines(source, longest))
    except DAMAGED:
        return


def _census_schema() -> pa.Schema:
    return pa.schema([("file", pa.int32()), *((name, pa.int64()) for name in vars(Census()))])


def _raw_rows(batches: Batches, settings: Diagnoses) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for plan in batch.to_pylist():
            rows: list[dict[str, Any]] = []
            for number, record in enumerate(_records(plan, settings)):
                if number % plan["parts"] == plan["part"]:
                    rows.append(_row(plan["file"], record))
                if len(rows) == _ROWS:
                    yield pa.RecordBatch.from_pylist(rows, schema=_RAW_SCHEMA)
                    rows = []
            yield pa.RecordBatch.from_pylist(rows, schema=_RAW_SCHEMA)


def _records(plan: dict[str, Any], settings: Diagnoses) -> Iterator[Record]:
    line = 0
    try:
        with open_text(plan["path"]) as source:
            lines = byte_lines(source, settings.max_row_characters)
            if plan["kind"] == "csv":
                known = json.loads(plan["layout"])
                layout = Layout(known["delimiter"], tuple(known["columns"]), known["header_lines"])
                records = csv_records(lines, layout, plan["single_byte"], settings)
            else:
                records = json_records(lines, plan["single_byte"], settings)
            for record in records:
                line = record.line
                yield record
    except DAMAGED:
        yield Record(line + 1, reason=Reason.REST_UNREADABLE)


_RAW_SCHEMA = pa.schema(
    [
        ("file", pa.int32()),
        ("row", pa.int64()),
        *((name, pa.string()) for name in ("exam_key", "text", "time", "reason")),
    ]
)


def _row(file: int, record: Record) -> dict[str, Any]:
    return {
        "file": file, "row": record.line, "exam_key": record.key, "text": record.text, "time": record.time,
        "reason": record.reason,
    }  # fmt: skip
