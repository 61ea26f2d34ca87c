"""Cells of a grid: combinations of named values, each with every seed, and what came of them. No Spark here.

A cell is known by what decides its result, so that a grid which is stopped, repeated or made larger computes only what
is not there yet.
"""

from __future__ import annotations

import csv
import io
import itertools
import math
import shutil
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from radnet_spark.config import config_hash
from radnet_spark.errors import StageError, UsageError

Settings = Mapping[str, Any]


class CellSkipped(StageError):
    """A cell that can't be on these data, such as more components than dimensions; the message says why."""


@dataclass(frozen=True)
class Cell:
    """One combination and one seed.

    Attributes:
        cell_id: 16 hex digits, of all that decides the result.
        settings: name → plain value, as JSON holds it.
        seed: of everything random in the cell.
    """

    cell_id: str
    settings: Settings
    seed: int


@dataclass(frozen=True)
class Outcome:
    """What came of a cell.

    Attributes:
        status: `done`, `skipped` (it can't be on these data) or `failed`.
        reason: why it was not done; None if it was.
        metrics: name → figure.
        seconds: wall-clock time of the work.
    """

    status: Literal["done", "skipped", "failed"]
    reason: str | None
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0


def grid_blocks(section: str, grids: Any, name: str, model: str) -> list[dict[str, Any]]:
    """The blocks of a named grid of a file; that their values are right is for the section's settings to say.

    Args:
        section: whose settings name the file (`grids`) and the grid (`grid`).
        grids: the file's content, as YAML gives it.
        name: of the grid.
        model: of the blocks that name none.

    Returns:
        Blocks: `model`, a name; `seeds`, integers from 0; setting → a list of at least one value.

    Raises:
        UsageError: the grid is not in the file, or a block is no such block.
    """
    if not isinstance(grids, dict):
        raise UsageError(f"{section}.grids: found a file of {type(grids).__name__}, expected a mapping of grids")
    if name not in grids:
        raise UsageError(f"{section}.grid: found {name}, expected none or one of {', '.join(map(str, grids))}")
    blocks = grids[name]
    if not isinstance(blocks, list) or not blocks:
        raise UsageError(f"{section}.grids: found {name}: {blocks!r}, expected a list of blocks")
    for block in blocks:
        said = _wrong(block)
        if said:
            raise UsageError(f"{section}.grids: {said}, in grid {name}")
    return [{"model": model, **block} for block in blocks]


def _wrong(block: Any) -> str | None:
    if not isinstance(block, dict):
        return f"found {block!r}, expected a block with seeds"
    if "seeds" not in block:
        return "found no seeds in a block"
    if not isinstance(block.get("model", ""), str):
        return f"found model {block['model']!r}, expected one name"
    for name, values in block.items():
        if name != "model" and (not isinstance(values, list) or not values):
            return f"found {name}: {values!r}, expected a list of at least one value (only model is one name)"
    if not all(type(seed) is int and seed >= 0 for seed in block["seeds"]):
        return f"found seeds: {block['seeds']!r}, expected integers from 0"
    return None


def combinations(values: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Every combination of named values, the last name changing fastest.

    >>> combinations({"size": [32, 64], "rate": [0.1]})
    [{'size': 32, 'rate': 0.1}, {'size': 64, 'rate': 0.1}]
    """
    return [dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())]


def make_cells(stage: str, settings: Iterable[Settings], seeds: Sequence[int], basis: Any) -> list[Cell]:
    """The cells of a grid, in order, each once.

    Args:
        stage: whose grid it is.
        settings: combinations.
        seeds: each combination is run with every one of them.
        basis: plain data of what decides the result beside settings and seed: code, inputs, what was done before.
    """
    cells = [
        Cell(config_hash([stage, dict(chosen), seed, basis]), dict(chosen), seed)
        for chosen in settings
        for seed in seeds
    ]
    return list({cell.cell_id: cell for cell in cells}.values())


def best_cell(
    cells: Sequence[Cell], outcomes: Mapping[str, Outcome], metric: str, largest: bool = False
) -> Cell | None:
    """The best cell of the best combination: the smallest mean of a metric over the seeds, then its smallest value.

    The mean, since the luckiest of several seeds says little of a combination. Ties go to the earlier cell.

    Args:
        cells: in the grid's order.
        outcomes: cell_id → outcome; cells that were not done are left out.
        metric: cells without it, or where it is NaN, are left out.
        largest: larger is better.

    Returns:
        None where no cell has the metric.
    """
    sign = -1 if largest else 1
    scored = [(cell, sign * outcomes[cell.cell_id].metrics.get(metric, math.nan)) for cell in cells
              if cell.cell_id in outcomes and outcomes[cell.cell_id].status == "done"]  # fmt: skip
    groups: dict[str, list[tuple[float, int, Cell]]] = {}
    for place, (cell, value) in enumerate(scored):
        if not math.isnan(value):
            groups.setdefault(config_hash(cell.settings), []).append((value, place, cell))
    if not groups:
        return None
    winners = min(groups.values(), key=lambda group: (statistics.fmean(value for value, _, _ in group), group[0][1]))
    return min(winners, key=lambda entry: entry[:2])[2]


def varied(settings: Sequence[Settings]) -> list[str]:
    """The names of settings that are not the same in all cells.

    >>> varied([{"model": "bow", "min_count": 5}, {"model": "bow", "min_count": 50}])
    ['min_count']
    """
    names = dict.fromkeys(name for own in settings for name in own)
    return [name for name in names if len({str(own.get(name)) for own in settings}) > 1]


def publish(folder: Path, write: Callable[[Path], None], anew: bool = False) -> None:
    """Makes a folder that is there only when it is whole.

    Args:
        folder: one that is there stays, unless `anew`.
        write: puts files into an empty folder.
        anew: replace one that is there.
    """
    if folder.is_dir() and not anew:
        return
    temporary = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    write(temporary)
    shutil.rmtree(folder, ignore_errors=True)
    temporary.replace(folder)


def as_csv(cells: Sequence[Cell], outcomes: Mapping[str, Outcome], chosen: Iterable[str] = ()) -> str:
    """The grid as a table for people: a line a cell, settings and metrics as columns."""
    settings = list(dict.fromkeys(name for cell in cells for name in cell.settings))
    metrics = sorted({name for outcome in outcomes.values() for name in outcome.metrics})
    text, winners = io.StringIO(), set(chosen)
    writer = csv.writer(text, lineterminator="\n")
    named = [f"{name} (result)" if name in settings else name for name in metrics]
    writer.writerow(["cell_id", *settings, "seed", "status", "reason", *named, "seconds", "chosen"])
    for cell in cells:
        if cell.cell_id not in outcomes:
            continue
        outcome = outcomes[cell.cell_id]
        writer.writerow([
            cell.cell_id, *(cell.settings.get(name, "") for name in settings), cell.seed, outcome.status,
            outcome.reason or "", *(outcome.metrics.get(name, "") for name in metrics), round(outcome.seconds, 3),
            cell.cell_id in winners,
        ])  # fmt: skip
    return text.getvalue()
