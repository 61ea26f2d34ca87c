"""The page's section on tags, and the picture of gaps."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from report_facts import made_up_facts, made_up_tags
from scipy import stats

from radnet_spark.report.figures import gap_map
from radnet_spark.report.tag_facts import TagFacts, strength


@pytest.mark.parametrize("d", [0.0, 0.3, -1.2])
def test_cohen_s_d_becomes_a_rank_biserial_correlation(d):
    expected = abs(2 * stats.norm.cdf(d / np.sqrt(2)) - 1)
    assert strength("t_test", d) == pytest.approx(expected)


def test_other_effect_sizes_are_taken_by_their_size():
    assert (strength("mann_whitney_u", -0.4), strength("chi_square", 0.2)) == (0.4, 0.2)


def test_fills_are_those_that_are_known():
    assert TagFacts().fills == []
    named = dict(made_up_facts().tags.fills)
    assert (named["StudyDescription"], named["ProtocolName"]) == (0.9, 0.64)
    assert len(named) == 5


def size(png: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(png)).size


def test_the_map_of_gaps_is_bounded():
    random = np.random.default_rng(1)
    many = {pair: (g.strength, g.significant) for pair, g in made_up_tags(random, 45).gaps.items()}
    few = {pair: value for pair, value in many.items() if pair[0] == min(many)[0]}
    assert max(size(gap_map(many))) < 2000
    assert size(gap_map(few))[1] < size(gap_map(many))[1]
    assert size(gap_map({("A", "B"): (0.0, False)}))[0] > 100
