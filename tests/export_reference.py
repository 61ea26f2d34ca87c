"""The 8-bit export written a second time, as plainly as it can be, from pydicom's arrays and nothing of the product.

Palettes are taken from the text of PS3.3 C.7.6.3.1.5, C.7.6.3.1.6 and C.7.9.2, and shrinking from the definition of a
triangle filter; neither pydicom's palettes nor Pillow, which the product has, take part. It decodes in this process,
so it is for files that are known to be harmless.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels import pixel_array
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
        return coloured(dataset, stored) if dataset.PhotometricInterpretation == "PALETTE COLOR" else stored
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


def coloured(dataset: Dataset, indices: np.ndarray) -> np.ndarray:
    """C.7.6.3.1.5: values below the first mapped one take the first entry, those above the last one the last."""
    count, first, bits = dataset.RedPaletteColorLookupTableDescriptor
    places = np.clip(indices.astype(int) - first, 0, (count or 2**16) - 1)
    return np.stack([palette(dataset, name, count or 2**16, bits)[places] for name in ("Red", "Green", "Blue")], -1)


def palette(dataset: Dataset, colour: str, count: int, bits: int) -> np.ndarray:
    """C.7.6.3.1.6: words in the order of the file; entries of 8 bits may lie two in a word, the lower byte first."""
    little_endian = dataset.original_encoding[1]
    segmented = f"Segmented{colour}PaletteColorLookupTableData"
    data = dataset.get(segmented) or dataset[f"{colour}PaletteColorLookupTableData"].value
    words = np.frombuffer(data, "<u2" if little_endian else ">u2").astype(int)
    pairs = np.stack([words % 256, words // 256], -1).ravel()
    if segmented in dataset:
        return np.array(expanded(list(pairs if bits == 8 else words)))
    return pairs[:count] if len(data) < 2 * count else words


def expanded(segments: list[int]) -> list[int]:
    """C.7.9.2: discrete (0) and linear (1) segments; indirect ones (2) are in no file that we have."""
    entries: list[int] = []
    while len(segments) > 1:
        kind, length, *rest = segments
        if kind == 0:
            entries, segments = entries + rest[:length], rest[length:]
        elif kind == 1:
            steps = np.arange(1, length + 1) / length
            entries, segments = (
                entries + [round(entries[-1] + (rest[0] - entries[-1]) * step) for step in steps],
                rest[1:],
            )
        else:
            raise NotImplementedError("an indirect segment")
    return entries


def squared(grey: np.ndarray, size: int) -> np.ndarray:
    height, width = (max(1, int(np.floor(side * size / max(grey.shape) + 0.5))) for side in grey.shape)
    scaled = shares(grey.shape[0], height) @ grey.astype(float) @ shares(grey.shape[1], width).T
    square = np.zeros((size, size), np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    square[top : top + height, left : left + width] = np.floor(scaled + 0.5)
    return square


def shares(old: int, new: int) -> np.ndarray:
    """(new, old): how much each old pixel gives to each new one, by a triangle as wide as two new (or old) pixels."""
    step = old / new
    distance = np.abs((np.arange(new)[:, None] + 0.5) * step - (np.arange(old) + 0.5))
    weights = np.maximum(0, 1 - distance / max(step, 1))
    return weights / weights.sum(1, keepdims=True)
