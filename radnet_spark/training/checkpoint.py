"""Where a training stands between two epochs, in one file: safetensors for arrays, JSON in its header for the rest.

One file, replaced by a rename, can't be half old and half new. Random numbers need no place in it: the loop
derives its generator anew from seed, epoch and rank (`loop.fit`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from radnet_spark.errors import StageError

Weights = dict[str, torch.Tensor]


class CheckpointError(StageError):
    """A checkpoint can't be read, or belongs to another model."""


@dataclass
class TrainingState:
    """A training after a whole number of epochs.

    Attributes:
        epoch: the epoch to run next, from 0.
        model: weights now.
        optimizer: `state_dict()` of the optimizer.
        best_state: weights at the best validation; empty before the first one.
        best_loss: validation loss there.
        stale: validations since then.
        stopped: no further epoch is to be run.
        history: one row a validation.
    """

    epoch: int
    model: Weights
    optimizer: dict[str, Any]
    best_state: Weights
    best_loss: float
    stale: int
    stopped: bool
    history: list[dict[str, Any]] = field(default_factory=list)


class Checkpoint:
    """The checkpoint of one training, in a folder of its own.

    Args:
        folder: made when first written to; a path that every rank's machine may see, though only rank 0 uses it.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.path = self.folder / "checkpoint.safetensors"
        self.history_path = self.folder / "history.json"

    def save(self, state: TrainingState) -> None:
        """Replaces the checkpoint as a whole; a process killed meanwhile leaves the former one."""
        tensors, groups = _flatten_optimizer(state.optimizer)
        tensors |= {f"model.{name}": value for name, value in state.model.items()}
        tensors |= {f"best.{name}": value for name, value in state.best_state.items()}
        plain = {
            "epoch": state.epoch,
            "best_loss": state.best_loss,
            "stale": state.stale,
            "stopped": state.stopped,
            "history": state.history,
            "param_groups": groups,
        }
        content = safetensors.torch.save(
            {name: value.detach().cpu().clone().contiguous() for name, value in tensors.items()},
            metadata={"training": json.dumps(plain)},
        )
        write_atomically(self.path, content)

    def save_history(self, history: list[dict[str, Any]]) -> None:
        """Leaves the loss curve beside the checkpoint, where the driver finds it while ranks still train."""
        write_atomically(self.history_path, json.dumps(history, indent=1).encode())

    def load(self) -> TrainingState | None:
        """The state to go on from, or None where nothing was saved.

        Raises:
            CheckpointError: the file is no checkpoint of ours.
        """
        if not self.path.exists():
            return None
        try:
            with safetensors.safe_open(self.path, framework="pt") as file:
                plain = json.loads((file.metadata() or {})["training"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (safetensors.SafetensorError, OSError, KeyError, json.JSONDecodeError) as error:
            raise CheckpointError(
                f"{self.path}: found no readable checkpoint ({type(error).__name__}); remove the file to start anew"
            ) from error
        return TrainingState(
            epoch=plain["epoch"],
            model=_part(tensors, "model."),
            best_state=_part(tensors, "best."),
            optimizer=_unflatten_optimizer(_part(tensors, "optimizer."), plain["param_groups"]),
            best_loss=plain["best_loss"],
            stale=plain["stale"],
            stopped=plain["stopped"],
            history=plain["history"],
        )


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a file so that at any moment either the old or the new content is there, and survives a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _part(tensors: Mapping[str, torch.Tensor], prefix: str) -> Weights:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _flatten_optimizer(state: Mapping[str, Any]) -> tuple[Weights, list[dict[str, Any]]]:
    tensors = {
        f"optimizer.{parameter}.{name}": torch.as_tensor(value)
        for parameter, values in state["state"].items()
        for name, value in values.items()
    }
    return tensors, state["param_groups"]


def _unflatten_optimizer(tensors: Weights, groups: list[dict[str, Any]]) -> dict[str, Any]:
    state: dict[int, Weights] = {}
    for key, value in tensors.items():
        parameter, name = key.split(".", 1)
        state.setdefault(int(parameter), {})[name] = value
    return {"state": state, "param_groups": groups}
