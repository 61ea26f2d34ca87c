"""The grid of the tag vectors: every cell fitted on an executor, the best one by its loss saved with all it needs.

Which cell is best by the paper's rule (D) is known only after image and text were chosen: `radnet screen` settles it.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from radnet_spark.errors import StageError
from radnet_spark.lake.cells import Cell, Outcome, best_cell
from radnet_spark.lake.fits import saving_fit
from radnet_spark.lake.fitted_cells import fit_cells
from radnet_spark.lake.grid import basis, cell_folder
from radnet_spark.lake.stage import StageContext
from radnet_spark.lake.tables import Tables
from radnet_spark.tags.fitting import HISTORY, TagFit, fit_cell
from radnet_spark.tags.grids import STAGE, tag_cells
from radnet_spark.tags.reduction import Reduction, load_reduction

_GRID_SETTINGS = ("grid", "grids", "model", "autoencoder", "pca")  # a cell has its own


@dataclass(frozen=True)
class Reduced:
    """The reduction that was saved.

    Attributes:
        fit_id: of the whole embedder.
        model: `ae` or `pca`.
        cells: in the grid.
        metrics: of the chosen cell.
        notes: skipped and failed cells.
    """

    fit_id: str
    model: str
    cells: int
    metrics: dict[str, float]
    notes: list[str]


def reduce_tags(context: StageContext, fit: TagFit, watched_uids: list[str]) -> Reduced:
    """Fits every cell that is not fitted yet and saves the best as a fit of the stage.

    Args:
        context: of the stage `tags`.
        fit: imputer, encoder and encoded rows.
        watched_uids: instances of the watched rows; empty where training rows stand in.

    Raises:
        StageError: no cell could be done, or none has a loss.
    """
    others = {name: value for name, value in context.config.section("tags").items() if name not in _GRID_SETTINGS}
    cells = tag_cells(context.config.tags, basis(context, others))
    sample = replace(fit.sample, watched_uids=np.array(watched_uids, "U"))
    fitted = fit_cells(context, STAGE, cells, sample.save, fit_cell)
    best = best_cell(cells, fitted.outcomes, "loss")
    if best is None:
        raise StageError(f"tags: no cell of {len(cells)} has a loss that is a number")
    outcome = fitted.outcomes[best.cell_id]
    saved = _save(context, fit, best, fitted.shared, outcome)
    fitted.finish(context, best)
    return Reduced(saved, str(best.settings["model"]), len(cells), dict(outcome.metrics), fitted.notes)


def cell_reduction(tables: Tables, cell: Cell, width: int) -> Reduction:
    """What a cell fitted."""
    return load_reduction(cell_folder(tables, STAGE, cell.cell_id), width)


def _save(context: StageContext, fit: TagFit, best: Cell, shared: Path, outcome: Outcome) -> str:
    """The whole embedder as a fit, and beside the sample, where `radnet screen` takes it from."""
    source = cell_folder(context.tables, STAGE, best.cell_id)
    embedder = fit.embedder(cell_reduction(context.tables, best, fit.sample.width))
    with saving_fit(context, "tags", str(best.settings["model"])) as (fit_id, folder):
        embedder.save(folder)
        shutil.copyfile(source / HISTORY, folder / HISTORY)
    embedder.save(shared)
    about = {"fit_id": fit_id, "source": "tags", "model": str(best.settings["model"])}
    with context.tracker.run("tags", about) as run:
        run.params({"tags": context.config.section("tags"), "tags.chosen": dict(best.settings)})
        for entry in json.loads((source / HISTORY).read_text(encoding="utf-8")):
            run.metrics({name: entry[name] for name in ("train_loss", "validation_loss")}, step=entry["epoch"])
        run.metrics({"best_loss": outcome.metrics.get("loss")})
    return fit_id
