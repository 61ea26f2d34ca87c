"""Scores of a clustering from counts and sums, exact and without pairs of rows.

Homogeneity: Rosenberg & Hirschberg, EMNLP-CoNLL 2007. Normalised mutual information with the arithmetic mean of both
entropies: Vinh, Epps & Bailey, JMLR 11, 2010. Limit cases are scikit-learn's, against which the tests compare. S and D
are the harmonic means of the RadiologyNET paper (arXiv 2308.08517).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def entropy(counts: NDArray[np.integer]) -> float:
    """Gives the entropy of a distribution in nats; 0 for no or one non-empty class.

    Args:
        counts: (n,) non-negative counts.
    """
    positive = counts[counts > 0].astype(np.float64)
    if positive.size < 2:
        return 0.0
    shares = positive / positive.sum()
    return float(-(shares * np.log(shares)).sum())


def mutual_information(contingency: NDArray[np.integer]) -> float:
    """Gives the mutual information of classes and clusters in nats, at least 0.

    Args:
        contingency: (classes, clusters) counts.
    """
    total = contingency.sum()
    if total == 0:
        return 0.0
    joint = contingency.astype(np.float64) / total
    outer = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    filled = joint > 0
    return max(0.0, float((joint[filled] * np.log(joint[filled] / outer[filled])).sum()))


def homogeneity(contingency: NDArray[np.integer]) -> float:
    """Gives the homogeneity score: 1 if every cluster holds one class only.

    Args:
        contingency: (classes, clusters) counts.

    Returns:
        Value in [0, 1], best 1; 1 as well if there is but one class, or no row.
    """
    of_classes = entropy(contingency.sum(axis=1))
    return 1.0 if of_classes == 0 else min(1.0, mutual_information(contingency) / of_classes)


def normalised_mutual_information(contingency: NDArray[np.integer]) -> float:
    """Gives the mutual information over the arithmetic mean of both entropies.

    Args:
        contingency: (classes, clusters) counts.

    Returns:
        Value in [0, 1], best 1; 1 for one class in one cluster (0/0), 0 if only one of both is constant.
    """
    mean = (entropy(contingency.sum(axis=1)) + entropy(contingency.sum(axis=0))) / 2
    return 1.0 if mean == 0 else min(1.0, mutual_information(contingency) / mean)


def harmonic_mean(values: Sequence[float]) -> float:
    """Gives the harmonic mean of non-negative values; 0 if one of them is 0, NaN of nothing or if one is NaN."""
    if not values or any(math.isnan(value) for value in values):
        return math.nan
    if min(values) <= 0:
        return 0.0
    return len(values) / sum(1 / value for value in values)


@dataclass(frozen=True)
class Cohesion:
    """How close the members of clusters are to each other.

    Attributes:
        mean: Plain mean over clusters of the mean pairwise cosine distance in each, in [0, 2], best 0; NaN if no
            cluster has two members.
        spread: Standard deviation over clusters (population); NaN likewise.
        pair_weighted: Mean over all pairs that share a cluster; NaN likewise.
    """

    mean: float
    spread: float
    pair_weighted: float


def cohesion(sizes: NDArray[np.integer], squared_norms: NDArray[np.floating]) -> Cohesion:
    """Gives mean pairwise cosine distances from sums of unit vectors.

    For unit vectors u of a cluster of n: sum over pairs of (1 - u_i·u_j) = n(n-1)/2 - (‖Σu‖² - n)/2.

    Args:
        sizes: (clusters,) members that have a vector other than zero.
        squared_norms: (clusters,) ‖Σu‖² of each cluster.

    Returns:
        The scores over clusters with at least two members.
    """
    kept = sizes >= 2
    if not kept.any():
        return Cohesion(math.nan, math.nan, math.nan)
    n = sizes[kept].astype(np.float64)
    pairs = n * (n - 1) / 2
    distance_sums = np.maximum(pairs - (squared_norms[kept] - n) / 2, 0.0)
    by_cluster = distance_sums / pairs
    return Cohesion(
        float(by_cluster.mean()),
        float(by_cluster.std()),
        float(distance_sums.sum() / pairs.sum()),
    )
