"""Brings an image into a square: longer side N, aspect kept, centred on black."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def fit_square(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """(rows, columns) → (size, size).

    Bilinear; when shrinking, the filter is widened by the factor, which is the antialiasing. Padding is zero; where the
    margin is odd, the larger half is below and on the right.
    """
    rows, columns = image.shape
    longer = max(rows, columns)
    height, width = (max(1, int(size * side / longer + 0.5)) for side in (rows, columns))
    scaled = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
    square = np.zeros((size, size), dtype=np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    square[top : top + height, left : left + width] = np.asarray(scaled)
    return square
