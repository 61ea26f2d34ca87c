"""From encoded rows to short vectors: the autoencoder's encoder or a PCA, each with its files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import safetensors.torch
import torch

from radnet_spark.tags.autoencoder import PLAIN, Options, TagAutoencoder, embed
from radnet_spark.training.pca import Projection

_ABOUT, _WEIGHTS, _PROJECTION = "reduction.json", "autoencoder.safetensors", "pca.npz"


class Reduction(Protocol):
    """Something fitted that makes encoded rows shorter."""

    model: str

    @property
    def dimensions(self) -> int:
        """Length of a vector."""

    def apply(self, rows: np.ndarray) -> np.ndarray:
        """(n, width) float32 → (n, dimensions) float32."""

    def save(self, folder: Path) -> None:
        """Writes what `load_reduction` reads into an existing folder."""


@dataclass(frozen=True)
class AutoencoderReduction:
    """A trained tag autoencoder.

    Attributes:
        network: with its weights.
        layers: its encoder's sizes, bottleneck last.
        options: what stands between them.
    """

    network: TagAutoencoder
    layers: tuple[int, ...]
    options: Options = PLAIN
    model = "ae"

    @property
    def dimensions(self) -> int:
        """The bottleneck."""
        return self.layers[-1]

    def apply(self, rows: np.ndarray) -> np.ndarray:
        """See `Reduction`."""
        return embed(self.network, rows)

    def save(self, folder: Path) -> None:
        """See `Reduction`."""
        _describe(folder, {"model": self.model, "layers": list(self.layers), "options": asdict(self.options)})
        safetensors.torch.save_file(self.network.state_dict(), folder / _WEIGHTS)


@dataclass(frozen=True)
class PcaReduction:
    """Principal components, applied by NumPy."""

    projection: Projection
    model = "pca"

    @property
    def dimensions(self) -> int:
        """The components."""
        return len(self.projection.components)

    def apply(self, rows: np.ndarray) -> np.ndarray:
        """See `Reduction`."""
        return self.projection.apply(rows)

    def save(self, folder: Path) -> None:
        """See `Reduction`."""
        _describe(folder, {"model": self.model})
        self.projection.save(folder / _PROJECTION)


def load_reduction(folder: Path, width: int) -> Reduction:
    """Reads what `save` wrote.

    Args:
        folder: of a fit or of a grid's cell.
        width: of the encoded rows.
    """
    about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
    if about["model"] == PcaReduction.model:
        return PcaReduction(Projection.load(folder / _PROJECTION))
    layers, options = tuple(about["layers"]), Options(**about["options"])
    with torch.random.fork_rng(devices=[]):
        network = TagAutoencoder(width, layers[:-1], layers[-1], options)
    network.load_state_dict(safetensors.torch.load_file(folder / _WEIGHTS))
    network.eval()
    return AutoencoderReduction(network, layers, options)


def _describe(folder: Path, about: Mapping[str, Any]) -> None:
    (folder / _ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")
