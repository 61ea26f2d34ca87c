"""The 8-bit export written a second time, as plainly as it can be, from pydicom's arrays and nothing of the product.

It decodes in this process, so it is for files that are known to be harmless.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut, pixel_array
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

WINDOW = ("WindowCenter", "WindowWidth")
MIN_BITS, MIN_SHARE, MIN_SHARE_OF_XA, MIN_SIDES = 7, 0.1, 0.2, 0.1


@dataclass(frozen=True)
class Options:
    size: int = 128
    voi: str = "paper"
    apply_voi_lut: bool = False
    estimate_window: bool = False


def reference(path: Path, options: Options) -> tuple[np.ndarray, int] | str:
    """(image, frame), or the reason why there is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = dataset_of(path)
        keyword = next(
            (name for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData") if name in dataset), ""
        )
        if not keyword or not dataset[keyword].value:
            return "no_pixel_data"
        if not str(dataset.get("Modality") or "").strip():
            return "no_modality"
        if dataset.get("ModalityLUTSequence"):
            return "modality_lut"
        reasons = []
        for frame in range(frames_of(dataset)):
            grey = grey_frame(path, frame, options)
            reason = grey if isinstance(grey, str) else refusal(dataset, grey)
            if not reason:
                return squared(grey, options.size), frame
            if reason == "decode_failed":
                return reason
            reasons.append(reason)
        return reasons[0]


def frames_of(dataset: Dataset) -> int:
    try:
        return int(dataset.get("NumberOfFrames") or 1)
    except ValueError:
        return 1


@lru_cache(maxsize=1)
def dataset_of(path: Path) -> Dataset:
    dataset = dcmread(path, force=True)
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little_endian = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little_endian else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return dataset


@lru_cache(maxsize=4)
def shown_pixels(path: Path, frame: int) -> np.ndarray | str:
    dataset = dataset_of(path)
    try:
        stored = pixel_array(dataset, index=frame)
        return apply_color_lut(stored, dataset) if dataset.PhotometricInterpretation == "PALETTE COLOR" else stored
    except (AttributeError, ValueError, NotImplementedError, RuntimeError, TypeError):
        return "decode_failed"


def grey_frame(path: Path, frame: int, options: Options) -> np.ndarray | str:
    dataset = dataset_of(path)
    windows = [(c, w) for c, w in zip(*(numbers(dataset, frame, n) for n in WINDOW), strict=False) if w > 0]
    lut = bool(dataset.get("VOILUTSequence"))
    if not windows and not options.estimate_window and not (lut and options.apply_voi_lut):
        return "voi_lut" if lut else "no_window"
    shown = shown_pixels(path, frame)
    if isinstance(shown, str):
        return shown
    slope, intercept = ([*numbers(dataset, frame, n), d][0] for n, d in (("RescaleSlope", 1), ("RescaleIntercept", 0)))
    values = shown.astype(float) * slope + intercept
    shares = [windowed(values, centre, width, options.voi) for centre, width in windows]
    if lut and options.apply_voi_lut:
        item = dataset.VOILUTSequence[0]
        count, first, bits = item.LUTDescriptor
        data = np.frombuffer(item.LUTData, "<u2") if isinstance(item.LUTData, bytes) else np.array(item.LUTData)
        steps = np.clip(np.rint(values) - first, 0, (count or 65536) - 1)
        shares.append(data[steps.astype(int)] / (2.0**bits - 1))
    if options.estimate_window:
        kept = values[~padding(dataset, shown)]
        kept = kept[np.isfinite(kept)]
        if len(kept):
            low, high = np.percentile(kept, [1, 99])
            if low == high:
                low, high = kept.min(), kept.max()
            if low < high:
                shares.append(windowed(values, (low + high) / 2, high - low, options.voi))
    for share in shares:
        grey = np.floor(np.nan_to_num(np.clip(share, 0, 1)) * 255 + 0.5)
        if grey.ndim == 3:
            grey = np.floor(0.299 * grey[..., 0] + 0.587 * grey[..., 1] + 0.114 * grey[..., 2] + 0.5)
        if dataset.PhotometricInterpretation == "MONOCHROME1":
            grey = 255 - grey
        if grey.min() < grey.max():
            return grey.astype(np.uint8)
    return "voi_lut" if lut and not options.apply_voi_lut else "single_grey"


def numbers(dataset: Dataset, frame: int, name: str) -> list[float]:
    """Values of an attribute for a frame: its own functional group, else the shared one, else the top level."""
    macro = "FrameVOILUTSequence" if name.startswith("Window") else "PixelValueTransformationSequence"
    each, shared = (dataset.get(f"{kind}FunctionalGroupsSequence") or [] for kind in ("PerFrame", "Shared"))
    for group in (*each[frame : frame + 1], *shared[:1]):
        if group.get(macro):
            dataset = group[macro][0]
            break
    try:
        value = dataset.get(name)
    except ValueError:
        return []
    return [] if value in (None, "") else [float(one) for one in np.atleast_1d(np.array(value, float))]


def windowed(values: np.ndarray, centre: float, width: float, voi: str) -> np.ndarray:
    """Shares of white: the paper's bounds, or PS3.3 C.11.2.1.2.1 and C.11.2.1.3."""
    if voi == "paper":
        return np.interp(values, [centre - width / 2, centre + width / 2], [0, 1])
    if voi == "linear_exact":
        return np.clip((values - centre) / width + 0.5, 0, 1)
    if voi == "sigmoid":
        return 1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -700, 700)))
    if width <= 1:
        return (values > centre - 0.5).astype(float)
    return np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)


def padding(dataset: Dataset, stored: np.ndarray) -> np.ndarray:
    """Integers are compared by their last bits, as they lie in the file."""
    prefix = {"f4": "Float", "f8": "DoubleFloat"}.get(stored.dtype.str[1:], "")
    value = dataset.get(f"{prefix}PixelPaddingValue")
    if value is None:
        return np.zeros(stored.shape, bool)
    limit = dataset.get(f"{prefix}PixelPaddingRangeLimit")
    ends = sorted(float(end) for end in (value, value if limit is None else limit))
    if not prefix and stored.dtype.kind == "i":
        ends = sorted(
            end - 2 ** (8 * stored.itemsize) if end >= 2 ** (8 * stored.itemsize - 1) else end for end in ends
        )
    return (stored >= ends[0]) & (stored <= ends[1])


def refusal(dataset: Dataset, grey: np.ndarray) -> str:
    bits = len(f"{grey.max():b}")
    several = frames_of(dataset) > 1
    if bits < MIN_BITS:
        return "almost_black"
    if len(set(grey.tobytes())) / (2**bits - 1) <= (
        MIN_SHARE_OF_XA if several and dataset.Modality == "XA" else MIN_SHARE
    ):
        return "few_greys"
    return "shape" if min(grey.shape) < MIN_SIDES * max(grey.shape) else ""


def squared(grey: np.ndarray, size: int) -> np.ndarray:
    height, width = (max(1, int(np.floor(side * size / max(grey.shape) + 0.5))) for side in grey.shape)
    scaled = Image.fromarray(grey).resize((width, height), Image.Resampling.BILINEAR)
    canvas = Image.new("L", (size, size))
    canvas.paste(scaled, ((size - width) // 2, (size - height) // 2))
    return np.asarray(canvas)
