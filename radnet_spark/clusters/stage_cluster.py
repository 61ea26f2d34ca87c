"""`radnet cluster --source …`: k-means for every k of the list, the elbow, and a label for every row of the cohort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from radnet_spark.clusters.centres import save_centres
from radnet_spark.clusters.frames import contents, in_order, labelled
from radnet_spark.clusters.kmeans import ALGORITHM, DISTANCE, Fitted, fit, weighted_rows
from radnet_spark.clusters.knee import elbow
from radnet_spark.clusters.krange import k_range
from radnet_spark.clusters.naming import Description, describe
from radnet_spark.config import config_hash
from radnet_spark.errors import NothingToDoError
from radnet_spark.lake.fits import fit_folder, saving_fit
from radnet_spark.lake.stage import StageContext, StageSummary
from radnet_spark.schemas import TABLES

READS = ("embeddings/source={source}", "cohort", "body_parts")
WRITES = ("clusterings/source={source}", "clusters/source={source}", "labels/source={source}")
CONFIG = ("cluster",)
_ROWS_A_TASK = 5000  # fewer: starting a task costs more than its share of an iteration

Descriptions = dict[tuple[str, int], Description]


@dataclass(frozen=True)
class Tried:
    """A clustering of one embedding: the best of all seeds for one k."""

    clustering_id: str
    model: str
    embedding_fit_id: str
    fitted: Fitted

    @property
    def embedding(self) -> tuple[str, str]:
        """What was clustered: (model, fit_id)."""
        return self.model, self.embedding_fit_id


def run(context: StageContext) -> StageSummary:
    """Writes the source's part of `clusterings`, `clusters` and `labels`, and the centres as a fit.

    Raises:
        NothingToDoError: no row of the cohort has an embedding of this source.
        UsageError: an explicit k is above the number of rows.
    """
    source, tables = str(context.options["source"]), context.tables
    part, notes = {"source": source}, list[str]()
    cohort = context.cohort().select("sop_instance_uid", "split")
    embedded = tables.read_or_empty("embeddings").where(F.col("source") == source)
    vectors = embedded.join(cohort, "sop_instance_uid", how="inner").persist()
    try:
        tried = _fit_all(context, vectors, notes)
        with saving_fit(context, "cluster", source) as (_, folder):
            save_centres(folder, {t.clustering_id: t.fitted.centres for t in tried})
        rows = {"labels": tables.overwrite("labels", _labels(context, vectors, tried), part=part)}
    finally:
        vectors.unpersist()
    described = _descriptions(context, tried)
    for name, made in (
        ("clusters", _clusters(source, tried, described)),
        ("clusterings", _clusterings(context, tried, described, notes)),
    ):
        frame = context.spark.createDataFrame(in_order(name, made), TABLES[name].ddl)
        rows[name] = tables.overwrite(name, frame, part=part)
    costs = [{"model": t.model, "k": t.fitted.k, "cost": t.fitted.cost} for t in tried]
    return StageSummary("cluster", rows=rows, notes=notes, extra={"source": source, "costs": costs})


def _fit_all(context: StageContext, vectors: DataFrame, notes: list[str]) -> list[Tried]:
    is_train = (F.col("split") == "train").cast("int")
    counted = vectors.groupBy("model", "fit_id").agg(F.count("*").alias("rows"), F.sum(is_train).alias("train"))
    models = sorted(counted.collect(), key=lambda row: (row["model"], row["fit_id"]))
    if not models:
        for name in ("clusterings", "clusters", "labels", "scores"):  # nothing may be chosen of what is no more
            context.tables.clear(name, {"source": str(context.options["source"])})
        raise NothingToDoError(f"nothing to cluster: no embeddings of source {context.options['source']} in the cohort")
    return [tried for model in models for tried in _fit_model(context, vectors, model, notes)]


def _fit_model(context: StageContext, vectors: DataFrame, about: Row, notes: list[str]) -> list[Tried]:
    settings, model, embedding_fit_id = context.config.cluster, about["model"], about["fit_id"]
    rows = _of_embedding(vectors, (model, embedding_fit_id))
    if about["train"]:
        rows = rows.where(F.col("split") == "train")
    else:
        notes.append(f"{model}: no train rows, so that centres were fitted on all {about['rows']} rows")
    wanted = k_range(settings.k, settings.k_list, about["train"] or about["rows"])
    notes += [f"{model}: {wanted.note}"] if wanted.note else []
    fit_id = context.fit_id("cluster", str(context.options["source"]))
    cores, count = context.spark.sparkContext.defaultParallelism, about["train"] or about["rows"]
    train = weighted_rows(rows).coalesce(min(cores, -(-count // _ROWS_A_TASK))).persist()
    tried = []
    try:
        distinct = train.count()
        for k in wanted.ks:
            context.progress(f"{model}, k = {k}")
            best = fit(train, distinct, k, settings)
            key = config_hash([fit_id, model, embedding_fit_id, ALGORITHM, DISTANCE, k, best.seed])[:12]
            tried.append(Tried(key, model, embedding_fit_id, best))
    finally:
        train.unpersist()
    return tried


def _of_embedding(vectors: DataFrame, embedding: tuple[str, str]) -> DataFrame:
    return vectors.where((F.col("model") == embedding[0]) & (F.col("fit_id") == embedding[1]))


def _labels(context: StageContext, vectors: DataFrame, tried: Sequence[Tried]) -> DataFrame:
    source = str(context.options["source"])
    folder = str(fit_folder(context.tables, context.fit_id("cluster", source)))
    frames = [
        labelled(
            _of_embedding(vectors, embedding),
            source,
            folder,
            [t.clustering_id for t in tried if t.embedding == embedding],
        )
        for embedding in sorted({t.embedding for t in tried})
    ]
    return reduce(DataFrame.unionByName, frames)


def _descriptions(context: StageContext, tried: Sequence[Tried]) -> Descriptions:
    tables, settings = context.tables, context.config.cluster
    labels = tables.read("labels").where(F.col("source") == context.options["source"])
    counted = contents(labels, context.cohort(), tables.read_or_empty("body_parts"))
    counts: dict[tuple[str, int], dict[tuple[str, str | None], int]] = {
        (t.clustering_id, label): {} for t in tried for label in range(len(t.fitted.centres))
    }
    for row in counted.collect():
        of_cluster = counts[row["clustering_id"], row["label"]]
        pair = (row["modality"], row["body_part"])
        of_cluster[pair] = of_cluster.get(pair, 0) + row["count"]
    return {key: describe(value, settings.mixed_below, settings.anomaly_below) for key, value in counts.items()}


def _clusters(source: str, tried: Sequence[Tried], described: Descriptions) -> list[dict[str, Any]]:
    return [
        {"clustering_id": t.clustering_id, "source": source, "label": label, "centre": centre.tolist(),
         **vars(described[t.clustering_id, label])}
        for t in tried
        for label, centre in enumerate(t.fitted.centres)
    ]  # fmt: skip


def _clusterings(
    context: StageContext, tried: Sequence[Tried], described: Descriptions, notes: list[str]
) -> list[dict[str, Any]]:
    source = str(context.options["source"])
    elbows = _elbows(tried, context.config.cluster.knee_sensitivity)
    notes += [f"{model}: no elbow among the costs" for (model, _), k in sorted(elbows.items()) if k is None]
    rows = []
    for t in tried:
        sizes = [described[t.clustering_id, label].size for label in range(len(t.fitted.centres))]
        rows.append({
            "clustering_id": t.clustering_id, "source": source, "model": t.model,
            "fusion": context.config.fuse.method if source == "fusion" else None,
            "algorithm": ALGORITHM, "distance": DISTANCE, "k": t.fitted.k, "seed": t.fitted.seed,
            "cost": t.fitted.cost, "seed_costs": list(t.fitted.seed_costs),
            "empty_clusters": t.fitted.k - sum(size > 0 for size in sizes),
            "largest_share": max(sizes) / max(1, sum(sizes)),
            "elbow": elbows[t.embedding] == t.fitted.k, "chosen": False,
            "fit_id": context.fit_id("cluster", source), "embedding_fit_id": t.embedding_fit_id,
        })  # fmt: skip
    return rows


def _elbows(tried: Sequence[Tried], sensitivity: float) -> Mapping[tuple[str, str], int | None]:
    found = {}
    for embedding in {t.embedding for t in tried}:
        points = sorted((t.fitted.k, t.fitted.cost) for t in tried if t.embedding == embedding)
        found[embedding] = elbow([k for k, _ in points], [cost for _, cost in points], sensitivity)
    return found
