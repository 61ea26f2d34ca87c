"""From files to a registered label, by the command line alone."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.jobs.conftest import SETTINGS, launched


def truth_of(hospital: Path) -> list[dict[str, str]]:
    with open(hospital / "truth.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def labels(whole_run, radnet, tmp_path_factory):
    out = tmp_path_factory.mktemp("labels") / "labels.csv"
    ended = radnet("labels", "--root", str(whole_run.root), "--out", str(out))
    assert ended.code == 0, ended.err
    with open(out, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def stage(whole_run, name, **having):
    return next(
        s for s in whole_run.ended.summary["stages"]
        if s["stage"] == name and all(s.get(key) == value for key, value in having.items())
    )  # fmt: skip


def test_the_demo_ends_well_and_says_where_to_look(whole_run):
    assert whole_run.ended.code == 0, whole_run.ended.err[-3000:]
    assert Path(whole_run.ended.summary["report"]).is_file()
    assert "mlflow ui" in whole_run.ended.err


def test_no_file_is_lost(whole_run):
    ingest = stage(whole_run, "ingest")
    assert ingest["files_found"] == ingest["instances"] + ingest["quarantine"]
    named = {row["path"].partition("!")[0] for row in truth_of(whole_run.hospital)}
    on_disk = {str(p.relative_to(whole_run.hospital)) for p in whole_run.hospital.rglob("*") if p.is_file()}
    assert named <= on_disk


def test_every_instance_is_annotated_or_has_an_error(whole_run, labels):
    assert len(labels) == stage(whole_run, "ingest")["instances"]
    assert len({row["path"] for row in labels}) == len(labels)


def test_the_labels_tell_modality_and_body_part_apart(whole_run, labels):
    from sklearn.metrics import adjusted_mutual_info_score

    truth = {str(whole_run.hospital / row["path"]): row for row in truth_of(whole_run.hospital)}
    known = [(truth[row["path"]], row["label"]) for row in labels if row["label"] and row["path"] in truth]
    assert len(known) > 100
    guess = [label for _, label in known]
    for name in ("modality", "body_part"):  # adjusted for chance: 0 for labels drawn at random, 1 for perfect ones
        assert adjusted_mutual_info_score([row[name] for row, _ in known], guess) > 0.1, name


def test_running_again_skips_everything_that_did_not_change(whole_run, radnet):
    files = ["--input", str(whole_run.hospital), "--diagnoses", str(whole_run.hospital / "diagnoses.csv")]
    again = radnet("run", *files, "--root", str(whole_run.root), "--json", *SETTINGS)
    assert again.code == 0, again.err[-3000:]
    done = [s["stage"] for s in again.summary["stages"] if not s["skipped"]]
    assert set(done) <= {"ingest", "diagnoses"}  # they look for new files, and find none
    assert all(count == 0 for s in again.summary["stages"] if s["stage"] == "ingest" for count in s["rows"].values())


def physicians_of(hospital: Path) -> set[str]:
    """What stands after a physician's title in the texts that the hospital gave."""
    text = (hospital / "diagnoses.csv").read_text(encoding="utf-8").lower()
    return {"dr. " + name for name in re.findall(r"\bdr\. ([a-zčćšžđ-]{4,})", text)}


def table(whole_run, name: str, column: str) -> list:
    import pyarrow.parquet as pq

    live = sorted((whole_run.root / "tables" / name).glob("*.parquet"))
    return [value for path in live for value in pq.read_table(path, columns=[column])[column].to_pylist()]


def test_no_name_or_number_of_a_patient_is_in_tables_logs_or_mlflow(whole_run, spark_log):
    import pydicom

    secrets, people = set(), set()
    for path in sorted(whole_run.hospital.rglob("*"))[:400]:
        if path.is_file() and path.suffix not in (".csv", ".json", ".zip"):
            try:
                header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["PatientName", "PatientID"])
            except Exception:
                continue
            name = str(header.get("PatientName", ""))
            people |= {" ".join(name.split("^")[:2][::-1]).lower(), " ".join(name.split("^")[:2]).lower()} - {""}
            secrets |= {word.encode() for word in [*name.split("^"), str(header.get("PatientID", ""))] if len(word) > 4}
    assert len(secrets) > 20
    # short words that are Croatian words or names of places as well can stand in a report's text
    whole = {secret for secret in secrets if any(c in b"0123456789" for c in secret)}
    for folder in ("mlflow", "models", "report", "checkpoints"):
        for path in (whole_run.root / folder).rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                assert not [s for s in whole if s in content], path
    people |= physicians_of(whole_run.hospital)
    texts = table(whole_run, "exams", "diagnosis") + [
        " ".join(tokens) for kind in ("stems", "words") for tokens in table(whole_run, "tokens", kind)
    ]
    assert len(people) > 20
    assert not [(name, text) for name in people for text in texts if name in text.lower()]
    log = spark_log.read_bytes() + whole_run.ended.err.encode()
    assert not [s for s in secrets if s in log]


def test_the_report_is_one_page_that_needs_nothing_else(whole_run):
    page = (whole_run.root / "report" / "index.html").read_text(encoding="utf-8")
    assert 'src="http' not in page
    assert 'href="http' not in page.replace('href="https://arxiv.org', "").replace('href="https://doi.org', "")
    assert "data:image/png;base64," in page
    summary = json.loads((whole_run.root / "report" / "summary.json").read_text(encoding="utf-8"))
    assert summary


SCRIPT = """
import json, sys
sys.modules["pyspark"] = None   # importing it raises ImportError
import mlflow, pandas as pd
root, path = sys.argv[1:3]
mlflow.set_tracking_uri(f"sqlite:///{root}/mlflow.db")
model = mlflow.pyfunc.load_model("models:/radnet-annotator@champion")
answer = model.predict(pd.DataFrame({"content": [open(path, "rb").read(), b"no DICOM file"]}))
print(json.dumps(answer.to_dict("records")))
"""


def test_the_registered_model_needs_no_spark_and_no_java(whole_run, labels):
    row = next(row for row in labels if row["label"] and "!" not in row["path"])
    env = {key: value for key, value in os.environ.items() if key != "JAVA_HOME"} | {"PATH": "/nowhere"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(whole_run.root), row["path"]], capture_output=True, text=True, env=env,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    good, bad = json.loads(done.stdout.splitlines()[-1])
    assert {"label", "distance", "confidence", "modality", "body_part", "sources"} <= set(good)
    assert good["label"] is not None
    assert 0 <= good["confidence"] <= 1
    assert bad["error"]


def test_a_launcher_starts_a_session_of_its_own(whole_run):
    ended = launched("status", "--root", str(whole_run.root), "--json", *SETTINGS)
    assert ended.code == 0, ended.err
    states = {s["stage"]: s["next"] for s in ended.summary["stages"]}
    assert states.pop("ingest").startswith("would look")
    assert states.pop("diagnoses").startswith("would look")
    assert {"cohort", "cluster[fusion]", "report"} <= set(states)
    assert set(states.values()) == {"done"}
    rows = {s["stage"]: s["rows"] for s in ended.summary["stages"]}  # that are there, whatever the last run added
    first = {s["stage"]: s["rows"] for s in whole_run.ended.summary["stages"]}
    assert rows["ingest"]["instances"] == first["ingest"]["instances"]
    assert rows["diagnoses"]["exams"] == first["diagnoses"]["exams"]
    assert rows["train"] == first["train"]


def test_an_explicit_k_above_the_number_of_rows_is_wrong_usage(whole_run, radnet):
    before = {log: sorted(log.iterdir()) for log in (whole_run.root / "tables").glob("*/_delta_log")}
    ended = radnet(
        "cluster", "--source", "image", "--root", str(whole_run.root), *SETTINGS, "--set", "cluster.k=100000"
    )
    assert ended.code == 2
    assert "cluster.k" in ended.last_line
    assert "100000" in ended.last_line
    assert {log: sorted(log.iterdir()) for log in before} == before


def test_one_modality_only_is_a_warning(whole_run, radnet, tmp_path):
    root = tmp_path / "root"
    shutil.copytree(whole_run.root, root, ignore=shutil.ignore_patterns("hospital-*"))
    one = [*SETTINGS, "--set", "cohort.modalities=[CR]", "--set", "cluster.k=[2,3]", "--root", str(root), "--json"]
    for verb in (["cohort"], ["cluster", "--source", "tags"], ["evaluate", "--source", "tags"]):
        ended = radnet(*verb, *one)
        assert ended.code == 0, ended.err
    assert any("one modality only: HS_M is 1 by convention" in note for note in ended.summary["notes"])
    assert ended.summary["scores"]["HS_M"] == 1


def test_limit_is_a_sample_of_the_same_instances(whole_run, radnet, tmp_path):
    root = tmp_path / "root"
    shutil.copytree(whole_run.root, root, ignore=shutil.ignore_patterns("hospital-*"))
    few = [*SETTINGS, "--root", str(root), "--limit", "40", "--json"]
    for verb, table in (("body-parts", "body_parts"), ("tags", "embeddings"), ("embed", "embeddings")):
        ended = radnet(verb, *few)
        assert ended.code == 0, ended.err
        assert ended.summary["rows"][table] == 40
