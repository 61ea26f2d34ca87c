"""The tag autoencoder (paper, section 2.2.1): three dense layers, a linear bottleneck, their mirror.

ReLU (P); the authors' code also has leaky ReLU, batch normalisation and dropout (C).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import nn

from radnet_spark.errors import UsageError
from radnet_spark.training.loop import Batches, LoopSettings, TrainingError, TrainingResult, fit

Rows: TypeAlias = np.ndarray | csr_matrix
_VALIDATION_ROWS = 4096  # that pass through the network together


@dataclass(frozen=True)
class Options:
    """What stands between two dense layers.

    Attributes:
        activation: `relu` (P) or `leaky_relu` (C; torch's slope of 0.01).
        batch_norm: normalise before the activation (C).
        dropout: share of values that are set to zero behind it while training (C).
    """

    activation: Literal["relu", "leaky_relu"] = "relu"
    batch_norm: bool = False
    dropout: float = 0.0


PLAIN = Options()


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
        options: what stands between the layers.

    Raises:
        UsageError: the sizes do not decrease.
    """

    def __init__(self, width: int, layers: Sequence[int], bottleneck: int, options: Options = PLAIN) -> None:
        super().__init__()
        sizes = [*layers, bottleneck]
        if any(below >= above for above, below in pairwise(sizes)):
            raise UsageError(f"tags.autoencoder.layers: found {sizes} with the bottleneck, expected decreasing sizes")
        self.encoder = _dense([width, *sizes], options)
        self.decoder = nn.Sequential(*_dense([*reversed(sizes), width], options), nn.Sigmoid())

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """(n, width) float32 → the reconstruction, of the same shape."""
        decoded: torch.Tensor = self.decoder(self.encoder(rows))
        return decoded


def train(model: TagAutoencoder, rows: Rows, validation: Rows, plan: TrainingPlan) -> TrainingResult:
    """Trains on rows in memory; on return the model holds the best weights.

    Args:
        model: a fresh autoencoder.
        rows: (n, width) float32 in [0, 1], training part; a sparse matrix is made dense batch by batch.
        validation: (m, width), m ≥ 1.
        plan: how to train.

    Raises:
        TrainingError: one row alone and batch normalisation, or the loss is not finite.
    """
    count = rows.shape[0]
    settings = LoopSettings(
        epochs=plan.epochs, learning_rate=plan.learning_rate, patience_epochs=plan.patience_epochs,
        validations_per_epoch=1, steps_per_epoch=-(-count // plan.batch_size), seed=plan.seed,
    )  # fmt: skip
    normalised = any(isinstance(step, nn.BatchNorm1d) for step in model.modules())
    if normalised and count < 2:
        raise TrainingError("batch normalisation needs two training rows at least")
    batches = _batches(rows, plan, least=2 if normalised else 1)
    starts = range(0, validation.shape[0], _VALIDATION_ROWS)
    return fit(model, batches, lambda: (dense(validation[at : at + _VALIDATION_ROWS]) for at in starts), settings)


def seeded(width: int, layers: Sequence[int], bottleneck: int, seed: int, options: Options = PLAIN) -> TagAutoencoder:
    """A fresh autoencoder whose first weights the seed decides, leaving torch's own generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TagAutoencoder(width, layers, bottleneck, options)


def embed(model: TagAutoencoder, rows: np.ndarray) -> np.ndarray:
    """(n, width) float32 → (n, bottleneck) float32."""
    model.eval()
    with torch.inference_mode():
        encoded: np.ndarray = model.encoder(torch.as_tensor(rows, dtype=torch.float32)).numpy()
    return encoded


def dense(rows: Rows) -> np.ndarray:
    """The rows as an array."""
    return rows if isinstance(rows, np.ndarray) else np.asarray(rows.toarray())


def _batches(rows: Rows, plan: TrainingPlan, least: int) -> Batches:
    """Batches in an order that seed and epoch decide; a last one of fewer than `least` rows joins the one before."""
    count = rows.shape[0]

    def epoch_batches(epoch: int) -> Iterator[np.ndarray]:
        order = np.random.default_rng([plan.seed, epoch]).permutation(count)
        edges = [*range(0, count, plan.batch_size), count]
        if len(edges) > 2 and edges[-1] - edges[-2] < least:
            edges.pop(-2)
        for start, end in pairwise(edges):
            yield dense(rows[order[start:end]])

    return epoch_batches


def _dense(sizes: Sequence[int], options: Options) -> nn.Sequential:
    """Dense layers with an activation between each two; none behind the last."""
    steps: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes[:-1]):
        steps.append(nn.Linear(inputs, outputs))
        if options.batch_norm:
            steps.append(nn.BatchNorm1d(outputs))
        steps.append(nn.LeakyReLU() if options.activation == "leaky_relu" else nn.ReLU())
        if options.dropout:
            steps.append(nn.Dropout(options.dropout))
    return nn.Sequential(*steps, nn.Linear(sizes[-2], sizes[-1]))
