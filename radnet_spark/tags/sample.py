"""The encoded rows that every cell of a grid reads: sparse, in one file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from radnet_spark.arrays import save_arrays

_FILE = "sample.npz"
_PARTS = ("data", "indices", "indptr")


@dataclass(frozen=True)
class EncodedSample:
    """Filled and encoded rows.

    Attributes:
        train: (n, width) float32 in [0, 1], training part.
        watched: (m, width): validation part, or training rows that stand in for it.
        watched_uids: (m,) str: sop_instance_uid of each; empty where nobody asked for them.
    """

    train: csr_matrix
    watched: csr_matrix
    watched_uids: np.ndarray

    @property
    def width(self) -> int:
        """Values of a row."""
        return int(self.train.shape[1])

    def save(self, folder: Path) -> None:
        """Writes `sample.npz` into an existing folder."""
        both = (("train", self.train), ("watched", self.watched))
        arrays = {f"{name}_{part}": getattr(matrix, part) for name, matrix in both for part in _PARTS}
        save_arrays(folder / _FILE, **arrays, width=np.array(self.width), uids=self.watched_uids.astype("U"))


@lru_cache(maxsize=1)
def load_sample(folder: str) -> EncodedSample:
    """Reads what `save` wrote, once a process for one folder."""
    with np.load(Path(folder) / _FILE, allow_pickle=False) as arrays:
        train, watched = (
            csr_matrix(
                tuple(arrays[f"{name}_{part}"] for part in _PARTS),
                shape=(len(arrays[f"{name}_indptr"]) - 1, int(arrays["width"])),
            )
            for name in ("train", "watched")
        )
        return EncodedSample(train, watched, arrays["uids"])
