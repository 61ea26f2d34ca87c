"""From the tags of one instance to a flat row: arrays split, ages in years, numbers read (paper, appendix C).

A flat row maps a feature's source (`KVP`, `ImageType0`) to a float where the tag's value representation is numeric
and the value is a number, else to the trimmed text; missing and empty values are absent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword

from radnet_spark.config import load_rules

Value = float | str
FlatRow = dict[str, Value]

_NUMBER = re.compile(r"([+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?)\s*(?:[A-Za-zµ°%][\w/^%°·]*)?")
_NOT_FINITE = re.compile(r"[+-]?(?:\d\.#\w+|nan|inf|infinity)", re.IGNORECASE)
_AGE = re.compile(r"(\d{1,3})\s*([DWMYdwmy]?)")
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0, "": 1.0}
_MAX_AGE = 130.0  # years


@dataclass(frozen=True)
class TagPolicy:
    """How tags are read and which can't be features (`conf/tag_features.yml`).

    Attributes:
        arrays: keyword → into how many values it is split.
        excluded: keyword → why it is no feature.
        excluded_vr: value representation → why its tags are no features.
    """

    arrays: Mapping[str, int]
    numeric_vr: frozenset[str]
    excluded: Mapping[str, str]
    excluded_vr: Mapping[str, str]
    language_endings: tuple[str, ...]
    min_numeric_share: float
    max_magnitude: float
    include_modality_tags: bool = field(default=False)

    @classmethod
    def load(cls, include_modality_tags: bool) -> TagPolicy:
        """Reads the documented lists; `include_modality_tags` lets the tags in that tell modality or body part."""
        data = load_rules("tag_features.yml")
        return cls(
            dict(data["arrays"]), frozenset(data["numeric_vr"]), _turned(data["excluded"]),
            _turned(data["excluded_vr"]), tuple(data["natural_language_endings"]),
            float(data["min_numeric_share"]), float(data["max_magnitude"]), include_modality_tags,
        )  # fmt: skip

    def exclusion(self, keyword: str) -> str | None:
        """Why a tag can't be a feature whatever its values are; None if it may be one."""
        vr = value_representation(keyword)
        named = self.excluded.get(keyword)
        if named == "modality_tag" and self.include_modality_tags:
            return "no_scalar" if vr == "SQ" else None
        if named:
            return named
        if vr is None:
            return "unknown_tag"
        ending = "natural_language" if keyword.endswith(self.language_endings) else None
        return self.excluded_vr.get(vr) or ending

    def sources(self, keyword: str) -> list[tuple[str, int]]:
        """The (source, index of the value) pairs that a tag is split into; index -1: the whole text."""
        if keyword in self.arrays:
            return [(f"{keyword}{index}", index) for index in range(self.arrays[keyword])]
        return [(keyword, 0 if value_representation(keyword) in self.numeric_vr else -1)]

    def read(self, keyword: str, text: str, index: int) -> Value | None:
        """One value of a tag: a float, a text that is no number, or None if it is missing.

        NaN, infinities, and numbers and ages beyond all measure count as missing.
        """
        if index >= 0:
            values = text.split("\\")
            text = values[index] if index < len(values) else ""
        text = text.strip(" \t\r\n\0")
        if not text or value_representation(keyword) not in self.numeric_vr:
            return text or None
        age = keyword == "PatientAge"
        number = age_in_years(text) if age else parse_number(text, self.max_magnitude)
        if number is None and ((_AGE if age else _NUMBER).fullmatch(text) or _NOT_FINITE.fullmatch(text)):
            return None
        return text if number is None else number


def flatten(tags: Mapping[str, str], policy: TagPolicy) -> FlatRow:
    """All values of one instance by source.

    Args:
        tags: keyword → value as in the file, several values joined by a backslash.
        policy: how to read them.
    """
    row: FlatRow = {}
    for keyword, text in tags.items():
        for source, index in policy.sources(keyword):
            value = policy.read(keyword, text, index) if text else None
            if value is not None:
                row[source] = value
    return row


def parse_number(text: str, max_magnitude: float = math.inf) -> float | None:
    """A decimal or integer string as vendors write it: blanks around, a decimal comma, a unit behind.

    Returns:
        None for text, NaN, infinities, and sizes at or beyond `max_magnitude`.
    """
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        return None
    number = float(match[1].replace(",", "."))
    return number if abs(number) < max_magnitude and math.isfinite(number) else None


def age_in_years(text: str) -> float | None:
    """An age string (S PS3.5 6.2, AS: nnnD, nnnW, nnnM, nnnY) in years; without a unit in years; None if it is none."""
    match = _AGE.fullmatch(text.strip())
    if match is None:
        return None
    years = int(match[1]) * _YEARS[match[2].upper()]
    return years if years <= _MAX_AGE else None


@lru_cache(maxsize=8192)
def value_representation(keyword: str) -> str | None:
    """The VR of a keyword in pydicom's dictionary; None for private, repeating and unknown tags."""
    tag = tag_for_keyword(keyword)
    return None if tag is None else dictionary_VR(tag)


def _turned(lists: Mapping[str, Any]) -> dict[str, str]:
    return {item: reason for reason, items in lists.items() for item in items}
