"""What a report says of texts: lengths, vocabulary by minimum occurrence, losses. All lazy, a few rows each."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

MIN_COUNTS = (1, 5, 10, 50, 100, 500, 1000, 2000, 3500, 5000, 10000)  # the paper's, and all words
_SHARES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def text_lengths(exams: DataFrame, tokens: DataFrame) -> DataFrame:
    """How long texts are.

    Args:
        exams: `exam_id, diagnosis`.
        tokens: `exam_id, stems`.

    Returns:
        Two rows: `unit` (`characters`, `words`), `texts`, `mean`, `quantiles` (of the shares 0, 0.05, 0.25, 0.5, 0.75,
        0.95 and 1; values that occur), null without texts.
    """
    characters = exams.select(F.lit("characters").alias("unit"), F.length("diagnosis").alias("length"))
    words = tokens.select(F.lit("words").alias("unit"), F.size("stems").alias("length"))
    wanted = F.array(*(F.lit(share) for share in _SHARES))
    return characters.unionByName(words).groupBy("unit").agg(
        F.count("*").alias("texts"), F.avg("length").alias("mean"),
        F.percentile_approx("length", wanted, 10_000).alias("quantiles"),
    )  # fmt: skip


def vocabulary_sizes(parts: DataFrame, minimums: Sequence[int] = MIN_COUNTS) -> DataFrame:
    """How many words occur at least so often in all, as the paper counts.

    Args:
        parts: `stems` of the train exams, one row an exam.
        minimums: occurrences.

    Returns:
        One row a minimum: `min_count, words`, `share` of all occurrences that these words are (null without words).
    """
    counts = parts.select(F.explode("stems").alias("stem")).groupBy("stem").agg(F.count("*").alias("n"))
    each = F.explode(F.array(*(F.lit(int(minimum)) for minimum in minimums))).alias("min_count")
    enough = F.col("n") >= F.col("min_count")
    return counts.select("n", each).groupBy("min_count").agg(
        F.count(F.when(enough, 1)).alias("words"),
        (F.coalesce(F.sum(F.when(enough, F.col("n"))), F.lit(0)) / F.sum("n")).alias("share"),
    )  # fmt: skip


def losses(dropped: DataFrame) -> DataFrame:
    """`stage, reason, n` of the diagnoses and their rows that were left out by the stages `diagnoses` and `text`."""
    of_texts = dropped.where(F.col("stage").isin("diagnoses", "text"))
    return of_texts.groupBy("stage", "reason").agg(F.count("*").alias("n"))
