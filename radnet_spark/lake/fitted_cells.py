"""Cells of a grid that are fitted on executors, each in a task of its own, from one sample that all of them read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radnet_spark.lake.cells import Cell, Outcome, publish, varied
from radnet_spark.lake.grid import (
    Grid,
    Metrics,
    cell_folder,
    finish_grid,
    on_executor,
    run_grid,
    shared_folder,
    tidy_shared,
)
from radnet_spark.lake.stage import StageContext


@dataclass(frozen=True)
class FittedCells:
    """What fitting a grid leaves.

    Attributes:
        grid: its cells.
        outcomes: cell_id → how it ended.
        shared: folder of the sample.
    """

    grid: Grid
    outcomes: Mapping[str, Outcome]
    shared: Path

    @property
    def notes(self) -> list[str]:
        """Skipped and failed cells, each with its reason."""
        ended = ((cell, self.outcomes[cell.cell_id]) for cell in self.grid.cells)
        names = ["model", *varied([cell.settings for cell in self.grid.cells])]
        return [f"cell {_told(cell, names)}: {outcome.reason}" for cell, outcome in ended if outcome.status != "done"]

    def finish(self, context: StageContext, chosen: Cell) -> None:
        """Marks the chosen cell; the sample stays where there was a choice, since `radnet screen` needs it."""
        finish_grid(context, self.grid, self.outcomes, [chosen.cell_id])
        tidy_shared(self.shared, keep=len(self.grid.cells) > 1)


def _told(cell: Cell, names: Iterable[str]) -> str:
    shown = {name: cell.settings[name] for name in names if cell.settings.get(name) is not None}
    return ", ".join([*(f"{name} {value}" for name, value in shown.items()), f"seed {cell.seed}"])


def fit_cells(
    context: StageContext,
    stage: str,
    cells: Sequence[Cell],
    save_sample: Callable[[Path], None],
    body: Callable[[str], Metrics],
    **more: Any,
) -> FittedCells:
    """Fits every cell that is not fitted yet.

    Args:
        context: of the stage.
        stage: the part of `grid_cells`.
        cells: of the grid.
        save_sample: fills the folder that all cells read.
        body: a function of a module, which fits one cell and leaves its files. It takes JSON of the cell's `settings`
            and `seed`, of `sample` and `folder` (paths), and of `more`.
        more: what every cell is told.

    Raises:
        StageError: not one cell could be done.
    """
    shared = shared_folder(context.tables, stage, cells)
    publish(shared, save_sample)

    def work(cell: Cell) -> Metrics:
        folder = cell_folder(context.tables, stage, cell.cell_id)
        asked = {"settings": dict(cell.settings), "seed": cell.seed, "sample": str(shared), "folder": str(folder)}
        return on_executor(context.spark, body, json.dumps({**asked, **more}))

    at_once = min(len(cells), context.spark.sparkContext.defaultParallelism)
    grid = Grid(stage, cells, work, at_once, files=True)
    return FittedCells(grid, run_grid(context, grid), shared)
