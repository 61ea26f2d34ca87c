import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist
from sklearn.metrics import homogeneity_score, normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix

from radnet_spark.clusters.scores import cohesion, harmonic_mean, homogeneity, normalised_mutual_information

pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), min_size=1, max_size=60)


@settings(max_examples=40, deadline=None)
@given(pairs)
def test_scores_are_those_of_scikit_learn(rows: list[tuple[int, int]]) -> None:
    classes, clusters = zip(*rows, strict=True)
    counts = np.asarray(contingency_matrix(classes, clusters))
    assert homogeneity(counts) == pytest.approx(homogeneity_score(classes, clusters), abs=1e-9)
    assert normalised_mutual_information(counts) == pytest.approx(
        normalized_mutual_info_score(classes, clusters, average_method="arithmetic"), abs=1e-9
    )


@given(pairs, st.permutations(range(6)))
def test_names_of_clusters_do_not_matter(rows: list[tuple[int, int]], order: list[int]) -> None:
    classes, clusters = zip(*rows, strict=True)
    counts = np.asarray(contingency_matrix(classes, clusters))
    renamed = np.asarray(contingency_matrix(classes, [order[c] for c in clusters]))
    assert homogeneity(counts) == pytest.approx(homogeneity(renamed), abs=1e-12)
    assert normalised_mutual_information(counts) == pytest.approx(normalised_mutual_information(renamed), abs=1e-12)


def test_one_class_only_is_homogeneous_by_convention() -> None:
    assert homogeneity(np.array([[3, 4]])) == 1.0
    assert normalised_mutual_information(np.array([[3, 4]])) == 0.0
    assert normalised_mutual_information(np.array([[7]])) == 1.0


def test_harmonic_mean_of_the_paper() -> None:
    # Table 4, CAE: NMI_B, NMI_M, HS_B, HS_M and the S printed beside them.
    assert harmonic_mean([0.430, 0.459, 0.538, 0.744]) == pytest.approx(0.519, abs=5e-4)
    assert harmonic_mean([0.0, 1.0]) == 0.0
    assert math.isnan(harmonic_mean([]))
    assert math.isnan(harmonic_mean([0.5, math.nan]))


@given(st.integers(0, 2**31), st.integers(2, 40), st.integers(1, 8), st.integers(1, 6))
def test_cohesion_is_the_mean_over_pairs(seed: int, rows: int, dims: int, clusters: int) -> None:
    random = np.random.default_rng(seed)
    vectors, labels = random.normal(size=(rows, dims)), random.integers(0, clusters, rows)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    sizes = np.bincount(labels, minlength=clusters)
    norms = np.array([np.square(units[labels == c].sum(axis=0)).sum() for c in range(clusters)])
    distances = [pdist(vectors[labels == c], "cosine") for c in range(clusters) if sizes[c] >= 2]
    found = cohesion(sizes, norms)
    if not distances:
        assert math.isnan(found.mean)
        assert math.isnan(found.spread)
        assert math.isnan(found.pair_weighted)
        return
    means = [d.mean() for d in distances]
    assert found.mean == pytest.approx(np.mean(means), abs=1e-9)
    assert found.spread == pytest.approx(np.std(means), abs=1e-9)
    assert found.pair_weighted == pytest.approx(np.concatenate(distances).mean(), abs=1e-9)
