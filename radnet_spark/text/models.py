"""The grid of text models: every cell fitted, the first one that could be saved with all it needs.

Which cell is best by the paper's rule (S) is known only after clustering: `radnet screen` settles it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from radnet_spark.lake.cells import Cell
from radnet_spark.lake.fitted_cells import fit_cells
from radnet_spark.lake.grid import basis, cell_folder
from radnet_spark.lake.stage import StageContext
from radnet_spark.text.embedder import TextModel, load_model
from radnet_spark.text.fitting import fit_cell, fit_model
from radnet_spark.text.grids import STAGE, of_tokens, settings_of, text_cells
from radnet_spark.text.sample import TextSample


@dataclass(frozen=True)
class FittedModel:
    """The model that stands for the grid.

    Attributes:
        model: makes vectors of tokens.
        tokens: `stems` or `words`, what it was fitted on.
        cells: in the grid.
        notes: skipped and failed cells.
        shared: folder of what all cells share; None without a grid.
    """

    model: TextModel
    tokens: str
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
        settings = settings_of(cells[0].settings, cells[0].seed, section)
        return FittedModel(fit_model(sample.texts[settings.tokens], settings), settings.tokens)
    fitted = fit_cells(context, STAGE, cells, sample.save, fit_cell, section=section)
    chosen = next(cell for cell in cells if fitted.outcomes[cell.cell_id].status == "done")
    fitted.finish(context, chosen)
    model = load_model(str(chosen.settings["model"]), cell_folder(context.tables, STAGE, chosen.cell_id))
    return FittedModel(model, str(chosen.settings["tokens"]), len(cells), fitted.notes, fitted.shared)
