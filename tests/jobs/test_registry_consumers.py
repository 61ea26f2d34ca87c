"""Three ways to use the registered model: a fresh environment, a function of Spark, HTTP. All give the same labels."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

MODEL = "models:/radnet-annotator@champion"
ALONE = """
import importlib.util, json, sys, time
begin = time.perf_counter()
import mlflow
middle = time.perf_counter()
model = mlflow.pyfunc.load_model(sys.argv[1])
seconds = [middle - begin, time.perf_counter() - middle]
import pandas as pd
answers = model.predict(pd.DataFrame({"content": [open(path, "rb").read() for path in sys.argv[2:]]}))
spark = importlib.util.find_spec("pyspark") is not None
print(json.dumps({"seconds": seconds, "pyspark": spark, "answers": answers.to_dict("records")}))
"""


@pytest.fixture(scope="session")
def files(whole_run) -> list[str]:
    """Some DICOM files of the hospital that can be labelled, and one that can't."""
    import csv

    with open(whole_run.hospital / "truth.csv", encoding="utf-8", newline="") as file:
        whole = [row["path"] for row in csv.DictReader(file) if not row["defect"] and "!" not in row["path"]]
    return [str(whole_run.hospital / path) for path in whole[:6]] + [str(whole_run.hospital / "diagnoses.csv")]


@pytest.fixture(scope="session")
def store(whole_run) -> str:
    return f"sqlite:///{whole_run.root}/mlflow.db"


@pytest.fixture(scope="session")
def downloaded(store: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import mlflow

    mlflow.set_tracking_uri(store)
    folder = tmp_path_factory.mktemp("model")
    return Path(mlflow.artifacts.download_artifacts(artifact_uri=MODEL, dst_path=str(folder)))


def what_counts(answers: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """The labels, and what goes with them; a missing value is None, NaN in pandas, and empty in Spark."""
    names = ("label", "distance", "modality", "body_part", "name", "sources", "error")
    rows = [[None if a[name] == "" or a[name] != a[name] else a[name] for name in names] for a in answers]
    return [tuple(round(float(v), 4) if isinstance(v, int | float) else v for v in row) for row in rows]


@pytest.fixture(scope="session")
def alone(downloaded: Path, files: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The answers of a process in an environment of the model's own requirements, without Java."""
    environment = tmp_path_factory.mktemp("fresh") / "env"
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "-q", "--python", "3.11", str(environment)], check=True)
    python = str(environment / "bin" / "python")
    install = [uv, "pip", "install", "-q", "--compile-bytecode", "--python", python]
    subprocess.run([*install, "-r", str(downloaded / "requirements.txt")], check=True)
    done = subprocess.run(
        [python, "-c", ALONE, str(downloaded), *files], capture_output=True, text=True, timeout=300,
        env={"PATH": "/nowhere", "HOME": str(environment)}, cwd=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_a_fresh_environment_of_the_models_own_requirements(alone, capsys):
    assert not alone["pyspark"]
    labelled, last = alone["answers"][:-1], alone["answers"][-1]
    assert all(answer["label"] is not None and not answer["error"] for answer in labelled)
    assert last["error"] == "not_dicom"
    with capsys.disabled():
        print("\nimport mlflow: {:.1f} s; the annotator loads in {:.1f} s".format(*alone["seconds"]))


def test_a_function_of_spark_over_paths(alone, files, store, spark):
    import mlflow
    from pyspark.sql import functions as F

    mlflow.set_tracking_uri(store)
    annotate = mlflow.pyfunc.spark_udf(spark, MODEL, env_manager="local")
    frame = spark.createDataFrame(list(enumerate(files)), "n int, path string")
    answers = frame.select("n", annotate(F.struct("path")).alias("a")).orderBy("n").collect()
    assert what_counts([row["a"].asDict() for row in answers]) == what_counts(alone["answers"])


@contextlib.contextmanager
def served(store: str, log: Path) -> Iterator[str]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", MODEL, "--env-manager", "local"]
    with log.open("wb") as out:
        server = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)], stdout=out, stderr=out, start_new_session=True,
            env={**os.environ, "MLFLOW_TRACKING_URI": store,
                 "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        )  # fmt: skip
    try:
        end = time.monotonic() + 120
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5)
                break
            if server.poll() is not None or time.monotonic() > end:
                raise AssertionError(log.read_text(encoding="utf-8")[-3000:])
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def test_over_http_with_real_dicom_files(alone, files, store, tmp_path):
    contents = [[base64.b64encode(Path(path).read_bytes()).decode()] for path in files]
    body = json.dumps({"dataframe_split": {"columns": ["content"], "data": contents}}).encode()
    with served(store, tmp_path / "log") as url:
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as response:
            answers = json.load(response)["predictions"]
    assert what_counts(answers) == what_counts(alone["answers"])
