"""Which exported images are fit for learning: enough greys, and no stripes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radnet_spark.dicom.reasons import DropReason

_SAMPLED = 16  # every so many rows


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
    bits = int(image.max()).bit_length()
    if bits < limits.min_bits:
        return DropReason.ALMOST_BLACK
    for rows in (image[::_SAMPLED], image):  # a few rows most often show greys enough
        distinct = np.count_nonzero(np.bincount(rows.ravel(), minlength=256))
        if distinct / (2**bits - 1) > limits.min_distinct_share:
            return None
    return DropReason.FEW_GREYS


def shape_policy(rows: int, columns: int, min_side_ratio: float) -> DropReason | None:
    """Why the image is too narrow (shorter side / longer side below the limit), or None."""
    return None if min(rows, columns) / max(rows, columns) >= min_side_ratio else DropReason.SHAPE
