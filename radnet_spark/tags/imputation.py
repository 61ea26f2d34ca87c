"""Fills missing values. An imputer is fitted on training rows, kept as arrays, and applied by NumPy everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from radnet_spark.tags.columns import MISSING, UNSEEN, Columns


class Imputer(Protocol):
    """Something fitted that leaves no NaN and no `MISSING`, and whose state is a dictionary of arrays."""

    def apply(self, columns: Columns) -> Columns:
        """New columns without gaps; the given ones stay as they are."""

    def arrays(self) -> dict[str, np.ndarray]:
        """The fitted state, for an npz file."""


@dataclass(frozen=True)
class MeanMode:
    """The mean of continuous features and the most frequent category of categorical ones.

    Attributes:
        means: (continuous,) float64; 0 where no training row had a number.
        modes: (categorical,) int32 codes; the alphabetically first of equally frequent ones, `UNSEEN` where no
            training row had a value.
    """

    means: np.ndarray
    modes: np.ndarray

    @classmethod
    def fit(cls, columns: Columns) -> MeanMode:
        """Learns from training rows."""
        present = ~np.isnan(columns.numbers)
        counts = present.sum(axis=0)
        sums = np.where(present, columns.numbers, 0.0).sum(axis=0)
        means = np.divide(sums, counts, out=np.zeros(len(counts)), where=counts > 0)
        return cls(means, np.array([_mode(column) for column in columns.codes.T], np.int32))

    def apply(self, columns: Columns) -> Columns:
        """New columns without gaps."""
        numbers = np.where(np.isnan(columns.numbers), self.means, columns.numbers)
        codes = np.where(columns.codes == MISSING, self.modes, columns.codes)
        return Columns(numbers, codes.astype(np.int32))

    def arrays(self) -> dict[str, np.ndarray]:
        """The fitted state."""
        return {"means": self.means, "modes": self.modes}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> MeanMode:
        """The imputer whose state `arrays` gave."""
        return cls(arrays["means"], arrays["modes"])


def _mode(codes: np.ndarray) -> int:
    seen = codes[codes >= 0]
    return int(np.bincount(seen).argmax()) if len(seen) else UNSEEN
