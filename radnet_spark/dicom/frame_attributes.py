"""Attributes that may differ by frame: functional groups (PS3.3 C.7.6.16) go before the top level of the data set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from radnet_spark.dicom.identity import VALUE_ERRORS
from radnet_spark.dicom.image_values import value_of
from radnet_spark.dicom.windowing import Rescale, VoiLut, Window

_VOI, _TRANSFORMATION = "FrameVOILUTSequence", "PixelValueTransformationSequence"


def number_of_frames(dataset: Dataset) -> int:
    """(0028,0008) *Number of Frames*, at least 1."""
    try:
        return max(1, int(value_of(dataset, "NumberOfFrames") or 1))
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


def voi_lut_of(dataset: Dataset) -> VoiLut | None:
    """The first item of (0028,3010) *VOI LUT Sequence*, which no functional group has.

    Raises:
        ValueError: it is no LUT.
    """
    if not has_items(dataset, "VOILUTSequence"):
        return None
    item = dataset.VOILUTSequence[0]
    (count, first, bits), data = item.LUTDescriptor, item.LUTData
    count = count or 2**16  # C.11.2.1.1
    if isinstance(data, bytes):
        width = 1 if len(data) < 2 * count else 2  # of 8 bits, two entries may share a word
        data = np.frombuffer(data, f"{'<' if dataset.original_encoding[1] else '>'}u{width}")
    return VoiLut(np.asarray(data)[:count], first, bits)


def padding_of(dataset: Dataset, stored: NDArray[np.generic]) -> NDArray[np.bool_] | None:
    """Where (0028,0120) *Pixel Padding Value*, up to (0028,0121) *Pixel Padding Range Limit*, stands.

    PS3.3 C.7.5.1.1.2. Float pixels have attributes of their own. Integers are compared in the representation of the
    pixels: many files say -2000 as the unsigned 63536.

    Args:
        dataset: the header.
        stored: stored values, any shape.

    Returns:
        The same shape; None if the file has no such value.
    """
    kind = {"f4": "Float", "f8": "DoubleFloat"}.get(stored.dtype.str[1:], "")
    value, limit = (_numbers(dataset, f"{kind}PixelPadding{name}") for name in ("Value", "RangeLimit"))
    if not value:
        return None
    bounds = np.array([value[0], (limit or value)[0]])
    if not kind:
        bounds = bounds.astype(np.int64).astype(stored.dtype)
    return (stored >= bounds.min()) & (stored <= bounds.max())


def has_items(dataset: Dataset, keyword: str) -> bool:
    """Whether a sequence of the top level has an item."""
    return bool(value_of(dataset, keyword))


def frames_that_differ(dataset: Dataset) -> int:
    """Frames with an item of their own in (5200,9230) *Per-frame Functional Groups Sequence*; all others are alike."""
    return len(value_of(dataset, "PerFrameFunctionalGroupsSequence") or ())


def _group(dataset: Dataset, frame: int, keyword: str) -> Dataset:
    for groups, index in (("PerFrameFunctionalGroupsSequence", frame), ("SharedFunctionalGroupsSequence", 0)):
        items = value_of(dataset, groups) or ()
        macro = value_of(items[index], keyword) if index < len(items) else None
        if macro:
            return macro[0]  # type: ignore[no-any-return]
    return dataset


def _numbers(dataset: Dataset, keyword: str) -> list[float]:
    value = value_of(dataset, keyword)
    values = [] if value is None or value == "" else value if hasattr(value, "__iter__") else [value]
    try:
        return [float(one) for one in values]
    except VALUE_ERRORS:
        return []
