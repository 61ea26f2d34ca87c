"""What the report knows: plain values, gathered from tables by aggregated queries only.

Every table may be missing; what it would have told is then empty.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from radnet_spark.report.tag_facts import TagFacts
from radnet_spark.report.text_facts import TextFacts

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from radnet_spark.lake.tables import Tables

UNKNOWN = "unknown"
_COUNTED = (
    "instances", "quarantine", "exams", "images", "cohort", "dropped", "tokens", "embeddings", "clusterings",
    "annotations",
)  # fmt: skip


@dataclass(frozen=True)
class StageRun:
    """How a stage last ended.

    Attributes:
        stage: verb, with its source in brackets.
        status: `done`, `failed`, `nothing_to_do`.
        started: time, UTC, to the second.
        seconds: wall-clock time.
        rows: table → rows written.
        dropped: reason → rows.
        facts: figures in words.
        notes: what people should know.
        figures: further ones.
    """

    stage: str
    status: str
    started: str
    seconds: float
    rows: Mapping[str, int]
    dropped: Mapping[str, int]
    facts: Sequence[str]
    notes: Sequence[str]
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Clustering:
    """A row of `clusterings`, without what the report does not show."""

    clustering_id: str
    source: str
    model: str
    fusion: str | None
    algorithm: str
    distance: str
    k: int
    seed: int
    cost: float
    elbow: bool
    chosen: bool


@dataclass(frozen=True)
class Cluster:
    """What a cluster holds.

    Attributes:
        size: instances of the cohort.
        annotated: instances of the whole archive; None if nothing was annotated.
        modalities: (name, share), largest first.
        body_parts: likewise, with unknown ones.
        words: typical stems, most typical first.
        tags: typical values of tags in their own units, likewise.
    """

    label: int
    name: str
    size: int
    annotated: int | None
    modality: str | None
    body_part: str | None
    purity: float | None
    modalities: Sequence[tuple[str, float]]
    body_parts: Sequence[tuple[str, float]]
    words: Sequence[str]
    tags: Sequence[str] = ()


@dataclass(frozen=True)
class Facts:
    """All values of the page, but pictures.

    Attributes:
        counts: table → rows, for tables that are there.
        runs: the last run of every stage, in the order in which they started.
        quarantine: reason → files.
        dropped: (stage, exam or instance, reason, how many).
        contents: (modality, body part) → instances of the archive.
        splits: (modality, part) → instances of the cohort.
        clusterings: all that were tried.
        scores: (clustering_id, part) → score → (value, spread).
        main: the chosen clustering that the clusters belong to.
        clusters: its clusters, by size.
        histories: name of a training → its validations.
        baseline: score → value of raw pixels' PCA + k-means on validation.
        annotated: sources used, or the error → files.
        tags: what is known of body parts and tags.
        texts: what is known of diagnoses.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    runs: Sequence[StageRun] = ()
    quarantine: Mapping[str, int] = field(default_factory=dict)
    dropped: Sequence[tuple[str, str, str, int]] = ()
    contents: Mapping[tuple[str, str], int] = field(default_factory=dict)
    splits: Mapping[tuple[str, str], int] = field(default_factory=dict)
    clusterings: Sequence[Clustering] = ()
    scores: Mapping[tuple[str, str], Mapping[str, tuple[float, float | None]]] = field(default_factory=dict)
    main: Clustering | None = None
    clusters: Sequence[Cluster] = ()
    histories: Mapping[str, Sequence[Mapping[str, float]]] = field(default_factory=dict)
    baseline: Mapping[str, float] = field(default_factory=dict)
    annotated: Mapping[str, int] = field(default_factory=dict)
    tags: TagFacts = field(default_factory=TagFacts)
    texts: TextFacts = field(default_factory=TextFacts)

    @property
    def chosen(self) -> dict[str, Clustering]:
        """Source → its chosen clustering."""
        return {c.source: c for c in self.clusterings if c.chosen}


def main_clustering(clusterings: Sequence[Clustering]) -> Clustering | None:
    """The chosen fusion, else the chosen clustering of diagnosis, image or tags, else None."""
    chosen = {c.source: c for c in clusterings if c.chosen}
    found = [chosen[source] for source in ("fusion", "diagnosis", "image", "tags") if source in chosen]
    return found[0] if found else None


def count_tables(tables: Tables) -> dict[str, int]:
    """Rows of each table that is there."""
    return {name: tables.read(name).count() for name in _COUNTED if tables.exists(name)}


def read_runs(tables: Tables) -> list[StageRun]:
    """The last run of every stage; the report's own is left out."""
    order = "row_number() OVER (PARTITION BY stage ORDER BY started DESC, run_id DESC) AS place"
    rows = tables.read_or_empty("runs").selectExpr("*", order).where("place = 1 AND stage <> 'report'")
    return [_run(row) for row in rows.orderBy("started").collect()]


def read_counts(frame: DataFrame, *keys: str) -> dict[tuple[str, ...], int]:
    """Rows by the values of some columns, null as `unknown`, sorted."""
    rows = frame.groupBy(*keys).count().collect()
    return dict(sorted((tuple(row[key] or UNKNOWN for key in keys), row["count"]) for row in rows))


def read_clusterings(tables: Tables) -> list[Clustering]:
    """All clusterings by source, model and k."""
    columns = list(Clustering.__dataclass_fields__)
    rows = tables.read_or_empty("clusterings").select(*columns).collect()
    found = (Clustering(**row.asDict()) for row in rows)
    return sorted(found, key=lambda c: (c.source, c.model, c.k, c.seed, c.clustering_id))


def read_scores(tables: Tables) -> dict[tuple[str, str], dict[str, tuple[float, float | None]]]:
    """(clustering_id, part) → score → (value, spread), of the chosen clusterings."""
    chosen = tables.read_or_empty("clusterings").where("chosen").select("clustering_id")
    scores: dict[tuple[str, str], dict[str, tuple[float, float | None]]] = {}
    for row in tables.read_or_empty("scores").join(chosen, "clustering_id").collect():
        scores.setdefault((row["clustering_id"], row["split"]), {})[row["score"]] = (row["value"], row["spread"])
    return scores


def read_annotated(tables: Tables, clustering_id: str) -> dict[int, int]:
    """Label → annotated files of the whole archive."""
    rows = tables.read_or_empty("annotations").where("label IS NOT NULL").where(f"clustering_id = '{clustering_id}'")
    return {row["label"]: row["count"] for row in rows.groupBy("label").count().collect()}


def read_clusters(
    tables: Tables, clustering_id: str, make_up: DataFrame, words: DataFrame | None, tags: Mapping[int, Sequence[str]]
) -> list[Cluster]:
    """The clusters of one clustering, the largest first.

    Args:
        tables: for `clusters` and `annotations`.
        clustering_id: which one.
        make_up: `label, modality, body_part, n`.
        words: `label, stem, rank`; None without diagnoses.
        tags: label → typical values.
    """
    contents: dict[int, list[tuple[str, str, int]]] = {}
    for row in make_up.collect():
        pair = (row["modality"] or UNKNOWN, row["body_part"] or UNKNOWN, row["n"])
        contents.setdefault(row["label"], []).append(pair)
    stems: dict[int, list[str]] = {}
    for row in words.orderBy("label", "rank").collect() if words is not None else ():
        stems.setdefault(row["label"], []).append(row["stem"])
    annotated = read_annotated(tables, clustering_id)
    columns = ("label", "name", "size", "modality", "body_part", "purity")
    rows = tables.read_or_empty("clusters").where(f"clustering_id = '{clustering_id}'").select(*columns).collect()
    clusters = [
        Cluster(
            **row.asDict(), annotated=annotated.get(row["label"], 0) if annotated else None,
            modalities=_shares([(m, n) for m, _, n in contents.get(row["label"], [])]),
            body_parts=_shares([(b, n) for _, b, n in contents.get(row["label"], [])]),
            words=stems.get(row["label"], []), tags=tags.get(row["label"], ()),
        )
        for row in rows
    ]  # fmt: skip
    return sorted(clusters, key=lambda c: (-c.size, c.label))


def _shares(counts: Sequence[tuple[str, int]]) -> list[tuple[str, float]]:
    sums: dict[str, int] = {}
    for name, n in counts:
        sums[name] = sums.get(name, 0) + n
    total = sum(sums.values())
    return sorted(((name, n / total) for name, n in sums.items()), key=lambda item: (-item[1], item[0]))


def _run(row: Any) -> StageRun:
    summary = json.loads(row["summary"])
    return StageRun(
        row["stage"], row["status"], f"{row['started']:%Y-%m-%d %H:%M:%S}", row["seconds"],
        summary.get("rows", {}), summary.get("dropped", {}), summary.get("facts", []),
        summary.get("notes", []), summary.get("extra", {}),
    )  # fmt: skip
