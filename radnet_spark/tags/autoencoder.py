"""The tag autoencoder (paper, section 2.2.1): three dense ReLU layers, a linear bottleneck, their mirror."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from radnet_spark.errors import UsageError
from radnet_spark.training.loop import LoopSettings, TrainingResult, fit, in_memory_batches


@dataclass(frozen=True)
class TrainingPlan:
    """How the autoencoder is trained (P: batch 32, 100 epochs, patience 5; O: Adam, learning rate 1e-3)."""

    learning_rate: float
    batch_size: int
    epochs: int
    patience_epochs: int
    seed: int


class TagAutoencoder(nn.Module):
    """Encodes rows of [0, 1] values and decodes them again through a sigmoid.

    Args:
        width: values of a row.
        layers: sizes of the encoder's layers, decreasing; the decoder mirrors them.
        bottleneck: size of the embedding, smaller than the last layer.

    Raises:
        UsageError: the sizes do not decrease.
    """

    def __init__(self, width: int, layers: Sequence[int], bottleneck: int) -> None:
        super().__init__()
        sizes = [*layers, bottleneck]
        if any(below >= above for above, below in pairwise(sizes)):
            raise UsageError(f"tags.autoencoder.layers: found {sizes} with the bottleneck, expected decreasing sizes")
        self.encoder = _dense([width, *sizes])
        self.decoder = nn.Sequential(*_dense([*reversed(sizes), width]), nn.Sigmoid())

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """(n, width) float32 → the reconstruction, of the same shape."""
        decoded: torch.Tensor = self.decoder(self.encoder(rows))
        return decoded


def train(model: TagAutoencoder, rows: np.ndarray, validation: np.ndarray, plan: TrainingPlan) -> TrainingResult:
    """Trains on rows in memory; on return the model holds the best weights.

    Args:
        model: a fresh autoencoder.
        rows: (n, width) float32 in [0, 1], training part.
        validation: (m, width), m ≥ 1.
        plan: how to train.
    """
    settings = LoopSettings(
        epochs=plan.epochs, learning_rate=plan.learning_rate, patience_epochs=plan.patience_epochs,
        validations_per_epoch=1, steps_per_epoch=-(-len(rows) // plan.batch_size), seed=plan.seed,
    )  # fmt: skip
    chunks = [validation[start : start + 4096] for start in range(0, len(validation), 4096)]
    return fit(model, in_memory_batches(rows, plan.batch_size, plan.seed), lambda: chunks, settings)


def seeded(width: int, layers: Sequence[int], bottleneck: int, seed: int) -> TagAutoencoder:
    """A fresh autoencoder whose first weights the seed decides, leaving torch's own generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TagAutoencoder(width, layers, bottleneck)


def embed(model: TagAutoencoder, rows: np.ndarray) -> np.ndarray:
    """(n, width) float32 → (n, bottleneck) float32."""
    model.eval()
    with torch.inference_mode():
        encoded: np.ndarray = model.encoder(torch.as_tensor(rows, dtype=torch.float32)).numpy()
    return encoded


def _dense(sizes: Sequence[int]) -> nn.Sequential:
    """Dense layers with a ReLU between each two; none behind the last."""
    steps: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        steps += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*steps[:-1])
