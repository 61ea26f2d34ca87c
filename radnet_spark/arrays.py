"""NumPy's archives on any file system."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def save_arrays(path: Path, **arrays: NDArray[Any]) -> None:
    """Writes named arrays as `.npz` from first byte to last; `numpy.savez` seeks, which Databricks' volumes refuse."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    path.write_bytes(buffer.getvalue())


def save_compressed(path: Path, **arrays: NDArray[Any]) -> None:
    """The same compressed: for arrays of small integers, which become less than half as large."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    path.write_bytes(buffer.getvalue())
