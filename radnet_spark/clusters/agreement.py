"""Agreement of a clustering with modality and body part: HS, NMI, S and their variants, from counted contents."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radnet_spark.clusters.scores import harmonic_mean, homogeneity, normalised_mutual_information


@dataclass(frozen=True)
class Content:
    """Some instances of a cluster.

    Attributes:
        label: the cluster.
        modality: of the instances.
        body_part: of the instances; None where unknown.
        known: whether the body part was in the file, not filled in by our rules.
        count: how many.
    """

    label: int
    modality: str
    body_part: str | None
    known: bool
    count: int


def agreement(contents: Iterable[Content], regions: Mapping[str, str]) -> dict[str, float]:
    """Scores one clustering on one split.

    Args:
        contents: what lies in its clusters; unknown body parts count for the modality scores only.
        regions: body part → coarse region; a part without one is its own.

    Returns:
        Score name → value: `HS_M NMI_M HS_B NMI_B S`, `_known` over rows whose body part was in the file, `_region`
        over coarse regions. NaN without a row to score; S alone rests on the modality then.
    """
    rows = list(contents)
    with_part = [row for row in rows if row.body_part is not None]
    modality = _pair(table([(row.modality, row.label, row.count) for row in rows]))
    scores = dict(zip(("HS_M", "NMI_M"), modality, strict=True))
    variants = {
        "": [(str(row.body_part), row.label, row.count) for row in with_part],
        "_known": [(str(row.body_part), row.label, row.count) for row in with_part if row.known],
        "_region": [(regions.get(str(row.body_part), str(row.body_part)), row.label, row.count) for row in with_part],
    }
    for suffix, counted in variants.items():
        of_part = _pair(table(counted))
        scores[f"HS_B{suffix}"], scores[f"NMI_B{suffix}"] = of_part
        scores[f"S{suffix}"] = harmonic_mean([*of_part, *modality])
    if not with_part:
        scores["S"] = harmonic_mean(modality)
    return scores


def table(counted: Iterable[tuple[str, int, int]]) -> NDArray[np.int64]:
    """Gives the (classes, clusters) counts of (class, cluster, count) triples; equal pairs add up."""
    triples = list(counted)
    classes = {name: i for i, name in enumerate(sorted({t[0] for t in triples}))}
    clusters = {label: i for i, label in enumerate(sorted({t[1] for t in triples}))}
    counts = np.zeros((len(classes), len(clusters)), dtype=np.int64)
    for name, label, count in triples:
        counts[classes[name], clusters[label]] += count
    return counts


def _pair(counts: NDArray[np.int64]) -> tuple[float, float]:
    if not counts.size:
        return math.nan, math.nan
    return homogeneity(counts), normalised_mutual_information(counts)
