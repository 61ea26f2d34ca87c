"""A thin walk over the elements of a header, without converting a value.

It takes the common cases only: a DICM mark, VRs and lengths that fit. Whatever else it meets it does not judge: it
raises `Unexpected`, and pydicom reads the file.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from radnet_spark.dicom.element_heads import HEADS, LONG_VRS, SHORT_VRS, UNDEFINED, private_vr, public_vr
from radnet_spark.dicom.file_meta import MEDIA_STORAGE, TRANSFER_SYNTAX, file_meta, text_of
from radnet_spark.dicom.walked import Deflated, Element, LongValue, Memory, NeedMore, TooMany, Unexpected, Walked

PIXEL_TAGS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
CHARACTER_SET = 0x00080005
LONG_VALUE = 1 << 12  # bytes of a value that is not read if nobody needs it
OPENING = 64  # bytes by which a sequence of undefined length is looked up
LONGEST_KNOWN = 4096  # bytes of an element that is looked up: longer ones hardly come again
# Private elements are not looked at but for those that may name someone; what `UN` is, its creator says.
_LOOKED_AT = frozenset({"DA", "DT", "PN", "SQ"})
_PASSED_OVER = frozenset({*SHORT_VRS, *LONG_VRS} - {vr.encode() for vr in _LOOKED_AT} - {b"UN"})
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UP_TO_CHARACTER_SET = frozenset({0x00080000, 0x00080001, CHARACTER_SET})
_PIXEL_VRS = frozenset({"OB", "OW", "OF", "OD"})
MOST_ELEMENTS = 50_000  # of the top level, and of one item
_MOST_NESTED = 500_000  # items and their elements; thousands of frames have hundreds of thousands
_DEEPEST = 50  # levels of sequences
_MOST_UNKNOWN = 0xFFFF  # bytes of an `UN` value whose VR the dictionary may say (PS3.5 6.2.2)

_length32 = HEADS["<"][2]
_word_explicit, _word_implicit = struct.Struct("<L2sH").unpack_from, struct.Struct("<LL").unpack_from


class Walk:
    """A walk from the preamble to the pixels, which goes on where it was when more of the file has been read.

    Args:
        size: bytes of the whole file.
        memory: gives the memory for implicit or explicit VRs in a byte order; None: elements are given as they lie.
    """

    def __init__(self, size: int, memory: Callable[[bool, str], Memory] | None = None) -> None:
        self._data, self._size = b"", size
        self._memory_of = memory
        self._memory: Memory | None = None
        self._meta: dict[int, bytes] = {}
        self._reached = 0  # where the next element of the top level begins; 0: nothing has been read
        self._last = 0  # tag of the element before
        self._found: list[Any] = []
        self._starts: list[int] = []
        self._creators: dict[int, str] = {}
        self._nested = self._nested_before = 0  # items and their elements: all, and without the sequence at `_reached`
        self._left_out: dict[int, tuple[str, int]] = {}
        self._character_set = ""
        self._pixels: tuple[int, int] | None = None

    def over(self, data: bytes) -> Walked:
        """Walks on.

        Args:
            data: the file from its start, as far as it was read; at least what an earlier call got.

        Raises:
            NeedMore: `data` ends before the header does.
            LongValue: `data` is to go on behind that value.
            Deflated: `inflated` has to be called.
            TooMany: nobody should read the file.
            Unexpected: pydicom must read the file.
        """
        self._data, self._nested = data, self._nested_before
        if not self._reached:
            start = self._begin(data)
            if self._syntax == DeflatedExplicitVRLittleEndian:
                raise Deflated(start)
            self._reached = start
        end = self._top()
        media_storage = text_of(self._meta, MEDIA_STORAGE)
        return Walked(
            self._found, self._starts, self._left_out, self._syntax, media_storage, self._character_set,
            self._implicit, self._order, end, self._pixels,
        )  # fmt: skip

    def inflated(self, data: bytes, start: int) -> Walked:
        """Walks over a deflated file that has been inflated from `start` on."""
        self._size, self._reached = len(data), start
        return self.over(data)

    def _begin(self, data: bytes) -> int:
        """Reads the file meta information; where it ends."""
        self._meta, start = file_meta(data)
        self._syntax = text_of(self._meta, TRANSFER_SYNTAX)
        if not self._syntax:
            raise Unexpected
        self._implicit = self._syntax == ImplicitVRLittleEndian  # all others: PS3.5 A.4
        self._order = ">" if self._syntax == ExplicitVRBigEndian else "<"
        self._explicit_head, self._implicit_head, self._long_length = HEADS[self._order]
        if self._memory_of:
            self._memory = self._memory_of(self._implicit, self._order)
        self._recognises = self._memory is not None and self._order == "<"
        return start

    def _top(self) -> int:
        """Elements up to the pixels or the end of the file, and where that is."""
        while True:
            start, end = self._reached, len(self._data)
            if self._recognises:
                start, self._last = self._recognise(start, end, self._last, self._found, self._starts, self._creators)
                self._reached = start
            if start >= end:
                if end < self._size:
                    raise NeedMore(end + 12)
                return start
            tag, vr, value, length = self._head(start, end, self._creators)
            if tag <= self._last or tag >= _ITEM:  # out of order: pydicom takes the last of equal tags
                raise Unexpected
            if tag in PIXEL_TAGS:
                if not self._implicit and vr not in _PIXEL_VRS:
                    raise Unexpected
                self._pixels = (value, length)
                return start
            if LONG_VALUE <= length < UNDEFINED and self._leaves_out(tag, vr, value + length):
                self._left_out[start] = (vr, length)
                self._size -= length
                self._append(tag, start, value, None)
                raise LongValue(value, length)
            element, stop = self._body(tag, vr, value, length, end, 0, self._creators)
            self._append(tag, start, stop, self._learnt(element, start, stop))
            if tag == CHARACTER_SET:
                self._set_characters(element)

    def _append(self, tag: int, start: int, stop: int, found: Any) -> None:
        self._last, self._reached, self._nested_before = tag, stop, self._nested
        self._starts.append(start)
        if len(self._starts) > MOST_ELEMENTS:
            raise TooMany(MOST_ELEMENTS)
        if found is not None:
            self._found.append(found)

    def _learnt(self, element: Element, start: int, stop: int) -> Any:
        return self._memory.learn(self._data, element, start, stop) if self._memory else element

    def _leaves_out(self, tag: int, vr: str, stop: int) -> bool:
        return self._memory is not None and len(self._data) < stop <= self._size and not self._memory.needs(tag, vr)

    def _set_characters(self, element: Element) -> None:
        self._character_set = self._data[element[2] : element[3]].decode("latin-1").rstrip(" \0")
        if self._memory:
            memory = self._memory.of_characters(self._character_set)
            if memory is not self._memory and not {known.tag for known in self._found} <= _UP_TO_CHARACTER_SET:
                raise Unexpected
            self._memory = memory

    def _recognise(
        self, start: int, end: int, last: int, found: list[Any], starts: list[int], creators: dict[int, str]
    ) -> tuple[int, int]:
        """Passes over what is known, or is private and of no interest: up to where, and the last tag.

        Most of the time of a walk is spent here. What is out of order, cut or odd in any way is nothing known, since
        the bytes that are looked up hold tag, VR and length as well.
        """
        data, implicit, head_end = self._data, self._implicit, end - 12
        known, open_ended = self._memory.known, self._memory.open_ended  # type: ignore[union-attr]
        while start <= head_end and len(starts) <= MOST_ELEMENTS:
            if implicit:
                word, length = _word_implicit(data, start)
                code, value = b"", start + 8
            else:
                word, code, length = _word_explicit(data, start)
                value = start + 8
                if code in LONG_VRS:
                    (length,) = _length32(data, value)
                    value += 4
            stop = value + length
            if word & 1:  # an odd group
                tag = (word & 0xFFFF) << 16 | word >> 16
                if (
                    stop > end
                    or tag <= last
                    or (
                        code not in _PASSED_OVER
                        and (not (implicit or code == b"UN") or private_vr(tag, creators) in _LOOKED_AT)
                    )
                ):
                    break
                if 0x100000 <= word < 0x1000000:
                    creators[tag] = _creator(data[value:stop])
            else:
                if length == UNDEFINED:
                    whole = open_ended.get(data[start : start + OPENING], b"?")
                    stop = start + len(whole) if data.startswith(whole, start) else end + 1
                if stop > end or stop - start > LONGEST_KNOWN:
                    break
                element = known.get(data[start:stop])
                if element is None or element.tag <= last:
                    break
                tag = element.tag
                found.append(element)
            starts.append(start)
            last, start = tag, stop
        if len(starts) > MOST_ELEMENTS:
            raise TooMany(MOST_ELEMENTS)
        return start, last

    def _head(self, start: int, end: int, creators: dict[int, str]) -> tuple[int, str, int, int]:
        """Tag, VR, start of the value and its length, of an element or of a delimiter."""
        value = start + 8
        if value > end:
            raise self._past(value)
        if self._implicit:
            group, number, length = self._implicit_head(self._data, start)
            tag = group << 16 | number
            return tag, private_vr(tag, creators) if group & 1 else public_vr(tag), value, length
        group, number, code, length = self._explicit_head(self._data, start)
        tag = group << 16 | number
        vr = SHORT_VRS.get(code)
        if vr or tag == _ITEM_END:
            return tag, vr or "", value, length
        vr = LONG_VRS.get(code)
        if not vr:
            raise Unexpected
        if value + 4 > end:
            raise self._past(value + 4)
        (length,) = self._long_length(self._data, value)
        if vr == "UN":
            vr = self._unknown(tag, length, creators)
        return tag, vr, value + 4, length

    def _unknown(self, tag: int, length: int, creators: dict[int, str]) -> str:
        """What the dictionary says of an `UN` element (PS3.5 6.2.2)."""
        if tag >> 16 & 1:
            vr = private_vr(tag, creators)
            if vr == "SQ":  # its items are implicit, PS3.5 6.2.2 note 2
                raise Unexpected
            return vr
        known = public_vr(tag)
        return known if length < _MOST_UNKNOWN and known != "SQ" else "UN"

    def _body(
        self, tag: int, vr: str, value: int, length: int, end: int, depth: int, creators: dict[int, str]
    ) -> tuple[Element, int]:
        """The element, and where the next one begins."""
        if vr == "SQ" or length == UNDEFINED:
            items, stop = self._sequence(vr, value, length, end, depth)
            return (tag, "SQ", value, stop, items), stop + 8 if length == UNDEFINED else stop
        stop = value + length
        if stop > end:
            raise self._past(stop)
        if tag >> 16 & 1 and 0x10 <= tag & 0xFFFF <= 0xFF:
            creators[tag] = _creator(self._data[value:stop])
        return (tag, vr, value, stop, None), stop

    def _sequence(self, vr: str, value: int, length: int, end: int, depth: int) -> tuple[list[list[Any]], int]:
        """Items, and where the last one ends."""
        undefined = length == UNDEFINED
        if undefined and vr != "SQ" and not (vr == "UN" and self._implicit):
            raise Unexpected
        stop = end if undefined else value + length
        if stop > end:
            raise self._past(stop)
        items, reached = self._items(value, stop, undefined, depth)
        if (not undefined and reached != stop) or (vr == "UN" and not items):
            raise Unexpected
        return items, reached

    def _items(self, start: int, end: int, undefined: bool, depth: int) -> tuple[list[list[Any]], int]:
        """Items of a sequence, and where they end: behind the last item or at the sequence delimiter."""
        if depth > _DEEPEST:
            raise Unexpected
        items: list[list[Any]] = []
        while undefined or start < end:
            if start + 8 > end:
                raise self._past(start + 8)
            group, number, length = self._implicit_head(self._data, start)
            tag = group << 16 | number
            if tag == _SEQUENCE_END and undefined:
                return items, start
            if tag != _ITEM:
                raise Unexpected
            self._count(1)
            start += 8
            delimited = length == UNDEFINED
            stop = end if delimited else start + length
            if stop > end:
                raise self._past(stop)
            item, start = self._item(start, stop, delimited, depth + 1)
            if not delimited and start != stop:
                raise Unexpected
            items.append(item)
        return items, start

    def _item(self, start: int, end: int, delimited: bool, depth: int) -> tuple[list[Any], int]:
        """Elements of an item, and where they end: its delimiter is passed over."""
        found: list[Any] = []
        creators: dict[int, str] = {}
        last = 0
        while delimited or start < end:
            if self._recognises:
                passed: list[int] = []
                start, last = self._recognise(start, end, last, found, passed, creators)
                self._count(len(passed))
                if start >= end and not delimited:
                    break
            tag, vr, value, length = self._head(start, end, creators)
            if tag == _ITEM_END and delimited:
                return found, value
            if tag <= last or tag >= _ITEM or tag == CHARACTER_SET:
                raise Unexpected
            element, stop = self._body(tag, vr, value, length, end, depth, creators)
            self._count(1)
            learnt = self._learnt(element, start, stop)
            if learnt is not None:
                found.append(learnt)
            last, start = tag, stop
        return found, start

    def _count(self, more: int) -> None:
        self._nested += more
        if self._nested > _MOST_NESTED:
            raise TooMany(_MOST_NESTED)

    def _past(self, stop: int) -> Exception:
        """For something that ends behind what there is: read on, or let pydicom say what is wrong."""
        return NeedMore(stop) if len(self._data) < self._size and stop <= self._size else Unexpected()


def _creator(value: bytes) -> str:
    return value.decode("latin-1").rstrip(" \0")
