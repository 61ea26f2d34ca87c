"""Tests of gaps against scipy, one pair at a time; planted gaps are found, random ones are not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from radnet_spark.tags.columns import MISSING, Columns, Feature, FeatureSet
from radnet_spark.tags.missingness import MIN_GROUP, GapSample, Verdict, compared, gap_tests, holm, verdicts
from radnet_spark.tags.two_groups import Exams, Numbers, chi_square

ROWS = 400
ALONE = Exams.of(np.arange(ROWS))


def features(continuous: int, categorical: int) -> FeatureSet:
    return FeatureSet(
        tuple(Feature(f"N{i}", f"N{i}", 0, (), 0.0, 1.0) for i in range(continuous)),
        tuple(Feature(f"C{i}", f"C{i}", -1, ("a", "b", "c"), 0.0, 0.0) for i in range(categorical)),
    )


@pytest.fixture
def numbers():
    """Normal, skewed, tied and constant columns with gaps of their own, and gaps that touch the first two."""
    random = np.random.default_rng(3)
    made = np.column_stack([
        random.normal(size=ROWS), random.exponential(size=ROWS) ** 2, random.integers(0, 4, ROWS), np.full(ROWS, 2.0),
    ]).astype(float)  # fmt: skip
    gaps = random.random(ROWS) < 0.3
    made[gaps, :2] += 0.4
    made[random.random(made.shape) < 0.2] = np.nan
    return made, gaps


def groups(column, gaps):
    there = ~np.isnan(column)
    return column[there & gaps], column[there & ~gaps]


def test_mann_whitney_is_scipy_s(numbers):
    made, gaps = numbers
    found = Numbers.of(made).mann_whitney(gaps.astype(float), ALONE)
    for column in range(3):
        lack, have = groups(made[:, column], gaps)
        expected = stats.mannwhitneyu(lack, have, method="asymptotic")
        assert found.statistic[column] == pytest.approx(expected.statistic)
        assert found.p_value[column] == pytest.approx(expected.pvalue)
        larger = np.sign(lack[:, None] - have).mean()  # the rank-biserial correlation by its definition
        assert found.effect[column] == pytest.approx(larger)
    assert np.isnan(found.p_value[3])
    assert (found.design == 1).all()


def test_student_is_scipy_s(numbers):
    made, gaps = numbers
    found = Numbers.of(made).student(gaps.astype(float), ALONE)
    for column in range(3):
        lack, have = groups(made[:, column], gaps)
        expected = stats.ttest_ind(lack, have)
        assert found.statistic[column] == pytest.approx(expected.statistic)
        assert found.p_value[column] == pytest.approx(expected.pvalue)
        pooled = ((len(lack) - 1) * lack.var(ddof=1) + (len(have) - 1) * have.var(ddof=1)) / (len(lack) + len(have) - 2)
        assert found.effect[column] == pytest.approx((lack.mean() - have.mean()) / np.sqrt(pooled))
    assert np.isnan(found.p_value[3])


def hot(codes, count):
    return (codes[:, None] == np.arange(count)).astype(float)


@pytest.mark.parametrize("count", [2, 5])
def test_chi_square_is_scipy_s(count):
    random = np.random.default_rng(count)
    codes, gaps = random.integers(0, count, ROWS), random.random(ROWS) < 0.3
    table = [[((codes == v) & (gaps == g)).sum() for v in range(count)] for g in (False, True)]
    expected = stats.chi2_contingency(table)
    found = chi_square(hot(codes, count), gaps.astype(float), ALONE)
    assert (found.name, found.statistic) == ("chi_square", pytest.approx(expected.statistic))
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.effect == pytest.approx(stats.contingency.association(table, method="cramer"))


def test_rare_categories_are_tested_as_one():
    gaps = np.arange(ROWS) % 4 == 0
    codes = np.where(np.arange(ROWS) < 200, 0, 1)
    codes[:36] = 2 + np.arange(36) % 9  # nine categories of four rows each
    found = chi_square(hot(codes, 11), gaps.astype(float), ALONE)
    joined = np.minimum(codes, 2)
    table = [[((joined == v) & (gaps == g)).sum() for v in range(3)] for g in (False, True)]
    assert found.p_value == pytest.approx(stats.chi2_contingency(table).pvalue)


def test_a_small_table_is_fisher_s():
    gaps, codes = np.arange(40) < 10, np.zeros(40, int)
    codes[:3] = 1
    found = chi_square(hot(codes, 2), gaps.astype(float), Exams.of(np.arange(40)))
    assert found.name == "fisher_exact"
    assert found.p_value == pytest.approx(stats.fisher_exact([[30, 0], [7, 3]]).pvalue)
    assert chi_square(hot(np.zeros(40, int), 2), gaps.astype(float), Exams.of(np.arange(40))) is None


@pytest.mark.parametrize("times", [2, 5])
def test_rows_that_are_copied_prove_no_more(numbers, times):
    """With every row copied, the design effect is the number of copies, and p-values are those of single rows."""
    made, gaps = numbers
    single, copied = Numbers.of(made), Numbers.of(np.repeat(made, times, axis=0))
    exams = Exams.of(np.repeat(np.arange(ROWS), times))
    many = np.repeat(gaps, times).astype(float)
    for name in ("student", "mann_whitney"):
        one, more = getattr(single, name)(gaps.astype(float), ALONE), getattr(copied, name)(many, exams)
        np.testing.assert_allclose(more.design[:3], times, rtol=0.25)
        np.testing.assert_allclose(np.log10(more.p_value[:3]), np.log10(one.p_value[:3]), rtol=0.2)
    codes = np.random.default_rng(2).integers(0, 3, ROWS)
    one = chi_square(hot(codes, 3), gaps.astype(float), ALONE)
    more = chi_square(hot(codes.repeat(times), 3), many, exams)
    assert more.design == pytest.approx(times, rel=0.15)
    assert more.p_value == pytest.approx(one.p_value, abs=0.08)


def test_the_test_is_the_one_that_the_distribution_asks_for():
    random = np.random.default_rng(5)
    made = np.column_stack([random.normal(size=ROWS), random.normal(size=ROWS), random.exponential(size=ROWS)])
    made[random.random(ROWS) < 0.4, 0] = np.nan
    codes = random.integers(0, 3, (ROWS, 1)).astype(np.int32)
    sample = GapSample.of(Columns(made, codes), [f"e{i}" for i in range(ROWS)], features(3, 1))
    found = gap_tests(sample, "N0", 0.05)
    assert [(test.other, test.test) for test in found] == [
        ("C0", "chi_square"), ("N1", "t_test"), ("N2", "mann_whitney_u")]  # fmt: skip
    np.testing.assert_allclose([t.p_corrected for t in found], holm(np.array([t.p_value for t in found])))
    assert {(test.rows_with + test.rows_without) for test in found} == {ROWS}
    assert sample.with_gaps() == ["N0"]


def test_groups_of_few_exams_are_not_tested():
    made = np.random.default_rng(1).normal(size=(ROWS, 2))
    made[: MIN_GROUP - 1, 0] = np.nan
    sample = GapSample.of(Columns(made, np.empty((ROWS, 0), np.int32)), [str(i) for i in range(ROWS)], features(2, 0))
    assert sample.with_gaps() == []
    assert gap_tests(sample, "N0", 0.05) == []
    made[:200, 0] = np.nan  # two hundred rows, but of one exam
    exams = ["first"] * 200 + [str(i) for i in range(200)]
    assert (
        gap_tests(GapSample.of(Columns(made, np.empty((ROWS, 0), np.int32)), exams, features(2, 0)), "N0", 0.05) == []
    )


def test_an_empty_sample_and_empty_columns_give_nothing():
    empty = GapSample.of(Columns(np.empty((0, 1)), np.empty((0, 1), np.int32)), [], features(1, 1))
    assert empty.with_gaps() == []
    nothing = Columns(np.full((30, 2), np.nan), np.full((30, 1), MISSING, np.int32))
    sample = GapSample.of(nothing, [str(i) for i in range(30)], features(2, 1))
    assert sample.with_gaps() == []
    assert gap_tests(sample, "N0", 0.05) == []


def test_gaps_of_whole_exams_are_tested_on_one_row_an_exam():
    random = np.random.default_rng(8)
    exams = np.repeat(np.arange(100), 4)
    made = np.column_stack([np.repeat(random.normal(size=100), 4), random.normal(size=400), random.normal(size=400)])
    made[np.repeat(random.random(100) < 0.4, 4), 0] = np.nan
    made[random.random(400) < 0.4, 1] = np.nan
    sample = GapSample.of(Columns(made, np.empty((400, 0), np.int32)), [f"{e:03}" for e in exams], features(3, 0))
    whole = {test.other: test for test in gap_tests(sample, "N0", 0.05)}["N2"]
    assert (whole.rows_with + whole.rows_without, whole.design_effect) == (100, 1.0)
    first = made[::4]
    gaps = np.isnan(first[:, 0])
    assert whole.p_value == pytest.approx(stats.ttest_ind(first[gaps, 2], first[~gaps, 2]).pvalue)
    single = {test.other: test for test in gap_tests(sample, "N1", 0.05)}["N2"]
    assert single.rows_with + single.rows_without == 400


def test_holm_by_hand():
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    assert len(holm(np.array([]))) == 0


def test_verdicts_by_hand():
    tests = [("A", 0.01, 0.06), ("A", 0.5, 0.5), ("B", 0.2, 0.4), ("C", 0.001, 0.002)]
    assert verdicts(tests, 0.05) == {"A": Verdict(False, True), "B": Verdict(True, True), "C": Verdict(False, False)}


def test_gaps_are_compared_with_the_modality():
    kept = features(1, 1)
    with_it = compared(kept, {"MR", "CT"})
    assert with_it.categorical[-1].categories == ("CT", "MR")
    assert compared(kept, {"CT"}) == kept
    assert compared(with_it, {"MR", "CT"}) == with_it


def test_planted_gaps_are_found_and_random_ones_are_not():
    random = np.random.default_rng(11)
    numbers = random.normal(size=(600, 3))
    codes = random.integers(0, 3, (600, 1)).astype(np.int32)
    numbers[random.random(600) < np.where(numbers[:, 1] > 0, 0.6, 0.1), 0] = np.nan
    numbers[random.random(600) < 0.3, 2] = np.nan
    sample = GapSample.of(Columns(numbers, codes), [str(i) for i in range(600)], features(3, 1))
    tests = [test for tag in sample.with_gaps() for test in gap_tests(sample, tag, 0.05)]
    found = verdicts(((test.tag, test.p_value, test.p_corrected) for test in tests), 0.05)
    assert found["N0"] == Verdict(False, False)
    assert found["N2"].corrected is True
    strongest = min((test for test in tests if test.tag == "N0"), key=lambda test: test.p_value)
    assert (strongest.other, strongest.effect_size > 0.5) == ("N1", True)


@pytest.mark.parametrize("chances", [(0.0, 1.0), (0.05, 0.7)])
def test_exams_that_are_alike_raise_no_false_alarm(chances):
    """Gaps and values that exams share, wholly or by and large: as plain rows half of these would be called."""
    random, called = np.random.default_rng(4), 0
    for _ in range(40):
        exams = np.repeat(np.arange(150), 6)
        made = np.column_stack([np.repeat(random.normal(size=150), 6) for _ in range(4)])
        made[random.random(900) < np.where(np.repeat(random.random(150) < 0.3, 6), *chances[::-1]), 0] = np.nan
        sample = GapSample.of(Columns(made, np.empty((900, 0), np.int32)), [str(e) for e in exams], features(4, 0))
        called += min(test.p_corrected for test in gap_tests(sample, "N0", 0.05)) < 0.05
    assert called <= 6  # of 40; 2 expected
