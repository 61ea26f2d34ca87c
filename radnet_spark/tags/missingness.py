"""Is a tag missing completely at random? Tests of its gaps against every other tag (paper, appendix C).

For each tag with gaps the rows are parted into those that have it and those that lack it; if another tag is
distributed differently in the two, the gaps depend on it. Continuous: Shapiro-Wilk on both groups, then Student's
t-test where both look normal, else Mann-Whitney U; categorical: chi-square. After Enders, Applied Missing Data
Analysis (2010), and arXiv 2308.08517 appendix C.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy import stats

from radnet_spark.tags.columns import MISSING, Columns, FeatureSet

MIN_GROUP = 8  # values in each group; below that a test says nothing
_SHAPIRO_ROWS = 5000  # beyond, scipy's p-value is not exact


@dataclass(frozen=True)
class Verdict:
    """Whether a tag's gaps may be called completely at random.

    Attributes:
        raw: no test was below alpha; None if there was nothing to test.
        corrected: the same after Holm's correction over this tag's tests.
        tests: other tags tested.
        strongest: the one with the smallest p-value.
    """

    raw: bool | None
    corrected: bool | None
    tests: int
    strongest: str | None


def verdicts(columns: Columns, features: FeatureSet, alpha: float) -> dict[str, Verdict]:
    """Tests every feature with gaps against every other one.

    Args:
        columns: training rows with their gaps.
        features: what the columns are.
        alpha: level of every test.

    Returns:
        Source → verdict, for all features.
    """
    names = [feature.source for feature in (*features.continuous, *features.categorical)]
    values = [*columns.numbers.T, *columns.codes.T]
    missing = [*np.isnan(columns.numbers).T, *(columns.codes == MISSING).T]
    found = {}
    for name, gaps in zip(names, missing, strict=True):
        p_values = {
            other: p
            for other, column, absent in zip(names, values, missing, strict=True)
            if other != name and (p := dependence(column[~absent], gaps[~absent], alpha)) is not None
        }
        found[name] = _verdict(p_values, alpha)
    return found


def dependence(values: np.ndarray, gaps: np.ndarray, alpha: float) -> float | None:
    """The p-value that `values` are distributed alike with and without a gap in another tag.

    Args:
        values: (n,) float64 numbers or int category codes, none missing.
        gaps: (n,) bool, the other tag is missing.
        alpha: level of the test of normality.

    Returns:
        None where a group has fewer than `MIN_GROUP` values or all values are equal.
    """
    without, with_gap = values[~gaps], values[gaps]
    if min(len(without), len(with_gap)) < MIN_GROUP or np.all(values == values[0]):
        return None
    if np.issubdtype(values.dtype, np.integer):
        _, codes = np.unique(values, return_inverse=True)
        table = np.array([np.bincount(codes[~gaps], minlength=codes.max() + 1),
                          np.bincount(codes[gaps], minlength=codes.max() + 1)])  # fmt: skip
        return float(stats.chi2_contingency(table).pvalue)
    if _normal(without, alpha) and _normal(with_gap, alpha):
        return float(stats.ttest_ind(without, with_gap).pvalue)
    return float(stats.mannwhitneyu(without, with_gap).pvalue)


def holm(p_values: np.ndarray) -> np.ndarray:
    """p-values corrected for their number (Holm, Scand. J. Statist. 6, 1979), in the given order."""
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    return corrected


def _normal(values: np.ndarray, alpha: float) -> bool:
    if np.all(values == values[0]):
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return bool(stats.shapiro(values[:_SHAPIRO_ROWS]).pvalue >= alpha)


def _verdict(p_values: dict[str, float], alpha: float) -> Verdict:
    if not p_values:
        return Verdict(None, None, 0, None)
    values = np.array(list(p_values.values()))
    strongest = min(p_values, key=lambda name: (p_values[name], name))
    return Verdict(bool(np.all(values >= alpha)), bool(np.all(holm(values) >= alpha)), len(values), strongest)
