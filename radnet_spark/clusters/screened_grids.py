"""What screening must know of the grid of a source: the sample of its cells, what chooses, and vectors of all rows."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from radnet_spark.config import Config
from radnet_spark.lake.cells import Cell
from radnet_spark.lake.stage import StageContext
from radnet_spark.tags import grids as tag_grids
from radnet_spark.text import grids as text_grids

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Sampled:
    """The rows that a grid's cells are judged on.

    Attributes:
        train: number of training instances.
        watched_uids: sop_instance_uid of validation instances.
    """

    train: int
    watched_uids: NDArray[np.str_]


@dataclass(frozen=True)
class SourceGrid:
    """The grid of a source.

    Attributes:
        asked: whether the settings ask for one.
        fitted: the stage whose cells these are in `grid_cells`.
        score: what chooses: D is better small, S large.
        sampled: the rows of the folder that all cells share.
        save: writes a whole embedder: (shared folder, the cell's folder, the cell, target).
        vectors: rows of `embeddings`: (context, folder of an embedder, its model, its fit_id).
    """

    asked: Callable[[Config], bool]
    fitted: str
    score: str
    sampled: Callable[[Path], Sampled]
    save: Callable[[Path, Path, Cell, Path], None]
    vectors: Callable[[StageContext, Path, str, str], DataFrame]


def _tag_rows(shared: Path) -> Sampled:
    from radnet_spark.tags.sample import load_sample

    sample = load_sample(str(shared))
    return Sampled(sample.train.shape[0], sample.watched_uids)


def _save_tags(shared: Path, source: Path, cell: Cell, target: Path) -> None:
    from radnet_spark.tags.embedder import TagEmbedder
    from radnet_spark.tags.fitting import HISTORY

    TagEmbedder.load(shared, source).save(target)
    shutil.copyfile(source / HISTORY, target / HISTORY)


def _tag_vectors(context: StageContext, folder: Path, model: str, fit_id: str) -> DataFrame:
    from radnet_spark.tags import frames

    rows = frames.tagged(context.tables.read("instances"), context.cohort())
    return frames.embeddings(rows, str(folder), model, fit_id)


def _text_rows(shared: Path) -> Sampled:
    from radnet_spark.text.sample import load_instances

    instances = load_instances(shared)
    return Sampled(int(instances.train.sum()), instances.watched_uids)


def _save_text(shared: Path, source: Path, cell: Cell, target: Path) -> None:
    from radnet_spark.text.embedder import TextEmbedder, load_model

    of_grid = TextEmbedder.load(shared)
    model = load_model(str(cell.settings["model"]), source)
    TextEmbedder(of_grid.rules, of_grid.mask_persons, model, str(cell.settings["tokens"])).save(target)


def _text_vectors(context: StageContext, folder: Path, model: str, fit_id: str) -> DataFrame:
    from radnet_spark.text import frames
    from radnet_spark.text.embedder import fitted_on

    cohort = context.cohort()
    exams = frames.exam_parts(context.tables.read("tokens"), cohort)
    return frames.instance_vectors(frames.exam_vectors(exams, fitted_on(folder), folder), cohort, model, fit_id)


GRIDS = {
    "tags": SourceGrid(
        lambda config: tag_grids.tries_many(config.tags), tag_grids.STAGE, "D", _tag_rows, _save_tags, _tag_vectors
    ),
    "diagnosis": SourceGrid(
        lambda config: text_grids.tries_many(config.text), text_grids.STAGE, "S", _text_rows, _save_text, _text_vectors
    ),
}
