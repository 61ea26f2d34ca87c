"""The attributes of a header that a thin walk found; they must be those that pydicom gives."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property, lru_cache
from typing import Any

from pydicom.charset import convert_encodings
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from radnet_spark.dicom.attributes import IMAGE_GROUPS, PydicomAttributes, Secrets, readable
from radnet_spark.dicom.deidentify import days_back
from radnet_spark.dicom.identity import VALUE_ERRORS, Identity, Phrase, element_of, naming, parts_in
from radnet_spark.dicom.known_elements import Fate, KnownElement
from radnet_spark.dicom.profile import Deidentifier, basic_profile
from radnet_spark.dicom.tag_values import TagValue, tag_key, tag_value
from radnet_spark.dicom.walked import Walked, place_of

_PIXEL_REPRESENTATION = 0x00280103
_SHOWN, _LEFT_OUT, _UNSETTLED, _ODD = Fate.SHOWN, Fate.LEFT_OUT, Fate.UNSETTLED, Fate.ODD


class ThinAttributes:
    """By a thin walk; a value that is no common case is pydicom's, taken from the same bytes.

    Args:
        data: the file's bytes up to the pixels, without the values that the walk left out.
        walked: what the walk found in them, and `ElementMemory` made of it.

    Attributes:
        left_out: start → VR and length of the elements whose values were not read.
    """

    def __init__(self, data: bytes, walked: Walked) -> None:
        self._data, self._walked, self.left_out = data, walked, walked.left_out
        self._known: dict[int, KnownElement] = {known.tag: known for known in walked.elements}
        self._shown: dict[str, TagValue | None] = {}  # None: not decided yet
        self._changing: list[KnownElement] = []
        self._texts: list[KnownElement] = []
        self._odd: list[KnownElement] = []
        self._phrases: set[Phrase] = set()  # what may name someone, of all levels
        self._sort_out(walked.elements)

    def _sort_out(self, elements: list[KnownElement]) -> None:
        """By what is still to be decided; one loop without calls, since there are a hundred in a header."""
        shown, changing, texts = self._shown, self._changing, self._texts
        for known in elements:
            if known.phrases:
                self._phrases.update(known.phrases)
            fate = known.fate
            if fate is _UNSETTLED:
                known = self._represented(known)
                fate = known.fate
            if fate is _SHOWN:
                shown[known.key] = known.shown
            elif fate is _ODD:
                self._odd.append(known)
            elif fate is not _LEFT_OUT:
                shown[known.key] = known.shown
                if known.shown is None:
                    changing.append(known)
                if known.words:
                    texts.append(known)

    def _represented(self, known: KnownElement) -> KnownElement:
        representation = self._known.get(_PIXEL_REPRESENTATION)
        represented = known.represented(representation.plain if representation else "")
        self._known[known.tag] = represented
        return represented

    @cached_property
    def dataset(self) -> Dataset:
        """The same bytes for pydicom, which converts them when asked; without the values that were left out."""
        return self._dataset_of(None)

    @property
    def image(self) -> Dataset:
        """See `Attributes`."""
        return self._dataset_of(IMAGE_GROUPS)

    def _dataset_of(self, groups: frozenset[int] | None) -> Dataset:
        walked, elements = self._walked, dict[BaseTag, Any]()
        little = walked.order == "<"
        for start, stop in zip(walked.starts, [*walked.starts[1:], walked.end], strict=True):
            tag, vr, begin, end = place_of(self._data, start, stop, walked)
            if start not in self.left_out and (groups is None or tag >> 16 in groups):
                value = self._data[begin:end] or None
                key = BaseTag(tag)
                elements[key] = RawDataElement(key, vr, end - begin, value, begin, walked.implicit, little)
        dataset = Dataset(elements)
        encodings = convert_encodings(walked.character_set.split("\\") if walked.character_set else None)
        dataset.set_original_encoding(walked.implicit, little, encodings)
        return dataset

    @property
    def by_pydicom(self) -> bool:
        """See `Attributes`: where a sequence is odd nobody else can tell whom it names."""
        return any(known.vr in ("SQ", "UN") for known in self._odd)

    def text(self, keyword: str) -> str:
        """See `Attributes`."""
        known = self._known.get(_tag_of(keyword))
        if known is None:
            return ""
        if known.fate is _ODD or known.items is not None:
            return PydicomAttributes(self.dataset).text(keyword)
        return known.plain.strip()

    def readable(self) -> bool:
        """See `Attributes`."""
        return all(readable(self.dataset, known.tag) for known in self._odd if not known.tag >> 16 & 1)

    def values(self, person: str, secrets: Secrets | None, keep_private: bool) -> dict[str, TagValue]:
        """See `Attributes`; with private attributes, or nothing to take out, by pydicom."""
        if secrets is None or keep_private or self.by_pydicom:
            values = PydicomAttributes(self.dataset).values(person, secrets, keep_private)
            return values if secrets else values | self._left_out(keep_private)
        days = days_back(person, secrets.key, secrets.date_shift_days)
        phrases = self._phrases.union(*map(self._phrases_of_odd, self._odd)) if self._odd else self._phrases
        shown: dict[str, Any] = self._shown.copy()
        for known in self._changing:
            shown[known.key] = known.changed(secrets.key, days)
        words = set[str]().union(*[known.words for known in self._texts])
        if named := frozenset(filter(words.issuperset, phrases)):
            identity = Identity(named)
            for known in self._texts:
                if not known.words.isdisjoint(identity.words):
                    shown[known.key] = known.cleaned(identity, secrets.key, days)
        if self._odd:
            shown |= self._converted(Deidentifier(basic_profile(), Identity(frozenset(phrases)), secrets.key, days))
        return shown

    def _phrases_of_odd(self, known: KnownElement) -> set[Phrase]:
        profile, element = basic_profile(), element_of(self.dataset, known.tag)
        return set(naming(parts_in(element, profile.remove), profile.protected_words)) if element else set()

    def _converted(self, judge: Deidentifier) -> dict[str, TagValue]:
        """Those that are odd, by pydicom; what can't be read is left out."""
        shown = {}
        for known in self._odd:
            element = judge.element(self.dataset, known.tag)
            if element is not None:
                with suppress(*VALUE_ERRORS):
                    shown[known.key] = tag_value(element)
        return shown

    def _left_out(self, keep_private: bool) -> dict[str, TagValue]:
        """What stands for binary values that were not kept."""
        shown = {}
        for start, (vr, length) in self.left_out.items():
            tag = place_of(self._data, start, start, self._walked)[0]
            if keep_private or not tag >> 16 & 1:
                shown[tag_key(tag)] = TagValue(vr, f"{vr} {length}")
        return shown


@lru_cache(maxsize=1024)
def _tag_of(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    return tag
