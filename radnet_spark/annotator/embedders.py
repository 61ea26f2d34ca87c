"""One call for each source: what is known of instances in, vectors and a mask of those that have the source out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from radnet_spark.errors import StageError


@dataclass(frozen=True)
class Known:
    """What is known of one instance; None where a source is missing.

    Attributes:
        image: (N, N) uint8, exported as for training.
        tags: keyword → value, as in the table `instances`.
        diagnosis: narrative text.
        error: why nothing at all is known: a reason from the fixed list of files put aside.
    """

    image: NDArray[np.uint8] | None = None
    tags: Mapping[str, str] | None = None
    diagnosis: str | None = None
    error: str | None = None


class Embedder(Protocol):
    """The vectors of one source."""

    def embed(self, known: Sequence[Known]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Gives (n, d) float32, zeros where the source is missing, and (n,) bool: whether it is there."""

    def save(self, folder: Path) -> None:
        """Writes what `load_embedder` reads into an existing folder, and nothing else that lay beside it."""


class ImageSource:
    """Images through a trained encoder."""

    def __init__(self, folder: Path) -> None:
        from radnet_spark.encoders.embedder import ImageEmbedder

        self._embedder = ImageEmbedder.load(folder)

    def embed(self, known: Sequence[Known]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """See `Embedder`; images of another size than the encoder's raise `StageError`."""
        mask = np.array([row.image is not None for row in known], dtype=bool)
        size = self._embedder.description.size
        images = [row.image for row in known if row.image is not None]
        stacked = np.stack(images) if images else np.empty((0, size, size), np.uint8)
        return _scattered(self._embedder.embed(stacked), mask)

    def save(self, folder: Path) -> None:
        """See `Embedder`."""
        self._embedder.save(folder)


class TagSource:
    """Tag maps through imputation, encoding, and the autoencoder or PCA."""

    def __init__(self, folder: Path) -> None:
        from radnet_spark.tags.embedder import TagEmbedder

        self._embedder = TagEmbedder.load(folder)

    def embed(self, known: Sequence[Known]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """See `Embedder`."""
        mask = np.array([row.tags is not None for row in known], dtype=bool)
        return _scattered(self._embedder.embed([row.tags for row in known if row.tags is not None]), mask)

    def save(self, folder: Path) -> None:
        """See `Embedder`."""
        self._embedder.save(folder)


class DiagnosisSource:
    """Diagnoses through stems and paragraph vectors; a text of which no word is known counts as missing."""

    def __init__(self, folder: Path) -> None:
        from radnet_spark.text.embedder import TextEmbedder

        self._embedder = TextEmbedder.load(folder)

    def embed(self, known: Sequence[Known]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """See `Embedder`."""
        vectors, understood = self._embedder.embed([row.diagnosis or "" for row in known])
        return vectors, np.asarray(understood, dtype=bool)

    def save(self, folder: Path) -> None:
        """See `Embedder`."""
        self._embedder.save(folder)


_SOURCES: dict[str, Callable[[Path], Embedder]] = {
    "image": ImageSource, "tags": TagSource, "diagnosis": DiagnosisSource,
}  # fmt: skip


def load_embedder(source: str, folder: Path) -> Embedder:
    """The embedder of a source, from the folder of its fit.

    Raises:
        StageError: there is no such source, or its folder can't be read.
    """
    if source not in _SOURCES:
        raise StageError(f"source {source}: found no embedder for it, expected one of {', '.join(_SOURCES)}")
    return _SOURCES[source](folder)


def _scattered(vectors: NDArray[np.float32], mask: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Puts the vectors of the rows that have the source back at their places."""
    if vectors.shape[0] == 0:
        return np.zeros((len(mask), 0), np.float32), mask
    placed = np.zeros((len(mask), vectors.shape[1]), np.float32)
    placed[mask] = vectors
    return placed, mask
