"""One DICOM file → one 8-bit image, or the reason why not: the steps of the paper's appendix D, in its order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from radnet_spark.config import Images
from radnet_spark.dicom.frame_attributes import (
    frames_that_differ,
    has_items,
    number_of_frames,
    padding_of,
    rescale_of,
    voi_lut_of,
    windows_of,
)
from radnet_spark.dicom.header import READ_ERRORS, Header, read_header
from radnet_spark.dicom.image_values import value_of
from radnet_spark.dicom.instance import quiet
from radnet_spark.dicom.pixels import DecodeError, DecoderProcess, native_frames, worker_decoder
from radnet_spark.dicom.policies import ValueLimits, shape_policy, value_policy
from radnet_spark.dicom.reasons import DropReason, describe
from radnet_spark.dicom.resize import fit_square
from radnet_spark.dicom.transfer_syntaxes import is_encapsulated
from radnet_spark.dicom.windowing import Rescale, Window, each_value, estimate_window, to_grey

EXPORT_REVISION = 3  # one more whenever the same file and settings give other pixels: then stored images are outdated

FrameReader = Callable[[int, float], NDArray[np.generic]]  # number from 0, seconds that it may take


@dataclass(frozen=True)
class Exported:
    """An image: (size, size) uint8, and the frame (from 0) that it shows."""

    image: NDArray[np.uint8]
    frame: int


@dataclass(frozen=True)
class Dropped:
    """No image."""

    reason: DropReason
    detail: str


def export_image(source: BinaryIO, settings: Images, decoder: DecoderProcess | None = None) -> Exported | Dropped:
    """Takes a DICOM file through all steps; of several frames the first that passes both policies is the image.

    Args:
        source: an open, seekable file.
        settings: the `images` section.
        decoder: for compressed pixels; None: the one of this process.

    Returns:
        The image, or the reason of the first frame.
    """
    with quiet():
        size = source.seek(0, 2)
        source.seek(0)
        header = read_header(source, size)
        if not isinstance(header, Header):
            return Dropped(DropReason.FILE_CHANGED, f"now {header.reason}: {header.detail}")
        return export_pixels(header, source, settings, decoder)


def export_pixels(
    header: Header, source: BinaryIO, settings: Images, decoder: DecoderProcess | None = None
) -> Exported | Dropped:
    """The same for a file whose header has been read; inside `quiet()`."""
    try:
        refused = _refused_by_header(header, settings)
        if refused:
            return refused
        return _first_good_frame(header, lambda: _frame_reader(header, source, settings, decoder), settings)
    except DecodeError as error:
        return Dropped(error.reason, error.detail)
    except MemoryError as error:
        return Dropped(DropReason.TOO_LARGE, describe(error))
    except (*READ_ERRORS, RuntimeError) as error:
        return Dropped(DropReason.DECODE_FAILED, describe(error))


def _refused_by_header(header: Header, settings: Images) -> Dropped | None:
    dataset = header.image
    if header.pixels is None or header.pixels.length == 0:
        return Dropped(DropReason.NO_PIXEL_DATA, "(7FE0,0010) Pixel Data is missing or empty")
    if not str(value_of(dataset, "Modality") or "").strip():
        return Dropped(DropReason.NO_MODALITY, "(0008,0060) Modality is missing or empty")
    if has_items(dataset, "ModalityLUTSequence"):
        return Dropped(DropReason.MODALITY_LUT, "(0028,3000) Modality LUT Sequence is not linear")
    values = _side(dataset, "Rows") * _side(dataset, "Columns") * max(1, _side(dataset, "SamplesPerPixel"))
    if values > settings.max_pixels:
        return Dropped(DropReason.TOO_LARGE, f"{values} values a frame, expected at most {settings.max_pixels}")
    return None


def _frame_reader(header: Header, source: BinaryIO, settings: Images, decoder: DecoderProcess | None) -> FrameReader:
    """Native pixels are read here; compressed ones leave this process as they are."""
    syntax = header.transfer_syntax_uid
    if not is_encapsulated(syntax):
        native = native_frames(header, source)
        return lambda frame, _seconds: native(frame)
    source.seek(0)
    file, child = source.read(), decoder or worker_decoder(settings.decode_memory_mib * 2**20)
    return lambda frame, seconds: child.decode(file, syntax, frame, seconds)


def _first_good_frame(header: Header, reader: Callable[[], FrameReader], settings: Images) -> Exported | Dropped:
    """The header's verdict on a frame comes before any pixel is read; all frames have to share one span of time."""
    dataset, read, first = header.image, None, None
    deadline = time.monotonic() + settings.decode_timeout_seconds
    for frame in range(number_of_frames(dataset)):
        refused = _without_window(dataset, frame, settings)
        if refused is None:
            read = read or reader()
            left = deadline - time.monotonic()
            if left <= 0:
                seconds = f"{settings.decode_timeout_seconds:g} s"
                return Dropped(DropReason.TIMEOUT, f"none of the first {frame} frames passes, after {seconds}")
            grey, refused = _grey_frame(dataset, frame, read(frame, left), settings)
            if grey is not None:
                return Exported(fit_square(grey, settings.size), frame)
        first = first or refused
        if read is None and frame >= frames_that_differ(dataset):
            break  # all others are refused for the same reason
    assert first
    return first


def _without_window(dataset: Dataset, frame: int, settings: Images) -> Dropped | None:
    lut = has_items(dataset, "VOILUTSequence")
    if settings.estimate_window or (lut and settings.apply_voi_lut) or windows_of(dataset, frame):
        return None
    if lut:
        return Dropped(DropReason.VOI_LUT, "(0028,3010) VOI LUT Sequence and no window")
    return Dropped(DropReason.NO_WINDOW, "no (0028,1050) Window Center with a width above 0")


def _grey_frame(
    dataset: Dataset, frame: int, stored: NDArray[np.generic], settings: Images
) -> tuple[NDArray[np.uint8], None] | tuple[None, Dropped]:
    """One frame in its own size, or why it is refused."""
    for grey in _candidates(dataset, frame, stored, settings):
        if grey.min() != grey.max():
            refused = _refused_by_policy(dataset, grey, settings)
            return (None, refused) if refused else (grey, None)
    lut = has_items(dataset, "VOILUTSequence") and not settings.apply_voi_lut
    reason = DropReason.VOI_LUT if lut else DropReason.SINGLE_GREY
    return None, Dropped(reason, f"{len(windows_of(dataset, frame))} windows, all give a single grey")


def _candidates(
    dataset: Dataset, frame: int, stored: NDArray[np.generic], settings: Images
) -> Iterator[NDArray[np.uint8]]:
    """The frame in 8 bit by each window in turn, then by the VOI LUT and by an estimate if the settings say so."""
    rescale = rescale_of(dataset, frame)

    def shown(grey_of: Callable[[NDArray[np.float64]], NDArray[np.uint8]]) -> NDArray[np.uint8]:
        return _shown(dataset, each_value(stored, lambda values: grey_of(rescale.apply(values))))

    for window in windows_of(dataset, frame):
        yield shown(partial(window.apply, voi=settings.voi))
    lut = voi_lut_of(dataset) if settings.apply_voi_lut else None
    if lut:
        yield shown(lut.apply)
    estimate = _estimate(dataset, stored, rescale) if settings.estimate_window else None
    if estimate:
        yield shown(partial(estimate.apply, voi=settings.voi))


def _estimate(dataset: Dataset, stored: NDArray[np.generic], rescale: Rescale) -> Window | None:
    padding = padding_of(dataset, stored)
    return estimate_window(rescale.apply(stored if padding is None else stored[~padding]))


def _shown(dataset: Dataset, greys: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Air dark (MONOCHROME1 inverted), colour as luma."""
    inverted, grey = value_of(dataset, "PhotometricInterpretation") == "MONOCHROME1", to_grey(greys)
    return np.subtract(255, grey, dtype=np.uint8) if inverted else grey


def _refused_by_policy(dataset: Dataset, grey: NDArray[np.uint8], settings: Images) -> Dropped | None:
    policy = settings.value_policy
    share = policy.min_distinct_share
    if number_of_frames(dataset) > 1:
        share = policy.min_distinct_share_multiframe.get(str(value_of(dataset, "Modality")), share)
    reason = value_policy(grey, ValueLimits(policy.min_bits, share))
    reason = reason or shape_policy(grey.shape[0], grey.shape[1], settings.min_side_ratio)
    return Dropped(reason, f"{grey.shape[0]} x {grey.shape[1]}") if reason else None


def _side(dataset: Dataset, keyword: str) -> int:
    return int(value_of(dataset, keyword) or 0)
