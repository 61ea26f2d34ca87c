"""DataFrames of clusterings: labels by the nearest centre, contents of clusters, sums of vectors, fused vectors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from radnet_spark.clusters.centres import load_centres, nearest
from radnet_spark.clusters.cosine_sums import UnitSum, UnitSums
from radnet_spark.clusters.fusion import Block, concatenate, unit_rows
from radnet_spark.schemas import TABLES

_SUMS = "clustering_id string, label int, kind string, n bigint, zero bigint, total array<double>"
_NORMS = "clustering_id string, label int, kind string, n bigint, zero bigint, squared_norm double"
_MOMENTS = "source string, n bigint, total array<double>, squares double"


def labelled(vectors: DataFrame, source: str, folder: str, clustering_ids: Sequence[str]) -> DataFrame:
    """Assigns every row to its nearest centre in each clustering.

    Args:
        vectors: `sop_instance_uid, vector array<float>`, all of one length.
        source: what was clustered.
        folder: of the fit that holds the centres.
        clustering_ids: clusterings of that fit.

    Returns:
        Rows of the table `labels`.
    """
    body = partial(_assign, source=source, folder=folder, clustering_ids=tuple(clustering_ids))
    return vectors.select("sop_instance_uid", "vector").mapInArrow(body, TABLES["labels"].ddl)


def contents(labels: DataFrame, cohort: DataFrame, body_parts: DataFrame) -> DataFrame:
    """Counts what lies in each cluster.

    Returns:
        `clustering_id, split, label, modality, body_part` (null: unknown), `known` (BodyPartExamined alone gives the
        body part), `count`.
    """
    part = F.when(F.length(F.trim("body_part")) > 0, F.col("body_part"))
    in_file = F.coalesce(F.col("known") == part, F.lit(False))
    parts = body_parts.select("sop_instance_uid", part.alias("body_part"), in_file.alias("known"))
    about = cohort.select("sop_instance_uid", "split", "modality").join(parts, "sop_instance_uid", how="left")
    joined = labels.select("clustering_id", "sop_instance_uid", "label").join(about, "sop_instance_uid", how="inner")
    known = F.coalesce("known", F.lit(False)).alias("known")
    return joined.groupBy("clustering_id", "split", "label", "modality", "body_part", known).agg(
        F.count("*").alias("count")
    )


def unit_sums(labels: DataFrame, rows: DataFrame, embeddings: DataFrame, once_an_exam: Mapping[str, str]) -> DataFrame:
    """Adds up unit vectors by cluster, in one pass and without pairs.

    Args:
        labels: of the clusterings to look at.
        rows: `sop_instance_uid, exam_id` of the rows that count.
        embeddings: `sop_instance_uid, kind, vector`: where distances are taken.
        once_an_exam: see `UnitSums`.

    Returns:
        `clustering_id, label, kind, n, zero, squared_norm`, one row a cluster and kind.
    """
    memberships = (
        labels.join(rows.select("sop_instance_uid", "exam_id"), "sop_instance_uid", how="inner")
        .groupBy("sop_instance_uid", "exam_id")
        .agg(F.collect_list(F.struct("clustering_id", "label")).alias("memberships"))
    )
    wide = embeddings.join(memberships, "sop_instance_uid", how="inner").repartition("exam_id")
    partial_sums = wide.select("kind", "vector", "exam_id", "memberships").mapInArrow(
        partial(_sum_units, once_an_exam=dict(once_an_exam)), _SUMS
    )
    return partial_sums.repartition("clustering_id", "label", "kind").mapInArrow(_total_norms, _NORMS)


def block_moments(vectors: DataFrame, unit_length: bool) -> DataFrame:
    """Gives what the total variance of each source is made of, one row a partition and source.

    Args:
        vectors: `source, vector`.
        unit_length: divide each vector by its length first.

    Returns:
        `source, n, total` (sum of vectors), `squares` (sum of squared lengths).
    """
    return vectors.select("source", "vector").mapInArrow(partial(_add_moments, unit_length=unit_length), _MOMENTS)


def fused(vectors: DataFrame, blocks: Sequence[Block], model: str, fit_id: str) -> DataFrame:
    """Puts the vectors of rows that have all blocks side by side.

    Args:
        vectors: `sop_instance_uid, source, vector`, at most one row an instance and source.
        blocks: the plan.
        model: name of the fused embedding.
        fit_id: of the plan.

    Returns:
        Rows of the table `embeddings` with source `fusion`.
    """
    sources = [block.source for block in blocks]
    wide = [vectors.where(F.col("source") == s).select("sop_instance_uid", F.col("vector").alias(s)) for s in sources]
    joined = wide[0]
    for other in wide[1:]:
        joined = joined.join(other, "sop_instance_uid", how="inner")
    body = partial(_fuse, blocks=tuple(blocks), model=model, fit_id=fit_id)
    return joined.mapInArrow(body, TABLES["embeddings"].ddl)


def in_order(name: str, rows: Iterable[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """Puts the values of rows in the order of a table's columns."""
    return [tuple(row[column] for column in TABLES[name].columns) for row in rows]


def matrix(column: pa.Array) -> NDArray[np.float32]:
    """Gives a column of lists of one length as (rows, dims)."""
    return column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1)


def _assign(
    batches: Iterable[pa.RecordBatch], source: str, folder: str, clustering_ids: tuple[str, ...]
) -> Iterator[pa.RecordBatch]:
    centres = load_centres(folder)
    for batch in batches:
        if batch.num_rows == 0:
            continue
        uids, vectors = batch.column("sop_instance_uid"), matrix(batch.column("vector"))
        for clustering_id in clustering_ids:
            labels, distances = nearest(vectors, centres[clustering_id])
            columns = [
                pa.array([clustering_id] * len(uids)), pa.array([source] * len(uids)), uids, pa.array(labels),
                pa.array(distances),
            ]  # fmt: skip
            yield pa.RecordBatch.from_arrays(columns, names=list(TABLES["labels"].columns))


def _sum_units(batches: Iterable[pa.RecordBatch], once_an_exam: dict[str, str]) -> Iterator[pa.RecordBatch]:
    collector = UnitSums(once_an_exam)
    for batch in batches:
        kinds = np.array(batch.column("kind").to_pylist())
        for kind in np.unique(kinds):
            rows = batch.take(pa.array(np.flatnonzero(kinds == kind)))
            exams, members = rows.column("exam_id").to_pylist(), rows.column("memberships").to_pylist()
            collector.add(str(kind), matrix(rows.column("vector")), exams, members)
    entries = [
        {"clustering_id": key[0], "label": key[1], "kind": key[2], "n": s.n, "zero": s.zero, "total": s.total}
        for key, s in collector.sums.items()
    ]
    schema = pa.schema(
        [("clustering_id", pa.string()), ("label", pa.int32()), ("kind", pa.string()), ("n", pa.int64()),
         ("zero", pa.int64()), ("total", pa.list_(pa.float64()))]
    )  # fmt: skip
    yield pa.RecordBatch.from_pylist(entries, schema=schema)


def _total_norms(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    sums: dict[tuple[str, int, str], UnitSum] = {}
    for batch in batches:
        for row in batch.to_pylist():
            total = np.asarray(row["total"])
            entry = sums.setdefault((row["clustering_id"], row["label"], row["kind"]), UnitSum(np.zeros_like(total)))
            entry.add(total, row["n"], row["zero"])
    entries = [
        {
            "clustering_id": key[0],
            "label": key[1],
            "kind": key[2],
            "n": s.n,
            "zero": s.zero,
            "squared_norm": s.squared_norm,
        }
        for key, s in sums.items()
    ]
    schema = pa.schema(
        [("clustering_id", pa.string()), ("label", pa.int32()), ("kind", pa.string()), ("n", pa.int64()),
         ("zero", pa.int64()), ("squared_norm", pa.float64())]
    )  # fmt: skip
    yield pa.RecordBatch.from_pylist(entries, schema=schema)


def _add_moments(batches: Iterable[pa.RecordBatch], unit_length: bool) -> Iterator[pa.RecordBatch]:
    found: dict[str, list] = {}
    for batch in batches:
        sources = np.array(batch.column("source").to_pylist())
        for source in np.unique(sources):
            vectors = matrix(batch.column("vector").take(pa.array(np.flatnonzero(sources == source)))).astype(
                np.float64
            )
            vectors = unit_rows(vectors) if unit_length else vectors
            entry = found.setdefault(str(source), [0, np.zeros(vectors.shape[1]), 0.0])
            entry[0] += len(vectors)
            entry[1] += vectors.sum(axis=0)
            entry[2] += float((vectors**2).sum())
    entries = [{"source": s, "n": n, "total": total, "squares": squares} for s, (n, total, squares) in found.items()]
    schema = pa.schema(
        [("source", pa.string()), ("n", pa.int64()), ("total", pa.list_(pa.float64())), ("squares", pa.float64())]
    )
    yield pa.RecordBatch.from_pylist(entries, schema=schema)


def _fuse(
    batches: Iterable[pa.RecordBatch], blocks: tuple[Block, ...], model: str, fit_id: str
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        if batch.num_rows == 0:
            continue
        vectors = concatenate(blocks, {b.source: matrix(batch.column(b.source)) for b in blocks})
        n = batch.num_rows
        offsets = np.arange(0, n * vectors.shape[1] + 1, vectors.shape[1], dtype=np.int32)
        columns = [
            batch.column("sop_instance_uid"), pa.array(["fusion"] * n), pa.array([model] * n), pa.array([fit_id] * n),
            pa.ListArray.from_arrays(offsets, pa.array(vectors.ravel())),
        ]  # fmt: skip
        yield pa.RecordBatch.from_arrays(columns, names=list(TABLES["embeddings"].columns))
