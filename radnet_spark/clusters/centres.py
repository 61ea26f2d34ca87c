"""Centres of several clusterings in one file, and the nearest of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radnet_spark.arrays import save_arrays
from radnet_spark.clusters.fusion import FloatArray, squared_distances
from radnet_spark.errors import StageError

CENTRES_FILE = "centres.npz"


def save_centres(folder: Path, centres: Mapping[str, NDArray[np.float32]]) -> None:
    """Writes `centres.npz`: clustering_id → (clusters, dims) float32."""
    save_arrays(folder / CENTRES_FILE, **{key: value.astype(np.float32) for key, value in centres.items()})


@lru_cache(maxsize=8)
def load_centres(folder: str) -> dict[str, NDArray[np.float32]]:
    """Reads `centres.npz` of a fit's folder, once a process.

    Raises:
        StageError: the file can't be read.
    """
    path = Path(folder) / CENTRES_FILE
    try:
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except (OSError, ValueError) as error:
        raise StageError(f"{path}: centres can't be read ({type(error).__name__})") from error


def nearest(vectors: FloatArray, centres: FloatArray) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Gives each row's nearest centre (the first of equals) and the Euclidean distance to it.

    Args:
        vectors: (rows, dims).
        centres: (clusters, dims).
    """
    squares = squared_distances(vectors, centres)
    labels = squares.argmin(axis=1)
    exact = np.asarray(vectors, dtype=np.float64) - np.asarray(centres, dtype=np.float64)[labels]
    return labels.astype(np.int32), np.sqrt(np.einsum("ij,ij->i", exact, exact))
