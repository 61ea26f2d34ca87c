"""A header as a map of text, so that nothing later needs the file again but for its pixels."""

from __future__ import annotations

import json
import math
from functools import lru_cache
from typing import Any, NamedTuple

from pydicom.datadict import dictionary_has_tag, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from radnet_spark.dicom.identity import VALUE_ERRORS

_MOST_BYTES = 4  # of a character in UTF-8


class TagValue(NamedTuple):
    """An attribute's VR and its whole value as text."""

    vr: str
    text: str

    def shortened(self, max_bytes: int) -> str:
        """The text; a longer one becomes its VR and its length (`LT 2048`)."""
        if len(self.text) * _MOST_BYTES <= max_bytes:
            return self.text
        length = len(self.text) if self.text.isascii() else len(self.text.encode())
        return self.text if length <= max_bytes else f"{self.vr} {length}"


_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
NO_VALUE = frozenset({0x00020000, 0xFFFCFFFC})


def tag_values(dataset: Dataset, keep_private: bool) -> dict[str, TagValue]:
    """Every attribute of the top level as text.

    Args:
        dataset: a header, without pixels.
        keep_private: also attributes of odd groups, by their eight hex digits.

    Returns:
        Keyword (eight hex digits where there is none) → value as in the file, several values joined by a backslash,
        sequences as DICOM JSON (PS3.18 F), binary values as VR and length. A value that can't be read is left out.
    """
    values: dict[str, TagValue] = {}
    for tag in list(dataset.keys()):
        if (tag.is_private and not keep_private) or int(tag) in NO_VALUE:
            continue
        try:
            values[tag_key(int(tag))] = tag_value(dataset[tag])
        except VALUE_ERRORS:
            continue
    return values


@lru_cache(maxsize=16384)
def tag_key(tag: int) -> str:
    """`PatientAge` for (0010,1010); eight hex digits for repeating groups and unknown tags."""
    return (dictionary_has_tag(tag) and keyword_for_tag(tag)) or f"{tag:08X}"


def value_text(value: Any) -> str:
    """One value, or several joined by a backslash, as text."""
    if value is None:
        return ""
    if isinstance(value, MultiValue | list | tuple):
        return "\\".join(value_text(one) for one in value)
    return str(value).rstrip(" \0")


def tag_value(element: DataElement) -> TagValue:
    """One attribute as text."""
    if isinstance(element.value, bytes):
        return TagValue(element.VR, f"{element.VR} {len(element.value)}")
    if element.VR == "SQ":
        text = json_text([_json(item) for item in element.value or ()])
    elif element.VR == "AT":
        tags = element.value if isinstance(element.value, MultiValue | list) else [element.value]
        text = "\\".join(f"{int(tag):08X}" for tag in tags if tag is not None)
    else:
        text = value_text(element.value)
    return TagValue(element.VR, text if text.isascii() else text.encode("utf-8", "replace").decode())


def json_text(items: list[dict[str, Any]]) -> str:
    """A sequence as it stands in a table: DICOM JSON without spaces; what is no number of JSON as `"NaN"`, `"inf"`."""
    try:
        return _JSON.encode(items)
    except ValueError:
        return _JSON.encode(_with_words_for_no_numbers(items))


def _with_words_for_no_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_words_for_no_numbers(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_with_words_for_no_numbers(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else str(float(value))
    return value


def _json(item: Dataset) -> dict[str, Any]:
    return item.to_json_dict(bulk_data_threshold=1024, bulk_data_element_handler=_no_bulk, suppress_invalid_tags=True)


def _no_bulk(element: DataElement) -> str:
    return ""
