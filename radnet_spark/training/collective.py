"""What a training loop asks of the processes that train together, and the answer for one process alone.

Horovod's answer is in `distribute`: a second back end needs only these members.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch


class Collective(Protocol):
    """A group of ranks that call the same methods in the same order.

    Attributes:
        rank: this process, 0 to size - 1; rank 0 writes files.
        size: number of processes.
    """

    rank: int
    size: int

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """Element-wise mean over all ranks of a tensor that has the same shape on each."""

    def broadcast(self, value: Any) -> Any:
        """Rank 0's value, on every rank; `value` is ignored elsewhere."""

    def wrap_optimizer(self, optimizer: torch.optim.Optimizer, model: torch.nn.Module) -> torch.optim.Optimizer:
        """An optimizer whose `step` first averages the gradients of all ranks."""


class SingleProcess:
    """One process: every collective operation is the identity."""

    rank = 0
    size = 1

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """The values themselves."""
        return values

    def broadcast(self, value: Any) -> Any:
        """The value itself."""
        return value

    def wrap_optimizer(self, optimizer: torch.optim.Optimizer, model: torch.nn.Module) -> torch.optim.Optimizer:
        """The optimizer itself."""
        return optimizer
