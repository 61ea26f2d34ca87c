"""How alike the members of clusters are in the chosen embeddings: D and its parts, from sums of unit vectors."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from radnet_spark.clusters.scores import cohesion, harmonic_mean

IMAGE = "D_image"
DIAGNOSIS = "D_diagnosis"
ONCE_AN_EXAM = {DIAGNOSIS: "D_diagnosis_exams"}


@dataclass(frozen=True)
class SummedCluster:
    """Sum of a cluster's unit vectors in one embedding.

    Attributes:
        kind: `D_image`, `D_diagnosis`, or a variant.
        n: members with a vector other than zero.
        squared_norm: ‖Σu‖².
    """

    kind: str
    n: int
    squared_norm: float


def tightness(clusters: Iterable[SummedCluster]) -> dict[str, tuple[float, float | None]]:
    """Scores one clustering on one split.

    Returns:
        Score name → (value, standard deviation over clusters or None): one score a kind, its mean over pairs as
        `_pairs`, and `D`, the harmonic mean of `D_image` and `D_diagnosis`, or the one of them that there is. Scores
        without a cluster of two are left out.
    """
    rows = list(clusters)
    found: dict[str, tuple[float, float | None]] = {}
    for kind in sorted({row.kind for row in rows}):
        of_kind = [row for row in rows if row.kind == kind]
        result = cohesion(np.array([r.n for r in of_kind]), np.array([r.squared_norm for r in of_kind]))
        if not math.isnan(result.mean):
            found[kind] = (result.mean, result.spread)
            found[f"{kind}_pairs"] = (result.pair_weighted, None)
    parts = [found[kind][0] for kind in (IMAGE, DIAGNOSIS) if kind in found]
    if parts:
        found["D"] = (harmonic_mean(parts), None)
    return found
