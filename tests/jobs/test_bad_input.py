"""Input that can't work: a clear last line, the documented exit code, nothing half-written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from tests.jobs.conftest import SETTINGS


def arguments(folder: Path, name: str, *more: str) -> list[str]:
    """Of `radnet run` on `folder/name`, with its root beside it."""
    return ["--input", str(folder / name), *more, "--root", str(folder / "root"), *SETTINGS]


def tables_in(root: Path) -> set[str]:
    return {p.name for p in (root / "tables").iterdir()} if (root / "tables").exists() else set()


def test_an_empty_folder_leaves_nothing_to_work_on(tmp_path, radnet):
    (tmp_path / "empty").mkdir()
    ended = radnet("run", *arguments(tmp_path, "empty"))
    assert ended.code == 1
    assert "no file" in ended.last_line
    assert tables_in(tmp_path / "root") <= {"runs"}


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (None, "there is no instance"),
        ("rtplan.dcm", "no instance is left"),
    ],
)
def test_a_folder_without_images_ends_with_what_was_lost(tmp_path, radnet, file, expected):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "note.txt").write_text("no DICOM here")
    if file:
        shutil.copy(get_testdata_file(file), tmp_path / "in" / file)
    ended = radnet("run", *arguments(tmp_path, "in"))
    assert ended.code == 1
    assert expected in ended.last_line
    assert "Traceback" not in ended.err


def test_a_diagnosis_file_with_a_wrong_header_stops_a_run_before_it_writes(tmp_path, radnet):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "note.txt").write_text("x")
    (tmp_path / "wrong.csv").write_text("exam,finding\n1,Uredan nalaz koljena i gležnja.\n")
    ended = radnet("run", *arguments(tmp_path, "in", "--diagnoses", str(tmp_path / "wrong.csv")))
    assert ended.code == 2
    assert "exam_id" in ended.err
    assert "exam, finding" in ended.err
    assert tables_in(tmp_path / "root") == set()
