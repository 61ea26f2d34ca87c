"""Our scores beside the paper's, and what that says about its findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from radnet_spark.report.facts import Clustering, Facts

SCORES = ("NMI_B", "NMI_M", "HS_B", "HS_M", "S", "D_image", "D_diagnosis", "D")
SOURCES = {"image": "images", "tags": "DICOM tags", "diagnosis": "diagnoses", "fusion": "fusion"}
_SAME = 0.05  # difference of S between validation and test that still counts as about equal
CONFIRMED, REFUTED, OPEN = "holds here", "does not hold here", "not tested in this run"


@dataclass(frozen=True)
class ScoreRow:
    """One chosen clustering on one part of the data.

    Attributes:
        source: for people.
        what: model, method and k.
        split: part of the data.
        ours: score → (value, spread).
        paper_name: the paper's model; None if it has no row like this.
        paper: score → value.
    """

    source: str
    what: str
    split: str
    ours: Mapping[str, tuple[float, float | None]]
    paper_name: str | None
    paper: Mapping[str, float]


@dataclass(frozen=True)
class Finding:
    """A claim of the paper and what this run says to it."""

    claim: str
    verdict: str
    detail: str


def score_rows(facts: Facts, paper: Sequence[Mapping[str, Any]]) -> list[ScoreRow]:
    """Validation and test rows of every chosen clustering, single sources first."""
    rows = []
    for source in SOURCES:
        clustering = facts.chosen.get(source)
        for split in ("validation", "train", "test"):
            ours = facts.scores.get((clustering.clustering_id, split)) if clustering else None
            if clustering and ours:
                found = _paper_row(clustering, split, fused_sources(facts), paper)
                method = f" · {clustering.fusion}" if clustering.fusion else ""
                what = f"{clustering.model}{method} · k = {clustering.k}"
                measured = {name: float(found[name]) for name in SCORES if found and name in found}
                name = str(found["name"]) if found else None
                rows.append(ScoreRow(SOURCES[source], what, split, ours, name, measured))
    return rows


def fused_sources(facts: Facts) -> tuple[str, ...]:
    """The sources whose chosen model is part of the chosen fusion, in the order of its blocks."""
    fusion = facts.chosen.get("fusion")
    parts = fusion.model.split("+") if fusion else []
    return tuple(s for s in ("diagnosis", "tags", "image") if s in facts.chosen and facts.chosen[s].model in parts)


def findings(facts: Facts) -> list[Finding]:
    """The paper's findings, one by one, as far as this run can speak of them."""
    s = {source: _score(facts, source, "S") for source in SOURCES}
    d = {source: _score(facts, source, "D") for source in SOURCES}
    singles = [value for source, value in s.items() if source != "fusion" and value is not None]
    best = max(singles, default=None)
    raw = facts.baseline.get("S")
    several = len(fused_sources(facts)) > 1
    return [
        _compared("The learned image embedding beats raw pixels by PCA + k-means (our own yardstick)", s["image"], raw),
        _compared("Fused sources have a higher S than the best single one", s["fusion"] if several else None, best),
        _compared("The tags alone have a higher D than the fusion", d["tags"], d["fusion"] if several else None),
        _agreement(s["fusion"], _score(facts, "fusion", "S", "test")),
        Finding("The CAE beats U-Net, attention U-Net and R2U-Net", OPEN, "one image model was trained"),
        Finding("clusterdists and clusterprobs favour modality, embeddings body part", OPEN, "one fusion was tried"),
    ]


def _compared(claim: str, larger: float | None, smaller: float | None) -> Finding:
    if larger is None or smaller is None:
        return Finding(claim, OPEN, "a value is missing")
    detail = f"{larger:.3f} against {smaller:.3f}, on validation"
    return Finding(claim, CONFIRMED if larger > smaller else REFUTED, detail)


def _agreement(validation: float | None, test: float | None) -> Finding:
    claim = f"Validation and test agree: S of the fusion within {_SAME}"
    if validation is None or test is None:
        return Finding(claim, OPEN, "a value is missing")
    same = abs(validation - test) <= _SAME
    return Finding(claim, CONFIRMED if same else REFUTED, f"{validation:.3f} and {test:.3f}")


def _score(facts: Facts, source: str, name: str, split: str = "validation") -> float | None:
    clustering = facts.chosen.get(source)
    if clustering is None:
        return None
    value = facts.scores.get((clustering.clustering_id, split), {}).get(name)
    return value[0] if value else None


def _paper_row(
    clustering: Clustering, split: str, fused: tuple[str, ...], paper: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    same = [row for row in paper if row["source"] == clustering.source and row["split"] == split
            and row.get("model", clustering.model) == clustering.model]  # fmt: skip
    if clustering.source == "fusion":
        same = [row for row in same if row["fusion"] == clustering.fusion and tuple(row["sources"]) == fused]
    return same[0] if same else None
