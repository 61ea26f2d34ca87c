"""The training loop on toys: it learns, stops by the rule, resumes where it was, and weighs ranks by their rows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from radnet_spark.training.checkpoint import Checkpoint, CheckpointError
from radnet_spark.training.collective import SingleProcess
from radnet_spark.training.loop import LoopSettings, TrainingError, TrainingResult, fit, in_memory_batches

ROWS = np.random.default_rng(0).random((40, 6), dtype=np.float32)


def settings(**changes: Any) -> LoopSettings:
    values: dict[str, Any] = {
        "epochs": 6,
        "learning_rate": 0.01,
        "patience_epochs": 5,
        "validations_per_epoch": 2,
        "steps_per_epoch": 5,
        "seed": 3,
    }
    return LoopSettings(**(values | changes))


def model(seed: int = 7) -> torch.nn.Module:
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(6, 3), torch.nn.ReLU(), torch.nn.Dropout(0.1), torch.nn.Linear(3, 6))


def train(changed: LoopSettings, checkpoint: Checkpoint | None = None) -> TrainingResult:
    return fit(model(), in_memory_batches(ROWS, 8, seed=1), lambda: [ROWS[:10]], changed, checkpoint=checkpoint)


def test_loss_falls_and_each_validation_is_a_row() -> None:
    result = train(settings(epochs=20))
    losses = [row["validation_loss"] for row in result.history]
    assert len(losses) == 40
    assert min(losses) < 0.8 * losses[0]
    assert result.best_loss == min(losses)
    assert [row["step"] for row in result.history[:4]] == [2, 5, 2, 5]
    assert (result.epochs_run, result.stopped_early) == (20, False)


def test_best_weights_are_in_the_model_afterwards() -> None:
    network = model()
    result = fit(network, in_memory_batches(ROWS, 8, seed=1), lambda: [ROWS[:10]], settings(learning_rate=0.5))
    rows = torch.from_numpy(ROWS[:10])
    with torch.inference_mode():
        loss = float(torch.nn.functional.mse_loss(network.eval()(rows), rows))
    assert loss == pytest.approx(result.best_loss, rel=1e-6)
    assert result.best_loss == min(row["validation_loss"] for row in result.history)


class Scripted(torch.nn.Module):
    """Reconstructs zeros with a given error at each validation, whatever it learns."""

    def __init__(self, losses: Iterable[float]) -> None:
        super().__init__()
        self.losses = iter(losses)
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        error = 0.0 if self.training else next(self.losses) ** 0.5
        return rows + error + 0 * self.weight


def test_stops_after_the_patience_by_hand() -> None:
    # best at the 2nd validation; patience 2 epochs of 2 validations: the 3rd to 6th bring nothing, so it ends there
    losses = [0.9, 0.5, 0.6, 0.5, 0.7, 0.8, 0.1, 0.1]
    batches = in_memory_batches(np.zeros((8, 1), np.float32), 2, seed=0)
    result = fit(
        Scripted(losses),
        batches,
        lambda: [np.zeros((3, 1), np.float32)],
        settings(epochs=50, patience_epochs=2, steps_per_epoch=4),
    )
    assert [round(row["validation_loss"], 6) for row in result.history] == losses[:6]
    assert [row["improved"] for row in result.history] == [True, True, False, False, False, False]
    assert (result.epochs_run, result.stopped_early) == (3, True)
    assert result.best_loss == pytest.approx(0.5)


def test_resumed_training_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = train(settings(epochs=6))
    train(settings(epochs=2), Checkpoint(tmp_path))
    resumed = train(settings(epochs=6), Checkpoint(tmp_path))
    assert resumed.history == whole.history
    assert all(torch.equal(resumed.best_state[name], value) for name, value in whole.best_state.items())


def test_killed_within_an_epoch_goes_on_from_its_start(tmp_path: Path) -> None:
    def dies(epoch: int) -> Iterable[np.ndarray]:
        for number, batch in enumerate(in_memory_batches(ROWS, 8, seed=1)(epoch)):
            if (epoch, number) == (3, 3):
                raise KeyboardInterrupt
            yield batch

    with pytest.raises(KeyboardInterrupt):
        fit(model(), dies, lambda: [ROWS[:10]], settings(), checkpoint=Checkpoint(tmp_path))
    assert train(settings(), Checkpoint(tmp_path)).history == train(settings()).history


def test_finished_training_is_not_run_again(tmp_path: Path) -> None:
    first = train(settings(epochs=2), Checkpoint(tmp_path))

    def no_batches(epoch: int) -> Iterable[np.ndarray]:
        raise AssertionError(f"epoch {epoch} was asked for")

    again = fit(model(1), no_batches, list, settings(epochs=2), checkpoint=Checkpoint(tmp_path))
    assert again.history == first.history


def test_checkpoint_of_another_shape_is_named(tmp_path: Path) -> None:
    train(settings(epochs=1), Checkpoint(tmp_path))
    with pytest.raises(CheckpointError, match="another shape"):
        fit(torch.nn.Linear(6, 5), lambda epoch: [], list, settings(), checkpoint=Checkpoint(tmp_path))


@pytest.mark.parametrize(
    ("batches", "validation", "message"),
    [
        ([], [ROWS], "no row to train on"),
        ([ROWS], [], "no row to validate on"),
        ([ROWS * np.float32(np.nan)], [ROWS], "smaller learning rate"),
    ],
)
def test_nothing_to_learn_from_is_an_error(batches: list, validation: list, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        fit(model(), lambda epoch: batches, lambda: validation, settings(steps_per_epoch=1))


@pytest.mark.parametrize(("steps", "parts", "expected"), [(10, 2, {5}), (1, 2, set()), (9, 3, {3, 6}), (4, 1, set())])
def test_validations_are_spread_over_the_epoch(steps: int, parts: int, expected: set[int]) -> None:
    assert settings(steps_per_epoch=steps, validations_per_epoch=parts).validation_steps == expected


class Threads:
    """Ranks as threads of one process: means by a barrier, gradients averaged in a step hook."""

    def __init__(self, rank: int, size: int, shared: dict[str, Any]) -> None:
        self.rank, self.size, self._shared = rank, size, shared

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        self._shared[self.rank] = values
        self._shared["barrier"].wait()
        result = sum(self._shared[rank] for rank in range(self.size)) / self.size
        self._shared["barrier"].wait()
        return result

    def broadcast(self, value: Any) -> Any:
        if self.rank == 0:
            self._shared["value"] = value
        self._shared["barrier"].wait()
        result = self._shared["value"]
        self._shared["barrier"].wait()
        return result

    def wrap_optimizer(self, optimizer: torch.optim.Optimizer, network: torch.nn.Module) -> torch.optim.Optimizer:
        def average(*_: Any) -> None:
            for parameter in network.parameters():
                parameter.grad = self.mean(parameter.grad.clone())

        optimizer.register_step_pre_hook(average)
        return optimizer


def on_threads(work: Callable[[Threads], TrainingResult], size: int) -> list[TrainingResult]:
    shared: dict[str, Any] = {"barrier": threading.Barrier(size, timeout=20)}
    results: dict[int, TrainingResult] = {}
    threads = [
        threading.Thread(target=lambda rank=rank: results.update({rank: work(Threads(rank, size, shared))}))
        for rank in range(size)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return [results[rank] for rank in range(size)]


def linear() -> torch.nn.Module:
    network = torch.nn.Linear(6, 6)
    torch.nn.init.constant_(network.weight, 0.05)
    torch.nn.init.zeros_(network.bias)
    return network


@pytest.mark.parametrize("uneven", [0, 6, 11])
def test_ranks_with_a_part_of_each_batch_follow_one_rank(uneven: int) -> None:
    """Steps of 8 rows; rank 0 has the first 4 of each, rank 1 the rest, of which the last `uneven` rows don't exist."""
    steps = [ROWS[:32][start : start + 8] for start in range(0, 32, 8)]
    shares = [[step[:4] for step in steps], [step[4:] for step in steps]]
    left = np.concatenate(shares[1])[: 16 - uneven]
    shares[1] = [left[start : start + 4] for start in range(0, len(left), 4)]
    common = [np.concatenate([a, *([shares[1][i]] if i < len(shares[1]) else [])]) for i, a in enumerate(shares[0])]
    changed = settings(epochs=5, steps_per_epoch=4)
    alone = fit(linear(), lambda epoch: common, lambda: [ROWS[:10]], changed, SingleProcess())

    def one(ranks: Threads) -> TrainingResult:
        return fit(linear(), lambda epoch: shares[ranks.rank], lambda: [ROWS[ranks.rank : 10 : 2]], changed, ranks)

    both = on_threads(one, 2)
    expected = [row["validation_loss"] for row in alone.history]
    for result in both:
        assert [row["validation_loss"] for row in result.history] == pytest.approx(expected, rel=1e-5)
        assert [row["train_loss"] for row in result.history] == pytest.approx(
            [row["train_loss"] for row in alone.history], rel=1e-5
        )
