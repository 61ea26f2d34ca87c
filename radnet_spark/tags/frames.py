"""DataFrames of tags: body parts, counts of tags by partition, prepared columns, and vectors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from radnet_spark.schemas import TABLES
from radnet_spark.tags.body_part import Rules, infer
from radnet_spark.tags.columns import Columns, FeatureSet
from radnet_spark.tags.missingness import GapSample, GapTest, gap_tests
from radnet_spark.tags.preparation import TagPolicy, flatten
from radnet_spark.tags.selection import Statistics

_TEXTS = ("study_description", "protocol_name", "requested_procedure_description")
_PARTS = pa.schema([(name, pa.string()) for name in
                    ("sop_instance_uid", "original", "body_part", "rule", "known", "described")])  # fmt: skip
_COUNTS = pa.schema([
    ("source", pa.string()), ("filled", pa.int64()), ("numeric", pa.int64()), ("minimum", pa.float64()),
    ("maximum", pa.float64()), ("overflow", pa.bool_()), ("values", pa.list_(pa.string())),
])  # fmt: skip
_COUNTS_DDL = ("source string, filled bigint, numeric bigint, minimum double, maximum double, overflow boolean, "
               "values array<string>")  # fmt: skip
_SUMS_DDL = "label int, n bigint, sums binary"
_COLUMNS_DDL = "sop_instance_uid string, exam_id string, numbers binary, codes binary"
_TESTS = pa.schema([
    *((name, pa.string()) for name in GapTest._fields[:3]), *((name, pa.float64()) for name in GapTest._fields[3:8]),
    *((name, pa.int64()) for name in GapTest._fields[8:]),
])  # fmt: skip


@dataclass(frozen=True)
class RuleFile:
    """The body-part rules to apply, as text: a file of the driver need not be there on the executors."""

    text: str
    calibration: bool


def body_parts(instances: DataFrame, rules: RuleFile) -> DataFrame:
    """The body part of every instance.

    Returns:
        `sop_instance_uid, original` (BodyPartExamined; null if blank), `body_part, rule` (null: nothing can be told),
        `known` (the part that the present value alone gives), `described` (the one that the descriptions alone give).
    """
    read = instances.select("sop_instance_uid", "body_part_examined", "modality", *_TEXTS)
    return read.mapInArrow(partial(_body_parts, rules=rules), ", ".join(f"{name} string" for name in _PARTS.names))


def tagged(instances: DataFrame, cohort: DataFrame) -> DataFrame:
    """The cohort's instances with their part and tags: `sop_instance_uid, exam_id, split, tags`."""
    return cohort.select("sop_instance_uid", "exam_id", "split").join(
        instances.select("sop_instance_uid", "tags"), "sop_instance_uid", how="inner"
    )


def sampled(rows: DataFrame, size: int, seed: int) -> DataFrame:
    """At most `size` rows, chosen by a seeded hash of their identifier: the same ones however rows are partitioned."""
    order = (F.xxhash64(F.lit(seed), "sop_instance_uid"), F.col("sop_instance_uid"))
    chosen = rows.select("sop_instance_uid").orderBy(*order).limit(size)
    return rows.join(chosen, "sop_instance_uid", how="left_semi")


def tag_counts(rows: DataFrame, policy: TagPolicy) -> DataFrame:
    """Counts of every tag by partition: a row a source with the fields of `TagCounts`.

    The row of the source "" has the number of instances in `filled`. Values are there only where a partition has at
    most `selection.MAX_DISTINCT` of them, so that what the driver gathers is bounded.
    """
    return rows.select("tags").mapInArrow(partial(_tag_counts, policy=policy), _COUNTS_DDL)


def prepared(rows: DataFrame, features: FeatureSet, policy: TagPolicy) -> DataFrame:
    """`sop_instance_uid, exam_id, numbers, codes`: what `FeatureSet.columns` reads, as bytes of float64 and int32."""
    return rows.select("sop_instance_uid", "exam_id", "tags").mapInArrow(
        partial(_prepared, features=features, policy=policy), _COLUMNS_DDL
    )


def missingness_tests(tags: DataFrame, sample: GapSample, alpha: float) -> DataFrame:
    """Rows of the table `missingness_tests`: the gaps of each tag against every other one.

    Args:
        tags: `tag`, the sources whose gaps are tested; its partitions decide who tests what.
        sample: the rows that are tested, which Spark broadcasts.
        alpha: level of the test of normality.
    """
    return tags.mapInArrow(partial(_gap_tests, sample=sample, alpha=alpha), TABLES["missingness_tests"].ddl)


def embeddings(rows: DataFrame, folder: str, model: str, fit_id: str) -> DataFrame:
    """Rows of the table `embeddings` (source `tags`) by the embedder in `folder`."""
    return rows.select("sop_instance_uid", "tags").mapInArrow(
        partial(_embeddings, folder=folder, model=model, fit_id=fit_id), TABLES["embeddings"].ddl
    )


def encoded_sums(rows: DataFrame, folder: str) -> DataFrame:
    """Sums of encoded tags by cluster, a row a partition and cluster, so that what is gathered is bounded.

    Args:
        rows: `label, tags`.
        folder: of the tag embedder whose encoding is used.

    Returns:
        `label, n, sums`: the three arrays of `reading.EncodedSums` one after the other, as bytes of float64.
    """
    return rows.select("label", "tags").mapInArrow(partial(_encoded_sums, folder=folder), _SUMS_DDL)


@lru_cache(maxsize=2)
def _rules(rules: RuleFile) -> Rules:
    return Rules.parse(rules.text, rules.calibration)


def _body_parts(batches: Iterable[pa.RecordBatch], rules: RuleFile) -> Iterator[pa.RecordBatch]:
    read = _rules(rules)
    for batch in batches:
        found = []
        for row in batch.to_pylist():
            texts, modality = [row[name] for name in _TEXTS], row["modality"]
            original = (row["body_part_examined"] or "").strip() or None
            part = infer(texts, original, modality, read)
            known = infer([], original, modality, read).body_part if original else None
            described = infer(texts, None, modality, read).body_part if original else part.body_part
            found.append((row["sop_instance_uid"], original, part.body_part, part.rule, known, described))
        yield _batch(found, _PARTS)


def _tag_counts(batches: Iterable[pa.RecordBatch], policy: TagPolicy) -> Iterator[pa.RecordBatch]:
    statistics, seen = Statistics(), set[str]()
    for batch in batches:
        for tags in _tag_maps(batch):
            new = tags.keys() - seen
            seen |= new
            statistics.add(flatten(tags, policy), [source for keyword in new for source, _ in policy.sources(keyword)])
    rows: list[tuple[object, ...]] = [("", statistics.rows, 0, 0.0, 0.0, False, [])]
    rows += [(source, counts.filled, counts.numeric, counts.minimum, counts.maximum, counts.overflow,
              sorted(counts.values)) for source, counts in sorted(statistics.by_source.items())]  # fmt: skip
    yield _batch(rows, _COUNTS)


def _prepared(batches: Iterable[pa.RecordBatch], features: FeatureSet, policy: TagPolicy) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        columns = features.columns(_tag_maps(batch), policy)
        numbers = [row.astype("<f8").tobytes() for row in columns.numbers]
        codes = [row.astype("<i4").tobytes() for row in columns.codes]
        yield pa.RecordBatch.from_arrays(
            [
                batch.column("sop_instance_uid"),
                batch.column("exam_id"),
                pa.array(numbers, pa.binary()),
                pa.array(codes, pa.binary()),
            ],
            names=["sop_instance_uid", "exam_id", "numbers", "codes"],
        )


def _gap_tests(batches: Iterable[pa.RecordBatch], sample: GapSample, alpha: float) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for tag in batch.column("tag").to_pylist():
            yield _batch(gap_tests(sample, tag, alpha), _TESTS)


def _embeddings(batches: Iterable[pa.RecordBatch], folder: str, model: str, fit_id: str) -> Iterator[pa.RecordBatch]:
    import torch  # here, so that workers which make no vectors need not load it

    from radnet_spark.tags.embedder import loaded

    torch.set_num_threads(1)  # one worker a core
    embedder = loaded(folder)
    for batch in batches:
        vectors = embedder.embed(_tag_maps(batch))
        count, length = vectors.shape
        offsets = pa.array(np.arange(count + 1, dtype=np.int32) * length)
        constant = [pa.array([value] * count, pa.string()) for value in ("tags", model, fit_id)]
        lists = pa.ListArray.from_arrays(offsets, pa.array(vectors.ravel(), pa.float32()))
        yield pa.RecordBatch.from_arrays(
            [batch.column("sop_instance_uid"), *constant, lists], names=list(TABLES["embeddings"].columns)
        )


def _encoded_sums(batches: Iterable[pa.RecordBatch], folder: str) -> Iterator[pa.RecordBatch]:
    from radnet_spark.tags.embedder import loaded
    from radnet_spark.tags.reading import EncodedSums

    embedder, sums = loaded(folder), dict[int, EncodedSums]()
    for batch in batches:
        columns = embedder.features.columns(_tag_maps(batch), embedder.policy)
        labels = np.asarray(batch.column("label").to_pylist())
        for label in np.unique(labels).tolist():
            rows = labels == label
            found = EncodedSums.of(Columns(columns.numbers[rows], columns.codes[rows]), embedder.encoder)
            sums[label] = sums[label] + found if label in sums else found
    packed = [np.concatenate([s.filled, s.total, s.squares]).astype("<f8").tobytes() for s in sums.values()]
    yield pa.RecordBatch.from_arrays(
        [pa.array(list(sums), pa.int32()), pa.array([s.n for s in sums.values()], pa.int64()),
         pa.array(packed, pa.binary())],
        names=["label", "n", "sums"],
    )  # fmt: skip


def _tag_maps(batch: pa.RecordBatch) -> list[dict[str, str]]:
    """The column `tags` as dictionaries; a null map is an empty one."""
    column = batch.column("tags")
    keys, values, offsets = column.keys.to_pylist(), column.items.to_pylist(), column.offsets.to_pylist()
    return [dict(zip(keys[start:end], values[start:end], strict=True))
            for start, end in pairwise(offsets)]  # fmt: skip


def _batch(rows: Sequence[tuple[object, ...]], schema: pa.Schema) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else ([] for _ in schema)
    return pa.RecordBatch.from_arrays(
        [pa.array(list(values), field.type) for values, field in zip(columns, schema, strict=True)], schema=schema
    )
