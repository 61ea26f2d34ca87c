"""How the head of an element is written (PS3.5 7.1), and what the dictionaries say of its value representation."""

from __future__ import annotations

import struct
from functools import lru_cache

from pydicom.datadict import dictionary_VR, private_dictionary_VR
from pydicom.valuerep import EXPLICIT_VR_LENGTH_16, EXPLICIT_VR_LENGTH_32

UNDEFINED = 0xFFFFFFFF  # a length
SHORT_VRS = {vr.encode(): str(vr) for vr in EXPLICIT_VR_LENGTH_16}
LONG_VRS = {vr.encode(): str(vr) for vr in EXPLICIT_VR_LENGTH_32}
# Byte order → what unpacks an explicit head (group, element, VR, length), an implicit one or an item's (group, element,
# length), and the length of an explicit one whose length has 32 bits.
HEADS = {order: [struct.Struct(order + form).unpack_from for form in ("HH2sH", "HHL", "L")] for order in "<>"}


@lru_cache(maxsize=8192)
def public_vr(tag: int) -> str:
    """Of a public element; `UN` if the dictionary does not know it."""
    try:
        return dictionary_VR(tag)
    except KeyError:
        return "UL" if not tag & 0xFFFF else "UN"


def private_vr(tag: int, creators: dict[int, str]) -> str:
    """Of a private element; `UN` if nobody knows it.

    Args:
        tag: group and element.
        creators: tags of the private creators before it → their values.
    """
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
