"""What in one header may name a person, a place or a day, and how to take it out of a text."""

from __future__ import annotations

import re
import struct
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException
from pydicom.multival import MultiValue

_TEXT_VRS = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_DATE_VRS = frozenset({"DA", "DT"})
_MIN_WORD = 3  # letters of a name's part
_MIN_VALUE, _MAX_VALUE = 4, 256  # characters of an identifier
_LETTERS = {ord("đ"): "d", ord("ı"): "i", ord("ł"): "l", ord("ø"): "o"}  # which have no decomposition
_TOKEN = re.compile(r"[^\W_]+")
_REMEMBERED = 1 << 13
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_BETWEEN = re.compile(r"[\^=\s,;]+")
_NUMBER = re.compile(r"\d{4,}")
_ANY_DATE = re.compile(
    r"(?<!\d)(?:(?:19|20)\d{2}[-./]?(?:0[1-9]|1[0-2])[-./]?(?:0[1-9]|[12]\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])[-./ ]+(?:0?[1-9]|[12]\d|3[01])[-./ ]+(?:19|20)?\d{2}"
    r"|(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d{2}"
    r"|(?:0?[1-9]|[12]\d|3[01])[-./ ]*(?i:jan|feb|mar|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-z]*[-./ ]*"
    r"(?:19|20)\d{2})(?!\d)"
)


Phrase = tuple[str, ...]  # words, folded


@dataclass(frozen=True)
class Identity:
    """Phrases that must not stand in any text of the same header.

    Attributes:
        phrases: of whole values, of names and their parts, of numbers and days. One stands in a text where its words
            follow each other, whatever separates them, in any case and with or without diacritics.
    """

    phrases: frozenset[Phrase]

    @classmethod
    def of(cls, phrases: Iterable[Phrase], protected: Collection[str]) -> Identity:
        """All but those of one word that is `protected` (lower case, without diacritics)."""
        return cls(frozenset(naming(phrases, protected)))

    @cached_property
    def words(self) -> frozenset[str]:
        """Of all phrases."""
        return frozenset().union(*self.phrases)

    @cached_property
    def _lengths(self) -> dict[str, list[int]]:
        """First word → lengths of the phrases that begin with it, the longest first."""
        lengths: dict[str, set[int]] = {}
        for phrase in self.phrases:
            lengths.setdefault(phrase[0], set()).add(len(phrase))
        return {word: sorted(found, reverse=True) for word, found in lengths.items()}

    def clean(self, text: str) -> str:
        """The text without those phrases and without anything that reads as a date; unchanged if there are none."""
        normal = _nfc(text)
        cleaned = _ANY_DATE.sub("", self._without_phrases(normal))
        return text if cleaned == normal else " ".join(cleaned.split()).strip(" ,;-_^/")

    def _without_phrases(self, text: str) -> str:
        if not self.phrases:
            return text
        places = list(_TOKEN.finditer(text))
        words = tuple(_folded(place[0]) for place in places)
        kept, end, at = [], 0, 0
        while at < len(words):
            fitting = (n for n in self._lengths.get(words[at], ()) if at + n <= len(words))
            count = next((n for n in fitting if words[at : at + n] in self.phrases), 0)
            if count:
                kept.append(text[end : places[at].start()])
                end = places[at + count - 1].end()
            at += count or 1
        return "".join([*kept, text[end:]])


def words_of(text: str) -> Phrase:
    """The words of a text, folded: what stands between them does not count."""
    if text.isascii():
        return tuple(_TOKEN.findall(text.lower()))
    return tuple(map(_folded, _TOKEN.findall(_nfc(text))))


def naming(phrases: Iterable[Phrase], protected: Collection[str]) -> Iterator[Phrase]:
    """All but those of one word that is `protected` (lower case, without diacritics)."""
    return (phrase for phrase in phrases if len(phrase) > 1 or phrase[0] not in protected)


def identity_of(dataset: Dataset, remove: Collection[int], protected: Collection[str]) -> Identity:
    """Collects an identity from every level of a header.

    Args:
        dataset: the header as it was in the file.
        remove: tags whose values identify.
        protected: words (lower case) that stay in texts all the same.
    """
    found: set[Phrase] = set()
    for element in elements(dataset):
        found.update(parts_in(element, remove))
    return Identity.of(found, protected)


def parts_in(element: DataElement, remove: Collection[int]) -> Iterator[Phrase]:
    """The phrases of an element that may name someone; of a sequence none."""
    if parts := parts_of(element.VR, int(element.tag) in remove):
        for text in _texts(element):
            yield from parts(text)


def parts_of(vr: str, removed: bool) -> Callable[[str], tuple[Phrase, ...]] | None:
    """What gives the phrases of a value that may name someone; None: values of this kind name nobody.

    Args:
        vr: the value representation.
        removed: whether the profile leaves the attribute out.
    """
    if vr == "PN":
        return _name_parts
    if vr in _DATE_VRS:
        return _date_forms
    return _value_parts if removed and vr in _TEXT_VRS else None


def elements(dataset: Dataset) -> Iterator[DataElement]:
    """All elements of all levels that can be read at all, deepest last."""
    for tag in list(dataset.keys()):
        element = element_of(dataset, tag)
        if element is None:
            continue
        yield element
        if element.VR == "SQ":
            for item in element.value or ():
                yield from elements(item)


def element_of(dataset: Dataset, tag: int) -> DataElement | None:
    """One element; None if pydicom can't convert it."""
    try:
        return dataset[tag]
    except VALUE_ERRORS:
        return None


# What pydicom raises on a value that its VR does not allow; a closed list, so that errors of our own stay visible.
VALUE_ERRORS = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError, NotImplementedError, OSError,
    RecursionError, TypeError, ValueError, BytesLengthException, struct.error,
)  # fmt: skip


def _nfc(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _folded(word: str) -> str:
    """Equal for words that differ in case or diacritics alone: many devices can't write the letters of a name."""
    if word.isascii():
        return word.lower()
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c)).translate(_LETTERS)


def _texts(element: DataElement) -> list[str]:
    values = element.value if isinstance(element.value, MultiValue | list) else [element.value]
    return [str(value) for value in values if value not in (None, "")]


# Names and days come again in the headers of the same exam.
@lru_cache(maxsize=_REMEMBERED)
def _name_parts(name: str) -> tuple[Phrase, ...]:
    name = _nfc(name)
    parts = [word for word in _WORD.findall(name) if len(word) >= _MIN_WORD]
    parts += [token for token in _BETWEEN.split(name) if len(token) >= _MIN_VALUE]
    return _phrases(parts + _NUMBER.findall(name))


@lru_cache(maxsize=_REMEMBERED)
def _value_parts(value: str) -> tuple[Phrase, ...]:
    text = " ".join(value.split())
    whole = [text] if _MIN_VALUE <= len(text) <= _MAX_VALUE else []
    return _phrases(whole + _NUMBER.findall(text))


@lru_cache(maxsize=_REMEMBERED)
def _date_forms(value: str) -> tuple[Phrase, ...]:
    """20170309 and the orders in which people type it."""
    year, month, day = value[:4], value[4:6], value[6:8]
    if not (len(value) >= 8 and value[:8].isdigit()):
        return ()
    return (value[:8],), (year, month, day), (day, month, year), (month, day, year)


def _phrases(texts: Iterable[str]) -> tuple[Phrase, ...]:
    return tuple(filter(None, map(words_of, texts)))
