"""Principal components: fitted by scikit-learn on a bounded sample, applied by NumPy (paper, sections 2.2.1 and 2.2.2).

Jolliffe, Principal Component Analysis, 2002. Centred, not whitened.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from scipy.sparse import csr_matrix

from radnet_spark.arrays import save_arrays
from radnet_spark.errors import StageError

Solver = Literal["full", "arpack", "randomized"]


@dataclass(frozen=True)
class Projection:
    """A fitted PCA.

    Attributes:
        mean: (d,) float32.
        components: (k, d) float32, unit rows, by falling variance; each row's entry of greatest magnitude is positive.
        explained_ratio: (k,) float32, share of the sample's variance.
    """

    mean: np.ndarray
    components: np.ndarray
    explained_ratio: np.ndarray

    def apply(self, rows: np.ndarray) -> np.ndarray:
        """(n, d) float → (n, k) float32.

        Raises:
            StageError: the rows have another length than those it was fitted on.
        """
        if rows.ndim != 2 or rows.shape[1] != len(self.mean):
            raise StageError(f"PCA: found rows of shape {rows.shape}, expected (n, {len(self.mean)})")
        return (rows.astype(np.float32, copy=False) - self.mean) @ self.components.T

    def save(self, path: Path) -> None:
        """Writes the arrays as `.npz`."""
        save_arrays(path, mean=self.mean, components=self.components, explained_ratio=self.explained_ratio)

    def restore(self, vectors: np.ndarray) -> np.ndarray:
        """(n, k) → (n, d) float32: the rows nearest to these vectors."""
        return vectors.astype(np.float32, copy=False) @ self.components + self.mean

    @classmethod
    def load(cls, path: Path) -> Projection:
        """Reads what `save` wrote."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(arrays["mean"], arrays["components"], arrays["explained_ratio"])


def possible_components(rows: int, dimension: int) -> int:
    """How many components a sample allows: centred rows span one dimension less than they are."""
    return min(rows - 1, dimension)


def fit_pca(rows: np.ndarray | csr_matrix, components: int, solver: Solver, seed: int) -> Projection:
    """Fits a PCA.

    Args:
        rows: (n, d) float32, the sample; a sparse one is never made dense.
        components: k, from 1; clipped to what the sample allows (ARPACK finds one less than a full decomposition).
        solver: LAPACK (`full`), `arpack` or `randomized`.
        seed: of the iterative solvers' start.

    Raises:
        StageError: fewer than two rows (three for ARPACK, which also needs two columns).
    """
    most = possible_components(*rows.shape)
    if solver == "arpack":
        most = min(most, min(rows.shape) - 1)
    kept = min(components, most)
    if kept < 1:
        raise StageError(f"PCA: found {rows.shape[0]} rows of {rows.shape[1]} values, too few for one component")
    if isinstance(rows, csr_matrix):
        from radnet_spark.training.sparse_pca import directions as of_sparse

        mean, found, ratio = of_sparse(rows, kept, solver, seed)
    else:
        from sklearn.decomposition import PCA  # only fitting needs it; the annotator applies

        fitted = PCA(kept, svd_solver=solver, random_state=seed).fit(rows)
        mean, found, ratio = fitted.mean_, fitted.components_, fitted.explained_variance_ratio_
    strongest = np.abs(found).argmax(axis=1)
    turned = found * np.sign(found[np.arange(kept), strongest])[:, None]
    return Projection(*(array.astype(np.float32) for array in (mean, turned, ratio)))
