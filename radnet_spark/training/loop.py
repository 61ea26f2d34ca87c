"""The training loop of every network that reconstructs its input (paper, sections 2.2.1 and 2.2.2).

Adam, mean squared error, several validations an epoch, early stopping, best weights kept. It knows batches, not where
they come from, and ranks, not what connects them.

All ranks take a step together for as long as any of them still has rows: a rank without a batch takes part with
weight zero. So nobody waits for ever, no row is dropped or read twice, and n ranks with batch b follow one rank
with batch n*b: each rank's loss is weighted by its share of the rows of the common step.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from radnet_spark.errors import StageError
from radnet_spark.training.checkpoint import Checkpoint, CheckpointError, TrainingState, Weights
from radnet_spark.training.collective import Collective, SingleProcess

logger = logging.getLogger(__name__)

Batch = torch.Tensor | np.ndarray
Batches = Callable[[int], Iterable[Batch]]
Validation = Callable[[], Iterable[Batch]]


class TrainingError(StageError):
    """A training has no data, or its loss is no number any more."""


@dataclass(frozen=True)
class LoopSettings:
    """How to train.

    Attributes:
        epochs: passes over the data at most.
        learning_rate: of Adam.
        patience_epochs: stop after this many epochs' validations without improvement.
        validations_per_epoch: evenly spaced, the last one at the epoch's end.
        steps_per_epoch: common steps of an epoch, to space validations by; every row is used even if it is wrong.
        seed: of torch's generator, together with epoch and rank.
        device: torch device, as in `cpu` or `cuda:0`.
    """

    epochs: int
    learning_rate: float
    patience_epochs: int
    validations_per_epoch: int
    steps_per_epoch: int
    seed: int
    device: str = "cpu"

    @property
    def validation_steps(self) -> frozenset[int]:
        """Steps of an epoch, from 1, after which to validate, besides the epoch's end."""
        parts = self.validations_per_epoch
        steps = {round(self.steps_per_epoch * part / parts) for part in range(1, parts)}
        return frozenset(step for step in steps if 0 < step < self.steps_per_epoch)

    @property
    def patience(self) -> int:
        """Validations without improvement after which to stop."""
        return self.patience_epochs * (len(self.validation_steps) + 1)


@dataclass(frozen=True)
class TrainingResult:
    """What a training leaves.

    Attributes:
        history: a row a validation: `validation` (from 0), `epoch` (from 0), `step` of the epoch (from 1), `train_loss`
            since the validation before, `validation_loss`, `improved`.
        best_state: weights at the smallest validation loss, on the CPU.
        best_loss: that loss, mean over values.
        epochs_run: epochs that were begun.
        stopped_early: stopped for want of improvement.
    """

    history: list[dict[str, Any]]
    best_state: Weights
    best_loss: float
    epochs_run: int
    stopped_early: bool


def fit(
    model: torch.nn.Module,
    batches: Batches,
    validation: Validation,
    settings: LoopSettings,
    collective: Collective | None = None,
    checkpoint: Checkpoint | None = None,
) -> TrainingResult:
    """Trains a model to reconstruct its input; on return it holds the best weights.

    Args:
        model: (n, ...) float32 → the same shape.
        batches: epoch → this rank's batches of it, (n, ...) float; a function of the epoch alone, so that a resumed
            training sees what an uninterrupted one sees.
        validation: this rank's share of the validation rows.
        settings: how to train.
        collective: the ranks that train together; by default this process alone.
        checkpoint: written after each epoch; where it holds one, training goes on from there.

    Raises:
        TrainingError: no row to train or validate on, or the loss is not finite.
        CheckpointError: the checkpoint is another model's.
    """
    deterministic = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        return _Training(model, settings, collective or SingleProcess(), checkpoint).run(batches, validation)
    finally:
        torch.use_deterministic_algorithms(deterministic)


def in_memory_batches(rows: np.ndarray, batch_size: int, seed: int) -> Batches:
    """Batches of an array, in an order that seed and epoch decide.

    Args:
        rows: (n, ...) float32.
        batch_size: rows of a batch; the last one may be smaller.
        seed: of the order.
    """

    def epoch_batches(epoch: int) -> Iterator[np.ndarray]:
        order = np.random.default_rng([seed, epoch]).permutation(len(rows))
        for start in range(0, len(rows), batch_size):
            yield rows[order[start : start + batch_size]]

    return epoch_batches


class _Training:
    """A training under way: the model, its optimizer, and what a checkpoint holds."""

    def __init__(
        self, model: torch.nn.Module, settings: LoopSettings, collective: Collective, checkpoint: Checkpoint | None
    ) -> None:
        self.settings, self.collective, self.checkpoint = settings, collective, checkpoint
        self.device = torch.device(settings.device)
        self.model = model.to(self.device)
        adam = torch.optim.Adam(model.parameters(), lr=settings.learning_rate)
        self.optimizer = collective.wrap_optimizer(adam, model)
        self.state = self._start()

    def run(self, batches: Batches, validation: Validation) -> TrainingResult:
        while self.state.epoch < self.settings.epochs and not self.state.stopped:
            torch.manual_seed(_seed(self.settings.seed, self.state.epoch, self.collective.rank))
            self._epoch(iter(batches(self.state.epoch)), validation)
            self.state.epoch += 1
            self._save()
        self.model.load_state_dict(self.state.best_state)
        return TrainingResult(
            self.state.history, self.state.best_state, self.state.best_loss, self.state.epoch, self.state.stopped
        )

    def _start(self) -> TrainingState:
        """Rank 0's weights, or its checkpoint, on every rank."""
        found = self.checkpoint.load() if self.checkpoint is not None and self.collective.rank == 0 else None
        saved: TrainingState | None = self.collective.broadcast(found)
        if saved is None:
            self.model.load_state_dict(self.collective.broadcast(_on_cpu(self.model.state_dict())))
            return TrainingState(0, {}, {}, {}, math.inf, 0, False)
        try:
            self.model.load_state_dict(saved.model)
            self.optimizer.load_state_dict(saved.optimizer)
        except (RuntimeError, ValueError) as error:
            raise CheckpointError(f"the checkpoint is of a model of another shape: {error}") from error
        logger.info("training goes on from epoch %d of %d", saved.epoch + 1, self.settings.epochs)
        return saved

    def _epoch(self, batches: Iterator[Batch], validation: Validation) -> None:
        losses = _Mean()
        filler: torch.Tensor | None = None
        step = validated_at = 0
        while True:
            batch = next(batches, None)
            rows = 0 if batch is None else len(batch)
            mean_rows = self.collective.mean(torch.tensor([float(rows)], dtype=torch.float64))
            common = round(float(mean_rows) * self.collective.size)
            if common == 0:
                break
            filler = filler if batch is None else self._tensor(batch)
            if filler is None:
                raise TrainingError("this rank has no row to train on; expected one row group a rank at least")
            losses.add(self._step(filler, rows / common), 1.0)
            step += 1
            if step in self.settings.validation_steps:
                self._validate(step, losses.take(), validation)
                validated_at = step
                if self.state.stopped:
                    return
        if step == 0:
            raise TrainingError("no row to train on")
        if validated_at < step:
            self._validate(step, losses.take(), validation)

    def _step(self, batch: torch.Tensor, share: float) -> float:
        """One common step; `share` is this rank's part of its rows. Gives the rank's part of the loss."""
        self.model.train()
        self.optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(self.model(batch), batch) * share * self.collective.size
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())

    def _validate(self, step: int, train_loss: float, validation: Validation) -> None:
        local = _Mean()
        self.model.eval()
        with torch.inference_mode():
            for batch in validation():
                rows = self._tensor(batch)
                local.add(float(torch.nn.functional.mse_loss(self.model(rows), rows)) * len(rows), float(len(rows)))
        sums = self.collective.mean(torch.tensor([local.total, local.count, train_loss], dtype=torch.float64))
        if float(sums[1]) == 0:
            raise TrainingError("no row to validate on")
        self._note(step, float(sums[2]), float(sums[0] / sums[1]))

    def _note(self, step: int, train_loss: float, loss: float) -> None:
        state = self.state
        if not (math.isfinite(loss) and math.isfinite(train_loss)):
            raise TrainingError(
                f"epoch {state.epoch + 1}, step {step}: the loss is {loss}, expected a number; "
                "try a smaller learning rate"
            )
        improved = loss < state.best_loss
        state.history.append(
            {
                "validation": len(state.history),
                "epoch": state.epoch,
                "step": step,
                "train_loss": train_loss,
                "validation_loss": loss,
                "improved": improved,
            }
        )
        if improved:
            state.best_loss, state.stale, state.best_state = loss, 0, _on_cpu(self.model.state_dict())
        else:
            state.stale += 1
        state.stopped = state.stale >= self.settings.patience
        logger.info("epoch %d, step %d: train %.6f, validation %.6f", state.epoch + 1, step, train_loss, loss)
        if self.checkpoint is not None and self.collective.rank == 0:
            self.checkpoint.save_history(state.history)

    def _save(self) -> None:
        if self.checkpoint is not None and self.collective.rank == 0:
            self.state.model, self.state.optimizer = self.model.state_dict(), self.optimizer.state_dict()
            self.checkpoint.save(self.state)

    def _tensor(self, batch: Batch) -> torch.Tensor:
        return torch.as_tensor(batch, dtype=torch.float32).to(self.device)


class _Mean:
    """A mean that is gathered in parts and starts anew once taken."""

    def __init__(self) -> None:
        self.total = self.count = 0.0

    def add(self, total: float, count: float) -> None:
        self.total, self.count = self.total + total, self.count + count

    def take(self) -> float:
        mean = self.total / self.count
        self.total = self.count = 0.0
        return mean


def _on_cpu(state: Weights) -> Weights:
    return {name: value.detach().cpu().clone() for name, value in state.items()}


def _seed(*parts: int) -> int:
    return int(np.random.SeedSequence([part & 0xFFFFFFFF for part in parts]).generate_state(1)[0])
