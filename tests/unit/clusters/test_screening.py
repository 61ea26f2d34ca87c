"""Screening against SciPy's pairwise distances and scikit-learn's scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import hmean
from sklearn.metrics import homogeneity_score, normalized_mutual_info_score
from threadpoolctl import threadpool_limits

from radnet_spark.clusters.screening import Judges, ScreeningPlan, as_units, sample_rows, scored, screened
from radnet_spark.config import load_config

CLUSTER = load_config(["demo.yml"], ["cluster.seeds=[1,2]"]).cluster
RANDOM = np.random.default_rng(4)
KIND = np.arange(90) % 3
CENTRES = RANDOM.normal(size=(3, 4)) * 6
ROWS = (CENTRES[KIND] + RANDOM.normal(size=(90, 4))).astype(np.float32)
VECTORS = {kind: (RANDOM.normal(size=(3, 6))[KIND] * 3 + RANDOM.normal(size=(90, 6))).astype("f4")
           for kind in ("D_image", "D_diagnosis")}  # fmt: skip
JUDGES = Judges({kind: as_units(v) for kind, v in VECTORS.items()}, np.array(["CT", "MR", "MR"])[KIND],
                np.array(["HEAD", "KNEE", ""])[KIND])  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    with threadpool_limits(1):
        yield


def test_scores_are_those_of_pairs_and_of_scikit_learn():
    labels = RANDOM.integers(0, 4, 90).astype(np.int32)
    found = scored(labels, JUDGES)
    for kind, vectors in VECTORS.items():
        expected = np.mean([pdist(vectors[labels == label], "cosine").mean() for label in range(4)])
        assert found[kind] == pytest.approx(expected, rel=1e-4)
    assert found["D"] == pytest.approx(hmean([found["D_image"], found["D_diagnosis"]]))
    known = JUDGES.body_part != ""
    truth = [(JUDGES.modality, labels), (JUDGES.body_part[known], labels[known])]
    four = [score(a, b) for a, b in truth for score in (homogeneity_score, normalized_mutual_info_score)]
    assert found["S"] == pytest.approx(hmean(four))


def test_rows_without_a_vector_are_left_out():
    units = {kind: values.copy() for kind, values in JUDGES.units.items()}
    units["D_image"][:30] = 0
    labels = (np.arange(90) // 45).astype(np.int32)
    found = scored(labels, Judges(units, JUDGES.modality, JUDGES.body_part))
    expected = np.mean([pdist(VECTORS["D_image"][rows], "cosine").mean() for rows in (slice(30, 45), slice(45, 90))])
    assert found["D_image"] == pytest.approx(expected, rel=1e-4)
    assert "D_image" not in scored(labels, Judges({}, JUDGES.modality, JUDGES.body_part))


def test_an_embedding_that_tells_the_kinds_apart_beats_noise():
    plan = ScreeningPlan("tags", (2, 3, 4, 5, 6), CLUSTER, 1)
    good = screened(ROWS[:60], ROWS, JUDGES, plan)
    bad = screened(RANDOM.normal(size=(60, 4)).astype("f4"), RANDOM.normal(size=(90, 4)).astype("f4"), JUDGES, plan)
    assert (good["k"], good["elbow"]) == (3, 1)
    assert good["D"] < 0.7 * bad["D"]
    assert good == screened(ROWS[:60], ROWS, JUDGES, plan)


def test_another_seed_of_the_cell_starts_k_means_elsewhere():
    rows = RANDOM.normal(size=(150, 6)).astype("f4")
    scores = [screened(rows[:60], rows[60:], JUDGES, ScreeningPlan("tags", (7,), CLUSTER, seed)) for seed in (1, 2, 1)]
    assert scores[0] == scores[2] != scores[1]


def test_equal_rows_are_no_error():
    assert screened(np.ones((20, 2), "f4"), np.ones((90, 2), "f4"), JUDGES, ScreeningPlan("tags", (2, 4), CLUSTER, 1))[
        "D"
    ]


def test_judges_are_kept_in_a_file(tmp_path: Path):
    JUDGES.save(tmp_path)
    read = Judges.load(tmp_path)
    assert sorted(read.units) == ["D_diagnosis", "D_image"]
    np.testing.assert_array_equal(read.units["D_image"], JUDGES.units["D_image"])
    assert read.body_part.tolist() == JUDGES.body_part.tolist()


def test_a_sample_is_the_seed_s():
    assert sample_rows(5, 9, 1).tolist() == [0, 1, 2, 3, 4]
    assert sample_rows(100, 9, 1).tolist() == sample_rows(100, 9, 1).tolist() == sorted(sample_rows(100, 9, 1).tolist())
    assert len(set(sample_rows(100, 9, 1).tolist())) == 9
