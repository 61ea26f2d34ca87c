"""The attributes of a header that a thin walk found; they must be those that pydicom gives."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from pydicom.charset import convert_encodings, python_encoding
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from radnet_spark.dicom.attributes import IMAGE_GROUPS, PydicomAttributes, Secrets, readable
from radnet_spark.dicom.deidentify import days_back
from radnet_spark.dicom.identity import VALUE_ERRORS, Identity, Phrase, parts_in, parts_of
from radnet_spark.dicom.profile import BINARY_VRS, CLEANED_VRS, Deidentifier, basic_profile, leaves_out
from radnet_spark.dicom.raw_values import EMPTY, NUMBERS, Raw, Value, codec_of, converted, joined
from radnet_spark.dicom.tag_values import TagValue, json_text, tag_key, tag_value
from radnet_spark.dicom.walker import Element, Unexpected, Walked

_US_OR_SS = "US or SS"
_CHARACTER_SET, _PIXEL_REPRESENTATION, _LUT_DATA = 0x00080005, 0x00280103, 0x00283002
_AS_IT_IS = frozenset(NUMBERS) | {"DS", "IS", "AT", "AS", "TM"}  # nothing of these is cleaned, moved or replaced


class _Kind(NamedTuple):
    """What is done with an attribute, whatever its value.

    Attributes:
        vr: its value representation.
        key: in the tag map; the eight digits for an attribute of an item.
        shown: whether anything of it stays.
        parts: what gives the phrases of a value that may name someone; None: its values name nobody.
        read: whether the value matters at all.
    """

    vr: str
    key: str
    digits: str
    shown: bool
    parts: Callable[[str], tuple[Phrase, ...]] | None
    read: bool


Attribute = tuple[_Kind, "Raw | list[list[Attribute]]"]  # the values of a sequence are its items


@dataclass
class _Header:
    """What one pass over all levels found.

    Attributes:
        values: public attributes of the top level, in the file's order.
        odd: tags of those that pydicom must convert.
        texts: of all levels, that are cleaned if they stay.
        identifying: phrases that may name someone; None: only pydicom can say which ones there are.
    """

    values: dict[int, Attribute] = field(default_factory=dict)
    odd: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    identifying: set[Phrase] | None = field(default_factory=set)


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
        self._codec = codec_of(self._character_set.strip())

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
        if found is None or not isinstance(found[1], Raw):
            return PydicomAttributes(self.dataset).text(keyword)
        return found[1].text.strip()

    def readable(self) -> bool:
        """See `Attributes`."""
        return all(readable(self.dataset, tag) for tag in self._header.odd)

    def values(self, person: str, secrets: Secrets | None, keep_private: bool) -> dict[str, TagValue]:
        """See `Attributes`; with private attributes, or nothing to take out, by pydicom."""
        if secrets is None or keep_private or self._header.identifying is None:
            return PydicomAttributes(self.dataset).values(person, secrets, keep_private)
        profile, days = basic_profile(), days_back(person, secrets.key, secrets.date_shift_days)
        identity = Identity.of(self._header.identifying, profile.protected_words)
        rules = Deidentifier(profile, identity.within(self._header.texts), secrets.key, days)
        spared = rules.identity.spares(self._header.texts)
        shown: dict[str, TagValue] = {}
        for kind, value in self._header.values.values():
            if kind.shown:
                text = _text(kind.vr, value, rules, spared) if isinstance(value, Raw) else _json(value, rules, spared)
                shown[kind.key] = TagValue(kind.vr, text)
        judge = Deidentifier(profile, identity, secrets.key, days)
        for tag in self._header.odd:
            try:
                element = judge.element(self.dataset, tag)
                if element is not None:
                    shown[tag_key(tag)] = tag_value(element)
            except VALUE_ERRORS:
                continue
        return shown

    @cached_property
    def _header(self) -> _Header:
        header = _Header()
        for element in self._walked.elements:
            tag, vr, start, end, items = element
            private = tag >> 16 & 1
            if private and items is None and not _kind(tag, vr).read:
                continue
            try:
                if vr == _US_OR_SS:
                    element = (tag, self._settled(tag), start, end, items)
                attribute = self._attribute(element, header)
                if not private:
                    header.values[tag] = attribute
            except Unexpected:
                self._ask_for_names(tag, vr, header)
                if not private:
                    header.odd.append(tag)
        return header

    def _ask_for_names(self, tag: int, vr: str, header: _Header) -> None:
        """What an attribute that pydicom must convert says of persons; of a sequence only the whole header can tell."""
        if vr in ("SQ", "UN"):
            header.identifying = None
        elif header.identifying is not None and _kind(tag, vr).parts:
            with suppress(*VALUE_ERRORS):
                header.identifying.update(parts_in(self.dataset[tag], basic_profile().remove))

    def _attribute(self, element: Element, header: _Header) -> Attribute:
        """An element of any level; values of private and binary ones are not looked at."""
        tag, vr, start, end, items = element
        kind = _kind(tag, vr)
        if items is not None:
            return kind, [[self._attribute(inner, header) for inner in item] for item in items]
        if not kind.read:
            return kind, EMPTY
        value = converted(tag, vr, self._data[start:end], self._codec)
        if kind.parts:
            for text in value.values:
                if text and header.identifying is not None:
                    header.identifying.update(kind.parts(str(text)))
        elif vr in CLEANED_VRS:
            header.texts += value.values  # type: ignore[arg-type]
        return kind, value

    def _settled(self, tag: int) -> str:
        """Of the top level: `US or SS` is what (0028,0103) *Pixel Representation* says (PS3.5 A.1)."""
        signed = self._bytes(_PIXEL_REPRESENTATION)
        if tag == _LUT_DATA or signed not in (b"\0\0", b"\1\0"):
            raise Unexpected
        return "SS" if signed == b"\1\0" else "US"

    def _bytes(self, tag: int) -> bytes:
        _, _, start, end, _ = self._places.get(tag, (0, "", 0, 0, None))
        return self._data[start:end]


@lru_cache(maxsize=1 << 14)
def _kind(tag: int, vr: str) -> _Kind:
    profile = basic_profile()
    parts = parts_of(vr, tag in profile.remove)
    ignored = parts is None and (bool(tag >> 16 & 1) or (vr in BINARY_VRS and vr != "UN"))
    return _Kind(vr, tag_key(tag), f"{tag:08X}", not leaves_out(profile, tag, vr, False), parts, not ignored)


def _text(vr: str, value: Raw, rules: Deidentifier, spared: bool) -> str:
    if vr in _AS_IT_IS or (spared and vr in CLEANED_VRS):
        return value.text
    return joined([rules.text(vr, str(one)) for one in value.values])


def _json(items: list[list[Attribute]], rules: Deidentifier, spared: bool) -> str:
    return json_text([_item(item, rules, spared) for item in items])


def _item(item: list[Attribute], rules: Deidentifier, spared: bool) -> dict[str, Any]:
    """An item in the DICOM JSON model (PS3.18 F.2)."""
    result: dict[str, Any] = {}
    for kind, value in item:
        if not kind.shown:
            continue
        vr = kind.vr
        if not isinstance(value, Raw):
            result[kind.digits] = {"vr": vr, "Value": [_item(inner, rules, spared) for inner in value]}
            continue
        values: list[Value]
        if vr == "DS":
            values = [float(one) for one in value.values]
        elif vr == "IS":
            values = [int(one) for one in value.values]
        elif vr in NUMBERS or (spared and vr in CLEANED_VRS):
            values = list(value.values)
        else:
            values = [rules.text(vr, str(one)) for one in value.values]
        result[kind.digits] = {"vr": vr, "Value": values} if values and values != [""] else {"vr": vr}
    return result


@lru_cache(maxsize=1024)
def _tag_of(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    return tag
