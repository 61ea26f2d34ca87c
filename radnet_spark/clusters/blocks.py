"""Which sources go into a fused vector, and how much of its variance each of them brings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LEAST_COVERAGE = 0.5


@dataclass(frozen=True)
class Usable:
    """Sources that are fused, in the order given, and why others are not."""

    sources: tuple[str, ...]
    covered: int
    notes: tuple[str, ...]


def usable_sources(order: Sequence[str], coverage: Mapping[frozenset[str], int]) -> Usable:
    """Leaves out the rarest source as long as more than half of the rows would be lost to it.

    A fused vector needs all its blocks. A source that most rows lack (a few diagnoses, say) would cost most of the
    data set, so that it is left out instead.

    Args:
        order: the order of blocks; sources that no row has are left out silently.
        coverage: set of sources that a row has → rows.
    """
    total = sum(coverage.values())
    having = {source: sum(n for have, n in coverage.items() if source in have) for source in order}
    used = [source for source in order if having[source]]
    notes: list[str] = []
    while used:
        covered = sum(n for have, n in coverage.items() if have.issuperset(used))
        if len(used) == 1 or covered >= _LEAST_COVERAGE * total:
            return Usable(tuple(used), covered, tuple(notes))
        rarest = min(used, key=lambda source: (having[source], order.index(source)))
        notes.append(f"{rarest} left out of the fusion: {having[rarest]} of {total} rows have it")
        used.remove(rarest)
    return Usable((), 0, ())


@dataclass(frozen=True)
class Moments:
    """What the total variance of some rows is made of.

    Attributes:
        n: rows.
        total: (dims,) float64 sum of vectors.
        squares: sum of squared lengths.
    """

    n: int
    total: NDArray[np.float64]
    squares: float


def total_variance(moments: Sequence[Moments]) -> float:
    """Gives the sum over dimensions of the (population) variance, from the moments of disjoint rows; never negative."""
    n = sum(m.n for m in moments)
    if n == 0:
        return 0.0
    mean = np.sum([m.total for m in moments], axis=0) / n
    return max(0.0, sum(m.squares for m in moments) / n - float(mean @ mean))
