"""The chosen clustering as plain NumPy: vectors of some or all sources in, label, distance and confidence out.

A folder holds `clustering.json` (what was clustered, the blocks, a description of every cluster) and `centres.npz`
(`centres`: (clusters, sum of dims) float32). Neither Spark nor pickles are needed to read it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radnet_spark.clusters.centres import load_centres, save_centres
from radnet_spark.clusters.fusion import Block, FloatArray, squared_distances
from radnet_spark.errors import StageError

_FILE = "clustering.json"
_CENTRES = "centres"


@dataclass(frozen=True)
class Annotation:
    """Where rows fall.

    Attributes:
        labels: (rows,) int32, the nearest centre, the first of equals.
        distances: (rows,) float64, Euclidean distance to it, rescaled where blocks are missing.
        confidences: (rows,) float64 in [0, 1], margin (d2 − d1) / d2 to the second nearest; 0 if both are 0 or there
            is but one cluster.
        sources: the blocks that were used, in order.
    """

    labels: NDArray[np.int32]
    distances: NDArray[np.float64]
    confidences: NDArray[np.float64]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class FusionCentres:
    """Centres of a clustering over one block (a single source) or several (a fusion).

    Attributes:
        clustering_id: key of the clustering.
        blocks: layout of the clustered vector.
        centres: (clusters, sum of the blocks' dims) float32.
        clusters: one description a cluster, by label: `label, name, modality, body_part, size, purity`.
    """

    clustering_id: str
    blocks: tuple[Block, ...]
    centres: NDArray[np.float32]
    clusters: tuple[Mapping[str, Any], ...] = field(default=())

    def __post_init__(self) -> None:
        """Refuses centres that do not fit the blocks."""
        dims = sum(block.dims for block in self.blocks)
        if self.centres.ndim != 2 or self.centres.shape[1] != dims or not len(self.centres):
            raise StageError(
                f"clustering {self.clustering_id}: found centres of shape {self.centres.shape}, "
                f"expected (clusters, {dims})"
            )

    @classmethod
    def load(cls, folder: str | Path) -> FusionCentres:
        """Reads a folder that `save` wrote.

        Raises:
            StageError: a file is missing or damaged.
        """
        path = Path(folder) / _FILE
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            blocks = blocks_from(data)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StageError(f"{path}: can't be read ({type(error).__name__})") from error
        return cls(data["clustering_id"], blocks, load_centres(str(folder))[_CENTRES], tuple(data["clusters"]))

    def save(self, folder: str | Path) -> None:
        """Writes `clustering.json` and `centres.npz` into an existing folder."""
        data = {
            "clustering_id": self.clustering_id,
            "blocks": [block.as_dict() for block in self.blocks],
            "clusters": [dict(cluster) for cluster in self.clusters],
        }
        (Path(folder) / _FILE).write_text(json.dumps(data, indent=1, ensure_ascii=False), encoding="utf-8")
        save_centres(Path(folder), {_CENTRES: self.centres})

    def annotate(self, vectors: Mapping[str, FloatArray]) -> Annotation:
        """Assigns rows to clusters by the blocks that are there.

        The squared distance over the blocks that are there is divided by their share of the fitted rows' total
        variance (by their share of dimensions if that is 0), so that it stays comparable with that of a complete row.

        Args:
            vectors: source → (rows, dims) embeddings as they are before scaling; sources without a block are ignored.

        Raises:
            StageError: no block is there, or a vector has another length than its block.
        """
        present = [block for block in self.blocks if block.source in vectors]
        if not present:
            raise StageError(f"no source to annotate by: expected one of {', '.join(b.source for b in self.blocks)}")
        squares = sum(self._squares(block, vectors[block.source]) for block in present) / self._share(present)
        distances = np.sqrt(squares)
        labels = distances.argmin(axis=1)
        first = np.take_along_axis(distances, labels[:, None], axis=1)[:, 0]
        return Annotation(labels.astype(np.int32), first, _margin(distances, first), tuple(b.source for b in present))

    def _squares(self, block: Block, vectors: FloatArray) -> NDArray[np.float64]:
        if vectors.ndim != 2 or vectors.shape[1] != block.dims:
            raise StageError(f"{block.source}: found vectors of shape {vectors.shape}, expected (rows, {block.dims})")
        start = sum(b.dims for b in self.blocks[: self.blocks.index(block)])
        return squared_distances(block.apply(vectors), self.centres[:, start : start + block.dims])

    def _share(self, present: Sequence[Block]) -> float:
        share = sum(block.variance_share for block in present)
        if share > 0:
            return min(1.0, share)
        return sum(block.dims for block in present) / self.centres.shape[1]


def blocks_from(data: Mapping[str, Any]) -> tuple[Block, ...]:
    """Reads the `blocks` of `fusion.json` or `clustering.json`."""
    return tuple(Block(**block) for block in data["blocks"])


def _margin(distances: NDArray[np.float64], first: NDArray[np.float64]) -> NDArray[np.float64]:
    if distances.shape[1] < 2:
        return np.zeros(len(distances))
    second = np.partition(distances, 1, axis=1)[:, 1]
    return np.where(second > 0, (second - first) / np.where(second > 0, second, 1), 0.0)
