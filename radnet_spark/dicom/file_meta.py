"""The file meta information with which a DICOM file begins (PS3.10 7.1)."""

from __future__ import annotations

from radnet_spark.dicom.element_heads import HEADS, LONG_VRS, SHORT_VRS, public_vr
from radnet_spark.dicom.walked import Unexpected

TRANSFER_SYNTAX, MEDIA_STORAGE = 0x00020010, 0x00020002
_PREAMBLE = 132
_explicit, _, _length32 = HEADS["<"]


def file_meta(data: bytes) -> tuple[dict[int, bytes], int]:
    """Values of the file meta information, always explicit little endian, and where it ends.

    Raises:
        Unexpected: there is none, or it does not fit its dictionary.
    """
    if data[128:_PREAMBLE] != b"DICM":
        raise Unexpected
    meta: dict[int, bytes] = {}
    start = _PREAMBLE
    while start + 12 <= len(data):
        group, element, vr, length = _explicit(data, start)
        if group != 2:
            break
        start += 8
        if vr in LONG_VRS:
            (length,) = _length32(data, start)
            start += 4
        elif vr not in SHORT_VRS:
            raise Unexpected
        if start + length > len(data) or public_vr(group << 16 | element) != vr.decode():
            raise Unexpected
        meta[group << 16 | element] = data[start : start + length]
        start += length
    return meta, start


def text_of(meta: dict[int, bytes], tag: int) -> str:
    """A value of it as text; empty where there is none."""
    return meta.get(tag, b"").decode("ascii", "replace").rstrip(" \0")
