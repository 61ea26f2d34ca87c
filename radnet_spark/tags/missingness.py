"""Is a tag missing completely at random? Tests of its gaps against every other tag (paper, appendix C).

For each tag with gaps the rows are parted into those that have it and those that lack it; if another tag is
distributed differently in the two, the gaps depend on it. Continuous: Shapiro-Wilk on both groups, then Student's
t-test where both look normal, else Mann-Whitney U; categorical: chi-square. After Enders, Applied Missing Data
Analysis (2010), and arXiv 2308.08517 appendix C.

The question is put to one tag at a time, so p-values are corrected over the tests of that tag: a tag whose gaps are
random is called otherwise with a probability of at most alpha, however many tags it is compared with.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from radnet_spark.tags.columns import MISSING, Columns, Feature, FeatureSet
from radnet_spark.tags.two_groups import Exams, Numbers, Test, chi_square

MIN_GROUP = 8  # exams with a value in each group; below that a test says nothing
SHAPIRO_ROWS = 5000  # beyond, scipy's p-value is not exact
_MIXED = 0.25  # share of the exams lacking a tag that have it in another row; below, gaps are those of whole exams


class GapTest(NamedTuple):
    """A row of the table `missingness_tests`: the gaps of `tag` against the values of `other`.

    Attributes:
        test: `t_test`, `mann_whitney_u`, `chi_square` or `fisher_exact`.
        p_corrected: Holm's, over the tests of `tag`.
        effect_size: Cohen's d, rank-biserial correlation, or Cramér's V.
        design_effect: what the statistic was divided by since rows of one exam are alike; 1 for one row an exam.
        rows_with, rows_without: rows with a value of `other` that have `tag`, and that lack it.
    """

    tag: str
    other: str
    test: str
    statistic: float
    p_value: float
    p_corrected: float
    effect_size: float
    design_effect: float
    rows_with: int
    rows_without: int


class Verdict(NamedTuple):
    """Whether a tag's gaps may be called completely at random.

    Attributes:
        raw: no test was below alpha; None if there was nothing to test.
        corrected: the same after Holm's correction over this tag's tests.
    """

    raw: bool | None
    corrected: bool | None


UNTESTED = Verdict(None, None)


@dataclass(frozen=True)
class GapSample:
    """Training rows with their gaps.

    Attributes:
        columns: values, rows sorted by exam.
        exams: (n,) int64 number of each row's exam, sorted.
        features: what the columns are.
    """

    columns: Columns
    exams: NDArray[np.int64]
    features: FeatureSet

    @classmethod
    def of(cls, columns: Columns, exams: Sequence[str], features: FeatureSet) -> GapSample:
        """From rows in any order and their exams' keys."""
        numbers = np.unique(np.asarray(exams, dtype=str), return_inverse=True)[1].astype(np.int64)
        order = np.argsort(numbers, kind="stable")
        return cls(Columns(columns.numbers[order], columns.codes[order]), numbers[order], features)

    @cached_property
    def names(self) -> list[str]:
        """Sources of the columns, continuous ones first."""
        return [feature.source for feature in (*self.features.continuous, *self.features.categorical)]

    @cached_property
    def gaps(self) -> NDArray[np.bool_]:
        """(n, columns) whether a value is missing."""
        return np.hstack([np.isnan(self.columns.numbers), self.columns.codes == MISSING])

    @cached_property
    def prepared(self) -> tuple[Numbers, list[NDArray[np.float64]], Exams]:
        """What all tests share."""
        hot = [(codes[:, None] == np.arange(-2, codes.max(initial=0) + 1)) & (codes != MISSING)[:, None]
               for codes in self.columns.codes.T]  # fmt: skip
        return Numbers.of(self.columns.numbers), [one.astype(np.float64) for one in hot], Exams.of(self.exams)

    @cached_property
    def one_an_exam(self) -> GapSample:
        """The first row of each exam."""
        first = Exams.of(self.exams).starts
        if len(first) == len(self.exams):
            return self
        return GapSample(
            Columns(self.columns.numbers[first], self.columns.codes[first]), self.exams[first], self.features
        )

    def rows_for(self, tag: str) -> GapSample:
        """The rows on which a tag's gaps are tested: one an exam where whole exams lack it, else all.

        Further rows of such exams would tell nothing new, and large exams would weigh more than small ones.
        """
        exams, lacking = Exams.of(self.exams), self.gaps[:, self.names.index(tag), None].astype(np.float64)
        lack, size = exams.sums(lacking), exams.sums(np.ones_like(lacking))
        several = (lack > 0) & (size > 1)
        mixed = several & (lack < size)
        return self.one_an_exam if mixed.sum() <= _MIXED * several.sum() else self

    def with_gaps(self) -> list[str]:
        """Sources that enough exams have and enough lack."""
        exams, present = Exams.of(self.exams), 1.0 - self.gaps
        have, lack = exams.sums(present) > 0, exams.sums(1.0 - present) > 0
        enough = np.minimum(have.sum(axis=0), lack.sum(axis=0)) >= MIN_GROUP
        return [name for name, there in zip(self.names, enough, strict=True) if there]


def compared(features: FeatureSet, modalities: Iterable[str]) -> FeatureSet:
    """What gaps are compared with: the features, and Modality where it is none, since gaps depend on it above all.

    Args:
        features: those of the tag vector.
        modalities: values of Modality in the training part; it is left out if they are fewer than two.
    """
    names = tuple(sorted(modalities))
    if len(names) < 2 or any(feature.tag == "Modality" for feature in features.categorical):
        return features
    modality = Feature("Modality", "Modality", -1, names, 0.0, 0.0)
    return FeatureSet(features.continuous, (*features.categorical, modality))


def gap_tests(sample: GapSample, tag: str, alpha: float) -> list[GapTest]:
    """Tests the gaps of one tag against every other tag.

    Args:
        sample: training rows.
        tag: one of its sources.
        alpha: level of the test of normality.

    Returns:
        A test for every other tag of which at least `MIN_GROUP` exams have a value with and without the gap, and not
        all the same one; by the name of the other tag.
    """
    sample = sample.rows_for(tag)
    numbers, hot, exams = sample.prepared
    absent = sample.gaps[:, sample.names.index(tag)]
    gaps = absent.astype(np.float64)
    present = 1.0 - sample.gaps
    rows_without = gaps @ present
    rows_with = present.sum(axis=0) - rows_without
    testable = np.minimum(*exams.counts(present, gaps)) >= MIN_GROUP
    student, ranked = numbers.student(gaps, exams), numbers.mann_whitney(gaps, exams)
    found = []
    for column, other in enumerate(sample.names):
        if other == tag or not testable[column]:
            continue
        if column < len(sample.features.continuous):
            values = sample.columns.numbers[:, column]
            normal = _normal(values[~absent], alpha) and _normal(values[absent], alpha)
            result: Test | None = student.test("t_test", column) if normal else ranked.test("mann_whitney_u", column)
        else:
            result = chi_square(hot[column - len(sample.features.continuous)], gaps, exams)
        if result is not None and np.isfinite(result[1:]).all():
            name, statistic, p_value, effect, design = result
            rows = (int(rows_with[column]), int(rows_without[column]))
            found.append(GapTest(tag, other, name, statistic, p_value, p_value, effect, design, *rows))
    corrected = holm(np.array([test.p_value for test in found]))
    return sorted(test._replace(p_corrected=float(p)) for test, p in zip(found, corrected, strict=True))


def verdicts(tests: Iterable[tuple[str, float, float]], alpha: float) -> dict[str, Verdict]:
    """Tag → verdict, from the tag, the p-value and the corrected p-value of each test."""
    found: dict[str, Verdict] = {}
    for tag, *p_values in tests:
        before = found.get(tag, (True, True))
        found[tag] = Verdict(*(bool(held) and p >= alpha for held, p in zip(before, p_values, strict=True)))
    return found


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """p-values corrected for their number (Holm, Scand. J. Statist. 6, 1979), in the given order."""
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    return corrected


def _normal(values: NDArray[np.float64], alpha: float) -> bool:
    values = values[~np.isnan(values)][:SHAPIRO_ROWS]
    if np.all(values == values[0]):
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bool(stats.shapiro(values).pvalue >= alpha)
