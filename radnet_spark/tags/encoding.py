"""Columns as a matrix in [0, 1]: min-max for continuous features, one-hot for categorical ones (paper, appendix C)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix, hstack

from radnet_spark.tags.columns import UNSEEN, Columns, FeatureSet


class EncodedFeature(NamedTuple):
    """A column of the matrix, as the table `tag_features` lists it; minimum and maximum only of continuous ones."""

    feature: str
    tag: str
    kind: str
    category: str | None
    minimum: float | None
    maximum: float | None
    position: int


@dataclass(frozen=True)
class Encoder:
    """Scales and spreads columns by the ranges and categories of the training part.

    Values out of range are clipped, a constant gives 0, an unseen category zeros (O).
    """

    features: FeatureSet

    @property
    def width(self) -> int:
        """Columns of the matrix."""
        return len(self.features.continuous) + sum(len(f.categories) for f in self.features.categorical)

    def encode(self, columns: Columns) -> np.ndarray:
        """(n, width) float32 in [0, 1] from columns without gaps."""
        blocks = [self._scaled(columns.numbers)]
        for column, feature in enumerate(self.features.categorical):
            blocks.append(columns.codes[:, column, None] == np.arange(len(feature.categories)))
        return np.hstack(blocks).astype(np.float32)

    def encode_sparse(self, columns: Columns) -> csr_matrix:
        """The same as a sparse matrix: a wide one is mostly zeros, since of each one-hot block one value is not."""
        starts = np.cumsum([0, *(len(feature.categories) for feature in self.features.categorical)])
        rows, places = np.nonzero(columns.codes >= 0)
        one_hot = csr_matrix(
            (np.ones(len(rows), np.float32), (rows, starts[places] + columns.codes[rows, places])),
            shape=(len(columns.codes), int(starts[-1])),
        )
        return csr_matrix(hstack([csr_matrix(self._scaled(columns.numbers).astype(np.float32)), one_hot], format="csr"))

    def decode(self, matrix: np.ndarray) -> Columns:
        """The inverse: values in the tags' own units, and the category with the highest value (`UNSEEN` if all are 0).

        Args:
            matrix: (n, width), as from `encode` or a mean of such rows.
        """
        low, span = self._ranges()
        numbers = matrix[:, : len(low)].astype(np.float64) * span + low
        codes = np.full((len(matrix), len(self.features.categorical)), UNSEEN, np.int32)
        start = len(low)
        for column, feature in enumerate(self.features.categorical):
            block = matrix[:, start : start + len(feature.categories)]
            codes[:, column] = np.where(block.max(axis=1) > 0, block.argmax(axis=1), UNSEEN)
            start += len(feature.categories)
        return Columns(numbers, codes)

    def layout(self) -> list[EncodedFeature]:
        """What each column of the matrix is, in order."""
        named: list[tuple[str, str, str, str | None, float | None, float | None]] = [
            (f.source, f.tag, "continuous", None, f.minimum, f.maximum) for f in self.features.continuous
        ]
        named += [(f"{f.source}={name}", f.tag, "categorical", name, None, None)
                  for f in self.features.categorical for name in f.categories]  # fmt: skip
        return [EncodedFeature(*item, position) for position, item in enumerate(named)]

    def _scaled(self, numbers: np.ndarray) -> np.ndarray:
        low, span = self._ranges()
        scaled = np.divide(numbers - low, span, out=np.zeros_like(numbers), where=span > 0)
        return np.clip(scaled, 0.0, 1.0)

    def _ranges(self) -> tuple[np.ndarray, np.ndarray]:
        low = np.array([f.minimum for f in self.features.continuous], np.float64)
        high = np.array([f.maximum for f in self.features.continuous], np.float64)
        return low, high - low
