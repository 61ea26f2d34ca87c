"""`radnet register`: the chosen pipeline as a version of the registered model, with the alias pointing to it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
from pyspark.sql import Row
from pyspark.sql import functions as F

from radnet_spark.annotator.assembly import assemble
from radnet_spark.annotator.example import example_input
from radnet_spark.annotator.inputs import SECTIONS, sections_of
from radnet_spark.annotator.registry import find_version, register_version, set_champion
from radnet_spark.clusters.embedder import FusionCentres, blocks_from
from radnet_spark.clusters.fusion import Block
from radnet_spark.clusters.stage_fuse import FUSION_FILE
from radnet_spark.config import config_hash
from radnet_spark.errors import NothingToDoError, StageError
from radnet_spark.lake.fits import existing_fit, fit_folder, saving_fit
from radnet_spark.lake.runs import code_version
from radnet_spark.lake.stage import StageContext, StageSummary
from radnet_spark.text.word_means import SPARK_NLP_MODEL

READS = (
    "clusterings/source=fusion", "clusterings/source=image", "clusterings/source=tags", "clusterings/source=diagnosis",
    "clusters/source=fusion", "clusters/source=image", "clusters/source=tags", "clusters/source=diagnosis",
)  # fmt: skip
WRITES = ("fits/stage=register",)
CONFIG = ("register", *SECTIONS)


def run(context: StageContext) -> StageSummary:
    """Registers the chosen clustering with its embedders; the same ones again make no new version.

    Raises:
        NothingToDoError: no clustering is chosen.
        StageError: the fusion is older than the choice of one of its sources.
    """
    settings = context.config.register_
    by_source = {row["source"]: row for row in context.tables.read("clusterings").where("chosen").collect()}
    chosen = _main_clustering(by_source)
    blocks = _plan(context, chosen, by_source)
    fits = {block.source: existing_fit(context.tables, by_source[block.source]["embedding_fit_id"]) for block in blocks}
    sections = sections_of(context.config)
    made_from = [chosen["clustering_id"], {s: f.name for s, f in fits.items()}, sections, code_version()]
    named = replace(context, fingerprint=config_hash(made_from))
    fit_id = named.fit_id("register", settings.name)
    entry = find_version(context.tracker, settings, fit_id)
    new = entry is None
    if entry is None:
        centres = _centres(context, chosen["clustering_id"], blocks)
        with saving_fit(named, "register", settings.name) as (_, folder):
            assemble(folder, centres, fits, sections)
        folder = fit_folder(context.tables, fit_id)
        entry = register_version(context.tracker, settings, folder, (fit_id, chosen["clustering_id"]), example_input())
    moved = set_champion(context.tracker, settings, entry)
    uri = f"models:/{settings.name}@{settings.alias}"
    notes = [] if new else [f"version {entry.version} is of the same clustering, fits, settings and code"]
    if any(block.source == "diagnosis" and block.model == SPARK_NLP_MODEL for block in blocks):
        notes.append(f"diagnoses are left out by the registered model: {SPARK_NLP_MODEL} works in Spark only")
    return StageSummary(
        "register", notes=notes,
        extra={
            "model": uri, "version": entry.version, "new_version": new, "alias_moved": moved,
            "sources": [block.source for block in blocks],
        },
    )  # fmt: skip


def _main_clustering(by_source: dict[str, Row]) -> Row:
    """The chosen fusion; where nothing was fused, the only source that was chosen."""
    if "fusion" in by_source:
        return by_source["fusion"]
    if len(by_source) == 1:
        return next(iter(by_source.values()))
    found = ", ".join(sorted(by_source)) or "none"
    raise NothingToDoError(f"nothing to register: expected a chosen clustering of the fusion, found {found}")


def _plan(context: StageContext, chosen: Row, by_source: dict[str, Row]) -> tuple[Block, ...]:
    """What the chosen vectors are made of.

    Raises:
        StageError: the fusion was made of other embeddings than those that are chosen now.
    """
    if chosen["source"] != "fusion":
        clusters = context.tables.read("clusters").where(F.col("clustering_id") == chosen["clustering_id"])
        dims = clusters.select(F.size("centre")).limit(1).collect()[0][0]
        return (Block(chosen["source"], chosen["model"], dims),)
    folder = existing_fit(context.tables, chosen["embedding_fit_id"])
    plan = json.loads((folder / FUSION_FILE).read_text(encoding="utf-8"))
    for source, fit_id in plan.get("fits", {}).items():
        if source not in by_source or by_source[source]["embedding_fit_id"] != fit_id:
            raise StageError(
                f"register: the fusion was made of other {source} embeddings than those chosen now; run `radnet fuse`, "
                "`cluster --source fusion` and `evaluate --source fusion` again"
            )
    return blocks_from(plan)


def _centres(context: StageContext, clustering_id: str, blocks: tuple[Block, ...]) -> FusionCentres:
    """The centres by label, with what may be told of each cluster: nothing of single instances."""
    clusters = context.tables.read("clusters").where(F.col("clustering_id") == clustering_id)
    rows = clusters.orderBy("label").collect()
    told = ("label", "name", "modality", "body_part", "size", "purity")
    cards = tuple({column: row[column] for column in told} for row in rows)
    return FusionCentres(clustering_id, blocks, np.array([row["centre"] for row in rows], np.float32), cards)
