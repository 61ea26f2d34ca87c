import math

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from sklearn.metrics import homogeneity_score, normalized_mutual_info_score

from radnet_spark.clusters.agreement import Content, agreement
from radnet_spark.clusters.cosine_sums import UnitSums
from radnet_spark.clusters.tightness import ONCE_AN_EXAM, SummedCluster, tightness
from radnet_spark.config import load_rules

CONTENTS = [
    Content(0, "CR", "HAND", True, 4), Content(0, "CR", "WRIST", False, 3), Content(1, "MR", "KNEE", True, 5),
    Content(1, "CR", "KNEE", False, 1), Content(2, "MR", None, False, 2), Content(2, "MR", "HEAD", True, 2),
]  # fmt: skip
REGIONS = {"HAND": "HAND", "WRIST": "HAND"}


def expected(classes: list[str], clusters: list[int]) -> tuple[float, float]:
    return homogeneity_score(classes, clusters), normalized_mutual_info_score(classes, clusters)


def test_variants_are_scikit_learns_on_the_rows_they_stand_for() -> None:
    found = agreement(CONTENTS, REGIONS)
    rows = [c for c in CONTENTS for _ in range(c.count)]
    part = [r for r in rows if r.body_part]
    known = [r for r in part if r.known]
    by = {
        ("HS_M", "NMI_M"): expected([r.modality for r in rows], [r.label for r in rows]),
        ("HS_B", "NMI_B"): expected([str(r.body_part) for r in part], [r.label for r in part]),
        ("HS_B_known", "NMI_B_known"): expected([str(r.body_part) for r in known], [r.label for r in known]),
        ("HS_B_region", "NMI_B_region"): expected(
            [REGIONS.get(str(r.body_part), str(r.body_part)) for r in part], [r.label for r in part]
        ),
    }
    for names, values in by.items():
        assert [found[name] for name in names] == pytest.approx(values)
    four = [found[name] for name in ("HS_M", "NMI_M", "HS_B", "NMI_B")]
    assert found["S"] == pytest.approx(4 / sum(1 / value for value in four))


def test_without_body_parts_s_rests_on_the_modality() -> None:
    found = agreement([Content(0, "CR", None, False, 4), Content(1, "MR", None, False, 4)], {})
    assert found["S"] == pytest.approx(1.0)
    assert math.isnan(found["HS_B"])
    assert math.isnan(found["S_known"])
    assert math.isnan(agreement([], {})["S"])


def test_every_body_part_has_exactly_one_region() -> None:
    listed = [part for parts in load_rules("regions.yml")["regions"].values() for part in parts]
    assert sorted(listed) == sorted(set(load_rules("body_parts.yml")["parts"]) - {"TEST"})


def test_unit_sums_count_an_exam_once_and_leave_zero_vectors_out() -> None:
    random = np.random.default_rng(3)
    text = random.normal(size=(6, 4))
    text[1] = text[0]
    text[5] = 0
    exams, labels = ["a", "a", "b", "c", "d", "e"], [0, 0, 0, 1, 1, 1]
    sums = UnitSums(ONCE_AN_EXAM)
    for rows in ([0, 1, 2], [3, 4, 5]):
        members = [[{"clustering_id": "x", "label": labels[i]}] for i in rows]
        sums.add("D_diagnosis", text[rows], [exams[i] for i in rows], members)
    found = tightness(SummedCluster(key[2], s.n, s.squared_norm) for key, s in sums.sums.items())
    means = [pdist(text[:3], "cosine").mean(), pdist(text[3:5], "cosine").mean()]
    assert found["D_diagnosis"] == pytest.approx((np.mean(means), np.std(means)))
    assert found["D"][0] == found["D_diagnosis"][0]
    once = [pdist(text[[0, 2]], "cosine").mean(), means[1]]
    assert found["D_diagnosis_exams"][0] == pytest.approx(np.mean(once))
    assert sums.sums["x", 1, "D_diagnosis"].zero == 1


def test_d_is_the_harmonic_mean_of_both() -> None:
    # two unit vectors at right angles: distance 1; at 60 degrees: 0.5
    found = tightness([SummedCluster("D_image", 2, 2.0), SummedCluster("D_diagnosis", 2, 3.0)])
    assert found["D"][0] == pytest.approx(2 / 3)
    assert tightness([SummedCluster("D_image", 1, 1.0)]) == {}
