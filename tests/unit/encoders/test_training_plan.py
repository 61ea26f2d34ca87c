"""Ranks, files and steps, by hand."""

from __future__ import annotations

from typing import Any

import pytest

from radnet_spark.config import Config, Train
from radnet_spark.encoders.stage_train import plan_training
from radnet_spark.errors import StageError


def train(config: Config, **changes: Any) -> Train:
    return config.train.model_copy(update={"ranks": 2, "row_group_rows": 100, "batch_size": 32, **changes})


@pytest.mark.parametrize(
    ("rows", "possible", "expected"),
    [
        ((1000, 150), 2, (2, 10, 2, 16)),  # 10 files of 100; 150 validation rows in 2 files; ceil(1000 / 64) steps
        ((1001, 450), 2, (2, 12, 6, 16)),  # one row more: two files more, a multiple of the ranks
        ((50, 1), 2, (2, 2, 1, 1)),
        ((50, 0), 1, (1, 1, 0, 2)),
        ((1, 1), 2, (1, 1, 1, 1)),  # one image: one rank
    ],
)
def test_plan(config: Config, rows: tuple[int, int], possible: int, expected: tuple[int, int, int, int]) -> None:
    plan = plan_training(*rows, possible, train(config))
    assert (plan.ranks, plan.train_files, plan.validation_files, plan.steps) == expected
    assert any("instead of 2" in note for note in plan.notes) == (plan.ranks < 2)
    assert any("no validation image" in note for note in plan.notes) == (rows[1] == 0)


def test_no_train_image_ends_the_stage(config: Config) -> None:
    with pytest.raises(StageError, match="no exported image"):
        plan_training(0, 5, 2, train(config))
