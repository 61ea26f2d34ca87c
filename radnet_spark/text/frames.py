"""DataFrames of diagnoses: raw rows → one text an exam → tokens → vectors of instances. All lazy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from radnet_spark.dicom.deidentify import exam_id
from radnet_spark.text.embedder import embedder_of
from radnet_spark.text.keys import ROUNDED, near_misses, trimmed
from radnet_spark.text.masking import masked
from radnet_spark.text.reasons import Reason
from radnet_spark.text.times import UNKNOWN, sortable_time

Batches = Iterable[pa.RecordBatch]
_CLEANED = (
    "file int, row bigint, raw_key string, exam_id string, text string, time string, reason string, odd_time boolean, "
    "odd_text boolean"
)


def cleaned(raw: DataFrame, key: bytes | None, mask: bool) -> DataFrame:
    """Hashes keys, masks persons and makes times sortable.

    Args:
        raw: what `frames_of_files` gives: `file, row, exam_key, text, time, reason`.
        key: de-identification key; None: keys stay as they are.
        mask: replace what names a person.

    Returns:
        `file, row, raw_key` (trimmed), `exam_id` (null without a key), `text` (trimmed; null stays null), `time,
        reason, odd_time` (it can't be read), `odd_text` (it held null bytes or letters that no encoding explains).
    """
    return raw.mapInArrow(partial(_clean, key=key, mask=mask), _CLEANED)


def texts_by_exam(rows: DataFrame, min_length: int) -> DataFrame:
    """Joins the distinct texts of each exam in time order, then in the files' order, and says what is left out and why.

    Args:
        rows: what `cleaned` gives.
        min_length: characters.

    Returns:
        One row an exam, and one for each row of a file that is in none of them: `key` (the exam's, or the row's place),
        `raw_key` (null for the latter), `diagnosis, reason` (null: kept), `detail` (the exam's key where a row is left
        out), `rows` (of the files that it stands for; all together are all rows), `odd_times, odd_texts` (of these).
    """
    place = F.concat(F.lit("file "), F.col("file"), F.lit(", row "), F.col("row"))
    named = rows.select("*", place.alias("place"), F.col("exam_id").isNull().alias("unnamed"))
    keyed = named.withColumn("key", F.coalesce("exam_id", "place")).repartition("key")  # the one shuffle
    one_text = keyed.groupBy("key", "unnamed", "text").agg(
        F.sort_array(F.collect_list(F.struct("time", "file", "row", "place", "odd_time", "odd_text"))).alias("rows"),
        F.min("raw_key").alias("raw_key"),
        F.min("reason").alias("broken"),
    )
    first = F.col("rows")[0]
    entry = F.struct(first.time.alias("time"), first.file.alias("file"), first.row.alias("row"), "text", "rows")
    told = one_text.groupBy("key", "unnamed").agg(
        F.sort_array(F.collect_list(entry)).alias("entries"),
        F.min("raw_key").alias("raw_key"),
        F.min("broken").alias("broken"),
    ).withColumn("full", F.filter("entries", lambda e: e.text != ""))  # fmt: skip
    joined = told.withColumn("diagnosis", F.array_join("full.text", "\n"))
    return joined.select(F.explode(F.concat(F.array(_exam(min_length)), _left_out())).alias("r")).select("r.*")


def _exam(min_length: int) -> Column:
    """The exam as `texts_by_exam` gives it; it stands for the first row of each text, or for all without one."""
    reason = (
        F.when(F.col("broken").isNotNull(), F.col("broken"))
        .when(F.col("unnamed"), Reason.NO_KEY.value)
        .when(F.forall("entries", lambda e: e.text.isNull()), Reason.NULL.value)
        .when(F.size("full") == 0, Reason.BLANK.value)
        .when(F.length("diagnosis") < min_length, Reason.TOO_SHORT.value)
    )
    every = F.flatten("entries.rows")
    return F.struct(
        F.col("key"), F.when(~F.col("unnamed"), F.col("raw_key")).alias("raw_key"), F.col("diagnosis"),
        reason.alias("reason"), F.lit(None).cast("string").alias("detail"),
        F.when(F.size("full") > 0, F.size("full")).otherwise(F.size(every)).alias("rows"),
        F.size(F.filter(every, lambda row: row.odd_time)).alias("odd_times"),
        F.size(F.filter(every, lambda row: row.odd_text)).alias("odd_texts"),
    )  # fmt: skip


def _left_out() -> Column:
    """The rows that say what another one says, and those that say nothing where another one says something."""

    def listed(rows: Column, reason: Reason) -> Column:
        nothing, none = F.lit(None).cast("string"), F.lit(0)
        return F.transform(
            rows,
            lambda row: F.struct(
                row.place.alias("key"), nothing.alias("raw_key"), nothing.alias("diagnosis"),
                F.lit(reason.value).alias("reason"), F.col("key").alias("detail"), F.lit(1).alias("rows"),
                none.alias("odd_times"), none.alias("odd_texts"),
            ),
        )  # fmt: skip

    says = F.size("full") > 0
    again = F.flatten(F.transform("full", lambda e: F.slice(e.rows, F.lit(2), F.size(e.rows))))
    null = F.flatten(F.filter("entries", lambda e: says & e.text.isNull()).rows)
    blank = F.flatten(F.filter("entries", lambda e: says & (e.text == "")).rows)
    return F.concat(listed(again, Reason.DUPLICATE), listed(null, Reason.NULL), listed(blank, Reason.BLANK))


def nearly_met(keys: DataFrame, met: DataFrame, key: bytes | None) -> DataFrame:
    """The exam keys that met no instance but would, undamaged, and those whose digits an exponent has cost.

    Args:
        keys: `exam_id, raw_key`, one row an exam.
        met: the distinct `exam_id` of instances.
        key: de-identification key.

    Returns:
        `exam_id, reason`: one row an exam, the alphabetically first kind of damage that explains it.
    """
    unmet = keys.join(met, on="exam_id", how="left_anti")
    candidates = unmet.mapInArrow(partial(_undamaged, key=key), "exam_id string, reason string, candidate string")
    explained = candidates.join(met.withColumnRenamed("exam_id", "candidate"), on="candidate", how="left_semi")
    rounded = unmet.where(F.col("raw_key").rlike(ROUNDED)).select("exam_id", F.lit("rounded_exponent").alias("reason"))
    return explained.select("exam_id", "reason").unionByName(rounded).groupBy("exam_id").agg(
        F.min("reason").alias("reason")
    )  # fmt: skip


def exam_parts(tokens: DataFrame, cohort: DataFrame) -> DataFrame:
    """`exam_id, split, stems, words` of the cohort's exams that have words; one row an exam."""
    parts = cohort.groupBy("exam_id").agg(F.min("split").alias("split"))
    return parts.join(tokens.where(F.size("stems") > 0), on="exam_id", how="inner")


def text_losses(tokens: DataFrame, vectors: DataFrame) -> DataFrame:
    """`key, reason` of the exams without words, and of those in `vectors` (`exam_id, vector`) without a known one."""
    empty = tokens.where(F.size("stems") == 0).select("exam_id", F.lit(Reason.NO_WORDS.value).alias("reason"))
    unknown = vectors.where(F.col("vector").isNull()).select(
        "exam_id", F.lit(Reason.NO_KNOWN_WORDS.value).alias("reason")
    )
    return empty.unionByName(unknown).withColumnRenamed("exam_id", "key")


def exam_vectors(exams: DataFrame, tokens: str, folder: Path) -> DataFrame:
    """`exam_id, vector` by the embedder in `folder`, from the column that it was fitted on; null: no word is known."""
    schema = "exam_id string, vector array<float>"
    return exams.select("exam_id", tokens).mapInArrow(partial(_embed, folder=str(folder)), schema)


def instance_vectors(vectors: DataFrame, cohort: DataFrame, model: str, fit_id: str) -> DataFrame:
    """Rows of `embeddings` of the source `diagnosis`: the instances of an exam share its vector."""
    known = vectors.where(F.col("vector").isNotNull())
    return cohort.join(known, on="exam_id", how="inner").select(
        "sop_instance_uid", F.lit("diagnosis").alias("source"), F.lit(model).alias("model"),
        F.lit(fit_id).alias("fit_id"), "vector",
    )  # fmt: skip


def _clean(batches: Batches, key: bytes | None, mask: bool) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        columns = batch.to_pydict()
        raw_keys = [trimmed(value) for value in columns["exam_key"]]
        texts = [None if text is None else text.replace("\0", "").strip() for text in columns["text"]]
        times = [sortable_time(time) for time in columns["time"]]
        told = [bool(time and time.strip()) for time in columns["time"]]
        yield pa.RecordBatch.from_arrays(
            [
                pa.array(columns["file"], pa.int32()),
                pa.array(columns["row"], pa.int64()),
                pa.array(raw_keys, pa.string()),
                pa.array([exam_id(value, None, key) if value else None for value in raw_keys], pa.string()),
                pa.array([masked(text) if mask and text else text for text in texts], pa.string()),
                pa.array(times, pa.string()),
                pa.array(columns["reason"], pa.string()),
                pa.array([there and time == UNKNOWN for there, time in zip(told, times, strict=True)], pa.bool_()),
                pa.array([bool(text and ("\0" in text or "\ufffd" in text)) for text in columns["text"]], pa.bool_()),
            ],
            names=["file", "row", "raw_key", "exam_id", "text", "time", "reason", "odd_time", "odd_text"],
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
        vectors, known = embedder.embed_tokens(batch.column(1).to_pylist())
        listed = [vector if ok else None for vector, ok in zip(vectors, known, strict=True)]
        yield pa.RecordBatch.from_arrays(
            [batch.column(0), pa.array(listed, pa.list_(pa.float32()))], names=["exam_id", "vector"]
        )
