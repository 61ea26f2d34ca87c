"""Runs a grid of cells: what is done is kept in the table `grid_cells`, so that a grid goes on where it stopped.

One MLflow run for the whole grid, with a table of its cells as an artifact. A cell that fails is a row with a reason.
"""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from radnet_spark.config import config_hash
from radnet_spark.errors import RadnetError, StageError
from radnet_spark.lake.cells import Cell, CellSkipped, Outcome, as_csv
from radnet_spark.lake.runs import code_version
from radnet_spark.lake.stage import StageContext
from radnet_spark.lake.tables import Tables
from radnet_spark.schemas import TABLES

logger = logging.getLogger(__name__)

TABLE = "grid_cells"
SHARED = "shared"  # folder beside those of the cells, for what all of them read
_FLUSH_SECONDS = 5.0  # results wait no longer than this for their commit
_RESULT = "result string"

Metrics = Mapping[str, float]
Work = Callable[[Cell], Metrics]


@dataclass(frozen=True)
class Grid:
    """A grid to run.

    Attributes:
        stage: whose it is: the part of `grid_cells`.
        cells: in the order in which they are tried.
        work: does one cell and gives its figures; raises `CellSkipped` where it can't be. With `at_once` above 1 it is
            called from several threads.
        at_once: cells that are worked on at the same time.
        files: whether `work` leaves files in `cell_folder`; a cell whose folder is gone is done again.
    """

    stage: str
    cells: Sequence[Cell]
    work: Work
    at_once: int = 1
    files: bool = False


def basis(context: StageContext, settings: Any) -> list[Any]:
    """What decides every cell's result beside its own settings: code, versions of inputs, options, other settings."""
    return [code_version(), dict(context.input_versions), dict(context.options), settings]


def run_grid(context: StageContext, grid: Grid) -> dict[str, Outcome]:
    """Does the cells that are not done yet.

    Returns:
        cell_id → outcome of every cell of the grid.

    Raises:
        StageError: not one cell could be done; the message has the first one's reason.
    """
    outcomes = _known(context, grid)
    missing = [cell for cell in grid.cells if cell.cell_id not in outcomes]
    if outcomes and missing:
        context.progress(f"grid of {grid.stage}: {len(outcomes)} of {len(grid.cells)} cells were done before")
    begin, pending, flushed = time.monotonic(), list[tuple[Cell, Outcome]](), -_FLUSH_SECONDS
    try:
        for number, (cell, outcome) in enumerate(_worked(grid, missing), start=1):
            outcomes[cell.cell_id] = outcome
            pending.append((cell, outcome))
            if time.monotonic() - begin - flushed >= _FLUSH_SECONDS:
                _append(context, grid.stage, pending)
                flushed = time.monotonic() - begin
            if len(grid.cells) > 1:
                left = (time.monotonic() - begin) / number * (len(missing) - number)
                context.progress(f"grid of {grid.stage}: {len(outcomes)} of {len(grid.cells)} cells, {left:.0f} s left")
    finally:
        _append(context, grid.stage, pending)
    if not any(outcome.status == "done" for outcome in outcomes.values()):
        reasons = [outcomes[cell.cell_id].reason for cell in grid.cells]
        raise StageError(f"{grid.stage}: no cell of {len(grid.cells)} could be done: {reasons[0] if reasons else ''}")
    return outcomes


def finish_grid(context: StageContext, grid: Grid, outcomes: Mapping[str, Outcome], chosen: Iterable[str]) -> None:
    """Marks the chosen cells, leaves the grid's own rows and files alone, and logs the table of several cells.

    Until then `chosen` is null: the rows of a grid that was stopped are not taken for a finished one.
    """
    winners = set(chosen)
    rows = [_row(grid.stage, cell, outcomes[cell.cell_id], cell.cell_id in winners, place)
            for place, cell in enumerate(grid.cells)]  # fmt: skip
    frame = context.spark.createDataFrame(rows, TABLES[TABLE].ddl)
    context.tables.overwrite(TABLE, frame, part={"stage": grid.stage})
    kept = {SHARED, *(cell.cell_id for cell in grid.cells)}
    home = cell_folder(context.tables, grid.stage, SHARED).parent
    for folder in home.iterdir() if home.is_dir() else ():
        if folder.name not in kept:
            shutil.rmtree(folder, ignore_errors=True)
    if len(grid.cells) < 2:
        return
    statuses = [outcome.status for outcome in outcomes.values()]
    with context.tracker.run(grid.stage) as run:
        run.text(f"grid/{grid.stage}.csv", as_csv(grid.cells, outcomes, winners))
        run.metrics({f"grid.{status}": float(statuses.count(status)) for status in ("done", "skipped", "failed")})


def finished_cells(tables: Tables, stage: str) -> list[tuple[Cell, Outcome]]:
    """The cells of a stage's last grid that came to its end, in its order; empty without one."""
    rows = tables.read_or_empty(TABLE).where((F.col("stage") == stage) & F.col("chosen").isNotNull())
    return [_read(row) for row in rows.orderBy("position", "cell_id").collect()]


def cell_folder(tables: Tables, stage: str, cell_id: str) -> Path:
    """Where a cell may leave files; every executor must reach it."""
    return tables.files / "grids" / stage / cell_id


def shared_folder(tables: Tables, stage: str, cells: Sequence[Cell]) -> Path:
    """Where what these cells read lies; no other cells have the same."""
    return cell_folder(tables, stage, SHARED) / config_hash([cell.cell_id for cell in cells])


def tidy_shared(shared: Path, keep: bool) -> None:
    """Only a grid's sample is needed later, and only the last one's."""
    for folder in shared.parent.iterdir() if shared.parent.is_dir() else ():
        if folder != shared or not keep:
            shutil.rmtree(folder, ignore_errors=True)


def on_executor(spark: SparkSession, body: Callable[[str], Metrics], payload: str) -> Metrics:
    """Runs a function in a task of its own.

    Args:
        spark: the session.
        body: a function of a module; takes the payload, gives figures; errors of ours come back as they are.
        payload: what it needs, as JSON.
    """

    def task(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            answers = [_answer(body, text) for text in batch.column("payload").to_pylist()]
            yield pa.RecordBatch.from_arrays([pa.array(answers, pa.string())], names=["result"])

    frame: DataFrame = spark.createDataFrame([(payload,)], "payload string").coalesce(1)
    answer = json.loads(frame.mapInArrow(task, _RESULT).collect()[0]["result"])
    if "skipped" in answer:
        raise CellSkipped(answer["skipped"])
    if "failed" in answer:
        raise StageError(answer["failed"])
    found: dict[str, float] = answer["metrics"]
    return found


def _answer(body: Callable[[str], Metrics], payload: str) -> str:
    try:
        return json.dumps({"metrics": dict(body(payload))})
    except CellSkipped as error:
        return json.dumps({"skipped": str(error)})
    except RadnetError as error:
        return json.dumps({"failed": str(error)})
    except Exception as error:  # an error of one cell must not end the others' Spark job
        return json.dumps({"failed": type(error).__name__})


def _known(context: StageContext, grid: Grid) -> dict[str, Outcome]:
    """Outcomes of earlier runs; what failed is tried again."""
    wanted = {cell.cell_id for cell in grid.cells}
    rows = context.tables.read_or_empty(TABLE).where((F.col("stage") == grid.stage) & (F.col("status") != "failed"))
    found = dict[str, Outcome]()
    for row in rows.collect():
        cell, outcome = _read(row)
        there = not grid.files or outcome.status != "done" or cell_folder(
            context.tables, grid.stage, cell.cell_id
        ).is_dir()  # fmt: skip
        if cell.cell_id in wanted and there:
            found[cell.cell_id] = outcome
    return found


def _worked(grid: Grid, cells: Sequence[Cell]) -> Iterator[tuple[Cell, Outcome]]:
    """Cells with their outcomes as they end; no more than `at_once` are begun before one has ended."""
    waiting, running = iter(cells), dict[Future[Outcome], Cell]()
    with ThreadPoolExecutor(max(1, grid.at_once)) as pool:
        try:
            while True:
                for cell in waiting:
                    running[pool.submit(_timed, grid.work, cell)] = cell
                    if len(running) >= max(1, grid.at_once):
                        break
                if not running:
                    return
                ended, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in ended:
                    yield running.pop(future), future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _timed(work: Work, cell: Cell) -> Outcome:
    begin = time.monotonic()
    try:
        metrics = {name: float(value) for name, value in work(cell).items()}
        return Outcome("done", None, metrics, time.monotonic() - begin)
    except CellSkipped as error:
        return Outcome("skipped", str(error), {}, time.monotonic() - begin)
    except RadnetError as error:
        return Outcome("failed", str(error), {}, time.monotonic() - begin)
    except Exception as error:  # the other cells go on; the text may hold values, so that the type has to do
        logger.debug("cell %s failed", cell.cell_id, exc_info=True)
        return Outcome("failed", type(error).__name__, {}, time.monotonic() - begin)


def _append(context: StageContext, stage: str, pending: list[tuple[Cell, Outcome]]) -> None:
    if pending:
        rows = [_row(stage, cell, outcome, None) for cell, outcome in pending]
        context.tables.append(TABLE, context.spark.createDataFrame(rows, TABLES[TABLE].ddl))
        pending.clear()


def _row(stage: str, cell: Cell, outcome: Outcome, chosen: bool | None, position: int | None = None) -> tuple[Any, ...]:
    settings = json.dumps(dict(cell.settings), sort_keys=True)
    return (stage, cell.cell_id, position, settings, cell.seed, outcome.status, outcome.reason, dict(outcome.metrics),
            outcome.seconds, chosen)  # fmt: skip


def _read(row: Any) -> tuple[Cell, Outcome]:
    outcome = Outcome(row["status"], row["reason"], dict(row["metrics"] or {}), row["seconds"])
    return Cell(row["cell_id"], json.loads(row["settings"]), row["seed"]), outcome
