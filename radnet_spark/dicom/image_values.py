"""Values of an image's header: plain ones straight from their bytes, whatever is unusual by pydicom."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from radnet_spark.dicom.identity import VALUE_ERRORS

_DECIMALS = re.compile(rb" *[-+]?[0-9]+(?:\.[0-9]*)? *(?:\\ *[-+]?[0-9]+(?:\.[0-9]*)? *)*")
_DIGITS = re.compile(rb" *[0-9]{1,9} *")
_WORD = re.compile(rb"[A-Z0-9_]+(?: [A-Z0-9_]+)* ?")


def value_of(dataset: Dataset, keyword: str) -> Any:
    """An attribute of the top level as pydicom gives it; decimals most often as a list of floats, also a single one.

    Reading the bytes of the few numbers and words that an image needs takes a tenth of pydicom's time.

    Returns:
        None where the attribute is missing, or can't be read.
    """
    tag, vr = _known(keyword)
    element = dataset.get_item(tag, keep_deferred=True)
    if element is None:
        return None
    if isinstance(element, RawDataElement) and element.VR in (vr, None):
        plain = _plain(vr, element.value, element.is_little_endian)
        if plain is not None:
            return plain
    try:
        return dataset.get(keyword)
    except VALUE_ERRORS:
        return None


def _plain(vr: str, value: Any, little_endian: bool) -> Any:
    """A value of the common form; None where pydicom has to look at it."""
    if not isinstance(value, bytes):
        return None
    if vr == "US" and len(value) == 2:
        return int.from_bytes(value, "little" if little_endian else "big")
    if vr == "DS" and _DECIMALS.fullmatch(value):
        return [float(number) for number in value.split(b"\\")]
    if vr == "IS" and _DIGITS.fullmatch(value):
        return int(value)
    if vr == "CS" and _WORD.fullmatch(value):
        return value.rstrip(b" ").decode("ascii")
    return None


@lru_cache(maxsize=256)
def _known(keyword: str) -> tuple[BaseTag, str]:
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword
    return BaseTag(tag), dictionary_VR(tag)
