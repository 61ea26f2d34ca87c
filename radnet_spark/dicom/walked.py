"""What a walk over a header finds, what it asks for on its way, and why it gives up."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from radnet_spark.dicom.element_heads import HEADS, LONG_VRS, UNDEFINED


class Unexpected(Exception):
    """Not the common case: pydicom must judge."""


class TooMany(Exception):
    """More elements than any header has: to read them all would take hours, or all memory.

    Attributes:
        limit: how many are not too many.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class NeedMore(Exception):
    """The header goes on behind the bytes that were read.

    Attributes:
        end: up to where it goes at least.
    """

    def __init__(self, end: int) -> None:
        super().__init__(end)
        self.end = end


class LongValue(Exception):
    """The value that comes next is needed by nobody: the walk goes on with data that do not hold it.

    Attributes:
        start: where it begins in the data.
        length: its bytes.
    """

    def __init__(self, start: int, length: int) -> None:
        super().__init__(start, length)
        self.start, self.length = start, length


class Deflated(Unexpected):
    """The data set is a deflate stream (PS3.5 A.5), which `Walk.inflated` takes inflated.

    Attributes:
        start: where it begins.
    """

    def __init__(self, start: int) -> None:
        super().__init__(start)
        self.start = start


# (tag, VR, start, end, items): where the value lies in the file; the VR is that of the file or the dictionary, `UN` if
# neither knows it; items are those of a sequence, None for all others, with a memory what it made of their elements.
# A plain tuple: there are a hundred in a header.
Element = tuple[int, str, int, int, "list[list[Any]] | None"]


class Memory(Protocol):
    """What a walk asks about elements of the top level.

    Attributes:
        known: all bytes of an element, its head included → what it is, with its `tag`.
        open_ended: first bytes of a sequence of undefined length → all bytes of one that began so.
    """

    known: dict[bytes, Any]
    open_ended: dict[bytes, bytes]

    def learn(self, data: bytes, element: Element, start: int, end: int) -> Any:
        """What an element is that reaches from `start` to `end`; None if it says nothing."""
        ...

    def needs(self, tag: int, vr: str) -> bool:
        """Whether anybody looks at its value."""
        ...

    def of_characters(self, character_set: str) -> Memory:
        """The memory for that (0008,0005) *Specific Character Set*.

        Raises:
            Unexpected: nobody knows it.
        """
        ...


class Walked(NamedTuple):
    """What a walk found.

    Attributes:
        elements: of the top level, in the file's order; with a memory what it makes of them.
        starts: where each element of the top level begins.
        left_out: start → VR and length of the elements whose values are not in the data.
        transfer_syntax_uid: (0002,0010) of the file meta information.
        media_storage: (0002,0002) of the file meta information.
        character_set: (0008,0005), the values as they stand in the file.
        implicit: whether VRs came from the dictionary.
        order: of bytes, `<` or `>`.
        end: where the pixel element begins, or the end of the file.
        pixels: start and length of the pixel element's value; None if there is none.
    """

    elements: list[Any]
    starts: list[int]
    left_out: dict[int, tuple[str, int]]
    transfer_syntax_uid: str
    media_storage: str
    character_set: str
    implicit: bool
    order: str
    end: int
    pixels: tuple[int, int] | None


def place_of(data: bytes, start: int, stop: int, walked: Walked) -> tuple[int, str | None, int, int]:
    """Of an element of the top level: tag, VR as in the file (None: it has none), where its value lies.

    Args:
        data: what was walked over.
        start: where the element begins.
        stop: where the next one does.
        walked: what was found.
    """
    explicit, implicit, long_length = HEADS[walked.order]
    if walked.implicit:
        group, number, length = implicit(data, start)
        vr, begin = None, start + 8
    else:
        group, number, code, length = explicit(data, start)
        vr, begin = code.decode(), start + 8
        if code in LONG_VRS:
            (length,) = long_length(data, begin)
            begin += 4
    if length == UNDEFINED:
        return group << 16 | number, "SQ", begin, stop - 8
    return group << 16 | number, vr, begin, stop
