"""Applies the de-identification profile of `conf/deidentify.yml` (PS3.15 Annex E) to a header, at every level."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from radnet_spark.config import load_rules
from radnet_spark.dicom.deidentify import days_back, remap_uid
from radnet_spark.dicom.identity import VALUE_ERRORS, Identity, identity_of

_CLEANED_VRS = frozenset({"AE", "CS", "LO", "LT", "SH", "ST", "UC", "UR", "UT"})
_BINARY_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_DATE = re.compile(r"^(\d{4})[.-]?(\d{2})[.-]?(\d{2})")


@dataclass(frozen=True)
class Profile:
    """The action table: tags by what happens to them.

    Attributes:
        remove: left out.
        remove_groups: first byte of the repeating groups that are left out whole.
        protected_words: never taken out of a text.
    """

    remove: frozenset[int]
    remove_groups: frozenset[int]
    protected_words: frozenset[str]


@lru_cache(maxsize=1)
def basic_profile() -> Profile:
    """The profile of `conf/deidentify.yml`."""
    rules = load_rules("deidentify.yml")
    return Profile(
        remove=frozenset(_tag(name) for name in rules["remove"]),
        remove_groups=frozenset(int(group, 16) for group in rules["remove_groups"]),
        protected_words=frozenset(rules["protected_words"]),
    )


def deidentified(dataset: Dataset, key: bytes, person: str, date_shift_days: int, keep_private: bool) -> Dataset:
    """A copy of the header in which nothing names a person, an institution, a device or a day.

    Args:
        dataset: the header as read, without pixels; unchanged.
        key: de-identification key.
        person: key of the patient, which decides by how much dates move.
        date_shift_days: the largest move, in days.
        keep_private: keep text and numbers of private attributes, cleaned like the others.

    Values that can't be read are left out: nobody can say what stands in them.
    """
    profile = basic_profile()
    identity = identity_of(dataset, profile.remove, profile.protected_words)
    return _Walk(profile, identity, key, days_back(person, key, date_shift_days), keep_private).copy(dataset)


@dataclass(frozen=True)
class _Walk:
    profile: Profile
    identity: Identity
    key: bytes
    days: int
    keep_private: bool

    def copy(self, dataset: Dataset) -> Dataset:
        result = Dataset()
        for tag in list(dataset.keys()):
            if self._left_out(tag.group, int(tag)):
                continue
            try:
                element = dataset[tag]
                value = self._value(element)
            except VALUE_ERRORS:
                continue
            if value is not None:
                result.add(_with_value(element, value))
        return result

    def _left_out(self, group: int, tag: int) -> bool:
        if group % 2:
            return not self.keep_private
        return tag in self.profile.remove or group >> 8 in self.profile.remove_groups

    def _value(self, element: DataElement) -> Any:
        """The new value; None: left out."""
        if element.VR == "SQ":
            return [self.copy(item) for item in element.value or ()]
        if element.VR == "PN" or element.VR in _BINARY_VRS:
            return None
        if element.VR == "UI":
            return _each(element.value, lambda uid: remap_uid(str(uid), self.key))
        if element.VR in ("DA", "DT"):
            return _each(element.value, lambda text: shifted_date(str(text), self.days))
        if element.VR in _CLEANED_VRS:
            return _each(element.value, lambda text: self.identity.clean(str(text)))
        return element.value


def shifted_date(value: str, days: int) -> str:
    """A DA or DT value moved back by whole days, its time unchanged; what is no date becomes empty."""
    match = _DATE.match(value)
    if not match:
        return ""
    try:
        moved = date(*(int(part) for part in match.groups())) - timedelta(days=days)
    except (ValueError, OverflowError):
        return ""
    return f"{moved:%Y%m%d}".rjust(8, "0") + value[match.end() :]


def _each(value: Any, change: Any) -> Any:
    if isinstance(value, MultiValue | list):
        return [change(one) for one in value]
    return value if value is None or value == "" else change(value)


def _with_value(element: DataElement, value: Any) -> DataElement:
    if value is element.value:
        return element
    return DataElement(element.tag, element.VR, value, validation_mode=0)


def _tag(name: str) -> int:
    tag = tag_for_keyword(name)
    return int(name, 16) if tag is None else tag
