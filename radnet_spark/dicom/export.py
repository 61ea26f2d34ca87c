"""One DICOM file → one 8-bit image, or the reason why not: the steps of the paper's appendix D, in its order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels import apply_voi_lut
from pydicom.uid import UID

from radnet_spark.config import Images
from radnet_spark.dicom.frame_attributes import has_items, number_of_frames, rescale_of, windows_of
from radnet_spark.dicom.header import READ_ERRORS, Header, read_header
from radnet_spark.dicom.instance import quiet
from radnet_spark.dicom.pixels import DecodeError, DecoderProcess, decode_frame, worker_decoder
from radnet_spark.dicom.policies import ValueLimits, shape_policy, value_policy
from radnet_spark.dicom.reasons import DropReason, describe
from radnet_spark.dicom.resize import fit_square
from radnet_spark.dicom.transfer_syntaxes import is_encapsulated
from radnet_spark.dicom.windowing import estimate_window, round_half_up, to_grey

EXPORT_REVISION = 1  # one more whenever the same file and settings give other pixels: then stored images are outdated

FrameReader = Callable[[int], NDArray[np.generic]]


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
        source.seek(0)
        return _first_good_frame(header, _frame_reader(header, source, settings, decoder), settings)
    except DecodeError as error:
        return Dropped(error.reason, error.detail)
    except MemoryError as error:
        return Dropped(DropReason.TOO_LARGE, describe(error))
    except (*READ_ERRORS, RuntimeError) as error:
        return Dropped(DropReason.DECODE_FAILED, describe(error))


def _refused_by_header(header: Header, settings: Images) -> Dropped | None:
    dataset = header.dataset
    if header.pixels is None or header.pixels.length == 0:
        return Dropped(DropReason.NO_PIXEL_DATA, "(7FE0,0010) Pixel Data is missing or empty")
    if not str(dataset.get("Modality") or "").strip():
        return Dropped(DropReason.NO_MODALITY, "(0008,0060) Modality is missing or empty")
    if has_items(dataset, 0, "ModalityLUTSequence"):
        return Dropped(DropReason.MODALITY_LUT, "(0028,3000) Modality LUT Sequence is not linear")
    values = _side(dataset, "Rows") * _side(dataset, "Columns") * max(1, _side(dataset, "SamplesPerPixel"))
    if values > settings.max_pixels:
        return Dropped(DropReason.TOO_LARGE, f"{values} values a frame, expected at most {settings.max_pixels}")
    return None


def _frame_reader(header: Header, source: BinaryIO, settings: Images, decoder: DecoderProcess | None) -> FrameReader:
    """Native pixels are read once, here; compressed ones leave this process as they are."""
    syntax = header.transfer_syntax_uid
    if is_encapsulated(syntax):
        file, child = source.read(), decoder or worker_decoder(settings.decode_memory_mib * 2**20)
        return lambda frame: child.decode(file, syntax, frame, settings.decode_timeout_seconds)
    whole = dcmread(source, force=True)
    whole.file_meta.TransferSyntaxUID = UID(syntax)
    return lambda frame: decode_frame(whole, frame)


def _first_good_frame(header: Header, read: FrameReader, settings: Images) -> Exported | Dropped:
    first: Dropped | None = None
    for frame in range(number_of_frames(header.dataset)):
        grey, refused = _grey_frame(header.dataset, frame, read, settings)
        if grey is not None and refused is None:
            return Exported(fit_square(grey, settings.size), frame)
        first = first or refused
    return first or Dropped(DropReason.NO_PIXEL_DATA, "no frame")


def _grey_frame(
    dataset: Dataset, frame: int, read: FrameReader, settings: Images
) -> tuple[NDArray[np.uint8] | None, Dropped | None]:
    """One frame in its own size, and why it is refused, if it is."""
    lut = has_items(dataset, frame, "VOILUTSequence")
    windows = windows_of(dataset, frame)
    if not windows and not settings.estimate_window and not (lut and settings.apply_voi_lut):
        if lut:
            return None, Dropped(DropReason.VOI_LUT, "(0028,3010) VOI LUT Sequence and no window")
        return None, Dropped(DropReason.NO_WINDOW, "no (0028,1050) Window Center with a width above 0")
    stored = read(frame)
    for grey in _candidates(dataset, frame, stored, settings):
        if grey.min() != grey.max():
            return grey, _refused_by_policy(dataset, grey, settings)
    reason = DropReason.VOI_LUT if lut and not settings.apply_voi_lut else DropReason.SINGLE_GREY
    return None, Dropped(reason, f"{len(windows)} windows, all give a single grey")


def _candidates(
    dataset: Dataset, frame: int, stored: NDArray[np.generic], settings: Images
) -> Iterator[NDArray[np.uint8]]:
    """The frame in 8 bit by each window in turn, then by the VOI LUT and by an estimate if the settings say so."""
    values = rescale_of(dataset, frame).apply(stored)
    for window in windows_of(dataset, frame):
        yield _shown(dataset, window.apply(values, settings.voi))
    if settings.apply_voi_lut and has_items(dataset, frame, "VOILUTSequence"):
        output_bits = int(dataset.VOILUTSequence[0].LUTDescriptor[2])
        looked_up = apply_voi_lut(stored, dataset, prefer_lut=True).astype(np.float64)
        yield _shown(dataset, round_half_up(255.0 * np.clip(looked_up / (2**output_bits - 1), 0, 1)))
    if settings.estimate_window:
        estimate = estimate_window(values[~_padding(dataset, stored)])
        if estimate:
            yield _shown(dataset, estimate.apply(values, settings.voi))


def _shown(dataset: Dataset, greys: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Air dark (MONOCHROME1 inverted), colour as luma."""
    grey = to_grey(greys)
    return np.subtract(255, grey, dtype=np.uint8) if dataset.get("PhotometricInterpretation") == "MONOCHROME1" else grey


def _padding(dataset: Dataset, stored: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Where (0028,0120) *Pixel Padding Value*, up to (0028,0121) *Pixel Padding Range Limit*, stands."""
    low = dataset.get("PixelPaddingValue")
    if low is None:
        return np.zeros(stored.shape, dtype=bool)
    high = dataset.get("PixelPaddingRangeLimit")
    bounds = sorted((float(low), float(low if high is None else high)))
    values = stored.astype(np.float64)
    return (values >= bounds[0]) & (values <= bounds[1])


def _refused_by_policy(dataset: Dataset, grey: NDArray[np.uint8], settings: Images) -> Dropped | None:
    policy = settings.value_policy
    share = policy.min_distinct_share
    if number_of_frames(dataset) > 1:
        share = policy.min_distinct_share_multiframe.get(str(dataset.get("Modality")), share)
    reason = value_policy(grey, ValueLimits(policy.min_bits, share))
    reason = reason or shape_policy(grey.shape[0], grey.shape[1], settings.min_side_ratio)
    return Dropped(reason, f"{grey.shape[0]} x {grey.shape[1]}") if reason else None


def _side(dataset: Dataset, keyword: str) -> int:
    return int(dataset.get(keyword) or 0)
