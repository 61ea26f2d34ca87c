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

_NUMBER = re.compile(r"([+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?)\s*(?:(?![xX]\d)[A-Za-zµ°%][\w/^%°·]*)?")
_NOT_FINITE = re.compile(r"[+-]?(?:\d\.#\w+|nan|inf|infinity)", re.IGNORECASE)
_AGE = re.compile(r"(\d+(?:[.,]\d*)?)\s*(?:([DWMY])[a-z]*)?", re.IGNORECASE)
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
_MAX_AGE = 130.0  # years
_BLANK = " \t\r\n\0\u00a0"


@dataclass(frozen=True)
class TagPolicy:
    """How tags are read and which can't be features (`conf/tag_features.yml`).

    Attributes:
        arrays: keyword → into how many values it is split.
        excluded: keyword → why it is no feature.
        excluded_vr: value representation → why its tags are no features.
        numeric_vr: value representations whose values are numbers.
        language_endings: ends of the keywords of free texts.
        endings: further ends of keywords → why such tags are no features.
        missing: pattern of the texts that stand for no value.
        min_numeric_share: of its values, from which on a numeric tag is continuous.
        max_magnitude: numbers at or beyond it are missing.
        include_modality_tags: whether tags that tell modality or body part may be features.
    """

    arrays: Mapping[str, int]
    numeric_vr: frozenset[str]
    excluded: Mapping[str, str]
    excluded_vr: Mapping[str, str]
    language_endings: tuple[str, ...]
    min_numeric_share: float
    max_magnitude: float
    endings: Mapping[str, str]
    missing: str
    include_modality_tags: bool = field(default=False)

    @classmethod
    def load(cls, include_modality_tags: bool) -> TagPolicy:
        """Reads the documented lists; `include_modality_tags` lets the tags in that tell modality or body part."""
        data = load_rules("tag_features.yml")
        return cls(
            dict(data["arrays"]), frozenset(data["numeric_vr"]), _turned(data["excluded"]),
            _turned(data["excluded_vr"]), tuple(data["natural_language_endings"]),
            float(data["min_numeric_share"]), float(data["max_magnitude"]), _turned(data["endings"]), data["missing"],
            include_modality_tags,
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
        ending = next((reason for end, reason in self.endings.items() if keyword.endswith(end)), None)
        language = "natural_language" if keyword.endswith(self.language_endings) else None
        return ending or self.excluded_vr.get(vr) or language

    def sources(self, keyword: str) -> list[tuple[str, int]]:
        """The (source, index of the value) pairs that a tag is split into; index -1: the whole text."""
        if keyword in self.arrays:
            return [(f"{keyword}{index}", index) for index in range(self.arrays[keyword])]
        return [(keyword, 0 if value_representation(keyword) in self.numeric_vr else -1)]

    def read(self, keyword: str, text: str, index: int) -> Value | None:
        """One value of a tag: a float, a text that is no number, or None if it is missing.

        Blanks around values and backslashes at their end are no part of them. NaN, infinities, numbers and ages beyond
        all measure, and texts that stand for no value count as missing.
        """
        values = [value.strip(_BLANK) for value in text.split("\\")]
        text = (values[index] if index < len(values) else "") if index >= 0 else "\\".join(values).rstrip("\\")
        if not text or _pattern(self.missing).fullmatch(text):
            return None
        if value_representation(keyword) not in self.numeric_vr:
            return text
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
    """An age in years: an age string (S PS3.5 6.2, AS: nnnD, nnnW, nnnM, nnnY), or a number and a word for its unit.

    Returns:
        None if it is no age, or above 130 years. A number without a unit is one of years.
    """
    match = _AGE.fullmatch(text.strip())
    if match is None:
        return None
    years = float(match[1].replace(",", ".")) * _YEARS[(match[2] or "Y").upper()]
    return years if years <= _MAX_AGE else None


@lru_cache(maxsize=8192)
def value_representation(keyword: str) -> str | None:
    """The VR of a keyword in pydicom's dictionary; None for private, repeating and unknown tags."""
    tag = tag_for_keyword(keyword)
    return None if tag is None else dictionary_VR(tag)


@lru_cache(maxsize=4)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


def _turned(lists: Mapping[str, Any]) -> dict[str, str]:
    return {item: reason for reason, items in lists.items() for item in items}
