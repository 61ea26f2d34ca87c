"""Attributes that may differ by frame: functional groups (PS3.3 C.7.6.16) go before the top level of the data set."""

from __future__ import annotations

from typing import Any

from pydicom.dataset import Dataset

from radnet_spark.dicom.identity import VALUE_ERRORS
from radnet_spark.dicom.windowing import Rescale, Window

_VOI, _TRANSFORMATION = "FrameVOILUTSequence", "PixelValueTransformationSequence"


def number_of_frames(dataset: Dataset) -> int:
    """(0028,0008) *Number of Frames*, at least 1."""
    try:
        return max(1, int(dataset.get("NumberOfFrames") or 1))
    except VALUE_ERRORS:
        return 1


def rescale_of(dataset: Dataset, frame: int) -> Rescale:
    """Slope and intercept of a frame; 1 and 0 where the file has none that is a number."""
    group = _group(dataset, frame, _TRANSFORMATION)
    slope, intercept = _numbers(group, "RescaleSlope"), _numbers(group, "RescaleIntercept")
    return Rescale(slope[0] if slope else 1.0, intercept[0] if intercept else 0.0)


def windows_of(dataset: Dataset, frame: int) -> list[Window]:
    """The frame's windows in the file's order, without those whose width is not above zero."""
    group = _group(dataset, frame, _VOI)
    windows = []
    for centre, width in zip(_numbers(group, "WindowCenter"), _numbers(group, "WindowWidth"), strict=False):
        try:
            windows.append(Window(centre, width))
        except ValueError:
            continue
    return windows


def has_items(dataset: Dataset, frame: int, keyword: str) -> bool:
    """Whether the sequence has an item, for this frame or for all."""
    places = [dataset, _group(dataset, frame, _VOI), _group(dataset, frame, _TRANSFORMATION)]
    return any(bool(_get(place, keyword)) for place in places)


def _group(dataset: Dataset, frame: int, keyword: str) -> Dataset:
    for groups, index in (("PerFrameFunctionalGroupsSequence", frame), ("SharedFunctionalGroupsSequence", 0)):
        items = _get(dataset, groups) or ()
        macro = _get(items[index], keyword) if index < len(items) else None
        if macro:
            return macro[0]  # type: ignore[no-any-return]
    return dataset


def _numbers(dataset: Dataset, keyword: str) -> list[float]:
    value = _get(dataset, keyword)
    values = [] if value is None or value == "" else value if hasattr(value, "__iter__") else [value]
    try:
        return [float(one) for one in values]
    except VALUE_ERRORS:
        return []


def _get(dataset: Dataset, keyword: str) -> Any:
    try:
        return dataset.get(keyword)
    except VALUE_ERRORS:
        return None
