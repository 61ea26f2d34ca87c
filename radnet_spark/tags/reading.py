"""Clusters read in the tags' own units: what is typical of a cluster, from sums of encoded rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radnet_spark.tags.columns import MISSING, Columns
from radnet_spark.tags.encoding import Encoder

_LEAST_FILLED = 0.5  # of a cluster's instances: what most of them lack is not typical
_LEAST_SHARE = 0.5  # of a category among them
_LEAST_EFFECT = 0.5  # standard deviations from the mean of all


@dataclass
class EncodedSums:
    """Sums over instances of the values that are there, without filled gaps.

    Attributes:
        n: instances.
        filled: (width,) float64: instances that have the column's tag.
        total: (width,) sums of encoded values.
        squares: (width,) sums of their squares.
    """

    n: int
    filled: NDArray[np.float64]
    total: NDArray[np.float64]
    squares: NDArray[np.float64]

    @classmethod
    def of(cls, columns: Columns, encoder: Encoder) -> EncodedSums:
        """The sums of columns as they were read: with gaps."""
        there = ~np.isnan(columns.numbers)
        encoded = encoder.encode(Columns(np.nan_to_num(columns.numbers), columns.codes)).astype(np.float64)
        known = np.hstack([there, *(np.repeat(columns.codes[:, place, None] != MISSING, len(feature.categories), axis=1)
                                    for place, feature in enumerate(encoder.features.categorical))])  # fmt: skip
        encoded = np.where(known, encoded, 0.0)
        return cls(len(encoded), known.sum(axis=0).astype(np.float64), encoded.sum(axis=0), (encoded**2).sum(axis=0))

    def __add__(self, other: EncodedSums) -> EncodedSums:
        return EncodedSums(
            self.n + other.n, self.filled + other.filled, self.total + other.total, self.squares + other.squares
        )

    def means(self) -> NDArray[np.float64]:
        """(width,) mean of the values that are there; 0 where there is none."""
        return np.divide(self.total, self.filled, out=np.zeros_like(self.total), where=self.filled > 0)

    def deviations(self) -> NDArray[np.float64]:
        """(width,) standard deviation of the values that are there."""
        squares = np.divide(self.squares, self.filled, out=np.zeros_like(self.squares), where=self.filled > 0)
        return np.sqrt(np.maximum(squares - self.means() ** 2, 0.0))


def typical(
    cluster: EncodedSums, everything: EncodedSums, encoder: Encoder, units: Mapping[str, str], least: int
) -> list[str]:
    """What tells a cluster from the rest, the most telling first: `SliceThickness 5 mm`, `Manufacturer SIEMENS 83 %`.

    Args:
        cluster: its sums, over one row an exam.
        everything: the sums over all clusters.
        encoder: of the rows; numbers are shown as their mean in the tag's unit, categories with their share.
        units: keyword → unit.
        least: exams that must have the tag, and for a category that category: the values of fewer may say who they are.
    """
    enough = max(least, _LEAST_FILLED * cluster.n)
    means = cluster.means()
    back = encoder.decode(means[None, :])
    deviations = everything.deviations()
    away = np.abs(means - everything.means())
    effects = np.divide(away, deviations, out=np.zeros_like(means), where=deviations > 0)
    found: list[tuple[float, str]] = []
    for place, feature in enumerate(encoder.features.continuous):
        if cluster.filled[place] >= enough:
            text = f"{feature.source} {back.numbers[0, place]:.4g} {units.get(feature.tag, '')}".rstrip()
            found.append((float(effects[place]), text))
    start = len(encoder.features.continuous)
    for number, feature in enumerate(encoder.features.categorical):
        code = int(back.codes[0, number])
        place = start + code
        shown = code >= 0 and cluster.filled[start] >= enough and round(cluster.total[place]) >= least
        if shown and means[place] >= _LEAST_SHARE:
            found.append(
                (float(effects[place]), f"{feature.source} {feature.categories[code]} {100 * means[place]:.0f} %")
            )
        start += len(feature.categories)
    telling = sorted((item for item in found if item[0] >= _LEAST_EFFECT), key=lambda item: (-item[0], item[1]))
    return [text for _, text in telling]


def units_by_tag(groups: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """`conf/tag_units.yml` turned round: keyword → unit."""
    return {tag: unit for unit, tags in groups.items() for tag in tags}
