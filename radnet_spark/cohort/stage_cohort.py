"""`radnet cohort`: the instances of the experiment, balanced by modality and split by patient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from radnet_spark.cohort.balance import BalancePlan, plan_balance
from radnet_spark.cohort.frames import marked_instances, with_quota
from radnet_spark.cohort.split import PARTS
from radnet_spark.errors import StageError
from radnet_spark.lake.dropped import dropped_rows
from radnet_spark.lake.stage import StageContext, StageSummary
from radnet_spark.schemas import TABLES

READS = ("instances", "exams", "images", "body_parts")
WRITES = ("cohort", "dropped/stage=cohort")
CONFIG = ("cohort",)


def run(context: StageContext) -> StageSummary:
    """Writes `cohort` and the stage's part of `dropped`.

    Raises:
        StageError: no instance is left.
    """
    tables, settings = context.tables, context.config.cohort
    instances, images, body_parts = (tables.read(name) for name in ("instances", "images", "body_parts"))
    marked = marked_instances(
        context.sample(instances), images, body_parts, tables.read_or_empty("exams"), settings
    ).persist()
    try:
        before = _counts(marked)
        plan = _plan(before, settings.balance, settings.min_candidates)
        final, notes = with_quota(marked, plan.keep), list(plan.warnings)
        if not any(reason is None and split == "train" for _, reason, split, _ in before):
            final = final.withColumn("split", F.lit("train"))
            notes.append("so few patients that none falls in the train part: all are put there")
        final.persist()
        try:
            kept = final.where(F.col("reason").isNull())
            rows = {
                "cohort": tables.overwrite("cohort", kept.select(*TABLES["cohort"].columns)),
                "dropped": tables.overwrite("dropped", _losses(final), part={"stage": "cohort"}),
            }
            return _summary(rows, _counts(final), plan.quota, notes)
        finally:
            final.unpersist()
    finally:
        marked.unpersist()


def _losses(final: DataFrame) -> DataFrame:
    return dropped_rows(final, "cohort", "instance", "sop_instance_uid", F.col("modality"))


Counts = dict[tuple[str, str | None, str, bool], int]


def _counts(marked: DataFrame) -> Counts:
    counted = marked.groupBy("modality", "reason", "split", "has_diagnosis").count().collect()
    return {(row[0] or "none", row[1], row[2], row[3]): row[4] for row in counted}


def _plan(counts: Counts, balance: bool, min_candidates: int) -> BalancePlan:
    candidates = _sum((modality, n) for (modality, reason, _, _), n in counts.items() if reason is None)
    if not candidates:
        lost = _sum((reason or "", n) for (_, reason, _, _), n in counts.items())
        reasons = ", ".join(f"{reason}: {n}" for reason, n in sorted(lost.items())) or "no instances at all"
        raise StageError(f"cohort: no instance is left ({reasons})")
    return plan_balance(candidates, min_candidates) if balance else BalancePlan(None, {}, ())


def _summary(rows: dict[str, int], counts: Counts, quota: int | None, notes: list[str]) -> StageSummary:
    parts = _sum((part, n) for (_, reason, part, _), n in counts.items() if reason is None)
    by_modality: dict[str, dict[str, int]] = {}
    for (modality, reason, _, _), n in sorted(counts.items(), key=str):
        of_modality = by_modality.setdefault(modality, {})
        of_modality[reason or "kept"] = of_modality.get(reason or "kept", 0) + n
    diagnosed = sum(n for (_, reason, _, has), n in counts.items() if reason is None and has)
    notes += [f"no instance falls in the {part} part" for part in PARTS if not parts.get(part)]
    if not diagnosed:
        notes.append("no diagnoses: image and tags are used")
    return StageSummary(
        "cohort",
        rows=rows,
        dropped=_sum((reason, n) for (_, reason, _, _), n in counts.items() if reason is not None),
        notes=notes,
        facts=[
            f"{modality}: " + ", ".join(f"{what} {n}" for what, n in of.items()) for modality, of in by_modality.items()
        ],
        extra={
            "quota": quota,
            "parts": {part: parts.get(part, 0) for part in PARTS},
            "by_modality": by_modality,
            "with_diagnosis": diagnosed,
        },
    )


def _sum(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for key, n in pairs:
        total[key] += n
    return dict(sorted(total.items()))
