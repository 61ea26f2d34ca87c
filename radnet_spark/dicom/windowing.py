"""From stored values to 8-bit greys: rescale (PS3.3 C.11.1.1.2) and window (PS3.3 C.11.2.1.2, and the paper's form)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

VoiFunction = Literal["paper", "linear", "linear_exact", "sigmoid"]
_WHITE = 255.0
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
_ESTIMATE_PERCENTILES = (1.0, 99.0)


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
    return round_half_up(greys[..., :3].astype(np.float64) @ _LUMA) if greys.ndim == 3 else greys


def round_half_up(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Numbers in [0, 255] to the nearest grey; exact halves go up, what is no number becomes 0."""
    return np.floor(np.nan_to_num(values) + 0.5).astype(np.uint8)
