"""A thin walk over the elements of a little endian header, without converting a value.

It takes the common case only: a DICM mark, implicit or explicit little endian, lengths that fit. Whatever else it meets
it does not judge: it raises `Unexpected`, and pydicom reads the file.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import NamedTuple

from pydicom.datadict import dictionary_VR, private_dictionary_VR
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian
from pydicom.valuerep import EXPLICIT_VR_LENGTH_16, EXPLICIT_VR_LENGTH_32

PIXEL_TAGS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
UNDEFINED = 0xFFFFFFFF
_SHORT_VRS = {vr.encode(): str(vr) for vr in EXPLICIT_VR_LENGTH_16}
_LONG_VRS = {vr.encode(): str(vr) for vr in EXPLICIT_VR_LENGTH_32}
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_PREAMBLE = 132
_TRANSFER_SYNTAX, _MEDIA_STORAGE = 0x00020010, 0x00020002
_CHARACTER_SET = 0x00080005
_PIXEL_VRS = frozenset({"OB", "OW", "OF", "OD"})
_FIRST_SPECIAL = min(PIXEL_TAGS)
_DEEPEST = 50  # levels of sequences
_NOT_THIN = frozenset({"", DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian})  # all others: PS3.5 A.4
_MOST_UNKNOWN = 0xFFFF  # bytes of an `UN` value whose VR the dictionary may say (PS3.5 6.2.2)

_explicit = struct.Struct("<HH2sH").unpack_from
_implicit = struct.Struct("<HHL").unpack_from
_length32 = struct.Struct("<L").unpack_from


class Unexpected(Exception):
    """Not the common case: pydicom must judge."""


class NeedMore(Exception):
    """The header goes on behind the bytes that were read.

    Attributes:
        end: up to where it goes at least.
    """

    def __init__(self, end: int) -> None:
        super().__init__(end)
        self.end = end


# (tag, VR, start, end, items): where the value lies in the file; the VR is that of the file or the dictionary, `UN` if
# neither knows it; items are those of a sequence, None for all others. A plain tuple: there are a hundred in a header.
Element = tuple[int, str, int, int, "list[list[Element]] | None"]


class Walked(NamedTuple):
    """What a walk found.

    Attributes:
        elements: of the top level, in the file's order.
        transfer_syntax_uid: (0002,0010) of the file meta information.
        media_storage: (0002,0002) of the file meta information.
        implicit: whether VRs came from the dictionary.
        end: where the pixel element begins, or the end of the file.
        pixels: start and length of the pixel element's value; None if there is none.
    """

    elements: list[Element]
    transfer_syntax_uid: str
    media_storage: str
    implicit: bool
    end: int
    pixels: tuple[int, int] | None


class Walk:
    """A walk from the preamble to the pixels, which goes on where it was when more of the file has been read.

    Args:
        size: bytes of the whole file.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._meta: dict[int, bytes] = {}
        self._walker: _Walker | None = None

    def over(self, data: bytes) -> Walked:
        """Walks on.

        Args:
            data: the file from its start, as far as it was read; at least what an earlier call got.

        Raises:
            NeedMore: `data` ends before the header does.
            Unexpected: pydicom must read the file.
        """
        if self._walker is None:
            if data[128:132] != b"DICM":
                raise Unexpected
            self._meta, start = _file_meta(data)
            self._walker = _Walker(self._size, start, self._uid(_TRANSFER_SYNTAX) == ImplicitVRLittleEndian)
        syntax, media_storage = self._uid(_TRANSFER_SYNTAX), self._uid(_MEDIA_STORAGE)
        if syntax in _NOT_THIN:
            raise Unexpected
        walker = self._walker
        elements, end = walker.top(data)
        return Walked(elements, syntax, media_storage, walker.implicit, end, walker.pixels)

    def _uid(self, tag: int) -> str:
        return self._meta.get(tag, b"").decode("ascii", "replace").rstrip(" \0")


def _file_meta(data: bytes) -> tuple[dict[int, bytes], int]:
    """Values of the file meta information, always explicit little endian (PS3.10 7.1), and where it ends."""
    meta: dict[int, bytes] = {}
    start = _PREAMBLE
    while start + 12 <= len(data):
        group, element, vr, length = _explicit(data, start)
        if group != 2:
            break
        start += 8
        if vr in _LONG_VRS:
            (length,) = _length32(data, start)
            start += 4
        elif vr not in _SHORT_VRS:
            raise Unexpected
        if start + length > len(data) or _public_vr(group << 16 | element) != vr.decode():
            raise Unexpected
        meta[group << 16 | element] = data[start : start + length]
        start += length
    return meta, start


class _Walker:
    """The state of one walk."""

    def __init__(self, size: int, start: int, implicit: bool) -> None:
        self.data, self.size, self.implicit = b"", size, implicit
        self.pixels: tuple[int, int] | None = None
        self._reached = start  # where the next element of the top level begins
        self._found: list[Element] = []
        self._creators: dict[int, str] = {}

    def top(self, data: bytes) -> tuple[list[Element], int]:
        """Elements up to the pixels or the end of the file, and where that is."""
        self.data = data
        return self._elements(self._reached, len(data), False, 0, self._found, self._creators)

    def _elements(
        self, start: int, end: int, delimited: bool, depth: int, found: list[Element], creators: dict[int, str]
    ) -> tuple[list[Element], int]:
        """Elements of the top level or of an item, and where they end: an item's delimiter is passed over.

        One loop without calls, since it is most of the time of a walk.
        """
        data, implicit, short_vrs = self.data, self.implicit, _SHORT_VRS
        last = found[-1][0] if found else 0
        while delimited or start < end:
            if not depth:
                self._reached = start
            value = start + 8
            if value > end:
                raise self._past(value)
            if implicit:
                group, number, length = _implicit(data, start)
                tag = group << 16 | number
                vr = _private_vr(tag, creators) if group & 1 else _public_vr(tag)
            else:
                group, number, code, length = _explicit(data, start)
                tag = group << 16 | number
                vr = short_vrs.get(code, "")
                if not vr:
                    if tag == _ITEM_END and delimited:
                        return found, value
                    vr, length, value = self._long(tag, code, value, end, creators)
            if tag <= last:  # out of order: pydicom takes the last of equal tags
                raise Unexpected
            last = tag
            if tag >= _FIRST_SPECIAL:
                if tag in PIXEL_TAGS and not depth:
                    if not implicit and vr not in _PIXEL_VRS:
                        raise Unexpected
                    self.pixels = (value, length)
                    return found, start
                if tag == _ITEM_END and delimited:
                    return found, value
                if group == 0xFFFE:
                    raise Unexpected
            elif tag == _CHARACTER_SET and depth:
                raise Unexpected
            start = value + length
            if vr == "SQ" or length == UNDEFINED:
                items, stop = self._sequence(vr, value, length, end, depth)
                found.append((tag, "SQ", value, stop, items))
                start = stop + 8 if length == UNDEFINED else stop
                continue
            if start > end:
                raise self._past(start)
            if group & 1 and 0x10 <= number <= 0xFF:
                creators[tag] = data[value:start].decode("latin-1").rstrip(" \0")
            found.append((tag, vr, value, start, None))
        if not depth and len(data) < self.size:
            self._reached = start
            raise NeedMore(len(data) + 12)
        return found, start

    def _long(self, tag: int, code: bytes, start: int, end: int, creators: dict[int, str]) -> tuple[str, int, int]:
        """(VR, length, start of the value) of an element whose length has 32 bits (PS3.5 7.1.2)."""
        vr = _LONG_VRS.get(code, "")
        if not vr:
            raise Unexpected
        if start + 4 > end:
            raise self._past(start + 4)
        (length,) = _length32(self.data, start)
        if vr == "UN" and tag >> 16 & 1:
            vr = _private_vr(tag, creators)
            if vr == "SQ":  # its items are implicit, PS3.5 6.2.2 note 2
                raise Unexpected
        elif vr == "UN" and length < _MOST_UNKNOWN and _public_vr(tag) != "SQ":
            vr = _public_vr(tag)
        return vr, length, start + 4

    def _sequence(self, vr: str, value: int, length: int, end: int, depth: int) -> tuple[list[list[Element]], int]:
        """Items, and where the last one ends."""
        undefined = length == UNDEFINED
        if undefined and vr != "SQ" and not (vr == "UN" and self.implicit):
            raise Unexpected
        stop = end if undefined else value + length
        if stop > end:
            raise self._past(stop)
        items, reached = self._items(value, stop, undefined, depth)
        if (not undefined and reached != stop) or (vr == "UN" and not items):
            raise Unexpected
        return items, reached

    def _items(self, start: int, end: int, undefined: bool, depth: int) -> tuple[list[list[Element]], int]:
        """Items of a sequence, and where they end: behind the last item or at the sequence delimiter."""
        if depth > _DEEPEST:
            raise Unexpected
        items: list[list[Element]] = []
        while undefined or start < end:
            if start + 8 > end:
                raise self._past(start + 8)
            group, number, length = _implicit(self.data, start)
            tag = group << 16 | number
            if tag == _SEQUENCE_END and undefined:
                return items, start
            if tag != _ITEM:
                raise Unexpected
            start += 8
            delimited = length == UNDEFINED
            stop = end if delimited else start + length
            if stop > end:
                raise self._past(stop)
            item, start = self._elements(start, stop, delimited, depth + 1, [], {})
            if not delimited and start != stop:
                raise Unexpected
            items.append(item)
        return items, start

    def _past(self, stop: int) -> Exception:
        """For something that ends behind what there is: read on, or let pydicom say what is wrong."""
        return NeedMore(stop) if len(self.data) < self.size and stop <= self.size else Unexpected()


@lru_cache(maxsize=8192)
def _public_vr(tag: int) -> str:
    try:
        return dictionary_VR(tag)
    except KeyError:
        return "UL" if not tag & 0xFFFF else "UN"


def _private_vr(tag: int, creators: dict[int, str]) -> str:
    element = tag & 0xFFFF
    if 0x10 <= element <= 0xFF:
        return "LO"
    creator = creators.get((tag & 0xFFFF0000) | element >> 8) if element & 0xFF00 else None
    return _known_private(tag, creator) if creator else "UN"


@lru_cache(maxsize=8192)
def _known_private(tag: int, creator: str) -> str:
    try:
        return private_dictionary_VR(tag, creator)
    except KeyError:
        return "UN"
