"""The notebooks: stripped files without logic, run on the demo's root in this process."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


def code_of(notebook: Any) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_files_diff_well_and_hold_no_logic(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert path.read_text(encoding="utf-8") == nbformat.writes(notebook, indent=1) + "\n"
    for cell in notebook.cells:
        assert not cell.metadata
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)
    logic = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.If, ast.Try, ast.With, ast.Lambda)
    assert not [node for code in code_of(notebook) for node in ast.walk(ast.parse(code)) if isinstance(node, logic)]


def shown(code: str, names: dict[str, Any]) -> Any:
    """Runs a cell and gives the value of its last line, as a notebook shows it."""
    tree = ast.parse(code)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), "cell", "eval"), names)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_shows_something_on_the_demo(path, whole_run, monkeypatch):
    monkeypatch.setenv("RADNET_ROOT", str(whole_run.root))
    monkeypatch.setenv("RADNET_TRACKING", f"sqlite:///{whole_run.root}/mlflow.db")
    monkeypatch.setenv("RADNET_FILES", str(whole_run.hospital / "**" / "*"))
    names: dict[str, Any] = {}
    values = [shown(code, names) for code in code_of(nbformat.read(path, as_version=4))]
    for value in values[0 if path.stem.startswith("3") else 1 :]:
        assert value is not None
        if isinstance(value, pd.DataFrame):
            assert len(value)
        if hasattr(value, "_repr_png_"):
            assert value._repr_png_().startswith(b"\x89PNG")
