"""A grid that is stopped goes on; what fails is a row; MLflow has one run with the table of cells."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from radnet_spark.errors import StageError
from radnet_spark.lake.cells import CellSkipped, make_cells
from radnet_spark.lake.grid import (
    Grid,
    cell_folder,
    finish_grid,
    finished_cells,
    on_executor,
    run_grid,
)

CELLS = make_cells("tags", [{"a": value} for value in (1, 2, 3, 4)], [1], ["code"])


def _work(begun: list[int], stop_at: int | None = None):
    def work(cell):
        value = cell.settings["a"]
        begun.append(value)
        if value == stop_at:
            raise KeyboardInterrupt
        if value == 3:
            raise CellSkipped("3 is more than the data allow")
        if value == 4:
            raise ZeroDivisionError("of a patient")
        return {"loss": value / 10}

    return work


def test_a_grid_killed_after_its_first_cell_goes_on_with_the_second(context, tables):
    here, begun = context(), []
    with pytest.raises(KeyboardInterrupt):
        run_grid(here, Grid("tags", CELLS, _work(begun, stop_at=2)))
    assert begun == [1, 2]
    assert [(row["status"], row["chosen"]) for row in tables.read("grid_cells").collect()] == [("done", None)]
    assert finished_cells(tables, "tags") == []
    begun.clear()
    grid = Grid("tags", CELLS, _work(begun))
    outcomes = run_grid(here, grid)
    assert begun == [2, 3, 4]
    assert [outcomes[cell.cell_id].status for cell in CELLS] == ["done", "done", "skipped", "failed"]
    assert outcomes[CELLS[0].cell_id].metrics == {"loss": 0.1}
    assert outcomes[CELLS[3].cell_id].reason == "ZeroDivisionError"
    finish_grid(here, grid, outcomes, [CELLS[0].cell_id])
    assert [(cell, outcome.status) for cell, outcome in finished_cells(tables, "tags")] == [
        (cell, outcomes[cell.cell_id].status) for cell in CELLS
    ]
    assert [row["cell_id"] for row in tables.read("grid_cells").where("chosen").collect()] == [CELLS[0].cell_id]
    begun.clear()
    run_grid(here, grid)
    assert begun == [4]  # what failed is tried again
    (run,) = here.tracker.client.search_runs(["1"])
    path = here.tracker.client.download_artifacts(run.info.run_id, "grid/tags.csv")
    assert [row["status"] for row in csv.DictReader(Path(path).read_text().splitlines())] == [
        "done",
        "done",
        "skipped",
        "failed",
    ]
    assert run.data.metrics == {"grid.done": 2, "grid.skipped": 1, "grid.failed": 1}


def test_a_cell_whose_files_are_gone_is_done_again_and_old_files_go(context, tables):
    begun: list[int] = []
    grid = Grid("tags", CELLS[:2], _work(begun), at_once=2, files=True)
    for name in (CELLS[0].cell_id, "of an older grid", "shared"):
        cell_folder(tables, "tags", name).mkdir(parents=True)
    run_grid(context(), grid)
    outcomes = run_grid(context(), grid)
    assert sorted(begun) == [1, 2, 2]
    finish_grid(context(), grid, outcomes, [])
    left = {path.name for path in cell_folder(tables, "tags", "shared").parent.iterdir()}
    assert left == {CELLS[0].cell_id, "shared"}


def test_where_nothing_can_be_done_the_first_reason_is_said(context):
    with pytest.raises(StageError, match="3 is more than the data allow"):
        run_grid(context(), Grid("tags", CELLS[2:], _work([])))


def _body(payload: str) -> dict[str, float]:
    value = json.loads(payload)
    if value == 0:
        raise CellSkipped("nothing")
    return {"half": value / 2 if value > 0 else 1 / 0}


def test_a_task_gives_back_figures_and_reasons(spark):
    assert on_executor(spark, _body, "3") == {"half": 1.5}
    with pytest.raises(CellSkipped, match="nothing"):
        on_executor(spark, _body, "0")
    with pytest.raises(StageError, match="ZeroDivisionError"):
        on_executor(spark, _body, "-1")
