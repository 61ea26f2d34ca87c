"""The attributes of a header that a thin walk found; they must be those that pydicom gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from pydicom.charset import convert_encodings, python_encoding
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from radnet_spark.dicom.attributes import IMAGE_GROUPS, PydicomAttributes, Secrets, readable
from radnet_spark.dicom.deidentify import days_back
from radnet_spark.dicom.identity import VALUE_ERRORS, Identity, parts_of
from radnet_spark.dicom.profile import BINARY_VRS, CLEANED_VRS, Deidentifier, basic_profile
from radnet_spark.dicom.raw_values import NUMBERS, RawValues, Value
from radnet_spark.dicom.tag_values import TagValue, json_text, tag_key, tag_value
from radnet_spark.dicom.walker import Element, Unexpected, Walked

_US_OR_SS = "US or SS"
_CHARACTER_SET, _PIXEL_REPRESENTATION, _LUT_DATA = 0x00080005, 0x00280103, 0x00283002

Converted = dict[int, tuple[str, list[Any]]]  # tag → VR and values; the values of a sequence are its items


@dataclass
class _Header:
    """What one pass over all levels found.

    Attributes:
        values: public attributes of the top level, in the file's order.
        odd: tags of those that pydicom must convert.
        texts: of all levels, that are cleaned if they stay.
        identifying: strings that may name someone; None: only pydicom can say which ones there are.
    """

    values: Converted = field(default_factory=dict)
    odd: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    identifying: set[str] | None = field(default_factory=set)


class ThinAttributes:
    """By a thin walk; a value that is no common case is pydicom's, taken from the same bytes.

    Args:
        data: the file's bytes up to the pixels.
        walked: what the walk found in them.

    Raises:
        Unexpected: nobody knows the character set.
    """

    def __init__(self, data: bytes, walked: Walked) -> None:
        self._data, self._walked = data, walked
        self._places = {element[0]: element for element in walked.elements}
        self._character_set = self._bytes(_CHARACTER_SET).decode("latin-1").rstrip(" \0")
        if not all(name.strip() in python_encoding for name in self._character_set.split("\\")):
            raise Unexpected
        self._of = RawValues(data, self._character_set.strip()).of

    @cached_property
    def dataset(self) -> Dataset:
        """The same bytes for pydicom, which converts them when asked."""
        return self._dataset_of(self._walked.elements)

    @property
    def image(self) -> Dataset:
        """See `Attributes`."""
        return self._dataset_of([element for element in self._walked.elements if element[0] >> 16 in IMAGE_GROUPS])

    def _dataset_of(self, chosen: list[Element]) -> Dataset:
        elements: dict[BaseTag, Any] = {}
        implicit = self._walked.implicit
        for tag, vr, start, end, items in chosen:
            key, value = BaseTag(tag), self._data[start:end] or None
            named = vr if items is not None or not implicit else None
            elements[key] = RawDataElement(key, named, end - start, value, start, implicit, True)
        dataset = Dataset(elements)
        encodings = convert_encodings(self._character_set.split("\\") if self._character_set else None)
        dataset.set_original_encoding(implicit, True, encodings)
        return dataset

    def text(self, keyword: str) -> str:
        """See `Attributes`."""
        tag = _tag_of(keyword)
        if tag not in self._places:
            return ""
        found = self._header.values.get(tag)
        return PydicomAttributes(self.dataset).text(keyword) if found is None else _joined(found[1]).strip()

    def readable(self) -> bool:
        """See `Attributes`."""
        return all(readable(self.dataset, tag) for tag in self._header.odd)

    def values(self, person: str, secrets: Secrets | None, keep_private: bool) -> dict[str, TagValue]:
        """See `Attributes`; with private attributes, or nothing to take out, by pydicom."""
        header = self._header
        if secrets is None or keep_private or header.identifying is None:
            return PydicomAttributes(self.dataset).values(person, secrets, keep_private)
        profile, days = basic_profile(), days_back(person, secrets.key, secrets.date_shift_days)
        identity = Identity(frozenset(header.identifying.difference(profile.protected_words)))
        rules = Deidentifier(profile, identity.within(header.texts), secrets.key, days)
        shown: dict[str, TagValue] = {}
        for tag, (vr, values) in header.values.items():
            if not rules.leaves_out(tag, vr):
                text = json_text([_json(item, rules) for item in values]) if vr == "SQ" else _shown(vr, values, rules)
                shown[tag_key(tag)] = TagValue(vr, text)
        judge = Deidentifier(profile, identity, secrets.key, days)
        for tag in header.odd:
            try:
                element = judge.element(self.dataset, tag)
                if element is not None:
                    shown[tag_key(tag)] = tag_value(element)
            except VALUE_ERRORS:
                continue
        return shown

    @cached_property
    def _header(self) -> _Header:
        header, removed = _Header(), basic_profile().remove
        for element in self._walked.elements:
            tag, vr = element[0], element[1]
            private = tag >> 16 & 1
            try:
                if vr == _US_OR_SS:
                    vr = self._settled(tag)
                    element = (tag, vr, *element[2:])
                values = self._values(element, removed, header)
                if not private:
                    header.values[tag] = (vr, values)
            except Unexpected:
                if vr in ("SQ", "UN") or parts_of(vr, tag in removed):
                    header.identifying = None
                if not private:
                    header.odd.append(tag)
        return header

    def _values(self, element: Element, removed: frozenset[int], header: _Header) -> list[Any]:
        """Values of an element of any level; those of private and binary ones are not looked at."""
        tag, vr, start, end, items = element
        if items is not None:
            return [{e[0]: (e[1], self._values(e, removed, header)) for e in item} for item in items]
        parts = parts_of(vr, tag in removed)
        if parts is None and (tag >> 16 & 1 or (vr in BINARY_VRS and vr != "UN")):
            return []
        values = self._of(tag, vr, start, end)
        if parts:
            for text in values:
                if text and header.identifying is not None:
                    header.identifying.update(parts(str(text)))
        elif vr in CLEANED_VRS:
            header.texts += values  # type: ignore[arg-type]
        return values

    def _settled(self, tag: int) -> str:
        """Of the top level: `US or SS` is what (0028,0103) *Pixel Representation* says (PS3.5 A.1)."""
        signed = self._bytes(_PIXEL_REPRESENTATION)
        if tag == _LUT_DATA or signed not in (b"\0\0", b"\1\0"):
            raise Unexpected
        return "SS" if signed == b"\1\0" else "US"

    def _bytes(self, tag: int) -> bytes:
        _, _, start, end, _ = self._places.get(tag, (0, "", 0, 0, None))
        return self._data[start:end]


def _shown(vr: str, values: list[Value], rules: Deidentifier) -> str:
    return _joined(values if vr in NUMBERS else [rules.text(vr, str(value)) for value in values])


def _json(item: Converted, rules: Deidentifier) -> dict[str, Any]:
    """An item in the DICOM JSON model (PS3.18 F.2)."""
    result: dict[str, Any] = {}
    for tag, (vr, values) in item.items():
        if rules.leaves_out(tag, vr):
            continue
        if vr == "SQ":
            result[f"{tag:08X}"] = {"vr": vr, "Value": [_json(inner, rules) for inner in values]}
            continue
        if vr == "DS":
            values = [float(value) for value in values]
        elif vr == "IS":
            values = [int(value) for value in values]
        elif vr not in NUMBERS:
            values = [rules.text(vr, value) for value in values]
        result[f"{tag:08X}"] = {"vr": vr, "Value": values} if values and values != [""] else {"vr": vr}
    return result


def _joined(values: list[Value]) -> str:
    return "\\".join([str(value).rstrip(" \0") for value in values])


@lru_cache(maxsize=1024)
def _tag_of(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    return tag
