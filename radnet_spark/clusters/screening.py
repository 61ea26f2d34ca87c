"""How good an embedding is, told from a sample: clustered for every k, scored at the elbow on validation rows.

The paper's rule for choosing (2.3.2), on rows that one process can hold, so that a grid of many cells can be judged
without as many clusterings of all rows.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radnet_spark.arrays import save_arrays
from radnet_spark.clusters.agreement import Content, agreement
from radnet_spark.clusters.centres import nearest
from radnet_spark.clusters.fusion import unit_rows
from radnet_spark.clusters.knee import elbow
from radnet_spark.clusters.selection import Candidate, choose
from radnet_spark.clusters.tightness import DIAGNOSIS, IMAGE, SummedCluster, tightness
from radnet_spark.config import Cluster

Floats = NDArray[np.float32]
_FILE = "judges.npz"
_KINDS = (IMAGE, DIAGNOSIS)


@dataclass(frozen=True)
class ScreeningPlan:
    """How a sample is clustered.

    Attributes:
        source: what is clustered; decides whether S or D chooses.
        ks: numbers of clusters, increasing.
        settings: the `cluster` section: seeds, iterations, tolerance, Kneedle's sensitivity.
        seed: of the cell, beside each of the section's.
    """

    source: str
    ks: tuple[int, ...]
    settings: Cluster
    seed: int


@dataclass(frozen=True)
class Judges:
    """What the watched rows are judged by.

    Attributes:
        units: `D_image`, `D_diagnosis` → (m, d) float32 unit vectors in the chosen embedding; zeros: it has none.
        modality: (m,) str.
        body_part: (m,) str; empty: unknown.
    """

    units: dict[str, Floats]
    modality: NDArray[np.str_]
    body_part: NDArray[np.str_]

    def save(self, folder: Path) -> None:
        """Writes one file into an existing folder."""
        save_arrays(folder / _FILE, modality=self.modality, body_part=self.body_part, **self.units)

    @classmethod
    def load(cls, folder: Path) -> Judges:
        """Reads what `save` wrote."""
        with np.load(folder / _FILE, allow_pickle=False) as arrays:
            units = {kind: arrays[kind] for kind in _KINDS if kind in arrays.files}
            return cls(units, arrays["modality"], arrays["body_part"])


def screened(train: Floats, watched: Floats, judges: Judges, plan: ScreeningPlan) -> dict[str, float]:
    """Scores an embedding.

    Args:
        train: (n, d) vectors that centres are fitted on.
        watched: (m, d) vectors of other rows, that are scored.
        judges: of the watched rows.
        plan: how to cluster.

    Returns:
        Scores at the k that the rule of `selection.choose` takes: `S`, `D`, `D_image`, `D_diagnosis` as far as they are
        known, `k`, and `elbow`: 1 where Kneedle found it.
    """
    fits = [_cheapest(train, k, plan) for k in plan.ks]
    at = elbow(list(plan.ks), [cost for cost, _ in fits], plan.settings.knee_sensitivity)
    scores, candidates = {}, []
    for k, (_, centres) in zip(plan.ks, fits, strict=True):
        scores[k] = scored(nearest(watched, centres)[0], judges)
        found = (scores[k].get(name, math.nan) for name in ("S", "D"))
        candidates.append(Candidate(str(k), plan.source, (), k, k == at, *found))
    k = int(choose(candidates, plan.settings.near_best, tie=0.0).clustering_id)
    return {**scores[k], "k": float(k), "elbow": float(k == at)}


def scored(labels: NDArray[np.int32], judges: Judges) -> dict[str, float]:
    """Scores labels of the watched rows: `S`, and `D` with its parts; those that are not known are left out."""
    counted = Counter(zip(labels.tolist(), judges.modality.tolist(), judges.body_part.tolist(), strict=True))
    contents = [Content(label, m, part or None, False, n) for (label, m, part), n in counted.items()]
    near = tightness(cluster for kind, units in judges.units.items() for cluster in _sums(kind, labels, units))
    found = {"S": agreement(contents, {})["S"], **{name: near[name][0] for name in ("D", *_KINDS) if name in near}}
    return {name: value for name, value in found.items() if not math.isnan(value)}


def as_units(vectors: Floats) -> Floats:
    """(n, d) → the same as unit vectors; zeros stay zeros."""
    return unit_rows(vectors.astype(np.float64)).astype(np.float32)


def _sums(kind: str, labels: NDArray[np.int32], units: Floats) -> list[SummedCluster]:
    there = units.any(axis=1)
    labels, units = labels[there], units[there]
    found = []
    for label in np.unique(labels):
        members = units[labels == label].astype(np.float64)
        total = members.sum(axis=0)
        found.append(SummedCluster(kind, len(members), float(total @ total)))
    return found


def _cheapest(rows: Floats, k: int, plan: ScreeningPlan) -> tuple[float, Floats]:
    runs = [_k_means(rows, k, seed, plan) for seed in plan.settings.seeds]
    return min(runs, key=lambda run: run[0])


def _k_means(rows: Floats, k: int, seed: int, plan: ScreeningPlan) -> tuple[float, Floats]:
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows than k: then there are fewer centres
        of = plan.settings
        random = np.random.RandomState([plan.seed, seed])
        model = KMeans(k, n_init=1, random_state=random, max_iter=of.max_iterations, tol=of.tolerance).fit(rows)
    return float(model.inertia_), np.asarray(model.cluster_centers_, np.float32)


def sample_rows(count: int, most: int, seed: int) -> NDArray[np.int64]:
    """At most so many of `count` rows, in their order; the same for the same seed."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).permutation(count)[:most])
