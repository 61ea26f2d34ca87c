"""Does a gap go with other values? Statistics of two groups of rows, for all columns of a table at once.

Everything that does not depend on the gap (ranks, ties, one-hot codes) is made once; a gap is then a matrix product.
Rows of one exam are no independent observations: where exams have several rows, statistics are divided by the design
effect, the ratio of the variance that exams show to the one that independent rows would have (Rao and Scott, Ann.
Statist. 12, 1984), and compared with distributions whose degrees of freedom count exams.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

LEAST_EXPECTED = 5.0  # rows of a category expected in each group; rarer categories are tested together (Cochran 1954)
Floats = NDArray[np.float64]


class Compared(NamedTuple):
    """How columns differ between rows with and without a gap; (columns,) float64 each, NaN where nothing can be said.

    Attributes:
        statistic: t, U of the rows with the gap, or chi-square.
        p_value: two-sided.
        effect: Cohen's d or rank-biserial correlation, positive where values are larger with the gap; Cramér's V.
        design: the design effect, 1 for independent rows.
    """

    statistic: Floats
    p_value: Floats
    effect: Floats
    design: Floats

    def test(self, name: str, column: int) -> Test:
        """The test of one column."""
        return Test(name, *(float(values[column]) for values in self))


class Test(NamedTuple):
    """One test by its name, with the members of `Compared`."""

    name: str
    statistic: float
    p_value: float
    effect: float
    design: float


@dataclass(frozen=True)
class Exams:
    """Which rows belong together; rows are sorted by exam.

    Attributes:
        starts: (exams,) first row of each.
        rows: number of rows.
    """

    starts: NDArray[np.intp]
    rows: int

    @classmethod
    def of(cls, sorted_exams: NDArray[np.int64]) -> Exams:
        """From the exam of each row, sorted."""
        return cls(np.flatnonzero(np.diff(sorted_exams, prepend=-1)), len(sorted_exams))

    @property
    def independent(self) -> bool:
        """Whether each exam has but one row."""
        return len(self.starts) == self.rows

    def sums(self, columns: Floats) -> Floats:
        """(exams, d) sums of (rows, d)."""
        return columns if self.independent else np.add.reduceat(columns, self.starts, axis=0)

    def counts(self, present: Floats, gaps: Floats) -> tuple[Floats, Floats]:
        """Exams with a row that has a value (rows, d) and the gap, and exams with one that has no gap: (d,) each."""
        with_gap = (self.sums(present * gaps[:, None]) > 0).sum(axis=0)
        without = (self.sums(present * (1 - gaps)[:, None]) > 0).sum(axis=0)
        return with_gap.astype(np.float64), without.astype(np.float64)

    def scores(self, centred: Floats, gaps: Floats, share: Floats) -> Floats:
        """(exams, d) sums of (gap - share of gaps) x centred values, whose sum is what a test looks at."""
        return self.sums(centred * gaps[:, None]) - share * self.sums(centred)

    def design_effect(self, centred: Floats, gaps: Floats, share: Floats) -> Floats:
        """(d,) variance over exams by that of independent rows, at least 1."""
        if self.independent:
            return np.ones(centred.shape[1])
        squares = (self.scores(centred, gaps, share) ** 2).sum(axis=0) * len(self.starts) / (len(self.starts) - 1)
        return np.maximum(1.0, _ratio(squares, share * (1 - share) * (centred**2).sum(axis=0)))


@dataclass(frozen=True)
class Numbers:
    """Continuous columns, ready for tests.

    Attributes:
        present: (n, c) float64, 1 where there is a value.
        values: (n, c) standardised over the values that are there, 0 elsewhere.
        ranks: (n, c) mid-ranks minus their mean, 0 elsewhere.
        ties: (c,) sum of t^3 - t over groups of t equal values.
    """

    present: Floats
    values: Floats
    ranks: Floats
    ties: Floats

    @classmethod
    def of(cls, numbers: Floats) -> Numbers:
        """From (n, c) with NaN."""
        present = ~np.isnan(numbers)
        values, ranks, ties = np.zeros(numbers.shape), np.zeros(numbers.shape), np.zeros(numbers.shape[1])
        for column, there in enumerate(present.T):
            seen = numbers[there, column]
            if not len(seen):
                continue
            spread = seen.std()
            values[there, column] = (seen - seen.mean()) / (spread if spread > 0 else 1.0)
            ranks[there, column] = stats.rankdata(seen) - (len(seen) + 1) / 2
            equal = np.unique(seen, return_counts=True)[1].astype(np.float64)
            ties[column] = (equal**3 - equal).sum()
        return cls(present.astype(np.float64), values, ranks, ties)

    def student(self, gaps: Floats, exams: Exams) -> Compared:
        """Student's t-test with pooled variance, and Cohen's d, of every column.

        Args:
            gaps: (n,) 1 where the tag is missing.
            exams: which rows belong together.
        """
        have, lack = self._sizes(gaps)
        sums = gaps @ self.values
        mean, other = _ratio(sums, lack), _ratio(self.values.sum(axis=0) - sums, have)
        inside = (self.values**2).sum(axis=0) - lack * mean**2 - have * other**2
        spread = np.sqrt(np.maximum(_ratio(inside, have + lack - 2), 0.0))
        effect = _ratio(mean - other, spread)
        statistic = _ratio(effect, np.sqrt(_ratio(have + lack, have * lack)))
        design = exams.design_effect(self.values, gaps, _ratio(lack, have + lack))
        degrees = np.minimum(have + lack - 2, self._degrees(gaps, exams))
        return Compared(statistic, 2 * stats.t.sf(np.abs(statistic) / np.sqrt(design), degrees), effect, design)

    def mann_whitney(self, gaps: Floats, exams: Exams) -> Compared:
        """Mann-Whitney U by rank sums, with corrections for ties and continuity, and the rank-biserial correlation."""
        have, lack = self._sizes(gaps)
        n = have + lack
        above = gaps @ self.ranks  # U of the rows with the gap, minus its mean
        variance = _ratio(have * lack * (n + 1 - _ratio(self.ties, n * (n - 1))), np.full_like(n, 12.0))
        z = _ratio(np.maximum(np.abs(above) - 0.5, 0.0), np.sqrt(variance))
        design = exams.design_effect(self.ranks, gaps, _ratio(lack, n))
        p_value = 2 * stats.t.sf(z / np.sqrt(design), self._degrees(gaps, exams))
        half = have * lack / 2
        return Compared(above + half, np.minimum(p_value, 1.0), _ratio(above, half), design)

    def _sizes(self, gaps: Floats) -> tuple[Floats, Floats]:
        lack = gaps @ self.present
        return self.present.sum(axis=0) - lack, lack

    def _degrees(self, gaps: Floats, exams: Exams) -> Floats:
        if exams.independent:
            return np.full(self.present.shape[1], np.inf)
        return np.maximum(np.minimum(*exams.counts(self.present, gaps)) - 1, 1.0)


def chi_square(hot: Floats, gaps: Floats, exams: Exams) -> Test | None:
    """Pearson's chi-square of a category against a gap; categories too rare for it are tested as one.

    Args:
        hot: (n, k) 1 where the row has the category; a row of zeros has no value.
        gaps: (n,) 1 where the tag is missing.
        exams: which rows belong together.

    Returns:
        A 2 x 2 table that is still too small is tested by Fisher's exact test if rows are independent. None where
        nothing can be tested.
    """
    lack = gaps @ hot
    total = hot.sum(axis=0)
    joined = _joined(total, min(lack.sum(), (total - lack).sum()) / max(total.sum(), 1.0))
    table = np.array([(total - lack) @ joined, lack @ joined])
    if table.shape[1] < 2 or (table.sum(axis=1) == 0).any():
        return None
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    if table.shape[1] == 2 and expected.min() < LEAST_EXPECTED:
        if not exams.independent:
            return None
        found = stats.fisher_exact(table)
        return Test("fisher_exact", float(found.statistic), float(found.pvalue), _cramer(table, expected), 1.0)
    free = table.shape[1] - 1
    off = np.abs(table - expected)
    statistic = float(((off - (min(0.5, off.max()) if free == 1 else 0.0)) ** 2 / expected).sum())
    design = _rao_scott(hot @ joined, gaps, table, exams)
    if exams.independent:
        p_value = stats.chi2.sf(statistic, free)
    else:
        present = hot.sum(axis=1, keepdims=True)
        degrees = max(float(np.minimum(*exams.counts(present, gaps))[0]) - 1, 1.0)
        p_value = stats.f.sf(statistic / design / free, free, degrees)
    return Test("chi_square", statistic, float(p_value), _cramer(table, expected), design)


def _joined(total: Floats, smaller_share: float) -> Floats:
    """(k, kept) 0/1: which categories are tested as one, so that each is expected often enough in the smaller group."""
    order = np.argsort(-total, kind="stable")
    order = order[total[order] > 0]
    enough = int((total[order] * smaller_share >= LEAST_EXPECTED).sum())
    groups = [[index] for index in order[:enough]]
    rest = list(order[enough:])
    if rest:
        if groups and total[rest].sum() * smaller_share < LEAST_EXPECTED and len(groups) > 1:
            groups[-1] += rest
        else:
            groups.append(rest)
    joined = np.zeros((len(total), len(groups)))
    for column, members in enumerate(groups):
        joined[members, column] = 1.0
    return joined


def _rao_scott(hot: Floats, gaps: Floats, table: Floats, exams: Exams) -> float:
    """The mean design effect of the categories' shares, weighted as in the first-order correction."""
    if exams.independent:
        return 1.0
    shares = table.sum(axis=0) / table.sum()
    centred = (hot - shares) * hot.sum(axis=1, keepdims=True)
    effects = exams.design_effect(centred, gaps, np.full(len(shares), table[1].sum() / table.sum()))
    return float(((1 - shares) * effects).sum() / (len(shares) - 1))


def _cramer(table: Floats, expected: Floats) -> float:
    return float(np.sqrt(((table - expected) ** 2 / expected).sum() / table.sum()))


def _ratio(top: Floats, bottom: Floats) -> Floats:
    """The quotient; NaN where bottom is 0."""
    return np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=np.asarray(bottom) > 0)
