"""The strings in one header that may name a person, a place or a day, and how to take them out of a text."""

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
_MIN_VALUE = 4  # characters of an identifier
_REMEMBERED = 1 << 13
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_BETWEEN = re.compile(r"[\^=\s,;]+")
_NUMBER = re.compile(r"\d{4,}")
_ANY_DATE = re.compile(
    r"(?<!\d)(?:(?:19|20)\d{2}[-./]?(?:0[1-9]|1[0-2])[-./]?(?:0[1-9]|[12]\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])[-./ ]+(?:0?[1-9]|[12]\d|3[01])[-./ ]+(?:19|20)?\d{2})(?!\d)"
)


@dataclass(frozen=True)
class Identity:
    """Strings that must not stand in any text of the same header.

    Attributes:
        strings: whole values, parts of names and numbers, in lower case and Unicode NFC; matched as whole words.
    """

    strings: frozenset[str]

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        if not self.strings:
            return None
        longest_first = sorted(self.strings, key=lambda text: (-len(text), text))
        return re.compile(rf"(?<![^\W_])(?:{'|'.join(map(re.escape, longest_first))})(?![^\W_])", re.IGNORECASE)

    def within(self, texts: Iterable[str]) -> Identity:
        """Those of its strings that may stand in any of the texts: for most headers none."""
        haystack = _folded(_nfc("\n".join(texts)))
        return Identity(frozenset(text for text in self.strings if _folded(text) in haystack))

    def spares(self, texts: Iterable[str]) -> bool:
        """Whether `clean` leaves each of the texts as it is."""
        return not self.within(texts).strings and not _ANY_DATE.search(_nfc("\n".join(texts)))

    def clean(self, text: str) -> str:
        """The text without those strings and without anything that reads as a date; unchanged if there are none."""
        normal = _nfc(text)
        cleaned = self._pattern.sub("", normal) if self._pattern else normal
        cleaned = _ANY_DATE.sub("", cleaned)
        return text if cleaned == normal else " ".join(cleaned.split()).strip(" ,;-_^/")


def identity_of(dataset: Dataset, remove: Collection[int], protected: Collection[str]) -> Identity:
    """Collects an identity from every level of a header.

    Args:
        dataset: the header as it was in the file.
        remove: tags whose values identify.
        protected: words (lower case) that stay in texts all the same.
    """
    found: set[str] = set()
    for element in elements(dataset):
        found.update(parts_in(element, remove))
    return Identity(frozenset(found.difference(protected)))


def parts_in(element: DataElement, remove: Collection[int]) -> Iterator[str]:
    """The strings of an element that may name someone; of a sequence none."""
    if parts := parts_of(element.VR, int(element.tag) in remove):
        for text in _texts(element):
            yield from parts(text)


def parts_of(vr: str, removed: bool) -> Callable[[str], tuple[str, ...]] | None:
    """What gives the strings of a value that may name someone; None: values of this kind name nobody.

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
        try:
            element = dataset[tag]
        except VALUE_ERRORS:
            continue
        yield element
        if element.VR == "SQ":
            for item in element.value or ():
                yield from elements(item)


# What pydicom raises on a value that its VR does not allow; a closed list, so that errors of our own stay visible.
VALUE_ERRORS = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError, NotImplementedError, OSError,
    RecursionError, TypeError, ValueError, BytesLengthException, struct.error,
)  # fmt: skip


def _nfc(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _lower(text: str) -> str:
    """Lower case where it has as many letters: that of a capital I with a dot has two, which no pattern meets again."""
    lower = _nfc(text).lower()
    return lower if len(lower) == len(_nfc(text)) else _nfc(text)


def _folded(text: str) -> str:
    """Equal for all that a pattern without regard to case takes for equal, final sigma and dotless i among them."""
    if text.isascii():
        return text.lower()
    return text.casefold().replace("\u0307", "").replace("\u0131", "i")


def _texts(element: DataElement) -> list[str]:
    values = element.value if isinstance(element.value, MultiValue | list) else [element.value]
    return [str(value) for value in values if value not in (None, "")]


# Names and days come again in the headers of the same exam.
@lru_cache(maxsize=_REMEMBERED)
def _name_parts(name: str) -> tuple[str, ...]:
    name = _nfc(name)
    words = [word for word in _WORD.findall(name) if len(word) >= _MIN_WORD]
    tokens = [token for token in _BETWEEN.split(name) if len(token) >= _MIN_VALUE]
    return (*map(_lower, words + tokens), *_NUMBER.findall(name))


@lru_cache(maxsize=_REMEMBERED)
def _value_parts(value: str) -> tuple[str, ...]:
    text = _lower(" ".join(value.split()))
    whole = (text,) if _MIN_VALUE <= len(text) <= 256 else ()
    return (*whole, *_NUMBER.findall(text))


@lru_cache(maxsize=_REMEMBERED)
def _date_forms(value: str) -> tuple[str, ...]:
    """20170309 and the ways in which people type it."""
    year, month, day = value[:4], value[4:6], value[6:8]
    if not (len(value) >= 8 and value[:8].isdigit()):
        return ()
    orders = ((year, month, day), (day, month, year), (month, day, year))
    return (value[:8], *(mark.join(order) for mark in "-./" for order in orders))
