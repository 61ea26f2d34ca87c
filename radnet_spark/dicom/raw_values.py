"""The bytes of a value → what pydicom makes of them, for the representations and characters that need no judgement."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable

from pydicom.charset import python_encoding

from radnet_spark.dicom.walked import Unexpected

Value = str | int | float

_PAD = " \0"
_ESCAPE = b"\x1b"
_INTEGER = re.compile(r" *[+-]?\d{1,9} *").fullmatch
_DECIMAL = re.compile(r" *[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)? *").fullmatch
NUMBERS = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "UV": "Q", "SV": "q", "FL": "f", "FD": "d"}
_DESCRIPTORS = frozenset({0x00281101, 0x00281102, 0x00281103, 0x00283002})  # their first value is unsigned in any case
_ONE_BYTE = frozenset({"iso8859", "latin_1", "iso8859_2", "iso8859_3", "iso8859_4", "iso8859_5", "iso8859_9", "UTF8"})


def codec_of(character_set: str) -> str | None:
    """The Python codec of (0008,0005) *Specific Character Set*; None: pydicom must decode what is not ASCII.

    Raises:
        Unexpected: nobody knows it.
    """
    if not all(name.strip() in python_encoding for name in character_set.split("\\")):
        raise Unexpected
    codec = python_encoding.get(character_set.strip())
    return codec if codec in _ONE_BYTE else None


def converted(tag: int, vr: str, raw: bytes, codec: str | None, order: str = "<") -> list[Value]:
    """The values of an element that is no sequence.

    Args:
        tag: group and element.
        vr: value representation.
        raw: its bytes.
        codec: as `codec_of` gives it.
        order: of bytes, `<` or `>`.

    Raises:
        Unexpected: pydicom must convert them.
    """
    if tag in _DESCRIPTORS and vr != "US":
        raise Unexpected
    if not raw and (vr in _BY_VR or vr in _OTHERS):
        return []
    if vr in NUMBERS:
        return _numbers(raw, NUMBERS[vr], order)
    if vr in _BY_VR:
        return _BY_VR[vr](raw)
    if vr == "AT":
        return _tags(raw, order)
    if vr not in _OTHERS:
        raise Unexpected
    if vr in _TEXTS:
        return [text.rstrip(_PAD) for text in _text(raw, codec).split("\\")]
    if vr == "PN":
        return list(_text(raw.rstrip(b"\0 "), codec).split("\\"))
    return [_text(raw, codec).rstrip(_PAD)]


def joined(values: Iterable[Value]) -> str:
    """Several values as one text."""
    return "\\".join([str(value).rstrip(_PAD) for value in values])


def _text(raw: bytes, codec: str | None) -> str:
    if _ESCAPE in raw:
        raise Unexpected
    if raw.isascii():
        return raw.decode("ascii")
    if codec is None:
        raise Unexpected
    try:
        return raw.decode(codec)
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


def _tags(raw: bytes, order: str) -> list[Value]:
    if len(raw) % 4:
        raise Unexpected
    pairs = struct.iter_unpack(f"{order}HH", raw)
    return [f"{group:04X}{element:04X}" for group, element in pairs]


def _numbers(raw: bytes, code: str, order: str) -> list[Value]:
    size = struct.calcsize(f"<{code}")
    if len(raw) % size:
        raise Unexpected
    return list(struct.unpack(f"{order}{len(raw) // size}{code}", raw))


_BY_VR: dict[str, Callable[[bytes], list[Value]]] = {
    "CS": _string, "UI": _string, "DA": _string, "TM": _string, "DT": _string, "AS": _string, "AE": _entity,
    "DS": _decimals, "IS": _integers,
}  # fmt: skip
_TEXTS = frozenset({"LO", "SH", "UC"})
_OTHERS = _TEXTS | frozenset(NUMBERS) | {"AT", "PN", "LT", "ST", "UT"}
