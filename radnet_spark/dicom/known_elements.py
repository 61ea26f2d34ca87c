"""What an element of a header is, whatever header it stands in; remembered by its bytes, which come again and again.

Nothing here depends on a person: how dates move and which words name someone is decided header by header, in
`thin_attributes`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any, NamedTuple

from radnet_spark.dicom.attributes import IMAGE_GROUPS
from radnet_spark.dicom.deidentify import STANDARD_ROOT
from radnet_spark.dicom.identity import Identity, Phrase, naming, parts_of, words_of
from radnet_spark.dicom.profile import BINARY_VRS, CLEANED_VRS, DATE_VRS, Deidentifier, basic_profile, leaves_out
from radnet_spark.dicom.raw_values import NUMBERS, Value, codec_of, converted, joined
from radnet_spark.dicom.tag_values import TagValue, json_text, tag_key
from radnet_spark.dicom.walked import Element, Unexpected
from radnet_spark.dicom.walker import CHARACTER_SET, LONGEST_KNOWN, OPENING, PIXEL_TAGS

# A worker remembers at most this much, counted high. When it is full of values that never came again (times, numbers of
# images) all is forgotten, and what is common is learnt again at once; with a quarter of it that is too often where
# 250 devices alternate: a header then takes 0.89 ms instead of 0.65.
_MOST_REMEMBERED = 1 << 26  # bytes of elements, and of what is made of them, for all characters and VRs together
_SEQUENCE_END = b"\xfe\xff\xdd\xe0\0\0\0\0"
_OVERHEAD = 1024  # bytes that an element takes beside its own
_COPIES = 8  # of its bytes: the key, its values, as one text and one by one, what a table and an item have
_PART = 100  # bytes of a value or a word: an object, and its places in lists and sets
_NOT_KNOWN = PIXEL_TAGS | {CHARACTER_SET}  # the walk stops at them
_US_OR_SS = "US or SS"
_LUT_DATA = 0x00283002
NOBODY = Identity(frozenset())


class Fate(IntEnum):
    """What becomes of an element."""

    SHOWN = 0  # as it is: nothing in it depends on the header
    CLEANED = 1  # as it is, unless its words name someone
    LEFT_OUT = 2
    MOVED = 3  # a date
    REPLACED = 4  # a UID
    NESTED = 5  # a sequence with such in it
    UNSETTLED = 6  # (0028,0103) *Pixel Representation* decides what its bytes mean (PS3.5 A.1)
    ODD = 7  # pydicom must convert it


@dataclass(slots=True, eq=False)
class KnownElement:
    """An element.

    Attributes:
        tag: group and element.
        vr: value representation.
        fate: what becomes of it.
        key: in the tag map.
        plain: its values as in the file, joined; empty for sequences and binary ones.
        shown: what a table has where nothing in it depends on the header.
        values: as in the file.
        items: of a sequence; of an unsettled one the two things that it may be.
        phrases: that may name someone, of all levels.
        words: of texts that are cleaned, folded.
        json: as an attribute of an item, where the header names nobody in a text.
        became: what `changed` gave the last time, and for what: an exam's files hold the same dates and UIDs.
    """

    tag: int
    vr: str
    fate: Fate
    key: str
    plain: str = ""
    shown: TagValue | None = None
    values: list[Value] | None = None
    items: list[list[KnownElement]] | None = None
    phrases: tuple[Phrase, ...] = ()
    words: frozenset[str] = frozenset()
    json: str = ""
    became: tuple[bytes, int, TagValue] | None = None

    def changed(self, key: bytes, days: int) -> TagValue:
        """What a table has where dates move by `days`, and the header names nobody in a text."""
        became = self.became  # which another thread may replace
        if became is None or became[1] != days or became[0] != key:
            became = self.became = key, days, self.cleaned(NOBODY, key, days)
        return became[2]

    def cleaned(self, identity: Identity, key: bytes, days: int) -> TagValue:
        """What a table has where the header names `identity`, and dates move by `days`."""
        rules = Deidentifier(basic_profile(), identity, key, days)
        if self.items is not None:
            return TagValue(self.vr, _items(self.items, rules))
        return TagValue(self.vr, joined([rules.text(self.vr, str(value)) for value in self.values or ()]))

    def represented(self, representation: str) -> KnownElement:
        """What an unsettled one is where that stands in (0028,0103) *Pixel Representation*."""
        if self.items is None or representation not in ("0", "1"):
            return KnownElement(self.tag, self.vr, Fate.ODD, self.key)
        return self.items[0][int(representation)]


class ElementMemory:
    """What was made of elements of headers with the same characters, VRs and byte order; see `walker.Memory`."""

    def __init__(self, codec: str | None, implicit: bool, order: str) -> None:
        self.known: dict[bytes, KnownElement] = {}
        self.open_ended: dict[bytes, bytes] = {}
        self._codec, self._implicit, self._order = codec, implicit, order

    def of_characters(self, character_set: str) -> ElementMemory:
        """See `walker.Memory`."""
        return _MEMORIES.memory(codec_of(character_set), self._implicit, self._order)

    def needs(self, tag: int, vr: str) -> bool:
        """See `walker.Memory`; of what shows how pixels look all is kept."""
        return _kind(tag, vr).read or vr not in BINARY_VRS or tag >> 16 in IMAGE_GROUPS

    def learn(self, data: bytes, element: Element, start: int, end: int) -> KnownElement | None:
        """See `walker.Memory`."""
        tag = element[0]
        if tag >> 16 & 1:  # its VR may come from another element, its creator
            if element[4] is None and not _kind(tag, element[1]).read:
                return None
            known = self._made_or_odd(data, element)
            return known if known.phrases or known.fate == Fate.ODD else None
        if end - start > LONGEST_KNOWN or tag in _NOT_KNOWN:
            return self._made_or_odd(data, element)
        key = data[start:end]
        known = self.known.get(key) or self._made_or_odd(data, element)
        self._remember(key, known)
        return known

    def _remember(self, key: bytes, known: KnownElement) -> None:
        if key in self.known:
            return
        _MEMORIES.make_room(_OVERHEAD + _COPIES * len(key) + _PART * _parts(known))
        self.known[key] = known
        if known.vr == "SQ" and key.endswith(_SEQUENCE_END):
            self.open_ended[key[:OPENING]] = key

    def _made_or_odd(self, data: bytes, element: Element) -> KnownElement:
        tag, vr, start, end, items = element
        if vr == _US_OR_SS and tag != _LUT_DATA:
            both = [self._made_or_odd(data, (tag, settled, start, end, items)) for settled in ("US", "SS")]
            return KnownElement(tag, vr, Fate.UNSETTLED, tag_key(tag), items=[both])
        try:
            return self._made(data, element)
        except Unexpected:
            return KnownElement(tag, vr, Fate.ODD, tag_key(tag))

    def _made(self, data: bytes, element: Element) -> KnownElement:
        """An element; private and binary values are not looked at.

        Raises:
            Unexpected: pydicom must convert it, or something in it.
        """
        tag, vr, start, end, items = element
        kind = _kind(tag, vr)
        if items is not None:
            return _sequence(kind, tag, items)
        if not kind.read:
            return KnownElement(tag, vr, Fate.LEFT_OUT, kind.key)
        values = converted(tag, vr, data[start:end], self._codec, self._order)
        known = KnownElement(tag, vr, Fate.LEFT_OUT, kind.key, joined(values), values=values)
        if kind.parts:
            phrases = (phrase for value in values if value for phrase in kind.parts(str(value)))
            known.phrases = tuple(naming(phrases, basic_profile().protected_words))
        if kind.shown:
            _decide(known, values)
        return known


class _Memories:
    """All that a worker remembers, within one bound: an archive has one or two character sets and both kinds of VRs."""

    def __init__(self) -> None:
        self._memories: dict[tuple[str | None, bool, str], ElementMemory] = {}
        self._bytes = 0

    def memory(self, codec: str | None, implicit: bool, order: str) -> ElementMemory:
        return self._memories.setdefault((codec, implicit, order), ElementMemory(codec, implicit, order))

    def make_room(self, size: int) -> None:
        """For so many bytes more; where there is none left, all is forgotten."""
        if self._bytes + size > _MOST_REMEMBERED:
            self.forget()
        self._bytes += size

    def forget(self) -> None:
        for memory in list(self._memories.values()):
            memory.known.clear()
            memory.open_ended.clear()
        self._bytes = 0


_MEMORIES = _Memories()


def memory_of(implicit: bool, order: str) -> ElementMemory:
    """The memory for headers without a character set."""
    return _MEMORIES.memory(codec_of(""), implicit, order)


def forget() -> None:
    """As if this worker had read nothing yet."""
    _MEMORIES.forget()


def _parts(known: KnownElement) -> int:
    """Values and words of an element; those of an item are counted where they are remembered themselves."""
    either = known.items[0] if known.fate == Fate.UNSETTLED and known.items else []
    own = len(known.values or ()) + len(known.words) + sum(len(phrase) + 1 for phrase in known.phrases)
    return own + sum(map(_parts, either))


class _Kind(NamedTuple):
    """What is done with an attribute, whatever its value.

    Attributes:
        key: in the tag map.
        shown: whether anything of it stays.
        parts: what gives the phrases of a value that may name someone; None: its values name nobody.
        read: whether the value matters at all.
    """

    key: str
    shown: bool
    parts: Callable[[str], tuple[Phrase, ...]] | None
    read: bool


@lru_cache(maxsize=1 << 14)
def _kind(tag: int, vr: str) -> _Kind:
    profile = basic_profile()
    parts = parts_of(vr, tag in profile.remove)
    ignored = parts is None and (bool(tag >> 16 & 1) or (vr in BINARY_VRS and vr != "UN"))
    return _Kind(tag_key(tag), not leaves_out(profile, tag, vr, False), parts, not ignored)


def _decide(known: KnownElement, values: list[Value]) -> None:
    """The fate of an element that stays and is no sequence."""
    vr = known.vr
    if vr in DATE_VRS and values:
        known.fate = Fate.MOVED
        return
    if vr == "UI" and any(uid and not str(uid).startswith(STANDARD_ROOT) for uid in values):
        known.fate = Fate.REPLACED
        return
    known.fate, text = Fate.SHOWN, known.plain
    if vr in CLEANED_VRS and values:
        text = joined([NOBODY.clean(str(value)) for value in values])
        known.words = frozenset().union(*(words_of(str(value)) for value in values))
        known.fate = Fate.CLEANED if known.words else Fate.SHOWN
    known.shown = TagValue(vr, text)


def _sequence(kind: _Kind, tag: int, items: list[list[KnownElement]]) -> KnownElement:
    """A sequence stays, goes, or changes with what lies in it."""
    inner = [known for item in items for known in item]
    if any(one.fate >= Fate.UNSETTLED for one in inner):
        raise Unexpected
    known = KnownElement(tag, "SQ", Fate.LEFT_OUT, kind.key)
    known.phrases = tuple({phrase for one in inner for phrase in one.phrases})
    if not kind.shown:
        return known
    known.items = items
    known.words = frozenset().union(*(one.words for one in inner))
    if any(one.fate in (Fate.MOVED, Fate.REPLACED, Fate.NESTED) for one in inner):
        known.fate = Fate.NESTED
    else:
        known.fate = Fate.CLEANED if known.words else Fate.SHOWN
        known.shown = known.cleaned(NOBODY, b"", 0)
    return known


def _attribute(known: KnownElement, rules: Deidentifier) -> str:
    """An attribute of an item in the DICOM JSON model (PS3.18 F.2), as text, so that it is put together once."""
    if known.json and (known.fate == Fate.SHOWN or (known.fate == Fate.CLEANED and rules.identity is NOBODY)):
        return known.json
    if known.items is not None:
        text = f'"{known.tag:08X}":{{"vr":"SQ","Value":{_items(known.items, rules)}}}'
    else:
        text = json_text([{f"{known.tag:08X}": _model(known.vr, known.values or [], rules)}])[2:-2]
    if rules.identity is NOBODY:
        known.json = text
    return text


def _items(items: list[list[KnownElement]], rules: Deidentifier) -> str:
    texts = (",".join([_attribute(known, rules) for known in item if known.fate != Fate.LEFT_OUT]) for item in items)
    return f"[{','.join([f'{{{text}}}' for text in texts])}]"


def _model(vr: str, values: list[Value], rules: Deidentifier) -> dict[str, Any]:
    """The values of an attribute that is no sequence."""
    if vr == "DS":
        values = [float(value) for value in values]
    elif vr == "IS":
        values = [int(value) for value in values]
    elif vr not in NUMBERS:
        values = [rules.text(vr, str(value)) for value in values]
    return {"vr": vr, "Value": values} if values and values != [""] else {"vr": vr}
