"""From a chosen clustering to the registered model, and from files and tables to annotations."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from annotator_parts import DIMS, blocks, centres, make_fits, small
from pydicom.data import get_testdata_file

from radnet_spark.annotator import stage_annotate, stage_register
from radnet_spark.annotator.inputs import file_rules, read_path, sections_of
from radnet_spark.annotator.model import Annotator
from radnet_spark.annotator.stage_labels import export_labels
from radnet_spark.config import Config
from radnet_spark.dicom.deidentify import exam_id
from radnet_spark.errors import NothingToDoError, StageError
from radnet_spark.lake.secrets import deid_key
from radnet_spark.lake.stage import StageContext
from radnet_spark.lake.tables import Tables
from radnet_spark.lake.tracking import Tracker
from radnet_spark.schemas import TABLES

TEXT = "Na plućima nema sjena, srce je uredno. Nalaz bez izljeva."
WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ORDER = ("diagnosis", "tags", "image")


@pytest.fixture(scope="module")
def example() -> pd.DataFrame:
    return pd.DataFrame({"content": [Path(get_testdata_file("CT_small.dcm")).read_bytes()], "text": [TEXT]})


@pytest.fixture(scope="module")
def root(spark: Any, config: Config, tmp_path_factory: pytest.TempPathFactory) -> StageContext:
    """A root with two files as instances, a chosen fusion, and the embedders of its sources."""
    os.environ.setdefault("RADNET_DEID_KEY", "test")
    folder = tmp_path_factory.mktemp("registered")
    settings = small(config)
    tables = Tables(spark, str(folder / "root"), config.storage)
    fits = make_fits(tables.files / "models", settings)
    plan = tables.files / "models" / "fit-fusion"
    plan.mkdir()
    (plan / "fusion.json").write_text(json.dumps({"blocks": [b.as_dict() for b in blocks(*ORDER)]}))
    (plan / "fit.json").write_text("{}")
    for name in (*fits, "fusion"):
        _add(tables, "fits", [{"fit_id": f"fit-{name}", "stage": name, "name": name}])
    chosen = [{"clustering_id": "clustering-1", "source": "fusion", "embedding_fit_id": "fit-fusion"}]
    chosen += [{"clustering_id": s, "source": s, "model": f"{s}-model", "embedding_fit_id": f"fit-{s}"} for s in DIMS]
    _add(tables, "clusterings", [{"chosen": True, "k": 3, **row} for row in chosen])
    made = centres(*ORDER)
    _add(tables, "clusters", [
        {"clustering_id": "clustering-1", "source": "fusion", "centre": made.centres[c["label"]].tolist(), **c}
        for c in made.clusters
    ])  # fmt: skip
    files = folder / "files"
    files.mkdir()
    for name in ("CT_small.dcm", "MR_small.dcm"):
        shutil.copy(get_testdata_file(name), files / name)
    (files / "broken.dcm").write_bytes(b"no dicom at all")
    _instances(tables, settings, files)
    return StageContext(spark, settings, tables, Tracker(config.tracking, tables.files), {"files": files}, "f")


def _add(tables: Tables, name: str, rows: list[dict[str, Any]]) -> None:
    full = [tuple(row.get(column) for column in TABLES[name].columns) for row in rows]
    tables.append(name, tables.spark.createDataFrame(full, TABLES[name].ddl))


def _instances(tables: Tables, settings: Config, files: Path) -> None:
    rules = file_rules(sections_of(settings)).with_key(deid_key(settings.deidentify, tables.root))
    instances, images = [], []
    for path in sorted(files.glob("*_small.dcm")):
        found = read_path(str(path), None, rules)
        row = {name: value for name, value in found.row.items() if name in TABLES["instances"].columns}
        instances.append({**row, "path": str(path), "modification_time": WHEN})
        pixels = found.known.image
        images.append({"sop_instance_uid": row["sop_instance_uid"], "image": bytearray(pixels.tobytes()),
                       "height": pixels.shape[0], "width": pixels.shape[1]})  # fmt: skip
    _add(tables, "instances", instances)
    _add(tables, "images", images)
    _add(tables, "exams", [{"exam_id": instances[0]["exam_id"], "diagnosis": TEXT}])


@pytest.fixture(scope="module")
def registered(root: StageContext, example: pd.DataFrame) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage_register, "example_input", lambda: example)
        return stage_register.run(root)


def test_nothing_chosen_is_said(context: Any, tables: Tables) -> None:
    _add(tables, "clusterings", [{"clustering_id": "c", "source": "image", "chosen": False}])
    with pytest.raises(NothingToDoError, match="found none"):
        stage_register.run(context())


def test_annotating_without_a_model_is_said(context: Any, tables: Tables) -> None:
    with pytest.raises(StageError, match="radnet register"):
        stage_annotate.run(context())


def test_the_same_choice_makes_no_second_version(root: StageContext, registered: Any) -> None:
    assert registered.extra["version"] == "1"
    assert registered.extra["new_version"]
    again = stage_register.run(root)
    assert (again.extra["version"], again.extra["new_version"], again.extra["alias_moved"]) == ("1", False, False)


def test_registered_model_holds_no_pickle_and_asks_for_no_spark(root: StageContext, registered: Any) -> None:
    import mlflow

    root.tracker.activate()
    folder = Path(mlflow.artifacts.download_artifacts(artifact_uri="models:/radnet-annotator@champion"))
    names = [path.name for path in folder.rglob("*") if path.is_file()]
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".pt"))]
    requirements = (folder / "requirements.txt").read_text().lower()
    assert "torch==" in requirements
    assert not [word for word in ("spark", "gensim", "horovod", "petastorm") if word in requirements]


def test_all_instances_then_files(root: StageContext, registered: Any) -> None:
    summary = stage_annotate.run(root)
    assert summary.rows == {"annotations": 2}
    rows = {Path(r["path"]).name: r for r in root.tables.read("annotations").collect()}
    assert rows["CT_small.dcm"]["sources"] == "diagnosis+tags+image"
    assert rows["MR_small.dcm"]["sources"] == "tags+image"
    assert all(row["model_version"] == "1" and row["error"] is None for row in rows.values())
    assert stage_annotate.run(root).rows == {"annotations": 0}

    from_tables = {name: (row["label"], row["confidence"]) for name, row in rows.items()}
    inputs = StageContext(root.spark, root.config, root.tables, root.tracker, {"input": [str(root.options["files"])]})
    summary = stage_annotate.run(inputs)
    assert summary.rows == {"annotations": 3, "quarantine": 1}
    aside = root.tables.read("quarantine").collect()
    assert [(Path(r["path"]).name, r["file_size"], r["reason"]) for r in aside] == [("broken.dcm", 15, "not_dicom")]
    assert summary.dropped == {"not_dicom": 1}
    rows = {Path(r["path"]).name: r for r in root.tables.read("annotations").collect()}
    assert rows["broken.dcm"]["label"] is None
    for name, (label, confidence) in from_tables.items():
        assert rows[name]["label"] == label
        assert rows[name]["confidence"] == pytest.approx(confidence, rel=1e-4)
    assert rows["CT_small.dcm"]["exam_id"] == exam_id(
        None, _study(root), deid_key(root.config.deidentify, root.tables.root)
    )


def _study(root: StageContext) -> str:
    import pydicom

    header = pydicom.dcmread(root.options["files"] / "CT_small.dcm")
    assert not header.get("AccessionNumber")
    return str(header.StudyInstanceUID)


def test_labels_as_csv(root: StageContext, registered: Any, tmp_path: Path) -> None:
    stage_annotate.run(root)
    count = export_labels(root, tmp_path / "labels.csv")
    with (tmp_path / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert count == len(rows) == 2
    assert list(rows[0]) == ["path", "label", "cluster_name", "confidence"]
    names = {str(card["label"]): card["name"] for card in centres(*ORDER).clusters}
    assert all(names[row["label"]] == row["cluster_name"] for row in rows)


def test_loads_by_mlflow_in_a_process_without_spark_and_java(
    root: StageContext, registered: Any, tmp_path: Path
) -> None:
    program = f"""
import sys
sys.modules["pyspark"] = None
import json, mlflow, pandas as pd
mlflow.set_tracking_uri({root.tracker.uri!r})
model = mlflow.pyfunc.load_model("models:/radnet-annotator@champion")
content = open({get_testdata_file("CT_small.dcm")!r}, "rb").read()
frame = pd.DataFrame({{"content": [content, b"no dicom"], "text": [{TEXT!r}, None]}})
print(model.predict(frame).to_json(orient="records"))
print(model.predict(pd.DataFrame({{"path": [{get_testdata_file("CT_small.dcm")!r}]}})).to_json(orient="records"))
try:
    model.predict(pd.DataFrame({{"file": ["a", "b"]}}))
except ValueError as error:
    print(json.dumps(str(error)))
"""
    environment = {"PATH": "/nonexistent", "HOME": str(tmp_path), "MLFLOW_DISABLE_TELEMETRY": "true"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr[-3000:]
    first, second, nothing = (json.loads(line) for line in done.stdout.splitlines()[-3:])
    assert "expected content (bytes) or path" in nothing
    annotator = Annotator.load(next((root.tables.files / "models").glob("*/annotator.json")).parent)
    rules = file_rules(annotator.description.settings)
    expected = annotator.annotate([read_path(get_testdata_file("CT_small.dcm"), TEXT, rules).known])[0]
    assert first[0]["label"] == expected.label
    assert first[0]["distance"] == pytest.approx(expected.distance, rel=1e-5)
    assert first[0]["sources"] == "diagnosis+tags+image"
    assert (first[1]["label"], first[1]["error"]) == (None, "not_dicom")
    assert second[0]["sources"] == "tags+image"
    assert set(first[0]) == {"label", "distance", "confidence", "modality", "body_part", "name", "sources", "error"}


def test_as_a_function_of_spark(root: StageContext, registered: Any) -> None:
    import mlflow
    from pyspark.sql import functions as F

    root.tracker.activate()
    function = mlflow.pyfunc.spark_udf(root.spark, "models:/radnet-annotator@champion", env_manager="local")
    paths = root.spark.createDataFrame([(get_testdata_file("CT_small.dcm"), TEXT)], "path string, text string")
    row = paths.select(function(F.struct("path", "text")).alias("a")).first()["a"]
    assert row["sources"] == "diagnosis+tags+image"
    assert row["label"] in (0, 1, 2)
