"""Unchanged work is skipped, changed work is done again, failures are recorded."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from radnet_spark.config import load_config
from radnet_spark.errors import NothingToDoError, StageError
from radnet_spark.lake.runs import Runs
from radnet_spark.lake.stage import StageSummary


def make_stage(calls, reads=(), writes=("exams",), value="x"):
    def run(context):
        calls.append(context.fingerprint)
        frame = context.spark.createDataFrame([("a", value)], "exam_id string, diagnosis string")
        return StageSummary("diagnoses", rows={"exams": context.tables.overwrite("exams", frame)}, notes=["noted"])

    return SimpleNamespace(READS=reads, WRITES=writes, CONFIG=("diagnoses",), run=run)


def test_skipped_until_settings_or_inputs_change(context):
    calls: list[str] = []
    stage, here = make_stage(calls), context()
    assert not Runs(here.tables).execute("diagnoses", stage, here).skipped
    again = Runs(here.tables).execute("diagnoses", stage, here)
    assert again.skipped
    assert again.rows == {"exams": 1}
    other = context(config=load_config(["demo.yml"], ["diagnoses.min_length=5"]))
    assert not Runs(here.tables).execute("diagnoses", stage, other).skipped
    assert len(set(calls)) == 2

    reader = SimpleNamespace(READS=("exams",), WRITES=(), CONFIG=(), run=lambda c: StageSummary("text"))
    runs = Runs(here.tables)
    assert not runs.execute("text", reader, here).skipped
    assert runs.execute("text", reader, here).skipped
    runs.execute("diagnoses", stage, here)  # first settings again: a new version of exams
    assert not runs.execute("text", reader, here).skipped


def test_a_failure_is_recorded_and_not_skipped(context):
    def run(_):
        raise StageError("nothing left")

    stage = SimpleNamespace(READS=(), WRITES=(), CONFIG=(), run=run)
    here = context()
    for _ in range(2):
        with pytest.raises(StageError):
            Runs(here.tables).execute("cohort", stage, here)
    assert [row["status"] for row in here.tables.read("runs").collect()] == ["failed", "failed"]
    assert Runs(here.tables).last["cohort"]["status"] == "failed"


def test_parts_of_a_table_are_separate_inputs(context):
    def writer(source):
        def run(c):
            frame = c.spark.createDataFrame(
                [("u", source, "m", "f", [1.0])],
                "sop_instance_uid string, source string, model string, fit_id string, vector array<float>",
            )
            return StageSummary(
                "x", rows={"embeddings": c.tables.overwrite("embeddings", frame, part={"source": source})}
            )

        return SimpleNamespace(READS=(), WRITES=(f"embeddings/source={source}",), CONFIG=(), run=run)

    here = context()
    runs = Runs(here.tables)
    runs.execute("tags", writer("tags"), here)
    before = runs.output_version("embeddings/source=tags")
    runs.execute("embed", writer("image"), here)
    assert runs.output_version("embeddings/source=tags") == before
    assert runs.output_version("embeddings") == runs.output_version("embeddings/source=image") > before


def test_nothing_to_do_is_found_once_and_is_no_failure(context):
    calls: list[int] = []

    def run(_):
        calls.append(1)
        raise NothingToDoError("no text")

    stage = SimpleNamespace(READS=(), WRITES=(), CONFIG=("text",), run=run)
    here = context()
    for _ in range(2):
        with pytest.raises(NothingToDoError, match="no text"):
            Runs(here.tables).execute("text", stage, here)
    assert len(calls) == 1
    client = here.tracker.client
    (logged,) = client.search_runs([e.experiment_id for e in client.search_experiments()])
    assert (logged.info.status, logged.data.tags["nothing_to_do"]) == ("FINISHED", "no text")


class Killed(BaseException):
    """Stands for a SIGKILL: nothing of ours may run after it."""


def test_a_killed_stage_is_not_taken_for_its_last_success(context, monkeypatch):
    calls: list[str] = []
    stage, here = make_stage(calls), context()
    Runs(here.tables).execute("diagnoses", stage, here)

    def killed(_):
        make_stage(calls, value="half").run(here)
        raise Killed

    other = context(config=load_config(["demo.yml"], ["diagnoses.min_length=5"]))
    half = SimpleNamespace(READS=(), WRITES=("exams",), CONFIG=("diagnoses",), run=killed)
    with monkeypatch.context() as patch:  # what the end of the process leaves undone
        patch.setattr(Runs, "_record", lambda *_: None)
        patch.setattr("pathlib.Path.unlink", lambda *_, **__: None)
        with pytest.raises(Killed):
            Runs(here.tables).execute("diagnoses", half, other)
    assert not Runs(here.tables).execute("diagnoses", stage, here).skipped
    assert [row["diagnosis"] for row in here.tables.read("exams").collect()] == ["x"]
    assert Runs(here.tables).execute("diagnoses", stage, here).skipped
