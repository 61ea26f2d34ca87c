"""Checkpoints: whole or not at all, without pickles."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from radnet_spark.training.checkpoint import Checkpoint, CheckpointError, TrainingState, write_atomically


def state() -> TrainingState:
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.25)
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    return TrainingState(
        3,
        model.state_dict(),
        optimizer.state_dict(),
        model.state_dict(),
        0.125,
        2,
        False,
        [{"validation": 0, "validation_loss": 0.125}],
    )


def test_comes_back_as_it_was(tmp_path: Path) -> None:
    saved = state()
    Checkpoint(tmp_path / "new").save(saved)
    loaded = Checkpoint(tmp_path / "new").load()
    assert loaded is not None
    assert (loaded.epoch, loaded.best_loss, loaded.stale, loaded.stopped) == (3, 0.125, 2, False)
    assert loaded.history == saved.history
    torch.testing.assert_close(loaded.model, dict(saved.model), rtol=0, atol=0)
    fresh = torch.optim.Adam(torch.nn.Linear(3, 2).parameters())
    fresh.load_state_dict(loaded.optimizer)
    assert fresh.param_groups[0]["lr"] == 0.25
    torch.testing.assert_close(fresh.state_dict()["state"], saved.optimizer["state"], rtol=0, atol=0)


def test_nothing_saved_is_none(tmp_path: Path) -> None:
    assert Checkpoint(tmp_path / "none").load() is None


@pytest.mark.parametrize("content", [b"", b"no tensors", b"\x02\x00\x00\x00\x00\x00\x00\x00{}"])
def test_unreadable_file_is_named(tmp_path: Path, content: bytes) -> None:
    checkpoint = Checkpoint(tmp_path)
    checkpoint.path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"checkpoint\.safetensors"):
        checkpoint.load()


def test_write_that_dies_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
