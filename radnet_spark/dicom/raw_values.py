"""The bytes of a value → what pydicom makes of them, for the representations and characters that need no judgement."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from pydicom.charset import python_encoding

from radnet_spark.dicom.walker import Unexpected

Value = str | int | float

_PAD = " \0"
_ESCAPE = b"\x1b"
_INTEGER = re.compile(r" *[+-]?\d{1,9} *").fullmatch
_DECIMAL = re.compile(r" *[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)? *").fullmatch
NUMBERS = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "UV": "Q", "SV": "q", "FL": "f", "FD": "d"}
_DESCRIPTORS = frozenset({0x00281101, 0x00281102, 0x00281103, 0x00283002})  # their first value is a special case
_ONE_BYTE = frozenset({"iso8859", "latin_1", "iso8859_2", "iso8859_3", "iso8859_4", "iso8859_5", "iso8859_9", "UTF8"})


class RawValues:
    """Converts the values of one header.

    Args:
        data: the file's bytes, from its start.
        character_set: (0008,0005) *Specific Character Set* as it is in the file; empty if it has none.
    """

    def __init__(self, data: bytes, character_set: str) -> None:
        self._data = data
        codec = python_encoding.get(character_set)
        self._codec = codec if codec in _ONE_BYTE else None

    def of(self, tag: int, vr: str, start: int, end: int) -> list[Value]:
        """The values of an element that is no sequence; none if it is empty.

        Raises:
            Unexpected: pydicom must convert them.
        """
        raw = self._data[start:end]
        if vr in _BY_VR:
            return _BY_VR[vr](raw) if raw else []
        if vr not in _OTHERS:
            raise Unexpected
        if not raw:
            return []
        if vr in _TEXTS:
            return [text.rstrip(_PAD) for text in self._text(raw).split("\\")]
        if vr in NUMBERS:
            return _numbers(raw, tag, NUMBERS[vr])
        if vr == "PN":
            return list(self._text(raw.rstrip(b"\0 ")).split("\\"))
        return [self._text(raw).rstrip(_PAD)]

    def _text(self, raw: bytes) -> str:
        if _ESCAPE in raw:
            raise Unexpected
        if raw.isascii():
            return raw.decode("ascii")
        if self._codec is None:
            raise Unexpected
        try:
            return raw.decode(self._codec)
        except UnicodeError:
            raise Unexpected from None


def _string(raw: bytes) -> list[Value]:
    return list(raw.decode("latin-1").rstrip(_PAD).split("\\"))


def _entity(raw: bytes) -> list[Value]:
    return [text.strip() for text in raw.decode("latin-1").split("\\")]


def _decimals(raw: bytes) -> list[Value]:
    texts = raw.decode("latin-1").strip().rstrip(_PAD).split("\\")
    if not all(map(_DECIMAL, texts)):
        raise Unexpected
    return [text.strip() for text in texts]


def _integers(raw: bytes) -> list[Value]:
    texts = raw.decode("latin-1").rstrip(_PAD).split("\\")
    if not all(map(_INTEGER, texts)):
        raise Unexpected
    return [text.strip() for text in texts]


def _tags(raw: bytes) -> list[Value]:
    if len(raw) % 4:
        raise Unexpected
    pairs = struct.iter_unpack("<HH", raw)
    return [f"{group:04X}{element:04X}" for group, element in pairs]


def _numbers(raw: bytes, tag: int, code: str) -> list[Value]:
    size = struct.calcsize(f"<{code}")
    if len(raw) % size or tag in _DESCRIPTORS:
        raise Unexpected
    return list(struct.unpack(f"<{len(raw) // size}{code}", raw))


_BY_VR: dict[str, Callable[[bytes], list[Value]]] = {
    "CS": _string, "UI": _string, "DA": _string, "TM": _string, "DT": _string, "AS": _string, "AE": _entity,
    "DS": _decimals, "IS": _integers, "AT": _tags,
}  # fmt: skip
_TEXTS = frozenset({"LO", "SH", "UC"})
_OTHERS = _TEXTS | frozenset(NUMBERS) | {"PN", "LT", "ST", "UT"}
