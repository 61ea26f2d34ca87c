"""The bytes of the table `images` as arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from radnet_spark.errors import StageError


def decode_images(values: Sequence[bytes], size: int) -> np.ndarray:
    """Row-major 8-bit images of the table `images` → (n, size, size) uint8.

    Raises:
        StageError: an image has another number of bytes.
    """
    wrong = next((len(value) for value in values if len(value) != size * size), None)
    if wrong is not None:
        raise StageError(f"images: found one of {wrong} bytes, expected {size} x {size}; run `radnet images` again")
    return np.frombuffer(b"".join(values), np.uint8).reshape(-1, size, size)
