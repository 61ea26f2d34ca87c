"""Two Horovod ranks on Spark tasks: averaged gradients, and the whole of `train`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest
import torch

from radnet_spark.config import Config
from radnet_spark.encoders import stage_train
from radnet_spark.encoders.embedder import ImageEmbedder
from radnet_spark.encoders.registry import build_encoder
from radnet_spark.errors import StageError
from radnet_spark.lake.fits import fit_folder
from radnet_spark.schemas import TABLES
from radnet_spark.training.collective import Collective, SingleProcess
from radnet_spark.training.distribute import LostRankError, RanksError, possible_ranks, run_on_ranks
from radnet_spark.training.loop import LoopSettings, fit

SIZE = 16
SHAPE = {"filters": [4, 8], "bottleneck": 4}
SETTINGS = LoopSettings(
    epochs=3, learning_rate=0.01, patience_epochs=5, validations_per_epoch=2, steps_per_epoch=4, seed=1
)  # fmt: skip

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # ranks can't import a test module


def pictures(count: int) -> np.ndarray:
    """(count, SIZE, SIZE) uint8: a bright square somewhere on a dark ground."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 40, (count, SIZE, SIZE), dtype=np.uint8)
    for image, (row, column) in zip(images, generator.integers(0, SIZE - 6, (count, 2)), strict=True):
        image[row : row + 6, column : column + 6] += 180
    return images


def rank_work(collective: Collective, device: str, batch: int) -> dict[str, Any]:
    """Trains on this rank's part of each common batch of 16; 58 rows, so that the last one is uneven."""
    rows = pictures(58)[:, None].astype(np.float32) / 255
    steps = [rows[start : start + 16] for start in range(0, len(rows), 16)]
    own = [step[collective.rank * batch : (collective.rank + 1) * batch] for step in steps]
    network = build_encoder("cae", SIZE, SHAPE, seed=2 + collective.rank)  # rank 0's weights must win
    result = fit(network, lambda epoch: [step for step in own if len(step)],
                 lambda: [rows[collective.rank :: collective.size]], SETTINGS, collective)
    weights = torch.cat([value.flatten() for value in result.best_state.values()])
    return {"history": result.history, "weights": weights.tolist(), "secrets": sorted(name for name in os.environ if "KEY" in name or "SECRET" in name),
            "size": collective.size, "device": device}


def rank_that_fails(collective: Collective, device: str) -> None:
    raise StageError(f"rank work on {device} of {collective.size} ranks can't be done")


def test_two_ranks_follow_one_with_twice_the_batch(spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADNET_DEID_KEY", "not for ranks")
    alone = rank_work(SingleProcess(), "cpu", 16)
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    ranks = run_on_ranks(spark, rank_work, 2, {"batch": 8}, start_timeout=300)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers  # Ctrl-C still works
    expected = [row["validation_loss"] for row in alone["history"]]
    for result in ranks:
        assert (result["size"], result["secrets"]) == (2, [])
        assert [row["validation_loss"] for row in result["history"]] == pytest.approx(expected, rel=1e-4)
        np.testing.assert_allclose(result["weights"], alone["weights"], atol=1e-3)
    assert ranks[0]["weights"] == ranks[1]["weights"]
    assert expected[-1] < expected[0]


def test_error_of_the_ranks_reaches_the_driver(spark: Any) -> None:
    with pytest.raises(RanksError, match=r"rank work on .* of 2 ranks can't be done"):
        run_on_ranks(spark, rank_that_fails, 2, {}, start_timeout=300)


def rank_with_a_bug(collective: Collective, device: str) -> None:
    if collective.rank == 1:
        os.environ["DOE^JOHN"]
    collective.mean(torch.ones(1))  # waits for the other one


def test_a_bug_is_told_by_its_type_and_not_tried_again(spark: Any) -> None:
    with pytest.raises(RanksError, match="KeyError$") as caught:
        run_on_ranks(spark, rank_with_a_bug, 2, {}, start_timeout=300)
    assert not isinstance(caught.value, LostRankError)


def rank_that_dies(collective: Collective, device: str) -> None:
    if collective.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    collective.mean(torch.ones(1))  # waits for the other one


def test_a_rank_that_dies_is_told_from_one_that_fails(spark: Any) -> None:
    with pytest.raises(LostRankError):
        run_on_ranks(spark, rank_that_dies, 2, {}, start_timeout=300)


def test_no_more_ranks_than_task_slots(spark: Any) -> None:
    assert [possible_ranks(spark, wanted) for wanted in (1, 2, 8)] == [1, 2, 2]


@pytest.fixture
def small(config: Config) -> Config:
    train = config.train.model_copy(update={"filters": [4, 8], "bottleneck_channels": 4, "epochs": 2, "batch_size": 8,
                                            "row_group_rows": 20, "learning_rate": 0.01})
    return config.model_copy(update={"train": train, "images": config.images.model_copy(update={"size": SIZE})})


def test_train_from_table_to_encoder_and_again(
    spark: Any, tables: Any, context: Callable[..., Any], small: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = pictures(70)
    rows = [(f"1.2.{i}", image.tobytes(), SIZE, SIZE, 0, None, None) for i, image in enumerate(images)]
    parts = [(f"1.2.{i}", "e", "CT", "train" if i < 60 else "validation") for i in range(70)]
    tables.overwrite("images", spark.createDataFrame(rows, TABLES["images"].ddl))
    tables.overwrite("cohort", spark.createDataFrame(parts, TABLES["cohort"].ddl))
    made, started = context(config=small), []

    def ranks_lost_once(*arguments: Any) -> Any:
        started.append(arguments)
        if len(started) == 1:
            raise LostRankError("training on 2 ranks: an executor died")
        return run_on_ranks(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(stage_train, "run_on_ranks", ranks_lost_once)
        summary = stage_train.run(made)
    assert len(started) == 2
    assert any("an executor died; all ranks were started again" in note for note in summary.notes)
    assert summary.rows == {"train_images": 70}
    assert (summary.extra["ranks"], summary.extra["epochs"], summary.extra["validations"]) == (2, 2, 4)
    folder = fit_folder(tables, summary.extra["fit_id"])
    assert ImageEmbedder.load(folder).embed(images).shape == (70, 4 * 4 * 4)
    assert sorted(path.name for path in folder.iterdir()) == [
        "encoder.json", "encoder.safetensors", "fit.json", "history.json"]
    assert [row["fit_id"] for row in tables.read("fits").collect()] == [summary.extra["fit_id"]]
    client = made.tracker.client
    runs = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    logged = client.get_metric_history(runs[0].info.run_id, "validation_loss")
    assert min(point.value for point in logged) == pytest.approx(summary.extra["best_loss"])
    assert [point.step for point in logged] == [0, 1, 2, 3]
    files = [path for path in Path(tables.files, "tables", "train_images").rglob("*.parquet")]
    assert len(files) == 4 + 2

    def no_ranks(*_: Any, **__: Any) -> None:
        raise AssertionError("ranks were started")

    monkeypatch.setattr(stage_train, "run_on_ranks", no_ranks)  # the checkpoint says that all is done
    assert stage_train.run(made).extra == summary.extra
