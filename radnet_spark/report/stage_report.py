"""`radnet report`: one page about everything under a root, its values as JSON, and its figures as files."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from radnet_spark.config import load_rules
from radnet_spark.lake.fits import fit_folder
from radnet_spark.lake.stage import StageContext, StageSummary
from radnet_spark.report import facts as gather
from radnet_spark.report import frames
from radnet_spark.report.baseline import baseline_labels, baseline_scores, raw_pixels
from radnet_spark.report.comparison import findings, score_rows
from radnet_spark.report.drawing import draw
from radnet_spark.report.facts import Cluster, Clustering, Facts
from radnet_spark.report.page import Pictures, render, summary
from radnet_spark.report.tag_facts import read_tag_facts
from radnet_spark.report.text_facts import read_text_facts
from radnet_spark.tags.frames import encoded_sums
from radnet_spark.tags.reading import EncodedSums, typical, units_by_tag

READS = (
    "instances", "quarantine", "exams", "body_parts", "images", "cohort", "dropped", "tokens", "clusterings",
    "clusters", "labels", "scores", "annotations", "fits", "tag_missingness", "missingness_tests", "tag_imputation",
    "grid_cells/stage=screen-diagnosis", "grid_cells/stage=screen-tags",
)  # fmt: skip
WRITES: tuple[str, ...] = ()
CONFIG = (
    "ingest",
    "deidentify",
    "diagnoses",
    "body_parts",
    "images",
    "cohort",
    "tags",
    "text",
    "train",
    "embed",
    "cluster",
    "evaluate",
    "fuse",
    "register",
    "annotate",
    "report",
)  # fmt: skip  not spark, storage and tracking: they may hold credentials and change no figure

_BASELINE_ROWS = 3000  # of each part at most
_TRAININGS = {"train": "image encoder", "tags": "tag autoencoder"}


def run(context: StageContext) -> StageSummary:
    """Writes `report/index.html`, `report/summary.json` and the figures; what is missing is said on the page."""
    facts = facts_of(context)
    context.progress("drawing")
    pictures = draw(facts, samples_of(context, facts.main))
    rows, found = score_rows(facts, load_rules("paper.yml")["rows"]), findings(facts)
    settings = context.config.model_dump(mode="json", by_alias=True)
    folder = context.tables.files / "report"
    _write(folder / "index.html", render(facts, rows, found, pictures, settings).encode())
    _write(folder / "summary.json", json.dumps(summary(facts, rows, found), indent=1, ensure_ascii=False).encode())
    _write_figures(folder / "figures", pictures)
    return StageSummary(
        "report", extra={"page": str(folder / "index.html"), "figures": len(pictures.named()),
                         "clusters": len(facts.clusters)},
    )  # fmt: skip


def facts_of(context: StageContext) -> Facts:
    """All that the report says of a root, in plain data."""
    tables = context.tables
    instances, parts = tables.read_or_empty("instances"), tables.read_or_empty("body_parts")
    clusterings = gather.read_clusterings(tables)
    main = gather.main_clustering(clusterings)
    contents = frames.modality_and_body_part(instances, parts).collect()
    dropped = gather.read_counts(tables.read_or_empty("dropped"), "stage", "key_type", "reason")
    quarantine = gather.read_counts(tables.read_or_empty("quarantine"), "reason")
    splits = gather.read_counts(tables.read_or_empty("cohort"), "modality", "split")
    runs = gather.read_runs(tables)
    figures = {run.stage: run.figures for run in runs}
    used = tables.read_or_empty("annotations").select(F.coalesce("error", "sources").alias("used"))
    return Facts(
        counts=gather.count_tables(tables),
        runs=runs,
        quarantine={reason: n for (reason,), n in quarantine.items()},
        dropped=[(stage, kind, reason, n) for (stage, kind, reason), n in dropped.items()],
        contents={(r["modality"] or gather.UNKNOWN, r["body_part"] or gather.UNKNOWN): r["n"] for r in contents},
        splits={(modality, split): n for (modality, split), n in splits.items()},
        clusterings=clusterings,
        scores=gather.read_scores(tables),
        main=main,
        clusters=_clusters(context, main) if main else [],
        histories=_histories(context),
        baseline=_baseline(context, clusterings),
        tags=read_tag_facts(tables, figures, context.config.tags.alpha),
        texts=read_text_facts(tables, figures),
        annotated={name: n for (name,), n in gather.read_counts(used, "used").items()},
    )


def _labels(context: StageContext, clustering: Clustering) -> DataFrame:
    labels = context.tables.read_or_empty("labels")
    return labels.where(F.col("clustering_id") == clustering.clustering_id).select("sop_instance_uid", "label")


def _clusters(context: StageContext, main: Clustering) -> list[Cluster]:
    tables, labels = context.tables, _labels(context, main)
    instances = tables.read_or_empty("instances")
    words = None
    if tables.exists("tokens"):
        words = frames.typical_words(
            labels, instances, tables.read("tokens"), context.config.report.words_per_cluster,
            context.config.report.least_exams_a_word,
            load_rules("text_hr.yml")["function_words"],
        )  # fmt: skip
    made_up = frames.make_up(labels, instances, tables.read_or_empty("body_parts"))
    return gather.read_clusters(tables, main.clustering_id, made_up, words, _typical_tags(context, labels, instances))


def _typical_tags(context: StageContext, labels: DataFrame, instances: DataFrame) -> dict[int, list[str]]:
    """Label → typical values, read through the encoding of the chosen tag vectors; empty without them."""
    tables, settings = context.tables, context.config.report
    chosen = tables.read_or_empty("clusterings").where("chosen AND source = 'tags'").first()
    folder = fit_folder(tables, chosen["embedding_fit_id"]) if chosen else None
    if folder is None or not (folder / "tags.json").is_file():
        return {}
    from radnet_spark.tags.embedder import TagEmbedder

    encoder, sums = TagEmbedder.load(folder).encoder, dict[int, EncodedSums]()
    rows = frames.tags_of_clusters(labels, instances)
    for row in encoded_sums(rows, str(folder)).toLocalIterator():
        found = EncodedSums(row["n"], *np.frombuffer(row["sums"], "<f8").reshape(3, encoder.width))
        sums[row["label"]] = sums[row["label"]] + found if row["label"] in sums else found
    if not sums:
        return {}
    everything = reduce(add, sums.values())
    units = units_by_tag(load_rules("tag_units.yml"))
    return {
        label: typical(of_cluster, everything, encoder, units, settings.least_exams_a_word)[: settings.tags_per_cluster]
        for label, of_cluster in sums.items()
    }


def samples_of(context: StageContext, main: Clustering | None) -> Mapping[int, list[np.ndarray]]:
    """Label → some of its images, at most `report.images_per_cluster`."""
    if main is None or not context.tables.exists("images"):
        return {}
    settings, tables = context.config.report, context.tables
    sampled = frames.sample_images(
        _labels(context, main), tables.read_or_empty("instances"), tables.read("images"), settings.images_per_cluster,
        settings.seed,
    )  # fmt: skip
    found: dict[int, list[np.ndarray]] = {}
    for row in sampled.orderBy("label", "rank").collect():
        found.setdefault(row["label"], []).append(_pixels(row))
    return found


def _baseline(context: StageContext, clusterings: list[Clustering]) -> dict[str, float]:
    """Scores of raw pixels at the k of the chosen image clustering; empty where there is nothing to compare."""
    tables, k = context.tables, next((c.k for c in clusterings if c.chosen and c.source == "image"), None)
    if k is None or not tables.exists("images"):
        return {}
    sample = frames.baseline_sample(
        tables.read_or_empty("cohort"), tables.read("images"), tables.read_or_empty("body_parts"), _BASELINE_ROWS,
        context.config.report.seed,
    )  # fmt: skip
    rows = sample.collect()
    train = [_pixels(row) for row in rows if row["split"] == "train"]
    validation = [row for row in rows if row["split"] == "validation"]
    if not train or not validation:
        return {}
    pixels = raw_pixels([_pixels(row) for row in validation])
    labels = baseline_labels(raw_pixels(train), pixels, k, context.config.report.seed)
    return baseline_scores(labels, [row["modality"] for row in validation], [row["body_part"] for row in validation])


def _histories(context: StageContext) -> dict[str, list[dict[str, Any]]]:
    """The newest training of each network, from the history beside its weights."""
    fits = context.tables.read_or_empty("fits").where(F.col("stage").isin(*_TRAININGS)).collect()
    found: dict[str, list[dict[str, Any]]] = {}
    paths = [(fit_folder(context.tables, row["fit_id"]) / "history.json", row["stage"]) for row in fits]
    there = [(path.stat().st_mtime_ns, str(path), stage) for path, stage in paths if path.is_file()]
    for _, path, stage in sorted(there):
        found[_TRAININGS[stage]] = json.loads(Path(path).read_text(encoding="utf-8"))
    return {name: history for name, history in sorted(found.items()) if history}


def _pixels(row: Any) -> np.ndarray:
    return np.frombuffer(bytes(row["image"]), np.uint8).reshape(row["height"], row["width"])


def _write_figures(folder: Path, pictures: Pictures) -> None:
    named = pictures.named()
    for name, png in named.items():
        _write(folder / f"{name.replace(' ', '-')}.png", png)
    kept = {f"{name.replace(' ', '-')}.png" for name in named}
    for path in folder.glob("*.png"):
        if path.name not in kept:
            path.unlink()


def _write(path: Path, content: bytes) -> None:
    """Writes a file so that it is there only when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_bytes(content)
    os.replace(temporary, path)
