"""The features of a fit and their values as arrays: numbers with NaN, categories as codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from radnet_spark.tags.preparation import TagPolicy
from radnet_spark.tags.selection import TagDecision, as_text

MISSING = -1  # code of a value that is not there
UNSEEN = -2  # code of a value that was not in the training part; it is not missing, and encoded as zeros


class Columns(NamedTuple):
    """Prepared values of n instances.

    Attributes:
        numbers: (n, continuous) float64; NaN: missing, or no number.
        codes: (n, categorical) int32: index into the feature's categories, `MISSING` or `UNSEEN`.
    """

    numbers: np.ndarray
    codes: np.ndarray


@dataclass(frozen=True)
class Feature:
    """A source that was kept.

    Attributes:
        source: name, as in `PixelSpacing0`.
        tag: keyword of the tag.
        index: which of its values; -1 the whole text.
        categories: sorted, of a categorical one; empty: continuous.
        minimum, maximum: of a continuous one, over the training part.
    """

    source: str
    tag: str
    index: int
    categories: tuple[str, ...]
    minimum: float
    maximum: float


@dataclass(frozen=True)
class FeatureSet:
    """The features of a fit: continuous ones, then categorical ones, each sorted by source."""

    continuous: tuple[Feature, ...]
    categorical: tuple[Feature, ...]

    @classmethod
    def of(cls, decisions: Sequence[TagDecision]) -> FeatureSet:
        """The features that a selection kept."""
        kept = [(d.kind, Feature(d.source, d.tag, d.index, d.categories, d.minimum, d.maximum))
                for d in sorted(decisions, key=lambda d: d.source) if d.kept]  # fmt: skip
        return cls(
            tuple(feature for kind, feature in kept if kind == "continuous"),
            tuple(feature for kind, feature in kept if kind == "categorical"),
        )

    def __len__(self) -> int:
        return len(self.continuous) + len(self.categorical)

    def columns(self, tag_maps: Sequence[Mapping[str, str]], policy: TagPolicy) -> Columns:
        """Reads the features of instances.

        Args:
            tag_maps: keyword → value as in the file, one map an instance.
            policy: how tags are read; the one of the fit.
        """
        numbers = np.full((len(tag_maps), len(self.continuous)), np.nan)
        codes = np.full((len(tag_maps), len(self.categorical)), MISSING, np.int32)
        indices = [{name: i for i, name in enumerate(feature.categories)} for feature in self.categorical]
        for row, tags in enumerate(tag_maps):
            for column, feature in enumerate(self.continuous):
                value = policy.read(feature.tag, tags.get(feature.tag) or "", feature.index)
                if isinstance(value, float):
                    numbers[row, column] = value
            for column, feature in enumerate(self.categorical):
                value = policy.read(feature.tag, tags.get(feature.tag) or "", feature.index)
                if value is not None:
                    codes[row, column] = indices[column].get(as_text(value), UNSEEN)
        return Columns(numbers, codes)

    def to_json(self) -> dict[str, Any]:
        """Plain data, for saving."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FeatureSet:
        """The features that `to_json` gave."""
        kinds = ([Feature(**{**item, "categories": tuple(item["categories"])}) for item in data[kind]]
                 for kind in ("continuous", "categorical"))  # fmt: skip
        continuous, categorical = kinds
        return cls(tuple(continuous), tuple(categorical))
