import numpy as np
import pytest

from radnet_spark.clusters.knee import elbow, nearly_best


def test_figure_2_of_the_paper_on_kneedle() -> None:
    # y = -1/(x + 0.1) + 5 in ten points of [0, 1], knee at x = 0.22; upside down it is convex and decreasing.
    x = np.linspace(0.0, 1.0, 10)
    y = 1 / (x + 0.1) - 5
    ks = list(range(10))
    assert elbow(ks, list(y), 1.0) == 2


def test_a_corner_is_found() -> None:
    assert elbow([5, 10, 15, 20, 25, 30], [100, 60, 20, 18, 16, 14], 1.0) == 15


@pytest.mark.parametrize(
    ("ks", "costs"),
    [([5], [1.0]), ([5, 10], [3.0, 1.0]), ([5, 10, 15], [2.0, 2.0, 2.0]), ([5, 10, 15, 20], [10.0, 7.0, 4.0, 1.0])],
)
def test_no_elbow(ks: list[int], costs: list[float]) -> None:
    assert elbow(ks, costs, 1.0) is None


def test_smallest_k_within_two_percent() -> None:
    scores = {5: 0.50, 10: 0.59, 15: 0.60, 20: 0.55}
    assert nearly_best(scores, 0.02, larger_is_better=True) == 10
    assert nearly_best(scores, 0.02, larger_is_better=False) == 5
