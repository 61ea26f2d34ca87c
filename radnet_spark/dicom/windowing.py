"""From stored values to 8-bit greys: rescale (PS3.3 C.11.1.1.2), then a window or a VOI LUT.

Windows are those of C.11.2.1.2 and C.11.2.1.3 and the paper's form, the LUT that of C.11.2.1.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

VoiFunction = Literal["paper", "linear", "linear_exact", "sigmoid"]
_WHITE = 255.0
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
_ESTIMATE_PERCENTILES = (1.0, 99.0)
_TABLE = 2**16  # most different integers that are looked up in a table
_BLOCK = 2**18  # values that are worked on at once: each takes several numbers of 8 bytes


@dataclass(frozen=True)
class Rescale:
    """(0028,1053) *Rescale Slope* and (0028,1052) *Rescale Intercept*; 1 and 0 where the file has none."""

    slope: float = 1.0
    intercept: float = 0.0

    def apply(self, stored: NDArray[np.generic]) -> NDArray[np.float64]:
        """Stored values → output units, same shape."""
        return stored.astype(np.float64) * self.slope + self.intercept


@dataclass(frozen=True)
class Window:
    """(0028,1050) *Window Center* and (0028,1051) *Window Width*, in output units.

    Raises:
        ValueError: the width is not above zero, or one of the two is no finite number.
    """

    centre: float
    width: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.centre) and math.isfinite(self.width) and self.width > 0):
            raise ValueError(f"a window needs a finite centre and a width above 0, found {self.centre}, {self.width}")

    def apply(self, values: NDArray[np.float64], voi: VoiFunction = "paper") -> NDArray[np.uint8]:
        """Values in output units → greys 0 to 255, rounded half up, same shape."""
        return round_half_up(_WHITE * np.clip(self._share(values, voi), 0.0, 1.0))

    def _share(self, values: NDArray[np.float64], voi: VoiFunction) -> NDArray[np.float64]:
        if voi == "paper":  # bounds C ∓ W/2
            return (values - (self.centre - self.width / 2)) / self.width
        if voi == "linear_exact":  # C.11.2.1.3.2
            return (values - self.centre) / self.width + 0.5
        if voi == "sigmoid":  # C.11.2.1.3.1
            with np.errstate(over="ignore"):
                return 1.0 / (1.0 + np.exp(-4.0 * (values - self.centre) / self.width))
        if self.width <= 1:  # C.11.2.1.2.1: a width of 1 is a step at C − 0.5; a smaller one is not allowed
            return np.where(values > self.centre - 0.5, 1.0, 0.0)
        return (values - (self.centre - 0.5)) / (self.width - 1) + 0.5


@dataclass(frozen=True)
class VoiLut:
    """An item of (0028,3010) *VOI LUT Sequence*: the grey of each value from `first` on, in `bits` bits.

    Raises:
        ValueError: it has no entries, or they have no bits.
    """

    entries: NDArray[np.integer]
    first: int
    bits: int

    def __post_init__(self) -> None:
        if not self.entries.size or self.bits < 1:
            raise ValueError(f"a VOI LUT needs entries, found {self.entries.size} of {self.bits} bits")

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Values in output units, rounded → greys 0 to 255, same shape; beyond an end, that end's entry."""
        places = np.clip(np.floor(np.nan_to_num(values) + 0.5) - self.first, 0, self.entries.size - 1)
        greys = round_half_up(_WHITE * np.clip(self.entries / (2.0**self.bits - 1), 0.0, 1.0))
        return greys[places.astype(np.int64)]


def each_value(
    stored: NDArray[np.generic], grey_of: Callable[[NDArray[np.generic]], NDArray[np.uint8]]
) -> NDArray[np.uint8]:
    """`grey_of(stored)` for a function of each value alone, in less time and memory.

    Integers within a range of 65536 go through a table of all values of the range, others block by block.
    """
    flat = stored.reshape(-1)
    if stored.dtype.kind in "iu" and stored.size:
        low, high = int(stored.min()), int(stored.max())
        if high - low < _TABLE:
            table = np.zeros(_TABLE, dtype=np.uint8)
            values: NDArray[Any] = np.arange(high - low + 1).astype(stored.dtype.newbyteorder("="))
            values += values.dtype.type(low)  # wraps round where it must
            table[_places(values)] = grey_of(values)
            return _in_blocks(flat, lambda block: np.take(table, _places(block))).reshape(stored.shape)
    return _in_blocks(flat, grey_of).reshape(stored.shape)


def estimate_window(values: NDArray[np.float64]) -> Window | None:
    """A window over the middle 98 % of the values; None where they are all alike. Padding must be left out before."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return None
    low, high = np.percentile(finite, _ESTIMATE_PERCENTILES)
    if high <= low:
        low, high = finite.min(), finite.max()
    return Window((low + high) / 2, high - low) if high > low else None


def to_grey(greys: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(rows, columns, 3) colour → (rows, columns) luma by Rec. 601, rounded half up; grey images pass unchanged."""
    if greys.ndim == 2:
        return greys
    pixels = greys.reshape(-1, greys.shape[2])[:, :3]
    return _in_blocks(pixels, lambda block: round_half_up(block.astype(np.float64) @ _LUMA)).reshape(greys.shape[:2])


def round_half_up(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Numbers in [0, 255] to the nearest grey; exact halves go up, what is no number becomes 0."""
    return np.floor(np.nan_to_num(values) + 0.5).astype(np.uint8)


def _places(values: NDArray[Any]) -> NDArray[np.uint16]:
    """The last 16 bits, which tell apart what lies within a range of 65536."""
    native = values.astype(values.dtype.newbyteorder("="), copy=False)
    if native.itemsize == 1:
        return native.astype(np.int16).view(np.uint16)
    if native.itemsize == 2:
        return native.view(np.uint16)
    return native.astype(np.uint16)


def _in_blocks(
    items: NDArray[np.generic], grey_of: Callable[[NDArray[np.generic]], NDArray[np.uint8]]
) -> NDArray[np.uint8]:
    """`grey_of(items)`, one grey an item, without large temporary arrays."""
    greys = np.empty(len(items), dtype=np.uint8)
    for start in range(0, len(items), _BLOCK):
        greys[start : start + _BLOCK] = grey_of(items[start : start + _BLOCK])
    return greys
