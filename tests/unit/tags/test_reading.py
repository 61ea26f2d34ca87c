"""The encoding turned round, and clusters in the tags' own units."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from radnet_spark.config import load_rules
from radnet_spark.tags.columns import MISSING, UNSEEN, Columns, Feature, FeatureSet
from radnet_spark.tags.encoding import Encoder
from radnet_spark.tags.reading import EncodedSums, typical, units_by_tag

FEATURES = FeatureSet(
    (Feature("EchoTime", "EchoTime", 0, (), 10.0, 90.0), Feature("Rows", "Rows", 0, (), 512.0, 512.0),
     Feature("SliceThickness", "SliceThickness", 0, (), 0.5, 10.5)),
    (Feature("Manufacturer", "Manufacturer", -1, ("GE", "PHILIPS", "SIEMENS"), 0.0, 0.0),
     Feature("PatientSex", "PatientSex", -1, ("F", "M"), 0.0, 0.0)),
)  # fmt: skip
ENCODER = Encoder(FEATURES)
LOW, HIGH = np.array([10.0, 512.0, 0.5]), np.array([90.0, 512.0, 10.5])


@st.composite
def filled(draw: st.DrawFn) -> Columns:
    """Columns without gaps, numbers in range."""
    n = draw(st.integers(1, 12))
    shares = draw(arrays.arrays(np.float64, (n, 3), elements=st.floats(0, 1)))
    codes = [draw(arrays.arrays(np.int32, n, elements=st.integers(-1, size - 1))) for size in (3, 2)]
    codes = [np.where(column < 0, UNSEEN, column) for column in codes]
    return Columns(LOW + shares * (HIGH - LOW), np.stack(codes, axis=1).astype(np.int32))


@given(filled())
def test_decoding_gives_back_what_was_encoded(columns):
    matrix = ENCODER.encode(columns)
    assert matrix.min() >= 0
    assert matrix.max() <= 1
    back = ENCODER.decode(matrix)
    np.testing.assert_allclose(back.numbers, columns.numbers, atol=1e-5)
    np.testing.assert_array_equal(back.codes, columns.codes)


@given(filled())
def test_sparse_rows_are_the_dense_ones(columns):
    sparse = ENCODER.encode_sparse(columns)
    assert sparse.dtype == np.float32
    np.testing.assert_array_equal(sparse.toarray(), ENCODER.encode(columns))


def test_of_each_one_hot_block_a_sparse_row_keeps_one_value():
    columns = Columns(np.tile(LOW, (4, 1)), np.array([[0, 1], [2, 0], [UNSEEN, 1], [1, UNSEEN]], np.int32))
    assert ENCODER.encode_sparse(columns).nnz == 6


def test_a_mean_of_rows_is_the_mean_in_the_tag_s_unit_and_the_commonest_category():
    numbers = np.array([[20.0, 512.0, 4.0], [40.0, 512.0, 5.0], [60.0, 512.0, 6.0]])
    columns = Columns(numbers, np.array([[2, 0], [2, 1], [0, 1]], np.int32))
    back = ENCODER.decode(ENCODER.encode(columns).mean(axis=0, keepdims=True))
    np.testing.assert_allclose(back.numbers, [[40.0, 512.0, 5.0]], rtol=1e-5)
    assert back.codes.tolist() == [[2, 1]]


def _columns(echo, thickness, maker, sex):
    numbers = np.stack([echo, np.full(len(echo), 512.0), thickness], axis=1)
    return Columns(numbers, np.stack([maker, sex], axis=1).astype(np.int32))


def test_a_cluster_is_read_in_its_own_units():
    nan, random = np.nan, np.random.default_rng(2)
    ours = _columns(np.full(6, nan), np.array([5.0, 5.0, 5.0, 5.0, nan, nan]), np.array([2, 2, 2, 2, 2, 0]),
                    random.integers(0, 2, 6))  # fmt: skip
    rest = _columns(random.uniform(20, 80, 60), random.uniform(1, 2, 60), random.integers(0, 2, 60),
                    random.integers(0, 2, 60))  # fmt: skip
    cluster, others = EncodedSums.of(ours, ENCODER), EncodedSums.of(rest, ENCODER)
    found = typical(cluster, cluster + others, ENCODER, units_by_tag(load_rules("tag_units.yml")), 3)
    assert sorted(found) == ["Manufacturer SIEMENS 83 %", "SliceThickness 5 mm"]  # no echo time: nobody has one
    assert typical(cluster, cluster + others, ENCODER, {}, 5) == ["Manufacturer SIEMENS 83 %"]


@pytest.mark.parametrize(("least", "shown"), [
    (3, ["Manufacturer SIEMENS 60 %", "SliceThickness 5 mm"]), (4, ["SliceThickness 5 mm"]), (5, []),
])  # fmt: skip
def test_values_of_too_few_exams_are_not_shown_however_many_exams_a_cluster_has(least, shown):
    nan, random = np.nan, np.random.default_rng(2)
    ours = _columns(np.array([85.0, 85.0, 85.0, nan, nan, nan, nan, nan]), np.array([5.0] * 4 + [nan] * 4),
                    np.array([2, 2, 2, 0, 0, MISSING, MISSING, MISSING]), np.full(8, MISSING))  # fmt: skip
    rest = _columns(random.uniform(20, 30, 60), random.uniform(1, 2, 60), random.integers(0, 2, 60),
                    random.integers(0, 2, 60))  # fmt: skip
    cluster, others = EncodedSums.of(ours, ENCODER), EncodedSums.of(rest, ENCODER)
    assert sorted(typical(cluster, cluster + others, ENCODER, {"SliceThickness": "mm"}, least)) == shown


def test_sums_of_parts_are_the_sums_of_the_whole():
    random = np.random.default_rng(9)
    numbers = random.uniform(LOW, HIGH, (20, 3))
    numbers[random.random((20, 3)) < 0.3] = np.nan
    codes = random.integers(MISSING, 2, (20, 2)).astype(np.int32)
    whole = EncodedSums.of(Columns(numbers, codes), ENCODER)
    parts = [EncodedSums.of(Columns(numbers[rows], codes[rows]), ENCODER) for rows in (slice(0, 7), slice(7, 20))]
    summed = parts[0] + parts[1]
    np.testing.assert_allclose(summed.total, whole.total)
    np.testing.assert_allclose(summed.filled, whole.filled)
    scaled = (numbers[:, 2] - 0.5) / 10
    assert whole.means()[2] == pytest.approx(np.nanmean(scaled), rel=1e-5)
    assert whole.deviations()[2] == pytest.approx(np.nanstd(scaled), rel=1e-4)
    assert whole.filled[3] == (codes[:, 0] != MISSING).sum()


def test_units_are_of_tags_that_can_be_features():
    from pydicom.datadict import tag_for_keyword

    units = units_by_tag(load_rules("tag_units.yml"))
    assert units["PatientAge"] == "years"
    assert [tag for tag in units if tag_for_keyword(tag) is None] == []
