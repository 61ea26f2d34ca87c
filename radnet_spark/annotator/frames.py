"""DataFrames of annotation: what is known of instances → rows of the table `annotations`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from radnet_spark.annotator.embedders import Known
from radnet_spark.annotator.inputs import file_rules, read_path, usable_text
from radnet_spark.annotator.model import Annotator
from radnet_spark.annotator.registry import Registered
from radnet_spark.schemas import TABLES

KNOWN = (
    "path string, file_modification_time timestamp, sop_instance_uid string, exam_id string, "
    "tags map<string,string>, image binary, height int, width int, error string"
)
_READ = ("path", "modification_time")


def known_instances(instances: DataFrame, images: DataFrame) -> DataFrame:
    """What the tables know of each instance, in the columns of `KNOWN`; no file is read again."""
    pixels = images.select("sop_instance_uid", "image", "height", "width")
    header = instances.select(
        "path", F.col("modification_time").alias("file_modification_time"), "sop_instance_uid", "exam_id", "tags"
    )
    joined = header.join(pixels, "sop_instance_uid", how="left")
    return joined.withColumn("error", F.lit(None).cast("string")).select(*_names(KNOWN))


def known_files(files: DataFrame, folder: str, key: bytes | None) -> DataFrame:
    """Reads files in the Python workers, by the rules of the model in `folder`.

    Args:
        files: `path, modification_time`.
        folder: of the model.
        key: de-identification key of this root, for the identifiers in the table.

    Returns:
        The columns of `KNOWN`; a file that is no instance has `error` and nothing else.
    """
    return files.select(*_READ).mapInArrow(partial(_read_files, folder=folder, key=key), KNOWN)


def not_yet_annotated(files: DataFrame, time: str, annotations: DataFrame, model_version: str) -> DataFrame:
    """Leaves out files (`path` and their `time`) that this version has annotated and that have not changed since."""
    done = annotations.where(F.col("model_version") == model_version)
    done = done.select("path", F.col("file_modification_time").alias("done_time"))
    same = (files["path"] == done["path"]) & files[time].eqNullSafe(done["done_time"])
    return files.join(done, same, how="left_anti")


def annotated(known: DataFrame, exams: DataFrame, folder: str, entry: Registered, batch_size: int) -> DataFrame:
    """Labels instances; the annotator is loaded once a Python worker.

    Args:
        known: the columns of `KNOWN`.
        exams: `exam_id, diagnosis`, one row an exam.
        folder: of the model; every executor must reach it.
        entry: the version it belongs to.
        batch_size: instances that go through the networks together.

    Returns:
        Rows of the table `annotations`.
    """
    joined = known.join(exams.select("exam_id", "diagnosis"), "exam_id", how="left")
    body = partial(_annotate, folder=folder, entry=entry, batch_size=batch_size)
    return joined.select(*_names(KNOWN), "diagnosis").mapInArrow(body, TABLES["annotations"].ddl)


@lru_cache(maxsize=2)
def _loaded(folder: str) -> Annotator:
    import torch

    torch.set_num_threads(1)
    return Annotator.load(folder)


def _read_files(batches: Iterable[pa.RecordBatch], folder: str, key: bytes | None) -> Iterator[pa.RecordBatch]:
    rules = file_rules(_loaded(folder).description.settings)
    rules = rules.with_key(key) if rules.ingest.key is not None else rules
    for batch in batches:
        for start in range(0, batch.num_rows, 64):
            rows = []
            for file in batch.slice(start, 64).to_pylist():
                found = read_path(file["path"], None, rules)
                image = found.known.image
                sides = (None, None) if image is None else image.shape
                rows.append({
                    "path": file["path"], "file_modification_time": file["modification_time"],
                    "sop_instance_uid": found.row.get("sop_instance_uid"), "exam_id": found.row.get("exam_id"),
                    "tags": list(found.known.tags.items()) if found.known.tags is not None else None,
                    "image": None if image is None else image.tobytes(), "height": sides[0], "width": sides[1],
                    "error": found.known.error,
                })  # fmt: skip
            yield pa.RecordBatch.from_pylist(rows, schema=_KNOWN_ARROW)


def _annotate(
    batches: Iterable[pa.RecordBatch], folder: str, entry: Registered, batch_size: int
) -> Iterator[pa.RecordBatch]:
    annotator = _loaded(folder)
    rules = file_rules(annotator.description.settings)
    for batch in batches:
        for start in range(0, batch.num_rows, batch_size):
            rows = batch.slice(start, batch_size).to_pylist()
            known = [
                Known(_pixels(r), _tags(r), usable_text(r["diagnosis"], rules), r["error"])
                for r in rows
            ]  # fmt: skip
            labelled = [
                {
                    **{name: row[name] for name in ("path", "file_modification_time", "sop_instance_uid", "exam_id")},
                    **asdict(annotation), "clustering_id": entry.clustering_id, "model_version": entry.version,
                }
                for row, annotation in zip(rows, annotator.annotate(known), strict=True)
            ]  # fmt: skip
            yield pa.RecordBatch.from_pylist(labelled, schema=_ANNOTATION_ARROW)


def _pixels(row: dict[str, Any]) -> np.ndarray | None:
    if row["image"] is None:
        return None
    return np.frombuffer(row["image"], np.uint8).reshape(row["height"], row["width"])


def _tags(row: dict[str, Any]) -> dict[str, str] | None:
    return None if row["tags"] is None else dict(row["tags"])


def _names(ddl: str) -> list[str]:
    return [column.split()[0] for column in ddl.split(", ")]


_ARROW_TYPES = {
    "string": pa.string(), "int": pa.int32(), "double": pa.float64(), "binary": pa.binary(),
    "timestamp": pa.timestamp("us", tz="UTC"), "map<string,string>": pa.map_(pa.string(), pa.string()),
}  # fmt: skip
_KNOWN_ARROW = pa.schema([(column.split()[0], _ARROW_TYPES[column.split()[1]]) for column in KNOWN.split(", ")])
_ANNOTATION_ARROW = pa.schema([(name, _ARROW_TYPES[kind]) for name, kind in TABLES["annotations"].columns.items()])
