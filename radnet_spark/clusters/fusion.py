"""One vector of several: the fusion `embeddings` of the RadiologyNET paper, on arrays.

It puts the sources' vectors side by side (arXiv 2308.08517, fusion of sources). The scalings of blocks are our own
choice; the paper's raw concatenation is the default.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK_ORDER = ("diagnosis", "tags", "image")
FloatArray = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Block:
    """One source's place in a fused vector.

    Attributes:
        source: `diagnosis`, `tags`, `image`, or what else was embedded.
        model: the embedding's name.
        dims: length of the source's vector.
        unit_length: whether each vector is divided by its length first (a zero vector stays zero).
        scale: factor of the whole block, applied after that.
        variance_share: share of the fused vector's total variance on the fitted rows, in [0, 1]; 0 where none varies.
    """

    source: str
    model: str
    dims: int
    unit_length: bool = False
    scale: float = 1.0
    variance_share: float = 1.0

    def apply(self, vectors: FloatArray) -> FloatArray:
        """Scales (rows, dims) vectors of the source; float32."""
        scaled = np.asarray(vectors, dtype=np.float32)
        if self.unit_length:
            scaled = unit_rows(scaled)
        return (scaled * np.float32(self.scale)).astype(np.float32, copy=False)

    def as_dict(self) -> dict[str, Any]:
        """The block as plain data for JSON; `Block(**data)` reads it."""
        return asdict(self)


def fit_blocks(
    models: Sequence[tuple[str, str]],
    dims: Sequence[int],
    variances: Sequence[float],
    scaling: str,
) -> tuple[Block, ...]:
    """Settles the blocks of a fused vector.

    Args:
        models: (source, model) of each block, in order.
        dims: length of each block.
        variances: total variance (sum over dimensions) of each block on the fitted rows; for `l2` of the unit vectors.
        scaling: `raw`, `unit_variance` (total variance of each block becomes 1) or `l2` (each vector gets length 1).
    """
    scales = [1 / np.sqrt(v) if scaling == "unit_variance" and v > 0 else 1.0 for v in variances]
    scaled = [v * scale**2 for v, scale in zip(variances, scales, strict=True)]
    total = sum(scaled)
    return tuple(
        Block(
            source,
            model,
            size,
            scaling == "l2",
            float(scale),
            float(v / total) if total > 0 else 0.0,
        )
        for (source, model), size, scale, v in zip(models, dims, scales, scaled, strict=True)
    )


def concatenate(blocks: Sequence[Block], vectors: Mapping[str, FloatArray]) -> FloatArray:
    """Puts the scaled vectors of all blocks side by side.

    Args:
        blocks: the plan, in order.
        vectors: source → (rows, dims of its block).

    Returns:
        (rows, sum of dims) float32.
    """
    return np.concatenate([block.apply(vectors[block.source]) for block in blocks], axis=1)


def unit_rows(vectors: FloatArray) -> FloatArray:
    """Divides each row by its Euclidean length; zero rows stay zero. Keeps the dtype."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def squared_distances(vectors: FloatArray, centres: FloatArray) -> NDArray[np.float64]:
    """Gives (rows, centres) squared Euclidean distances in float64, never negative."""
    x, c = np.asarray(vectors, dtype=np.float64), np.asarray(centres, dtype=np.float64)
    squares = np.einsum("ij,ij->i", x, x)[:, None] + np.einsum("ij,ij->i", c, c)[None, :] - 2 * (x @ c.T)
    return np.maximum(squares, 0.0)
