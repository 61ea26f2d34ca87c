"""`radnet evaluate --source …`: scores of every clustering, the choice, and its scores on the test part."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from radnet_spark.clusters.agreement import Content, agreement
from radnet_spark.clusters.frames import contents, in_order, unit_sums
from radnet_spark.clusters.selection import Candidate, choose
from radnet_spark.clusters.tightness import DIAGNOSIS, IMAGE, ONCE_AN_EXAM, SummedCluster, tightness
from radnet_spark.config import load_rules
from radnet_spark.errors import NothingToDoError
from radnet_spark.lake.stage import StageContext, StageSummary
from radnet_spark.lake.tables import Tables
from radnet_spark.schemas import TABLES

READS = (
    "labels/source={source}", "embeddings/source=image", "embeddings/source=diagnosis", "cohort", "body_parts",
)  # fmt: skip
READS_OF_SOURCE = dict.fromkeys(("tags", "fusion"), ("scores/source=image", "scores/source=diagnosis"))  # the choices
WRITES = ("scores/source={source}", "clusterings/source={source}")
CONFIG = ("cluster", "evaluate")

_FEW_ROWS = 50
_DIGITS = 10  # sums come in any order; beyond these digits a second run may differ

Scores = dict[str, tuple[float, float | None]]


def run(context: StageContext) -> StageSummary:
    """Writes the source's part of `scores` and sets `chosen` in its part of `clusterings`.

    Raises:
        NothingToDoError: the source was not clustered.
    """
    source, tables = str(context.options["source"]), context.tables
    tried = tables.read_or_empty("clusterings").where(F.col("source") == source).collect()
    if not tried:
        raise NothingToDoError(f"nothing to evaluate: source {source} was not clustered")
    notes: list[str] = []
    counted = _contents(context, source)
    deciding = _deciding_split(counted, notes)
    agreed = _agreement(context, tried, counted, deciding)
    judges = judging_embeddings(context, notes)
    near = _tightness(context, judges, [row["clustering_id"] for row in tried], deciding, notes)
    candidates = [
        _candidate(row, {**agreed[row["clustering_id"]], **near.get(row["clustering_id"], {})}) for row in tried
    ]
    choice = choose(candidates, context.config.cluster.near_best, context.config.evaluate.tie)
    chosen = [row for row in tried if row["clustering_id"] == choice.clustering_id]
    rows = _rows(source, deciding, agreed, near)
    if ("test", choice.clustering_id) in counted:
        test = _agreement(context, chosen, counted, "test")
        rows += _rows(source, "test", test, _tightness(context, judges, [choice.clustering_id], "test", []))
    else:
        notes.append("no test rows: the chosen clustering has no test scores")
    written = _write(context, source, rows, tried, choice.clustering_id)
    best = {
        name: round(value, 4)
        for name, (value, _) in sorted(agreed[choice.clustering_id].items())
        if not math.isnan(value)
    }
    best |= {name: round(value, 4) for name, (value, _) in sorted(near.get(choice.clustering_id, {}).items())}
    chosen_k = {"clustering_id": choice.clustering_id, "model": chosen[0]["model"], "k": chosen[0]["k"]}
    notes += [*choice.notes, *_warnings(counted, deciding, choice.clustering_id)]
    return StageSummary(
        "evaluate", rows=written, notes=notes,
        extra={"source": source, "split": deciding, "chosen": chosen_k, "scores": best},
    )  # fmt: skip


Counted = dict[tuple[str, str], list[Content]]


def _contents(context: StageContext, source: str) -> Counted:
    tables = context.tables
    labels = tables.read("labels").where(F.col("source") == source)
    found: Counted = {}
    for row in contents(labels, context.cohort(), tables.read_or_empty("body_parts")).collect():
        content = Content(row["label"], row["modality"], row["body_part"], row["known"], row["count"])
        found.setdefault((row["split"], row["clustering_id"]), []).append(content)
    return found


def _deciding_split(counted: Counted, notes: list[str]) -> str:
    """Validation; where it is empty, train, and test only if there is nothing else."""
    there = {split for split, _ in counted}
    if "validation" in there:
        return "validation"
    split = "train" if "train" in there else "test"
    notes.append(f"no validation rows: the choice was made on {split}, so that its scores are optimistic")
    return split


def _agreement(context: StageContext, tried: Sequence[Row], counted: Counted, split: str) -> dict[str, Scores]:
    grouped: Mapping[str, list[str]] = load_rules(context.config.evaluate.regions)["regions"]
    regions = {part: region for region, parts in grouped.items() for part in parts}
    return {
        row["clustering_id"]: {
            name: (value, None)
            for name, value in agreement(counted.get((split, row["clustering_id"]), []), regions).items()
        }
        for row in tried
    }


def _tightness(
    context: StageContext, embeddings: DataFrame | None, clustering_ids: Sequence[str], split: str, notes: list[str]
) -> dict[str, Scores]:
    if embeddings is None:
        return {}
    labels = context.tables.read("labels").where(
        (F.col("source") == context.options["source"]) & F.col("clustering_id").isin(list(clustering_ids))
    )
    rows = context.cohort().where(F.col("split") == split)
    by_clustering: dict[str, list[SummedCluster]] = {}
    zeros: dict[str, int] = {}
    for row in unit_sums(labels, rows, embeddings, ONCE_AN_EXAM).collect():
        summed = SummedCluster(row["kind"], row["n"], row["squared_norm"])
        by_clustering.setdefault(row["clustering_id"], []).append(summed)
        zeros[row["kind"]] = zeros.get(row["kind"], 0) + (
            row["zero"] if row["clustering_id"] == clustering_ids[0] else 0
        )
    notes += [f"{kind}: {n} zero vectors left out" for kind, n in sorted(zeros.items()) if n]
    return {key: tightness(clusters) for key, clusters in by_clustering.items()}


def judging_embeddings(context: StageContext, notes: list[str]) -> DataFrame | None:
    """The image and the text embedding in which distances are taken: the chosen ones, or the only ones there are."""
    tables = context.tables
    judges = {**_only_models(tables), **_chosen_models(tables)}
    wanted = [
        F.when((F.col("source") == s) & (F.col("model") == judges[s][0]) & (F.col("fit_id") == judges[s][1]), kind)
        for s, kind in (("image", IMAGE), ("diagnosis", DIAGNOSIS))
        if s in judges
    ]
    if not wanted:
        notes.append("no image and no diagnosis embedding is chosen: there is no D")
        return None
    if "diagnosis" not in judges:
        notes.append("no vectors of diagnoses are chosen: D is D_image")
    if "image" not in judges:
        notes.append("no vectors of images are chosen: D is D_diagnosis")
    named = tables.read("embeddings").withColumn("kind", F.coalesce(*wanted))
    return named.where(F.col("kind").isNotNull()).select("sop_instance_uid", "kind", "vector")


def _chosen_models(tables: Tables) -> dict[str, tuple[str, str]]:
    rows = tables.read_or_empty("clusterings").where("chosen AND source IN ('image', 'diagnosis')").collect()
    return {row["source"]: (row["model"], row["embedding_fit_id"]) for row in rows}


def _only_models(tables: Tables) -> dict[str, tuple[str, str]]:
    """Source → (model, fit_id) where no other can be chosen."""
    judging = tables.read_or_empty("embeddings").where("source IN ('image', 'diagnosis')")
    grouped = judging.groupBy("source").agg(F.collect_set(F.struct("model", "fit_id")).alias("models"))
    return {row["source"]: tuple(row["models"][0]) for row in grouped.collect() if len(row["models"]) == 1}


def _candidate(row: Row, scores: Scores) -> Candidate:
    group = (row["model"], row["embedding_fit_id"], row["fusion"] or "", row["algorithm"], row["distance"])
    unknown = (math.nan, None)
    s, d = scores.get("S", unknown)[0], scores.get("D", unknown)[0]
    return Candidate(row["clustering_id"], row["source"], group, row["k"], bool(row["elbow"]), s, d)


def _rows(source: str, split: str, *scored: Mapping[str, Scores]) -> list[dict[str, Any]]:
    return [
        {"clustering_id": key, "source": source, "split": split, "score": name, "value": round(value, _DIGITS),
         "spread": None if spread is None else round(spread, _DIGITS)}
        for of_kind in scored
        for key, scores in of_kind.items()
        for name, (value, spread) in scores.items()
        if not math.isnan(value)
    ]  # fmt: skip


def _write(
    context: StageContext, source: str, rows: list[dict[str, Any]], tried: Iterable[Row], chosen: str
) -> dict[str, int]:
    spark, part = context.spark, {"source": source}
    clusterings = [{**row.asDict(), "chosen": row["clustering_id"] == chosen} for row in tried]
    return {
        name: context.tables.overwrite(name, spark.createDataFrame(in_order(name, made), TABLES[name].ddl), part=part)
        for name, made in (("scores", rows), ("clusterings", clusterings))
    }


def _warnings(counted: Counted, split: str, clustering_id: str) -> list[str]:
    rows = counted.get((split, clustering_id), [])
    parts = {row.body_part for row in rows if row.body_part is not None}
    unknown = sum(row.count for row in rows if row.body_part is None)
    total = sum(row.count for row in rows)
    notes = [f"{unknown} of {total} {split} rows have no body part: left out of the body-part scores"]
    if total < _FEW_ROWS:
        notes.append(f"only {total} {split} rows: what is chosen on so few may be chance")
    if len({row.modality for row in rows}) == 1:
        notes.append("one modality only: HS_M is 1 by convention")
    if len(parts) == 1:
        notes.append("one body part only: HS_B is 1 by convention")
    if not parts:
        notes.append("no body part is known: S rests on the modality alone")
    return notes if unknown else notes[1:]
