"""DataFrames of the report: counts, typical words, sampled images; small whatever the data's size."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from radnet_spark.dicom.frames import burned_in


def modality_and_body_part(instances: DataFrame, body_parts: DataFrame) -> DataFrame:
    """(modality, body_part, n): instances by both; null where unknown."""
    parts = body_parts.select("sop_instance_uid", "body_part")
    joined = instances.select("sop_instance_uid", "modality").join(parts, "sop_instance_uid", how="left")
    return joined.groupBy("modality", "body_part").agg(F.count("*").alias("n"))


def make_up(labels: DataFrame, instances: DataFrame, body_parts: DataFrame) -> DataFrame:
    """(label, modality, body_part, n): the contents of each cluster of one clustering's labels."""
    parts = body_parts.select("sop_instance_uid", "body_part")
    known = instances.select("sop_instance_uid", "modality")
    joined = labels.join(known, "sop_instance_uid", how="inner").join(parts, "sop_instance_uid", how="left")
    return joined.groupBy("label", "modality", "body_part").agg(F.count("*").alias("n"))


def typical_words(
    labels: DataFrame, instances: DataFrame, tokens: DataFrame, per_cluster: int, least_exams: int,
    function_words: Sequence[str],
) -> DataFrame:  # fmt: skip
    """The stems that tell a cluster from the others, by c-TF-IDF (Grootendorst, arXiv 2203.05794, equation 2).

    A cluster is one document, made of the diagnoses of its exams, each exam once:
    `tf(t, c) / words(c) * log(1 + A / f(t))` with A the mean number of words of a cluster and f(t) the occurrences of
    t in all of them. tf is divided by the cluster's length, as in the reference implementation.

    Args:
        labels: (sop_instance_uid, label, …) of one clustering.
        instances: for exam_id.
        tokens: (exam_id, stems).
        per_cluster: how many stems to keep.
        least_exams: exams of a cluster in which a stem must occur to be shown.
        function_words: stems that are left out.

    Returns:
        (label, stem, score, rank): rank from 1.
    """
    exams = labels.join(instances.select("sop_instance_uid", "exam_id"), "sop_instance_uid", how="inner")
    exams = exams.select("label", "exam_id").distinct()
    words = exams.join(tokens, "exam_id", how="inner").select("label", "exam_id", F.explode("stems").alias("stem"))
    words = words.where(~F.col("stem").isin(list(function_words)))
    counts = words.groupBy("label", "stem").agg(F.count("*").alias("n"), F.countDistinct("exam_id").alias("exams"))
    lengths = counts.groupBy("label").agg(F.sum("n").alias("length"))
    mean_length = lengths.agg(F.avg("length").alias("mean_length"))
    totals = counts.groupBy("stem").agg(F.sum("n").alias("total"))
    scored = counts.join(totals, "stem", how="inner").join(lengths, "label", how="inner").crossJoin(mean_length)
    score = F.col("n") / F.col("length") * F.log(1 + F.col("mean_length") / F.col("total"))
    ranked = scored.withColumn("score", score).where(F.col("exams") >= least_exams)
    order = Window.partitionBy("label").orderBy(F.desc("score"), "stem")
    ranked = ranked.withColumn("rank", F.row_number().over(order)).where(F.col("rank") <= per_cluster)
    return ranked.select("label", "stem", "score", "rank")


def tags_of_clusters(labels: DataFrame, instances: DataFrame) -> DataFrame:
    """(label, tags): of each exam in a cluster its first instance, so that rows with a tag are exams with it."""
    exams = labels.select("sop_instance_uid", "label").join(
        instances.select("sop_instance_uid", "exam_id"), "sop_instance_uid", how="inner"
    )
    first = exams.groupBy("label", "exam_id").agg(F.min("sop_instance_uid").alias("sop_instance_uid"))
    return first.join(instances.select("sop_instance_uid", "tags"), "sop_instance_uid", how="inner").select(
        "label", "tags"
    )


def sample_images(labels: DataFrame, instances: DataFrame, images: DataFrame, per_cluster: int, seed: int) -> DataFrame:
    """Images of each cluster in an order that the seed decides; those with burned-in text are never shown.

    Returns:
        (label, rank, image, height, width): at most `per_cluster` a label.
    """
    shown = instances.where(~burned_in()).select("sop_instance_uid")
    shown = shown.join(images.select("sop_instance_uid"), "sop_instance_uid", how="inner")
    candidates = labels.select("sop_instance_uid", "label").join(shown, "sop_instance_uid", how="inner")
    order = Window.partitionBy("label").orderBy(_shuffled("sop_instance_uid", seed), "sop_instance_uid")
    chosen = candidates.withColumn("rank", F.row_number().over(order)).where(F.col("rank") <= per_cluster)
    pixels = images.select("sop_instance_uid", "image", "height", "width")
    return chosen.join(pixels, "sop_instance_uid", how="inner").select("label", "rank", "image", "height", "width")


def baseline_sample(
    cohort: DataFrame, images: DataFrame, body_parts: DataFrame, rows_per_split: int, seed: int
) -> DataFrame:
    """Images of train and validation for the baseline, at most `rows_per_split` of each.

    Returns:
        (split, modality, body_part, image, height, width) in an order that the seed decides.
    """
    wanted = cohort.where(F.col("split").isin("train", "validation"))
    candidates = wanted.join(images.select("sop_instance_uid"), "sop_instance_uid", how="inner")
    order = Window.partitionBy("split").orderBy(_shuffled("sop_instance_uid", seed), "sop_instance_uid")
    chosen = candidates.withColumn("rank", F.row_number().over(order)).where(F.col("rank") <= rows_per_split)
    pixels = images.select("sop_instance_uid", "image", "height", "width")
    parts = body_parts.select("sop_instance_uid", "body_part")
    joined = chosen.join(pixels, "sop_instance_uid", how="inner").join(parts, "sop_instance_uid", how="left")
    return joined.orderBy("split", "rank").select("split", "modality", "body_part", "image", "height", "width")


def _shuffled(column: str, seed: int):  # type: ignore[no-untyped-def]
    return F.xxhash64(F.lit(seed), F.col(column))
