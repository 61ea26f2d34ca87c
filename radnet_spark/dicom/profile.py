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
from radnet_spark.dicom.identity import Identity, element_of, identity_of

CLEANED_VRS = frozenset({"AE", "CS", "LO", "LT", "SH", "ST", "UC", "UR", "UT"})
DATE_VRS = frozenset({"DA", "DT"})
_CHANGED_VRS = CLEANED_VRS | DATE_VRS | {"UI"}
BINARY_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
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
    return Deidentifier(profile, identity, key, days_back(person, key, date_shift_days), keep_private).copy(dataset)


def leaves_out(profile: Profile, tag: int, vr: str, keep_private: bool) -> bool:
    """Whether nothing of an attribute stays."""
    group = tag >> 16
    if group % 2:
        if not keep_private:
            return True
    elif tag in profile.remove or group >> 8 in profile.remove_groups:
        return True
    return vr == "PN" or vr in BINARY_VRS


@dataclass(frozen=True)
class Deidentifier:
    """The profile for one header.

    Attributes:
        profile: the action table.
        identity: what may not stand in a text.
        key: de-identification key.
        days: by how many dates move back.
        keep_private: whether private attributes stay.
    """

    profile: Profile
    identity: Identity
    key: bytes
    days: int
    keep_private: bool = False

    def leaves_out(self, tag: int, vr: str) -> bool:
        """Whether nothing of an attribute stays."""
        return leaves_out(self.profile, tag, vr, self.keep_private)

    def text(self, vr: str, value: str) -> str:
        """One value of an attribute that stays."""
        if vr in CLEANED_VRS:
            return self.identity.clean(value)
        if vr == "UI":
            return remap_uid(value, self.key)
        if vr in DATE_VRS:
            return shifted_date(value, self.days)
        return value

    def copy(self, dataset: Dataset) -> Dataset:
        """The header without what is left out; a value that can't be read is left out as well."""
        result = Dataset()
        for tag in list(dataset.keys()):
            element = self.element(dataset, tag)
            if element is not None:
                result.add(element)
        return result

    def element(self, dataset: Dataset, tag: int) -> DataElement | None:
        """One element of the copy; None: it is left out, or can't be read."""
        if self.leaves_out(tag, ""):
            return None
        element = element_of(dataset, tag)
        if element is None or self.leaves_out(tag, element.VR):
            return None
        if element.VR == "SQ":
            return _with_value(element, [self.copy(item) for item in element.value or ()])
        if element.VR in _CHANGED_VRS:
            return _with_value(element, _each(element.value, lambda text: self.text(element.VR, str(text))))
        return element


@lru_cache(maxsize=1 << 14)
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
