"""`radnet tags`: selects, tests, fills and encodes tags on the training part, and embeds the whole cohort."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from radnet_spark.errors import StageError
from radnet_spark.lake.fits import fit_folder
from radnet_spark.lake.stage import StageContext, StageSummary
from radnet_spark.schemas import TABLES
from radnet_spark.tags import frames
from radnet_spark.tags.columns import Columns, FeatureSet
from radnet_spark.tags.encoding import Encoder
from radnet_spark.tags.fitting import TagFit, fit_tags
from radnet_spark.tags.grids import tag_cells
from radnet_spark.tags.missingness import Verdict
from radnet_spark.tags.preparation import TagPolicy
from radnet_spark.tags.reducing import Reduced, reduce_tags
from radnet_spark.tags.selection import Statistics, TagCounts, TagDecision, kept_after, select

READS = ("instances", "cohort")
WRITES = ("tag_missingness", "tag_features", "embeddings/source=tags", "fits/stage=tags", "grid_cells/stage=tags")
CONFIG = ("tags",)

_PART = {"source": "tags"}
_FEW_ROWS = 100


def check(context: StageContext) -> None:
    """Raises `UsageError` for a grid that is not there or can't be read."""
    tag_cells(context.config.tags, [])


def run(context: StageContext) -> StageSummary:
    """Writes `tag_missingness`, `tag_features` and the tag rows of `embeddings`.

    Raises:
        StageError: the cohort has no training instance.
    """
    settings, summary = context.config.tags, StageSummary("tags")
    policy = TagPolicy.load(settings.include_modality_tags)
    rows = frames.tagged(context.tables.read("instances"), context.cohort())
    counted = _statistics(frames.tag_counts(_part(rows, "train"), policy))
    if not counted.rows:
        raise StageError("tags: found no training instance in the cohort, expected at least one")
    if counted.rows < _FEW_ROWS:
        summary.notes.append(f"only {counted.rows} training instances: the tag vectors are rough")
    decisions = select(counted, policy, settings.min_fill_rate, settings.min_distinct, settings.max_categories)
    features = FeatureSet.of(decisions)
    summary.extra.update(kept_after=kept_after(decisions), features=len(features),
                         include_modality_tags=settings.include_modality_tags)  # fmt: skip
    context.progress(f"{len(features)} of {len(decisions)} tag values kept")
    fit, uids = _fit(context, rows, counted.rows, features, policy) if len(features) else (None, [])
    if fit is None:
        summary.notes.append("no tag passed the filters: there is no tag source")
    reduced = reduce_tags(context, fit, uids) if fit else None
    _write(context, summary, decisions, features, fit, rows, reduced)
    return summary


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
    context.progress(f"fitting tag vectors on {len(train_rows.numbers)} instances")
    return fit_tags(train_rows, validation_rows, features, policy, settings), uids


def _write(
    context: StageContext, summary: StageSummary, decisions: list[TagDecision], features: FeatureSet,
    fit: TagFit | None, rows: DataFrame, reduced: Reduced | None,
) -> None:  # fmt: skip
    tables, spark = context.tables, context.spark
    missingness = _missingness(decisions, fit.verdicts if fit else {})
    summary.rows["tag_missingness"] = tables.overwrite(
        "tag_missingness", spark.createDataFrame(missingness, TABLES["tag_missingness"].ddl)
    )
    layout = [tuple(item) for item in Encoder(features).layout()]
    summary.rows["tag_features"] = tables.overwrite(
        "tag_features", spark.createDataFrame(layout, TABLES["tag_features"].ddl)
    )
    vectors = spark.createDataFrame([], TABLES["embeddings"].ddl)
    if fit and reduced:
        vectors = frames.embeddings(rows, str(fit_folder(tables, reduced.fit_id)), reduced.model, reduced.fit_id)
        summary.notes += [*fit.notes, *reduced.notes]
        summary.extra.update(
            fit_id=reduced.fit_id, model=reduced.model, cells=reduced.cells, best_loss=reduced.metrics["loss"],
            epochs=int(reduced.metrics.get("epochs", 0)), width=fit.sample.width,
            not_mcar=sum(v.raw is False for v in fit.verdicts.values()),
            not_mcar_corrected=sum(v.corrected is False for v in fit.verdicts.values()),
        )  # fmt: skip
    summary.rows["embeddings"] = tables.overwrite("embeddings", vectors, part=_PART)


def _part(rows: DataFrame, split: str) -> DataFrame:
    return rows.where(F.col("split") == split)


def _statistics(counts: DataFrame) -> Statistics:
    """All partitions' counts together; bounded by partitions x tags x `MAX_DISTINCT`."""
    statistics = Statistics()
    for row in counts.toLocalIterator():
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
    numbers = np.frombuffer(b"".join(row["numbers"] for row in rows), "<f8")
    codes = np.frombuffer(b"".join(row["codes"] for row in rows), "<i4")
    columns = Columns(
        numbers.reshape(len(rows), len(features.continuous)), codes.reshape(len(rows), len(features.categorical))
    )
    return columns, [row["sop_instance_uid"] for row in rows]


def _missingness(decisions: list[TagDecision], found: Mapping[str, Verdict]) -> list[tuple[Any, ...]]:
    untested = Verdict(None, None, 0, None)
    return [
        (d.source, d.fill_rate, d.distinct_values, d.kept, d.reason, found.get(d.source, untested).raw,
         found.get(d.source, untested).corrected)
        for d in decisions
    ]  # fmt: skip
