"""Fills missing values. An imputer is fitted on training rows, kept as arrays, and applied by NumPy everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from radnet_spark.tags.columns import MISSING, UNSEEN, Columns, FeatureSet


class Imputer(Protocol):
    """Something fitted that leaves no NaN, no infinity and no `MISSING`; its state is a dictionary of arrays."""

    def apply(self, columns: Columns) -> Columns:
        """New columns without gaps; the given ones stay as they are."""

    def arrays(self) -> dict[str, np.ndarray]:
        """The fitted state, for an npz file."""


def gaps(columns: Columns) -> np.ndarray:
    """(n, continuous + categorical) bool: what has no value; an infinite number is none, an unseen category is one."""
    return np.hstack([~np.isfinite(columns.numbers), columns.codes == MISSING])


@dataclass(frozen=True)
class MeanMode:
    """The mean of continuous features and the most frequent category of categorical ones.

    Attributes:
        means: (continuous,) float64, of finite numbers; 0 where no training row had one.
        modes: (categorical,) int32 codes; the alphabetically first of equally frequent ones, `UNSEEN` where no
            training row had a value.
    """

    means: np.ndarray
    modes: np.ndarray

    @classmethod
    def fit(cls, columns: Columns) -> MeanMode:
        """Learns from training rows."""
        present = np.isfinite(columns.numbers)
        counts = present.sum(axis=0)
        sums = np.where(present, columns.numbers, 0.0).sum(axis=0)
        means = np.divide(sums, counts, out=np.zeros(len(counts)), where=counts > 0)
        return cls(means, np.array([_mode(column) for column in columns.codes.T], np.int32))

    def apply(self, columns: Columns) -> Columns:
        """New columns without gaps."""
        missing = gaps(columns)
        continuous = columns.numbers.shape[1]
        numbers = np.where(missing[:, :continuous], self.means, columns.numbers)
        codes = np.where(missing[:, continuous:], self.modes, columns.codes)
        return Columns(numbers, codes.astype(np.int32))

    def arrays(self) -> dict[str, np.ndarray]:
        """The fitted state."""
        return {"means": self.means, "modes": self.modes}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> MeanMode:
        """The imputer whose state `arrays` gave."""
        return cls(arrays["means"], arrays["modes"])


class TagImputation(NamedTuple):
    """How well a feature's gaps are filled, as the table `tag_imputation` lists it.

    Attributes:
        tag: the feature's source, as in `PixelSpacing0`.
        kind: `continuous` or `categorical`.
        missing: share of the rows it was fitted on that lack it.
        oob_error: out of bag: the root mean squared error over the standard deviation (NRMSE), or the share of wrong
            categories (PFC). None: no forest fills it.
        validation_error: the same on rows of the validation part, whose exams no tree has seen; None without such rows.
        mean_mode_error: the same error of the mean, which is 1, or of the most frequent category; None without values.
        gain: 1 - error / `mean_mode_error`, of the error on validation rows if there is one, else out of bag.
    """

    tag: str
    kind: str
    missing: float
    oob_error: float | None
    validation_error: float | None
    mean_mode_error: float | None
    gain: float | None


def imputations(
    columns: Columns, features: FeatureSet, errors: Mapping[int, float], validation: Mapping[int, float]
) -> list[TagImputation]:
    """What is known of each feature's filling.

    Args:
        columns: (n, …) the rows the imputer was fitted on, n ≥ 1.
        features: what the columns are.
        errors: column → out-of-bag error, as `fit_missforest` gives it; empty for mean and mode.
        validation: column → error on validation rows.
    """
    missing, found = gaps(columns), []
    named = [("continuous", feature.source) for feature in features.continuous]
    named += [("categorical", feature.source) for feature in features.categorical]
    for column, (kind, tag) in enumerate(named):
        absent, error = missing[:, column], errors.get(column)
        if kind == "continuous":
            values = columns.numbers[~absent, column]
            simple = float(values.min() < values.max()) if len(values) else None
        else:
            codes = columns.codes[:, column - len(features.continuous)]
            simple = float((codes[codes >= 0] != _mode(codes)).mean()) if (codes >= 0).any() else None
        found_error = validation.get(column, error)
        gain = None if found_error is None or not simple else 1 - found_error / simple
        found.append(TagImputation(tag, kind, float(absent.mean()), error, validation.get(column), simple, gain))
    return found


def _mode(codes: np.ndarray) -> int:
    seen = codes[codes >= 0]
    return int(np.bincount(seen).argmax()) if len(seen) else UNSEEN
