"""`radnet train`: an image encoder, trained by several ranks on a snapshot of its own."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame

from radnet_spark.config import Train
from radnet_spark.encoders.embedder import EncoderDescription, ImageEmbedder
from radnet_spark.encoders.frames import exported, snapshot
from radnet_spark.encoders.rank import TrainingJob, train_rank
from radnet_spark.encoders.registry import build_encoder
from radnet_spark.errors import StageError
from radnet_spark.lake.fits import saving_fit
from radnet_spark.lake.stage import StageContext, StageSummary
from radnet_spark.training.checkpoint import Checkpoint, TrainingState
from radnet_spark.training.distribute import LostRankError, possible_ranks, run_on_ranks
from radnet_spark.training.loop import LoopSettings

READS = ("images", "cohort")
WRITES = ("train_images", "fits/stage=train")
CONFIG = ("train", "images")


@dataclass(frozen=True)
class TrainingPlan:
    """How many ranks train on how many files.

    Attributes:
        ranks: processes that train.
        train_files: files of the train images, a multiple of the ranks.
        validation_files: files of the validation images; 0: there are none.
        steps: common steps of an epoch.
        notes: what was done instead of what the settings say.
    """

    ranks: int
    train_files: int
    validation_files: int
    steps: int
    notes: list[str] = field(default_factory=list)


def run(context: StageContext) -> StageSummary:
    """Writes `train_images`, the checkpoints and the registered encoder; goes on from a checkpoint if there is one.

    Raises:
        StageError: no train image, or a rank failed.
    """
    settings = context.config.train
    images, cohort = context.tables.read("images"), context.cohort()
    keys = {split: exported(cohort, images, split) for split in ("train", "validation")}
    rows = {split: frame.count() for split, frame in keys.items()}
    plan = plan_training(rows["train"], rows["validation"], possible_ranks(context.spark, settings.ranks), settings)
    train_files = _write(context, keys["train"], images, "train", plan.train_files)
    validation_files = _write(context, keys["validation"], images, "validation", plan.validation_files)
    fit_id = context.fit_id("train", settings.encoder)
    job = TrainingJob(
        description(context), tuple(train_files), tuple(validation_files or train_files), settings.batch_size,
        loop_settings(settings, plan.steps), str(context.tables.files / "checkpoints" / fit_id),
    )  # fmt: skip
    context.progress(f"{rows['train']} images, {plan.ranks} ranks, up to {settings.epochs} epochs")
    trained = _trained(context, job, plan)
    _register(context, job, trained)
    return StageSummary(
        "train", rows={"train_images": rows["train"] + rows["validation"]}, notes=plan.notes,
        extra={"fit_id": fit_id, "ranks": plan.ranks, "epochs": trained.epoch, "validations": len(trained.history),
               "best_loss": trained.best_loss, "stopped_early": trained.stopped},
    )  # fmt: skip


def plan_training(train_rows: int, validation_rows: int, possible: int, settings: Train) -> TrainingPlan:
    """Decides ranks, files and steps from the number of images and of possible ranks.

    Raises:
        StageError: no train image.
    """
    if not train_rows:
        raise StageError("train: found no exported image in the cohort's train part; see `radnet cohort`")
    ranks, notes = min(possible, train_rows), []
    if ranks < settings.ranks:
        why = f"{possible} task slot(s), {train_rows} image(s)"
        notes.append(f"trained on {ranks} rank(s) instead of {settings.ranks}: {why}")
    if not validation_rows:
        notes.append("no validation image: losses and early stopping are of the train images")
    per_rank = settings.row_group_rows * ranks
    return TrainingPlan(
        ranks=ranks,
        train_files=ranks * math.ceil(train_rows / per_rank),
        validation_files=min(validation_rows, ranks * math.ceil(validation_rows / per_rank)),
        steps=math.ceil(train_rows / (ranks * settings.batch_size)),
        notes=notes,
    )


def description(context: StageContext) -> EncoderDescription:
    """The network that the settings name.

    Raises:
        UsageError: its shapes can't be.
    """
    settings, size = context.config.train, context.config.images.size
    shape: dict[str, Any] = {"filters": list(settings.filters), "bottleneck": settings.bottleneck_channels}
    build_encoder(settings.encoder, size, shape)
    return EncoderDescription(settings.encoder, size, shape)


def loop_settings(settings: Train, steps: int) -> LoopSettings:
    """The loop's part of the settings; each rank puts in its own device."""
    return LoopSettings(
        epochs=settings.epochs, learning_rate=settings.learning_rate, patience_epochs=settings.patience_epochs,
        validations_per_epoch=settings.validations_per_epoch, steps_per_epoch=steps, seed=settings.seed,
    )  # fmt: skip


def _write(context: StageContext, keys: DataFrame, images: DataFrame, split: str, files: int) -> list[str]:
    """One file a shard, one row group a file, so that ranks share them evenly."""
    if not files:
        return []
    frame = snapshot(keys, images, files, context.config.train.seed)
    return context.tables.write_snapshot(f"train_images/{split}", frame, f"{context.fingerprint}-{files}")


def _trained(context: StageContext, job: TrainingJob, plan: TrainingPlan) -> TrainingState:
    """Where the training ended; ranks are started while the checkpoint says that something is left to do.

    Horovod gives up when a rank is lost. All ranks are then started again, and go on at the checkpoint.
    """
    checkpoint, settings = Checkpoint(job.checkpoint_folder), context.config.train
    for attempt in range(settings.attempts):
        state = checkpoint.load()
        if state is not None and (state.stopped or state.epoch >= settings.epochs):
            return state
        try:
            run_on_ranks(context.spark, train_rank, plan.ranks, {"job": job}, settings.start_timeout_seconds)
            break
        except LostRankError as error:
            if attempt + 1 == settings.attempts:
                raise
            plan.notes.append(f"{error}; all ranks were started again")
            context.progress(plan.notes[-1])
    state = checkpoint.load()
    if state is None:
        raise StageError(f"train: found no checkpoint in {job.checkpoint_folder}; every rank's machine must reach it")
    return state


def _register(context: StageContext, job: TrainingJob, trained: TrainingState) -> None:
    """Publishes the best encoder as the one that `embed` takes, and its loss curve."""
    name = job.description.name
    network = build_encoder(name, job.description.size, job.description.shape)
    network.load_state_dict(trained.best_state)
    with saving_fit(context, "train", name) as (fit_id, folder):
        ImageEmbedder(job.description, network.encoder, None).save(folder)
        (folder / "history.json").write_text(json.dumps(trained.history, indent=1), encoding="utf-8")
    tables = context.tables
    tables.delete("fits", f"stage = 'train' AND fit_id <> '{fit_id}'")
    tables.written["fits/stage=train"] = tables.written["fits"]
    with context.tracker.run(f"train {name}", {"fit_id": fit_id}) as run:
        for row in trained.history:
            run.metrics({name: row[name] for name in ("train_loss", "validation_loss")}, step=row["validation"])
