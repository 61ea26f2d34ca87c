import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.preprocessing import normalize

from radnet_spark.clusters.blocks import Moments, total_variance, usable_sources
from radnet_spark.clusters.fusion import (
    concatenate,
    fit_blocks,
    squared_distances,
)

MODELS = [("diagnosis", "pv_dbow"), ("tags", "ae"), ("image", "cae")]


def vectors(seed: int, rows: int, dims: list[int]) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    sources = [source for source, _ in MODELS[: len(dims)]]
    return {
        source: (random.normal(size=(rows, n)) * 3 + 1).astype(np.float32)
        for source, n in zip(sources, dims, strict=True)
    }


@given(st.integers(0, 99), st.integers(1, 9), st.lists(st.integers(1, 12), min_size=1, max_size=3))
def test_dimensions_add_up_and_raw_blocks_are_untouched(seed: int, rows: int, dims: list[int]) -> None:
    found = vectors(seed, rows, dims)
    blocks = fit_blocks(MODELS[: len(dims)], dims, [1.0] * len(dims), "raw")
    fused = concatenate(blocks, found)
    assert fused.shape == (rows, sum(dims))
    assert fused.dtype == np.float32
    np.testing.assert_array_equal(fused[:, : dims[0]], found["diagnosis"])


def test_paper_fuses_1532_dimensions() -> None:
    blocks = fit_blocks(MODELS, [1000, 32, 500], [1.0, 1.0, 1.0], "raw")
    assert concatenate(blocks, vectors(1, 2, [1000, 32, 500])).shape == (2, 1532)


def test_unit_variance_makes_blocks_equal() -> None:
    found = vectors(2, 50, [4, 6, 8])
    variances = [float(v.var(axis=0).sum()) for v in found.values()]
    blocks = fit_blocks(MODELS, [4, 6, 8], variances, "unit_variance")
    fused = concatenate(blocks, found)
    for start, stop in ((0, 4), (4, 10), (10, 18)):
        assert fused[:, start:stop].var(axis=0).sum() == pytest.approx(1.0, rel=1e-4)
    assert [b.variance_share for b in blocks] == pytest.approx([1 / 3] * 3)


def test_l2_is_that_of_scikit_learn_and_zero_stays_zero() -> None:
    found = vectors(3, 5, [4, 3])
    found["tags"][2] = 0
    fused = concatenate(fit_blocks(MODELS[:2], [4, 3], [1.0, 1.0], "l2"), found)
    np.testing.assert_allclose(fused[:, 4:], normalize(found["tags"]), rtol=1e-5)


def test_constant_blocks_have_no_share() -> None:
    blocks = fit_blocks(MODELS[:2], [2, 2], [0.0, 0.0], "unit_variance")
    assert [(b.scale, b.variance_share) for b in blocks] == [(1.0, 0.0), (1.0, 0.0)]


def test_total_variance_from_moments_of_two_partitions() -> None:
    rows = np.random.default_rng(4).normal(size=(30, 5))
    moments = [Moments(len(part), part.sum(axis=0), float((part**2).sum())) for part in (rows[:11], rows[11:])]
    assert total_variance(moments) == pytest.approx(rows.var(axis=0).sum())
    assert total_variance([]) == 0.0


def test_distances_are_those_of_scipy() -> None:
    random = np.random.default_rng(5)
    x, centres = random.normal(size=(9, 3)), random.normal(size=(4, 3))
    distances = np.sqrt(squared_distances(x, centres))
    np.testing.assert_allclose(distances, cdist(x, centres))


def test_a_source_that_most_rows_lack_is_left_out() -> None:
    every, without = frozenset({"diagnosis", "tags", "image"}), frozenset({"tags", "image"})
    order = ("diagnosis", "tags", "image")
    assert usable_sources(order, {every: 60, without: 40}).sources == order
    found = usable_sources(order, {every: 40, without: 60})
    assert found.sources == ("tags", "image")
    assert found.covered == 100
    assert found.notes == ("diagnosis left out of the fusion: 40 of 100 rows have it",)
    assert usable_sources(order, {without: 5}).sources == ("tags", "image")
    assert usable_sources(order, {frozenset(): 5}).sources == ()
