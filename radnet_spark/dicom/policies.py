"""Which exported images are fit for learning: enough greys, and no stripes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from radnet_spark.dicom.reasons import DropReason


@dataclass(frozen=True)
class ValueLimits:
    """Least bit length of the highest grey, and the share of greys in use that must be exceeded."""

    min_bits: int
    min_distinct_share: float


def value_policy(image: NDArray[np.uint8], limits: ValueLimits) -> DropReason | None:
    """Why the 8-bit image has too few greys, or None.

    With b the bit length of the highest grey: b below `min_bits` is almost black; distinct greys / (2^b − 1) must be
    above `min_distinct_share`.
    """
    used = np.flatnonzero(Image.fromarray(image).histogram())
    bits = int(used[-1]).bit_length()
    if bits < limits.min_bits:
        return DropReason.ALMOST_BLACK
    return None if len(used) / (2**bits - 1) > limits.min_distinct_share else DropReason.FEW_GREYS


def shape_policy(rows: int, columns: int, min_side_ratio: float) -> DropReason | None:
    """Why the image is too narrow (shorter side / longer side below the limit), or None."""
    return None if min(rows, columns) / max(rows, columns) >= min_side_ratio else DropReason.SHAPE
