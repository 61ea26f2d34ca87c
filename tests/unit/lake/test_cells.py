"""Cells of a grid: combinations, identities, the best one, the table for people."""

from __future__ import annotations

import csv
import io
import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radnet_spark.lake.cells import Cell, Outcome, as_csv, best_cell, combinations, make_cells

VALUES = {"layers": [[300, 150, 75], [200, 100, 50]], "rate": [1e-2, 1e-3]}


def _done(**metrics: float) -> Outcome:
    return Outcome("done", None, metrics, 1.0)


def test_combinations_are_the_product_in_order():
    assert combinations(VALUES) == [
        {"layers": [300, 150, 75], "rate": 0.01}, {"layers": [300, 150, 75], "rate": 0.001},
        {"layers": [200, 100, 50], "rate": 0.01}, {"layers": [200, 100, 50], "rate": 0.001},
    ]  # fmt: skip
    assert combinations({}) == [{}]
    assert combinations({"rate": []}) == []


def test_identity_is_of_settings_seed_and_basis_alone():
    few = make_cells("tags", combinations(VALUES)[:2], [1, 2], ["code", {"instances": 3}])
    more = make_cells("tags", combinations(VALUES), [2, 1], ["code", {"instances": 3}])
    assert {cell.cell_id for cell in few} <= {cell.cell_id for cell in more}
    assert len({cell.cell_id for cell in more}) == len(more) == 8
    turned = make_cells("tags", [{"rate": 0.01, "layers": [300, 150, 75]}], [1], ["code", {"instances": 3}])
    assert turned[0].cell_id == few[0].cell_id
    for stage, basis in (("text", ["code", {"instances": 3}]), ("tags", ["code", {"instances": 4}])):
        assert not {c.cell_id for c in make_cells(stage, combinations(VALUES), [1, 2], basis)} & {
            c.cell_id for c in more
        }


def test_a_repeated_combination_is_one_cell():
    assert len(make_cells("tags", [{"a": 1}, {"a": 1}], [1, 1], [])) == 1


def test_the_best_cell_is_of_the_combination_that_is_best_on_average():
    cells = make_cells("tags", [{"a": 1}, {"a": 2}, {"a": 3}, {"a": 4}], [1, 2], [])
    found = [0.1, 0.9, 0.4, 0.3, 0.4, 0.3, math.nan, math.nan]
    outcomes = {cell.cell_id: _done(D=value) for cell, value in zip(cells, found, strict=True)}
    assert best_cell(cells, outcomes, "D") == cells[3]
    outcomes[cells[1].cell_id] = Outcome("failed", "loss is no number")
    assert best_cell(cells, outcomes, "D") == cells[0]
    assert best_cell(cells, outcomes, "S") is None
    turned = {
        key: Outcome("done", None, {"S": -value.metrics["D"]}) for key, value in outcomes.items() if value.metrics
    }
    assert best_cell(cells, turned, "S", largest=True) == best_cell(cells, outcomes, "D")
    assert best_cell(cells, {}, "D") is None


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12).filter(lambda values: len(values) % 2 == 0))
def test_no_combination_is_better_on_average_than_that_of_the_best_cell(values):
    cells = make_cells("tags", [{"a": n} for n in range(len(values) // 2)], [1, 2], [])
    outcomes = {cell.cell_id: _done(D=value) for cell, value in zip(cells, values, strict=True)}
    best = best_cell(cells, outcomes, "D")
    assert best is not None
    means = {n: statistics.fmean(values[2 * n : 2 * n + 2]) for n in range(len(values) // 2)}
    assert means[best.settings["a"]] == min(means.values())


def test_a_figure_called_like_a_setting_has_a_name_of_its_own():
    rows = list(csv.DictReader(io.StringIO(as_csv([Cell("x", {"epochs": 50}, 1)], {"x": _done(epochs=7.0)}))))
    assert (rows[0]["epochs"], rows[0]["epochs (result)"]) == ("50", "7.0")


def test_the_table_of_cells_can_be_read_again():
    cells = [Cell("x", {"layers": [2, 1]}, 1), Cell("y", {"layers": [2, 1], "rate": 0.1}, 2), Cell("z", {}, 3)]
    outcomes = {"x": _done(loss=0.5), "y": Outcome("skipped", "two, many", {}, 0.0)}
    rows = list(csv.DictReader(io.StringIO(as_csv(cells, outcomes, ["x"]))))
    assert [row["cell_id"] for row in rows] == ["x", "y"]
    assert rows[0] == {"cell_id": "x", "layers": "[2, 1]", "rate": "", "seed": "1", "status": "done", "reason": "",
                       "loss": "0.5", "seconds": "1.0", "chosen": "True"}  # fmt: skip
    assert rows[1]["reason"] == "two, many"
    assert rows[1]["loss"] == ""
    assert pytest.approx(float(rows[0]["loss"])) == 0.5
