"""A header as a map of text, so that nothing later needs the file again but for its pixels."""

from __future__ import annotations

import json
from typing import Any

from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from radnet_spark.dicom.identity import VALUE_ERRORS

_NO_VALUE = frozenset({0x00020000, 0xFFFCFFFC})


def tag_values(dataset: Dataset, keep_private: bool, max_bytes: int) -> dict[str, str]:
    """Every attribute of the top level as text.

    Args:
        dataset: a header, without pixels.
        keep_private: also attributes of odd groups, by their eight hex digits.
        max_bytes: a longer value becomes its VR and its length (`LT 2048`), as binary values always do.

    Returns:
        Keyword (eight hex digits where there is none) → value as in the file, several values joined by a backslash,
        sequences as DICOM JSON (PS3.18 F). A value that can't be read is left out.
    """
    values: dict[str, str] = {}
    for tag in list(dataset.keys()):
        if (tag.is_private and not keep_private) or int(tag) in _NO_VALUE:
            continue
        try:
            values[tag_key(int(tag))] = _text(dataset[tag], max_bytes)
        except VALUE_ERRORS:
            continue
    return values


def tag_key(tag: int) -> str:
    """`PatientAge` for (0010,1010); eight hex digits for repeating groups and unknown tags."""
    group = tag >> 16
    repeating = group >> 8 in (0x50, 0x60)
    return f"{tag:08X}" if repeating else keyword_for_tag(tag) or f"{tag:08X}"


def value_text(value: Any) -> str:
    """One value, or several joined by a backslash, as text."""
    if value is None:
        return ""
    if isinstance(value, MultiValue | list | tuple):
        return "\\".join(value_text(one) for one in value)
    return str(value).rstrip(" \0")


def _text(element: DataElement, max_bytes: int) -> str:
    if isinstance(element.value, bytes):
        return f"{element.VR} {len(element.value)}"
    if element.VR == "SQ":
        text = json.dumps([_json(item) for item in element.value or ()], ensure_ascii=False, separators=(",", ":"))
    elif element.VR == "AT":
        tags = element.value if isinstance(element.value, MultiValue | list) else [element.value]
        text = "\\".join(f"{int(tag):08X}" for tag in tags if tag is not None)
    else:
        text = value_text(element.value)
    length = len(text.encode("utf-8", "replace"))
    return f"{element.VR} {length}" if length > max_bytes else text.encode("utf-8", "replace").decode()


def _json(item: Dataset) -> dict[str, Any]:
    return item.to_json_dict(bulk_data_threshold=1024, bulk_data_element_handler=_no_bulk, suppress_invalid_tags=True)


def _no_bulk(element: DataElement) -> str:
    return ""
