"""Images → vectors, from a folder that needs nothing beside it; plain torch, for executors and the annotator."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch

from radnet_spark.encoders.registry import build_encoder
from radnet_spark.errors import StageError
from radnet_spark.training.pca import Projection

_DESCRIPTION, _WEIGHTS, _PROJECTION = "encoder.json", "encoder.safetensors", "pca.npz"


@dataclass(frozen=True)
class EncoderDescription:
    """What is needed to build a network again.

    Attributes:
        name: as in `registry.build_encoder`.
        size: side of its images in pixels.
        shape: its own arguments.
    """

    name: str
    size: int
    shape: dict[str, Any]


class ImageEmbedder:
    """A trained encoder, and the PCA behind it if there is one.

    Args:
        description: the network.
        encoder: its encoder, with weights.
        projection: None: the flattened code is the embedding.
        batch_size: images that go through the network at once.
    """

    def __init__(
        self,
        description: EncoderDescription,
        encoder: torch.nn.Module,
        projection: Projection | None,
        batch_size: int = 64,
    ) -> None:
        self.description, self.projection = description, projection
        self._encoder, self._batch_size = encoder.eval(), batch_size

    @classmethod
    def load(cls, folder: str | Path, batch_size: int = 64) -> ImageEmbedder:
        """Reads `encoder.json`, `encoder.safetensors` and, where there is one, `pca.npz`.

        Raises:
            StageError: the folder holds no encoder.
        """
        folder = Path(folder)
        try:
            plain = json.loads((folder / _DESCRIPTION).read_text(encoding="utf-8"))
            weights = safetensors.torch.load_file(folder / _WEIGHTS)
        except (OSError, json.JSONDecodeError, safetensors.SafetensorError) as error:
            raise StageError(f"{folder}: found no readable image encoder ({type(error).__name__})") from error
        description = EncoderDescription(**plain)
        encoder = build_encoder(description.name, description.size, description.shape).encoder
        encoder.load_state_dict(weights)
        path = folder / _PROJECTION
        return cls(description, encoder, Projection.load(path) if path.exists() else None, batch_size)

    def save(self, folder: str | Path) -> None:
        """Writes what `load` reads."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _DESCRIPTION).write_text(json.dumps(asdict(self.description), indent=1), encoding="utf-8")
        safetensors.torch.save_file(self._encoder.state_dict(), folder / _WEIGHTS)
        if self.projection is not None:
            self.projection.save(folder / _PROJECTION)

    def with_projection(self, projection: Projection | None) -> ImageEmbedder:
        """The same encoder before another PCA."""
        return ImageEmbedder(self.description, self._encoder, projection, self._batch_size)

    def codes(self, images: np.ndarray) -> np.ndarray:
        """The flattened code, before any PCA.

        Args:
            images: (n, N, N) uint8.

        Returns:
            (n, d) float32.

        Raises:
            StageError: the images have another size than those it was trained on.
        """
        size = self.description.size
        if images.ndim != 3 or images.shape[1:] != (size, size):
            raise StageError(f"image encoder: found images of shape {images.shape[1:]}, expected {(size, size)}")
        parts = []
        with torch.inference_mode():
            for start in range(0, len(images), self._batch_size):
                batch = torch.from_numpy(images[start : start + self._batch_size].astype(np.float32) / 255.0)
                parts.append(self._encoder(batch[:, None]).flatten(1).numpy())
        return np.concatenate(parts) if parts else np.empty((0, self._code_length()), np.float32)

    def embed(self, images: np.ndarray) -> np.ndarray:
        """(n, N, N) uint8 → (n, d) float32, through the PCA if there is one."""
        codes = self.codes(images)
        return codes if self.projection is None else self.projection.apply(codes)

    def _code_length(self) -> int:
        description = self.description
        return int(np.prod(build_encoder(description.name, description.size, description.shape).code_shape))
