"""`radnet tags`: selects, tests, fills and encodes tags on the training part, and embeds the whole cohort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from radnet_spark.errors import StageError
from radnet_spark.lake.fits import fit_folder
from radnet_spark.lake.stage import StageContext, StageSummary
from radnet_spark.schemas import TABLES
from radnet_spark.tags import frames
from radnet_spark.tags.columns import Columns, FeatureSet
from radnet_spark.tags.encoding import Encoder
from radnet_spark.tags.fitting import TagFit, fit_tags
from radnet_spark.tags.grids import STAGE, tag_cells
from radnet_spark.tags.missingness import UNTESTED, GapSample, Verdict, compared, verdicts
from radnet_spark.tags.preparation import TagPolicy
from radnet_spark.tags.reducing import Reduced, reduce_tags
from radnet_spark.tags.selection import Statistics, TagCounts, TagDecision, kept_after, select

READS = ("instances", "cohort")
WRITES = (
    "tag_missingness", "missingness_tests", "tag_imputation", "tag_features", "embeddings/source=tags",
    "fits/stage=tags", "grid_cells/stage=tags",
)  # fmt: skip
CONFIG = ("tags",)

_PART = {"source": "tags"}
_FEW_ROWS = 100


def check(context: StageContext) -> None:
    """Raises `UsageError` for a grid that is not there or can't be read."""
    tag_cells(context.config.tags, [])


def run(context: StageContext) -> StageSummary:
    """Writes `tag_missingness`, `missingness_tests`, `tag_imputation`, `tag_features`, the tag rows of `embeddings`.

    Raises:
        StageError: the cohort has no training instance.
    """
    settings, summary = context.config.tags, StageSummary("tags")
    policy = TagPolicy.load(settings.include_modality_tags)
    rows = frames.tagged(context.tables.read("instances"), context.cohort())
    counted = merged(frames.tag_counts(_part(rows, "train"), policy))
    if not counted.rows:
        raise StageError("tags: found no training instance in the cohort, expected at least one")
    if counted.rows < _FEW_ROWS:
        summary.notes.append(f"only {counted.rows} training instances: the tag vectors are rough")
    decisions = select(counted, policy, settings.min_fill_rate, settings.min_distinct, settings.max_categories)
    features = FeatureSet.of(decisions)
    summary.extra.update(kept_after=kept_after(decisions), features=len(features),
                         include_modality_tags=settings.include_modality_tags)  # fmt: skip
    context.progress(f"{len(features)} of {len(decisions)} tag values kept")
    _test_gaps(context, summary, rows, counted, decisions, policy)
    fit, uids = _fit(context, rows, counted.rows, features, policy) if len(features) else (None, [])
    if fit is None:
        summary.notes.append("no tag passed the filters: there is no tag source")
        no_cells = context.spark.createDataFrame([], TABLES["grid_cells"].ddl)
        context.tables.overwrite("grid_cells", no_cells, part={"stage": STAGE})
    _write(context, summary, features, rows, (fit, reduce_tags(context, fit, uids)) if fit else None)
    return summary


def _test_gaps(
    context: StageContext, summary: StageSummary, rows: DataFrame, counted: Statistics, decisions: list[TagDecision],
    policy: TagPolicy,
) -> None:  # fmt: skip
    """Writes `missingness_tests` and, with the verdicts, `tag_missingness`."""
    settings, features, tables = context.config.tags, FeatureSet.of(decisions), context.tables
    tested = compared(features, counted.by_source["Modality"].values if "Modality" in counted.by_source else ())
    train = _part(rows, "train")
    if counted.rows > settings.missingness_rows:
        train = frames.sampled(train, settings.missingness_rows, settings.seed)
    sample = _sample(frames.prepared(train, tested, policy), tested)
    names = {feature.source for feature in (*features.continuous, *features.categorical)}
    with_gaps = [(name,) for name in sample.with_gaps() if name in names]
    context.progress(f"testing the gaps of {len(with_gaps)} tags on {len(sample.exams)} instances")
    tags = context.spark.createDataFrame(with_gaps, "tag string")
    tags = tags.repartition(min(max(len(with_gaps), 1), 2 * context.spark.sparkContext.defaultParallelism))
    summary.rows["missingness_tests"] = tables.overwrite(
        "missingness_tests", frames.missingness_tests(tags, sample, settings.alpha)
    )
    written = tables.read("missingness_tests").select("tag", "other", "p_value", "p_corrected").collect()
    found = verdicts(((row["tag"], row["p_value"], row["p_corrected"]) for row in written), settings.alpha)
    summary.rows["tag_missingness"] = tables.overwrite(
        "tag_missingness", context.spark.createDataFrame(_missingness(decisions, found), TABLES["tag_missingness"].ddl)
    )
    raw, corrected = (sum(v[place] is False for v in found.values()) for place in (0, 1))
    exams = len(np.unique(sample.exams))
    summary.extra.update(missingness_rows=len(sample.exams), missingness_exams=exams, tested_for_gaps=len(found),
                         not_mcar=raw, not_mcar_corrected=corrected)  # fmt: skip
    summary.facts.append(
        f"gaps of {len(found)} tags tested on {len(sample.exams)} instances of {exams} exams: {raw} not completely at "
        f"random, {corrected} after Holm's correction"
    )


def _fit(
    context: StageContext, rows: DataFrame, train_count: int, features: FeatureSet, policy: TagPolicy
) -> tuple[TagFit, list[str]]:
    """What was fitted, and the instances that watch the fitting of vectors; none where training rows stand in."""
    settings = context.config.tags
    train = _part(rows, "train")
    if train_count > settings.train_rows:
        train = frames.sampled(train, settings.train_rows, settings.seed)
    validation = frames.sampled(_part(rows, "validation"), settings.train_rows, settings.seed)
    (train_rows, _), (validation_rows, uids) = (
        _columns(frames.prepared(part, features, policy), features) for part in (train, validation)
    )
    context.progress(f"filling gaps and fitting tag vectors on {len(train_rows.numbers)} instances")
    return fit_tags(train_rows, validation_rows, features, policy, settings), uids


def _write(
    context: StageContext, summary: StageSummary, features: FeatureSet, rows: DataFrame,
    made: tuple[TagFit, Reduced] | None,
) -> None:  # fmt: skip
    tables, spark = context.tables, context.spark
    filled = [tuple(item) for item in made[0].imputation] if made else []
    summary.rows["tag_imputation"] = tables.overwrite(
        "tag_imputation", spark.createDataFrame(filled, TABLES["tag_imputation"].ddl)
    )
    layout = [tuple(item) for item in Encoder(features).layout()]
    summary.rows["tag_features"] = tables.overwrite(
        "tag_features", spark.createDataFrame(layout, TABLES["tag_features"].ddl)
    )
    vectors = spark.createDataFrame([], TABLES["embeddings"].ddl)
    if made:
        fit, reduced = made
        vectors = frames.embeddings(rows, str(fit_folder(tables, reduced.fit_id)), reduced.model, reduced.fit_id)
        summary.notes += [*fit.notes, *reduced.notes]
        summary.extra.update(
            fit_id=reduced.fit_id, model=reduced.model, cells=reduced.cells, best_loss=reduced.metrics["loss"],
            epochs=int(reduced.metrics.get("epochs", 0)), width=fit.sample.width, imputation=_imputation(fit),
        )  # fmt: skip
        errors = {f"imputation.{name}": n for name, n in summary.extra["imputation"].items() if isinstance(n, float)}
        with context.tracker.run("tags") as run:
            run.metrics(errors)
    summary.rows["embeddings"] = tables.overwrite("embeddings", vectors, part=_PART)


def _imputation(fit: TagFit) -> dict[str, Any]:
    """How gaps were filled, in figures: means over the tags, and what each round changed."""
    found: dict[str, Any] = {"method": type(fit.imputer).__name__}
    if fit.missforest:
        found |= {"rounds_run": len(fit.missforest.differences), "rounds_kept": fit.missforest.rounds,
                  "differences": [asdict(difference) for difference in fit.missforest.differences]}  # fmt: skip
    for name, kind in (("nrmse", "continuous"), ("pfc", "categorical")):
        rows = [row for row in fit.imputation if row.kind == kind]
        for where, errors in (("oob", [row.oob_error for row in rows]),
                              ("validation", [row.validation_error for row in rows])):  # fmt: skip
            known = [error for error in errors if error is not None]
            found |= {f"{where}_{name}": float(np.mean(known))} if known else {}
    return found


def _part(rows: DataFrame, split: str) -> DataFrame:
    return rows.where(F.col("split") == split)


def merged(counts: DataFrame) -> Statistics:
    """All partitions' counts together; bounded by partitions x tags x `MAX_DISTINCT`."""
    statistics = Statistics()
    for row in counts.toLocalIterator(prefetchPartitions=True):
        if row["source"] == "":
            statistics.rows += row["filled"]
        else:
            part = TagCounts(row["filled"], row["numeric"], row["minimum"], row["maximum"], set(row["values"]),
                             row["overflow"])  # fmt: skip
            statistics.merge(row["source"], part)
    return statistics


def _columns(prepared: DataFrame, features: FeatureSet) -> tuple[Columns, list[str]]:
    """The rows on the driver, in the order of their identifiers, and these."""
    rows = sorted(prepared.collect(), key=lambda row: row["sop_instance_uid"])
    return _stacked(rows, features), [row["sop_instance_uid"] for row in rows]


def _sample(prepared: DataFrame, features: FeatureSet) -> GapSample:
    rows = sorted(prepared.collect(), key=lambda row: row["sop_instance_uid"])
    return GapSample.of(_stacked(rows, features), [row["exam_id"] for row in rows], features)


def _stacked(rows: Sequence[Row], features: FeatureSet) -> Columns:
    numbers = np.frombuffer(b"".join(row["numbers"] for row in rows), "<f8")
    codes = np.frombuffer(b"".join(row["codes"] for row in rows), "<i4")
    return Columns(
        numbers.reshape(len(rows), len(features.continuous)), codes.reshape(len(rows), len(features.categorical))
    )


def _missingness(decisions: list[TagDecision], found: Mapping[str, Verdict]) -> list[tuple[Any, ...]]:
    return [
        (d.source, d.fill_rate, d.distinct_values, d.kept, d.reason, *found.get(d.source, UNTESTED)) for d in decisions
    ]
