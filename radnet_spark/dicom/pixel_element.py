"""Where the pixels of a file lie, and whether they are all there."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from pydicom.dataset import FileDataset

from radnet_spark.dicom.element_heads import UNDEFINED

_ITEM, _DELIMITER = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD)
_MOST_ITEMS = 1 << 20  # more fragments than any file has
_LONG_VRS = (b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"UN")
_PIXEL_KEYWORDS = {
    (0x7FE0, 0x0008): "FloatPixelData", (0x7FE0, 0x0009): "DoubleFloatPixelData", (0x7FE0, 0x0010): "PixelData"
}  # fmt: skip


@dataclass(frozen=True)
class PixelElement:
    """Where the pixels lie.

    Attributes:
        length: bytes; None if undefined (encapsulated).
        complete: they end within the file.
        start: offset of the first byte in the file; None if the data set is deflated.
        keyword: which of the three pixel elements it is.
        vr: as the file has it; empty with implicit ones.
    """

    length: int | None
    complete: bool
    start: int | None = None
    keyword: str = "PixelData"
    vr: str = ""


def pixel_element(source: BinaryIO, size: int, dataset: FileDataset) -> PixelElement | None:
    """Reads tag, VR and length where pydicom stopped; None at the end of the file, or of the header."""
    implicit, little_endian = dataset.original_encoding
    order = "<" if little_endian else ">"
    head = source.read(8)
    if len(head) < 8:
        return PixelElement(0, complete=False) if head else None
    if struct.unpack(f"{order}HH", head[:4]) not in _PIXEL_KEYWORDS:
        return None
    if implicit or head[4:6] not in _LONG_VRS:
        length = struct.unpack(f"{order}L", head[4:8])[0]
    else:
        more = source.read(4)
        if len(more) < 4:
            return PixelElement(0, complete=False)
        length = struct.unpack(f"{order}L", more)[0]
    start, (keyword, vr) = source.tell(), named(head, bool(implicit), order)
    if length != UNDEFINED:
        return PixelElement(length, start + length <= size, start, keyword, vr)
    return PixelElement(None, ends_with_delimiter(source, size), start, keyword, vr)


def named(head: bytes, implicit: bool, order: str) -> tuple[str, str]:
    """Keyword and VR of a pixel element from its first bytes."""
    return _PIXEL_KEYWORDS[struct.unpack(f"{order}HH", head[:4])], "" if implicit else head[4:6].decode("latin-1")


def ends_with_delimiter(source: BinaryIO, size: int) -> bool:
    """The delimiter stands in the file's last 8 bytes, else where a walk over the item lengths meets it."""
    start = source.tell()
    source.seek(max(start, size - 8))
    if source.read(8) == struct.pack("<HHL", *_DELIMITER, 0):
        return True
    source.seek(start)
    for _ in range(_MOST_ITEMS):
        head = source.read(8)
        if len(head) < 8:
            break
        group, element, length = struct.unpack("<HHL", head)
        if (group, element) == _DELIMITER:
            return True
        if (group, element) != _ITEM or source.tell() + length > size:
            return False
        source.seek(length, 1)
    return False
