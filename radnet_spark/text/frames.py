"""DataFrames of diagnoses: raw rows → one text an exam → tokens → vectors of instances. All lazy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from radnet_spark.dicom.deidentify import exam_id
from radnet_spark.text.embedder import embedder_of
from radnet_spark.text.keys import near_misses, trimmed
from radnet_spark.text.masking import masked
from radnet_spark.text.reading import Census, census
from radnet_spark.text.reasons import Reason
from radnet_spark.text.stemming import TextRules, prepared
from radnet_spark.text.times import sortable_time

Batches = Iterable[pa.RecordBatch]
_CLEANED = "file int, row bigint, raw_key string, exam_id string, text string, time string"
_CENSUS = "not_utf8 bigint, multibyte bigint, c1 bigint, iso_carons bigint"


def encoding_census(lines: DataFrame) -> DataFrame:
    """One row a partition with the counts of `reading.Census`, from a column `value` of bytes."""
    return lines.select("value").mapInArrow(_count_bytes, _CENSUS)


def cleaned(raw: DataFrame, key: bytes | None, mask: bool) -> DataFrame:
    """Hashes keys, masks persons and makes times sortable.

    Args:
        raw: `file, row, exam_key, text, time`; the last three as in the file.
        key: de-identification key; None: keys stay as they are.
        mask: replace what names a person.

    Returns:
        `file, row, raw_key` (trimmed), `exam_id` (null without a key), `text` (trimmed; null stays null), `time`.
    """
    columns = raw.select("file", "row", "exam_key", "text", "time")
    return columns.mapInArrow(partial(_clean, key=key, mask=mask), _CLEANED)


def texts_by_exam(rows: DataFrame, min_length: int) -> DataFrame:
    """Joins the distinct texts of each exam in time order, then in the files' order, and says why it is left out.

    Args:
        rows: what `cleaned` gives.
        min_length: characters.

    Returns:
        `key` (the exam's, or the row's place where it names none), `diagnosis, reason` (null: kept).
    """
    place = F.concat(F.lit("file "), F.col("file"), F.lit(", row "), F.col("row"))
    named = rows.withColumn("key", F.coalesce("exam_id", place))
    entry = F.struct("time", "file", "row", "text")
    grouped = named.groupBy("key", F.col("exam_id").isNull().alias("unnamed")).agg(
        F.sort_array(F.collect_list(entry)).alias("entries")
    )
    texts = F.filter(F.col("entries.text"), lambda text: text.isNotNull())
    full = F.filter(F.array_distinct(texts), lambda text: text != "")
    joined = grouped.select("key", "unnamed", F.size(texts).alias("texts"), F.array_join(full, "\n").alias("diagnosis"))
    reason = (
        F.when(F.col("unnamed"), Reason.NO_KEY.value)
        .when(F.col("texts") == 0, Reason.NULL.value)
        .when(F.col("diagnosis") == "", Reason.BLANK.value)
        .when(F.length("diagnosis") < min_length, Reason.TOO_SHORT.value)
    )
    return joined.select("key", "diagnosis", reason.alias("reason"))


def nearly_met(rows: DataFrame, met: DataFrame, key: bytes | None) -> DataFrame:
    """The exam keys that met no instance but would, undamaged.

    Args:
        rows: what `cleaned` gives.
        met: the distinct `exam_id` of instances.
        key: de-identification key.

    Returns:
        `exam_id, reason`: one row an exam, the alphabetically first kind of damage that explains it.
    """
    named = rows.where(F.col("exam_id").isNotNull()).select("exam_id", "raw_key").distinct()
    unmet = named.join(met, on="exam_id", how="left_anti")
    candidates = unmet.mapInArrow(partial(_undamaged, key=key), "exam_id string, reason string, candidate string")
    found = candidates.join(met.withColumnRenamed("exam_id", "candidate"), on="candidate", how="inner")
    return found.groupBy("exam_id").agg(F.min("reason").alias("reason"))


def prepared_texts(exams: DataFrame, rules: TextRules) -> DataFrame:
    """Adds `text`: the diagnosis in lower case and NFC, as the Spark NLP pipeline takes it."""
    return exams.withColumn("text", _text_function(partial(prepared, rules=rules))("diagnosis"))


def stem_dictionary(vocabulary: DataFrame, stem: Callable[[str], str]) -> DataFrame:
    """Adds `stem` to the distinct words in column `word`."""
    return vocabulary.withColumn("stem", _text_function(stem)("word"))


def exam_parts(tokens: DataFrame, cohort: DataFrame) -> DataFrame:
    """`exam_id, split, stems` of the cohort's exams that have words; one row an exam."""
    parts = cohort.groupBy("exam_id").agg(F.min("split").alias("split"))
    return parts.join(tokens.where(F.size("stems") > 0), on="exam_id", how="inner")


def text_losses(tokens: DataFrame, vectors: DataFrame) -> DataFrame:
    """`key, reason` of the exams without words, and of those in `vectors` (`exam_id, vector`) without a known one."""
    empty = tokens.where(F.size("stems") == 0).select("exam_id", F.lit(Reason.NO_WORDS.value).alias("reason"))
    unknown = vectors.where(F.col("vector").isNull()).select(
        "exam_id", F.lit(Reason.NO_KNOWN_WORDS.value).alias("reason")
    )
    return empty.unionByName(unknown).withColumnRenamed("exam_id", "key")


def exam_vectors(exams: DataFrame, folder: Path) -> DataFrame:
    """`exam_id, vector` by the embedder in `folder`; null where no word is known."""
    schema = "exam_id string, vector array<float>"
    return exams.select("exam_id", "stems").mapInArrow(partial(_embed, folder=str(folder)), schema)


def instance_vectors(vectors: DataFrame, cohort: DataFrame, model: str, fit_id: str) -> DataFrame:
    """Rows of `embeddings` of the source `diagnosis`: the instances of an exam share its vector."""
    known = vectors.where(F.col("vector").isNotNull())
    return cohort.join(known, on="exam_id", how="inner").select(
        "sop_instance_uid", F.lit("diagnosis").alias("source"), F.lit(model).alias("model"),
        F.lit(fit_id).alias("fit_id"), "vector",
    )  # fmt: skip


def _null(kind: str) -> Column:
    return F.lit(None).cast(kind)


def _text_function(function: Callable[[str], str]) -> Callable[..., Column]:
    return F.udf(lambda text: None if text is None else function(text), "string")


def _count_bytes(batches: Batches) -> Iterator[pa.RecordBatch]:
    total = Census()
    for batch in batches:
        total += census(line for line in batch.column(0).to_pylist() if line)
    yield pa.RecordBatch.from_pylist([vars(total)])


def _clean(batches: Batches, key: bytes | None, mask: bool) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        columns = batch.to_pydict()
        raw_keys = [trimmed(value) for value in columns["exam_key"]]
        texts = [None if text is None else text.replace("\0", "").strip() for text in columns["text"]]
        yield pa.RecordBatch.from_arrays(
            [
                pa.array(columns["file"], pa.int32()),
                pa.array(columns["row"], pa.int64()),
                pa.array(raw_keys, pa.string()),
                pa.array([exam_id(value, None, key) if value else None for value in raw_keys], pa.string()),
                pa.array([masked(text) if mask and text else text for text in texts], pa.string()),
                pa.array([sortable_time(time) for time in columns["time"]], pa.string()),
            ],
            names=["file", "row", "raw_key", "exam_id", "text", "time"],
        )


def _undamaged(batches: Batches, key: bytes | None) -> Iterator[pa.RecordBatch]:
    names = ["exam_id", "reason", "candidate"]
    for batch in batches:
        rows = [
            (exam, reason, exam_id(candidate, None, key))
            for exam, raw in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True)
            for reason, candidate in near_misses(raw)
        ]
        arrays = [pa.array([row[i] for row in rows], pa.string()) for i in range(len(names))]
        yield pa.RecordBatch.from_arrays(arrays, names=names)


def _embed(batches: Batches, folder: str) -> Iterator[pa.RecordBatch]:
    embedder = embedder_of(folder)
    for batch in batches:
        vectors, known = embedder.embed_stems(batch.column(1).to_pylist())
        listed = [vector if ok else None for vector, ok in zip(vectors, known, strict=True)]
        yield pa.RecordBatch.from_arrays(
            [batch.column(0), pa.array(listed, pa.list_(pa.float32()))], names=["exam_id", "vector"]
        )
