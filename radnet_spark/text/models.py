"""The grid of text models: every cell fitted, the first one that could be saved with all it needs.

Which cell is best by the paper's rule (S) is known only after clustering: `radnet screen` settles it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from radnet_spark.lake.cells import Cell, publish
from radnet_spark.lake.grid import (
    Grid,
    basis,
    cell_folder,
    finish_grid,
    on_executor,
    run_grid,
    shared_folder,
    tidy_shared,
)
from radnet_spark.lake.stage import StageContext
from radnet_spark.text.embedder import TextModel, load_model
from radnet_spark.text.fitting import fit_cell, fit_model
from radnet_spark.text.grids import STAGE, of_tokens, settings_of, text_cells
from radnet_spark.text.sample import TextSample


@dataclass(frozen=True)
class FittedModel:
    """The model that stands for the grid.

    Attributes:
        model: makes vectors of stems.
        cells: in the grid.
        notes: skipped and failed cells.
        shared: folder of what all cells share; None without a grid.
    """

    model: TextModel
    cells: int = 1
    notes: Sequence[str] = ()
    shared: Path | None = None


def cells_of(context: StageContext) -> list[Cell]:
    """The cells of the stage's grid; one without a grid."""
    section = context.config.section("text")
    return text_cells(context.config.text, basis(context, [of_tokens(section), context.config.section("diagnoses")]))


def fit_models(context: StageContext, cells: Sequence[Cell], sample: TextSample) -> FittedModel:
    """Fits every cell that is not fitted yet, a task each on executors; a single one here. An earlier grid stays.

    Raises:
        StageError: not one cell could be done.
    """
    section = context.config.section("text")
    if len(cells) == 1:
        return FittedModel(fit_model(sample, settings_of(cells[0].settings, cells[0].seed, section)))
    shared = shared_folder(context.tables, STAGE, cells)
    publish(shared, sample.save)

    def work(cell: Cell) -> Mapping[str, float]:
        asked = {"settings": dict(cell.settings), "seed": cell.seed, "section": section, "sample": str(shared),
                 "folder": str(cell_folder(context.tables, STAGE, cell.cell_id))}  # fmt: skip
        return on_executor(context.spark, fit_cell, json.dumps(asked))

    grid = Grid(STAGE, cells, work, min(len(cells), context.spark.sparkContext.defaultParallelism), files=True)
    outcomes = run_grid(context, grid)
    chosen = next(cell for cell in cells if outcomes[cell.cell_id].status == "done")
    finish_grid(context, grid, outcomes, [chosen.cell_id])
    tidy_shared(shared, keep=True)
    notes = [f"cell {dict(cell.settings)}: {outcomes[cell.cell_id].reason}" for cell in cells
             if outcomes[cell.cell_id].status != "done"]  # fmt: skip
    model = load_model(str(chosen.settings["model"]), cell_folder(context.tables, STAGE, chosen.cell_id))
    return FittedModel(model, len(cells), notes, shared)
