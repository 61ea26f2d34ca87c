"""`radnet body-parts`: the body part of every instance, and how much of it the descriptions had to tell."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from radnet_spark.config import rules_text
from radnet_spark.lake.stage import StageContext, StageSummary
from radnet_spark.schemas import TABLES
from radnet_spark.tags.frames import RuleFile, body_parts

READS = ("instances",)
WRITES = ("body_parts",)
CONFIG = ("body_parts",)

_HELPERS = ("study_description", "protocol_name", "requested_procedure_description")


def run(context: StageContext) -> StageSummary:
    """Writes `body_parts`; the summary has the fill before and after, and how often rules and present values agree."""
    settings = context.config.body_parts
    instances = context.sample(context.tables.read("instances"))
    found = body_parts(instances, RuleFile(rules_text(settings.rules), settings.test_image)).persist()
    try:
        written = context.tables.overwrite("body_parts", found.select(*TABLES["body_parts"].columns))
        extra = {**_fill(found, written), "helper_fill": _helper_fill(instances)}
    finally:
        found.unpersist()
    summary = StageSummary("body-parts", rows={"body_parts": written}, extra=extra)
    summary.facts.append(
        f"body part known: {extra['fill_before_normalised']:.0%} by BodyPartExamined alone, {extra['fill_after']:.0%} "
        "with the descriptions"
        + (f"; they agree in {extra['agreement']:.0%} of {extra['compared']}" if extra["compared"] else "")
    )
    if extra["compared"] and extra["agreement"] < 0.8:
        share = f"{extra['agreement']:.0%} of {extra['compared']} instances"
        summary.notes.append(f"rules and present values agree in only {share}")
    return summary


def _fill(found: DataFrame, rows: int) -> dict[str, Any]:
    both = F.col("known").isNotNull() & F.col("described").isNotNull()
    counts = found.agg(
        F.count("original").alias("before"),
        F.count("known").alias("known"),
        F.count("body_part").alias("after"),
        F.count(F.when(both, 1)).alias("compared"),
        F.count(F.when(both & (F.col("known") == F.col("described")), 1)).alias("agreed"),
    ).collect()[0]
    share = 1 / max(rows, 1)
    return {
        "fill_before": round(counts["before"] * share, 4),
        "fill_before_normalised": round(counts["known"] * share, 4),
        "fill_after": round(counts["after"] * share, 4),
        "unmatched": rows - counts["after"],
        "compared": counts["compared"],
        "agreement": round(counts["agreed"] / counts["compared"], 4) if counts["compared"] else None,
    }


def _helper_fill(instances: DataFrame) -> dict[str, float]:
    shares = instances.agg(
        *[F.avg(F.coalesce((F.length(F.trim(name)) > 0).cast("int"), F.lit(0))).alias(name) for name in _HELPERS]
    ).collect()[0]
    return {name: round(shares[name] or 0.0, 4) for name in _HELPERS}
