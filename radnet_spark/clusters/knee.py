"""The number of clusters: the elbow of the sum of squared distances.

Kneedle: Satopää, Albrecht, Irwin & Raghavan, "Finding a 'Kneedle' in a haystack", ICDCSW 2011, in the package `kneed`.
Where the curve has no elbow, the smallest number that scores nearly as well as the best is taken (our own choice).
"""

from collections.abc import Mapping, Sequence

from kneed import KneeLocator

_FEWEST_POINTS = 3


def elbow(ks: Sequence[int], costs: Sequence[float], sensitivity: float) -> int | None:
    """Finds the elbow of a convex, decreasing curve.

    Args:
        ks: Numbers of clusters, strictly increasing.
        costs: Sum of squared distances at each.
        sensitivity: Kneedle's S; larger is more conservative.

    Returns:
        One of `ks`, or None if there is no elbow: fewer than three points, a flat curve, a straight line.
    """
    if len(ks) < _FEWEST_POINTS or max(costs) <= min(costs):
        return None
    found = KneeLocator(list(ks), list(costs), S=sensitivity, curve="convex", direction="decreasing").knee
    return None if found is None else int(found)


def nearly_best(scores: Mapping[int, float], tolerance: float, larger_is_better: bool) -> int:
    """Gives the smallest k whose score is within a tolerance of the best.

    Args:
        scores: Number of clusters → score; at least one.
        tolerance: Relative to the best score, e.g. 0.02.
        larger_is_better: True for S, False for D.
    """
    if larger_is_better:
        bound = max(scores.values()) * (1 - tolerance)
        return min(k for k, score in scores.items() if score >= bound)
    bound = min(scores.values()) * (1 + tolerance)
    return min(k for k, score in scores.items() if score <= bound)
