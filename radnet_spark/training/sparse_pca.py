"""Principal components of a sparse matrix that is never made dense: centring is a subtraction after each product.

Halko, Martinsson, Tropp, "Finding structure with randomness", SIAM Review 53 (2011), algorithms 4.4 and 5.1;
ARPACK (Lehoucq, Sorensen, Yang 1998) by SciPy; LAPACK on the covariance, which is as wide as the matrix on both sides.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh, qr, svd
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import LinearOperator, svds

_OVERSAMPLES, _ITERATIONS = 10, 7  # as scikit-learn's for few components


class Centred:
    """A sparse matrix less its column means.

    Args:
        rows: (n, d) float.
    """

    def __init__(self, rows: csr_matrix) -> None:
        self.rows = rows.astype(np.float64)
        self.turned = self.rows.T.tocsr()
        self.mean = np.asarray(self.rows.mean(axis=0)).ravel()
        self.shape: tuple[int, int] = rows.shape

    def times(self, other: np.ndarray) -> np.ndarray:
        """The product with (d,) or (d, k)."""
        return np.asarray(self.rows @ other - self.mean @ other)

    def turned_times(self, other: np.ndarray) -> np.ndarray:
        """The product of the transposed matrix with (n,) or (n, k)."""
        total = other.sum(axis=0)
        return np.asarray(self.turned @ other - (np.outer(self.mean, total) if other.ndim == 2 else self.mean * total))

    def variance(self) -> float:
        """The sum over columns of the variance times the number of rows."""
        return float(self.rows.multiply(self.rows).sum() - self.shape[0] * (self.mean @ self.mean))


def directions(rows: csr_matrix, components: int, solver: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The strongest directions.

    Args:
        rows: (n, d) float.
        components: k; below min(n, d) for `arpack`.
        solver: `full`, `arpack` or `randomized`.
        seed: of the start.

    Returns:
        (d,) mean; (k, d) unit directions by falling variance, of any sign; (k,) shares of the total variance. float64.
    """
    centred = Centred(rows)
    solve = {"full": _full, "arpack": _arpack, "randomized": _randomized}[solver]
    values, found = solve(centred, components, np.random.default_rng(seed))
    total = centred.variance()
    return centred.mean, found, values**2 / total if total > 0 else np.zeros(components)


def _full(centred: Centred, k: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    width = centred.shape[1]
    squares = np.asarray((centred.turned @ centred.rows).toarray())
    squares -= centred.shape[0] * np.outer(centred.mean, centred.mean)
    values, vectors = eigh(squares, subset_by_index=(width - k, width - 1))
    return np.sqrt(np.maximum(values[::-1], 0.0)), vectors.T[::-1]


def _arpack(centred: Centred, k: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    operator = LinearOperator(
        centred.shape, matvec=centred.times, rmatvec=centred.turned_times, matmat=centred.times,
        rmatmat=centred.turned_times, dtype=np.float64,
    )  # fmt: skip
    start = random.uniform(-1, 1, min(centred.shape))
    _, values, vectors = svds(operator, k=k, v0=start)
    order = np.argsort(-values)
    return values[order], vectors[order]


def _randomized(centred: Centred, k: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    sought = min(k + _OVERSAMPLES, *centred.shape)
    base, _ = qr(centred.times(random.normal(size=(centred.shape[1], sought))), mode="economic")
    for _ in range(_ITERATIONS):
        turned, _ = qr(centred.turned_times(base), mode="economic")
        base, _ = qr(centred.times(turned), mode="economic")
    _, values, vectors = svd(centred.turned_times(base).T, full_matrices=False)
    return values[:k], vectors[:k]
