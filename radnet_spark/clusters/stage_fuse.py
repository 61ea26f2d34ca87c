"""`radnet fuse`: one vector an instance from the chosen embeddings of all sources."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from radnet_spark.clusters.blocks import Moments, Usable, total_variance, usable_sources
from radnet_spark.clusters.frames import block_moments, fused
from radnet_spark.clusters.fusion import BLOCK_ORDER, Block, fit_blocks
from radnet_spark.errors import NothingToDoError
from radnet_spark.lake.dropped import dropped_rows
from radnet_spark.lake.fits import saving_fit
from radnet_spark.lake.stage import StageContext, StageSummary

READS = (
    "scores/source=diagnosis", "scores/source=tags", "scores/source=image", "embeddings/source=diagnosis",
    "embeddings/source=tags", "embeddings/source=image", "cohort",
)  # fmt: skip
WRITES = ("embeddings/source=fusion", "dropped/stage=fuse")
CONFIG = ("fuse",)

FUSION_FILE = "fusion.json"

Models = Mapping[str, tuple[str, str]]


def run(context: StageContext) -> StageSummary:
    """Writes `embeddings` of source `fusion`, its plan as a fit, and the stage's part of `dropped`.

    Raises:
        NothingToDoError: no source has a chosen clustering and embeddings.
    """
    settings, tables = context.config.fuse, context.tables
    models = {
        row["source"]: (row["model"], row["embedding_fit_id"])
        for row in tables.read_or_empty("clusterings").where("chosen").collect()
        if row["source"] in BLOCK_ORDER
    }
    vectors = _vectors(context, models).persist()
    try:
        usable = usable_sources([s for s in BLOCK_ORDER if s in models], _coverage(vectors))
        if not usable.sources:
            raise NothingToDoError("nothing to fuse: no source has a chosen clustering")
        blocks = _blocks(context, vectors, models, usable.sources)
        name = "+".join(block.model for block in blocks)
        with saving_fit(context, "fuse", name) as (fit_id, folder):
            plan = {
                "method": settings.method, "scaling": settings.scaling, "blocks": [b.as_dict() for b in blocks],
                "fits": {block.source: models[block.source][1] for block in blocks},
            }  # fmt: skip
            (folder / FUSION_FILE).write_text(json.dumps(plan, indent=1), encoding="utf-8")
        present = vectors.where(F.col("vector").isNotNull())
        rows = {
            "embeddings": tables.overwrite(
                "embeddings", fused(present, blocks, name, fit_id), part={"source": "fusion"}
            ),
            "dropped": tables.overwrite("dropped", _without_block(vectors, usable.sources), part={"stage": "fuse"}),
        }
    finally:
        vectors.unpersist()
    return _summary(rows, blocks, usable, models)


def _vectors(context: StageContext, models: Models) -> DataFrame:
    """`sop_instance_uid, split, source, vector` of the cohort; source and vector are null where a row has none."""
    chosen = F.lit(False)
    for source, (model, fit_id) in sorted(models.items()):
        chosen = chosen | ((F.col("source") == source) & (F.col("model") == model) & (F.col("fit_id") == fit_id))
    embedded = context.tables.read_or_empty("embeddings").where(chosen).select("sop_instance_uid", "source", "vector")
    cohort = context.cohort().select("sop_instance_uid", "split")
    return cohort.join(embedded, "sop_instance_uid", how="left")


def _coverage(vectors: DataFrame) -> dict[frozenset[str], int]:
    having = vectors.groupBy("sop_instance_uid").agg(F.sort_array(F.collect_set("source")).alias("sources"))
    return {frozenset(row["sources"]): row["count"] for row in having.groupBy("sources").count().collect()}


def _blocks(context: StageContext, vectors: DataFrame, models: Models, sources: Sequence[str]) -> tuple[Block, ...]:
    present = vectors.where(F.col("source").isin(list(sources)))
    scaling = context.config.fuse.scaling
    found = _moments(present.where(F.col("split") == "train"), scaling) or _moments(present, scaling)
    if set(found) != set(sources):
        found = _moments(present, scaling)
    dims = [len(found[source][0].total) for source in sources]
    variances = [total_variance(found[source]) for source in sources]
    return fit_blocks([(source, models[source][0]) for source in sources], dims, variances, scaling)


def _moments(vectors: DataFrame, scaling: str) -> dict[str, list[Moments]]:
    found: dict[str, list[Moments]] = {}
    for row in block_moments(vectors, unit_length=scaling == "l2").collect():
        moments = Moments(row["n"], np.asarray(row["total"]), row["squares"])
        found.setdefault(row["source"], []).append(moments)
    return found


def _without_block(vectors: DataFrame, sources: Sequence[str]) -> DataFrame:
    wanted = F.array(*[F.lit(source) for source in sources])
    having = vectors.groupBy("sop_instance_uid").agg(F.collect_set("source").alias("sources"))
    lacking = having.withColumn("lacking", F.array_except(wanted, "sources")).where(F.size("lacking") > 0)
    named = lacking.withColumn("reason", F.lit("no_embedding"))
    return dropped_rows(named, "fuse", "instance", "sop_instance_uid", F.array_join("lacking", ", "))


def _summary(rows: dict[str, int], blocks: Sequence[Block], usable: Usable, models: Models) -> StageSummary:
    notes = list(usable.notes)
    absent = [source for source in BLOCK_ORDER if source not in models]
    if absent:
        notes.append(f"no chosen clustering of {', '.join(absent)}: fused without")
    if len(blocks) == 1:
        notes.append(f"{blocks[0].source} is the only source: the fused vector is its own")
    if rows["dropped"]:
        notes.append(f"{rows['dropped']} instances lack a block and have no fused vector")
    shares = {block.source: round(block.variance_share, 4) for block in blocks}
    return StageSummary(
        "fuse", rows=rows, dropped={"no_embedding": rows["dropped"]} if rows["dropped"] else {}, notes=notes,
        extra={"sources": list(usable.sources), "variance_share": shares},
        facts=["share of the variance: " + ", ".join(f"{source} {share:.0%}" for source, share in shares.items())],
    )  # fmt: skip
