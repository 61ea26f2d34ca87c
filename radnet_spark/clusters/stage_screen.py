"""`radnet screen --source …`: the cells of a grid judged by the paper's rule on a sample, the best as embeddings."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from radnet_spark.clusters.krange import k_range
from radnet_spark.clusters.screened_cell import screen_cell
from radnet_spark.clusters.screened_grids import GRIDS, SourceGrid
from radnet_spark.clusters.screening import Judges, as_units, sample_rows
from radnet_spark.clusters.stage_evaluate import judging_embeddings
from radnet_spark.errors import NothingToDoError, StageError
from radnet_spark.lake.cells import Cell, Outcome, best_cell, make_cells, varied
from radnet_spark.lake.fits import fit_folder, saving_fit
from radnet_spark.lake.grid import (
    SHARED,
    Grid,
    basis,
    cell_folder,
    finish_grid,
    finished_cells,
    on_executor,
    run_grid,
    shared_folder,
)
from radnet_spark.lake.stage import StageContext, StageSummary

READS = ("cohort", "body_parts")
READS_OF_SOURCE = {
    "tags": ("grid_cells/stage=tags", "instances", "embeddings/source=image", "embeddings/source=diagnosis",
             "scores/source=image", "scores/source=diagnosis"),
    "diagnosis": ("grid_cells/stage=text", "tokens"),
}  # fmt: skip
WRITES = ("embeddings/source={source}", "grid_cells/stage=screen-{source}", "fits/stage=screen")
CONFIG = ("tags", "text", "cluster")
_JUDGING = (
    "k", "k_list", "seeds", "max_iterations", "tolerance", "knee_sensitivity", "near_best", "screen_rows",
)  # fmt: skip
_SCORES = ("S", "D", "k")


@dataclass(frozen=True)
class _Bench:
    """What every cell is judged on: folders, and rows of the shared sample."""

    source: str
    shared: Path
    judges: Path
    train: list[int]
    watched: list[int]

    @property
    def grid(self) -> SourceGrid:
        """Of the source."""
        return GRIDS[self.source]


def run(context: StageContext) -> StageSummary:
    """Writes the source's part of `embeddings` with the best cell of each model, and the scores of all cells.

    Raises:
        NothingToDoError: no grid was fitted, or there is nothing to judge by.
        StageError: the files of the grid are gone.
    """
    tables, notes, source = context.tables, list[str](), str(context.options["source"])
    of_source = GRIDS[source]
    fitted = finished_cells(tables, of_source.fitted) if of_source.asked(context.config) else []
    usable = [cell for cell, outcome in fitted if outcome.status == "done"]
    if len(usable) < 2:
        raise NothingToDoError(_too_few(source, len(fitted), len(usable)))
    shared = shared_folder(tables, of_source.fitted, [cell for cell, _ in fitted])
    if not shared.is_dir():
        raise StageError(f"{shared}: the sample of the grid is not there; run `radnet {of_source.fitted}` again")
    bench = _bench(context, shared, notes)
    made = _cells(context, of_source, usable)
    cells = [cell for cell, _ in made.values()]
    outcomes = run_grid(context, grid := _grid(context, made, bench))
    finalists = _finalists(cells, outcomes, of_source.score)
    written = _embed(context, [made[cell.cell_id] for cell in finalists], bench)
    finish_grid(context, grid, outcomes, [cell.cell_id for cell in finalists])
    shutil.rmtree(bench.judges, ignore_errors=True)
    best = {str(cell.settings["model"]): _figures(cell, outcomes[cell.cell_id]) for cell in finalists}
    return StageSummary(
        "screen", rows={"embeddings": written}, notes=notes,
        extra={"source": source, "cells": len(cells), "train_rows": len(bench.train),
               "watched_rows": len(bench.watched), "best": best},
        facts=[f"the best {name}: {_told(figures, _shown(name, cells))}" for name, figures in best.items()],
    )  # fmt: skip


def _too_few(source: str, cells: int, usable: int) -> str:
    if cells < 2:
        return f"nothing to screen: no grid of {source} was fitted"
    return (
        f"nothing to screen: {usable} of {cells} cells of the grid of {source} could be fitted; the first choice stays"
    )


def _stage(context: StageContext) -> str:
    """Under which name the judged cells are in `grid_cells`."""
    return f"screen-{context.options['source']}"


def _cells(context: StageContext, of_source: SourceGrid, usable: Sequence[Cell]) -> dict[str, tuple[Cell, Path]]:
    """Identity → a cell for each fitted one, known by it and by what it is judged on, and the fitted one's folder.

    The version of `grid_cells` rises whenever the grid's stage has run; the fitted cells' identities stand for it.
    """
    versions = {key: n for key, n in context.input_versions.items() if key.partition("/")[0] != "grid_cells"}
    section, made = context.config.section("cluster"), {}
    judging = {name: section[name] for name in _JUDGING}
    for fitted in usable:
        judged = basis(replace(context, input_versions=versions), [judging, _seed(context), fitted.cell_id])
        (cell,) = make_cells(_stage(context), [fitted.settings], [fitted.seed], judged)
        made[cell.cell_id] = cell, cell_folder(context.tables, of_source.fitted, fitted.cell_id)
    return made


def _seed(context: StageContext) -> int:
    """Of the rows that cells are judged on."""
    return context.config.tags.seed if context.options["source"] == "tags" else context.config.text.seed


def _grid(context: StageContext, made: Mapping[str, tuple[Cell, Path]], bench: _Bench) -> Grid:
    settings = context.config.cluster
    ks = _fitting(settings.k, settings.k_list, len(bench.train))

    def work(cell: Cell) -> Mapping[str, float]:
        asked = {
            "source": bench.source, "ks": list(ks), "cluster": context.config.section("cluster"),
            "judges": str(bench.judges), "shared": str(bench.shared), "train": bench.train, "watched": bench.watched,
            "cell": str(made[cell.cell_id][1]), "settings": dict(cell.settings), "seed": cell.seed,
        }  # fmt: skip
        return on_executor(context.spark, screen_cell, json.dumps(asked))

    cells = [cell for cell, _ in made.values()]
    return Grid(_stage(context), cells, work, min(len(cells), context.spark.sparkContext.defaultParallelism))


def _fitting(explicit: Sequence[int] | int | None, default: Sequence[int], rows: int) -> tuple[int, ...]:
    """The numbers of clusters that a sample allows; those that were asked for may be for more rows."""
    if explicit is None:
        return k_range(None, default, rows).ks
    asked = [explicit] if isinstance(explicit, int) else list(explicit)
    return k_range([k for k in asked if k <= rows] or [rows], default, rows).ks


def _bench(context: StageContext, shared: Path, notes: list[str]) -> _Bench:
    """Chooses the rows and leaves what they are judged by where every executor finds it."""
    source = str(context.options["source"])
    of_source, most = GRIDS[source], context.config.cluster.screen_rows
    seed = _seed(context)
    by_distance = of_source.score == "D"
    embeddings = judging_embeddings(context, notes) if by_distance else None
    if by_distance and embeddings is None:
        raise NothingToDoError("nothing to screen by: no image and no diagnosis embedding; the smallest loss stays")
    sampled = of_source.sampled(shared)
    if not len(sampled.watched_uids):
        raise NothingToDoError("nothing to screen on: the cohort has no validation rows; the first choice stays")
    watched = sample_rows(len(sampled.watched_uids), most, seed)
    judges = cell_folder(context.tables, _stage(context), SHARED) / context.fit_id("screen", "judges")
    shutil.rmtree(judges, ignore_errors=True)
    judges.mkdir(parents=True)
    _judges(context, sampled.watched_uids[watched].tolist(), embeddings).save(judges)
    train = sample_rows(sampled.train, most, seed)
    return _Bench(source, shared, judges, train.tolist(), watched.tolist())


def _judges(context: StageContext, uids: Sequence[str], embeddings: DataFrame | None) -> Judges:
    """Modality, body part and, where distances judge, unit vectors of some rows of validation, in their order."""
    place = {uid: row for row, uid in enumerate(uids)}
    wanted = context.spark.createDataFrame([(uid,) for uid in uids], "sop_instance_uid string")
    parts = context.tables.read_or_empty("body_parts").select("sop_instance_uid", "body_part")
    about = context.cohort().join(wanted, "sop_instance_uid", how="left_semi")
    modality, body_part = np.full(len(uids), "", "U64"), np.full(len(uids), "", "U64")
    for row in about.join(parts, "sop_instance_uid", how="left").collect():
        modality[place[row["sop_instance_uid"]]] = row["modality"] or ""
        body_part[place[row["sop_instance_uid"]]] = (row["body_part"] or "").strip()
    found: dict[str, dict[int, NDArray[np.float32]]] = {}
    judged = None if embeddings is None else embeddings.join(wanted, "sop_instance_uid", how="left_semi")
    for row in () if judged is None else judged.toLocalIterator():
        found.setdefault(row["kind"], {})[place[row["sop_instance_uid"]]] = np.asarray(row["vector"], np.float32)
    units = {}
    for kind, vectors in found.items():
        units[kind] = np.zeros((len(uids), len(next(iter(vectors.values())))), np.float32)
        units[kind][list(vectors)] = as_units(np.stack(list(vectors.values())))
    return Judges(units, modality, body_part)


def _finalists(cells: Sequence[Cell], outcomes: Mapping[str, Outcome], score: str) -> list[Cell]:
    """The best cell of each model; `evaluate` chooses among them on all rows."""
    models = sorted({cell.settings["model"] for cell in cells})
    best = [
        best_cell([c for c in cells if c.settings["model"] == model], outcomes, score, largest=score == "S")
        for model in models
    ]
    found = [cell for cell in best if cell is not None]
    if not found:
        why = {"D": "no cluster of validation rows has two with an image or a diagnosis", "S": "it can't be known"}
        raise StageError(f"screen: no cell has {score}: {why[score]}")
    return found


def _embed(context: StageContext, finalists: Sequence[tuple[Cell, Path]], bench: _Bench) -> int:
    made = []
    for cell, source in finalists:
        model = str(cell.settings["model"])
        with saving_fit(context, "screen", model) as (fit_id, folder):
            bench.grid.save(bench.shared, source, cell, folder)
        made.append(bench.grid.vectors(context, fit_folder(context.tables, fit_id), model, fit_id))
    rows = reduce(DataFrame.unionByName, made)
    return context.tables.overwrite("embeddings", rows, part={"source": bench.source})


def _shown(model: str, cells: Sequence[Cell]) -> set[str]:
    """What is told of a model's best cell: what varies among its cells, and how good it is."""
    return {*varied([cell.settings for cell in cells if cell.settings["model"] == model]), "seed", *_SCORES}


def _told(figures: Mapping[str, Any], shown: Collection[str]) -> str:
    return ", ".join(f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
                     for name, value in figures.items() if name in shown)  # fmt: skip


def _figures(cell: Cell, outcome: Outcome) -> dict[str, Any]:
    shown = {name: round(value, 4) for name, value in outcome.metrics.items()}
    return {**cell.settings, "seed": cell.seed, **shown}
