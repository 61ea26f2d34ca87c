"""The documented spark-submit on a real standalone cluster, from the built wheel, beside the same run in `local[2]`.

`RADNET_EXECUTORS=all pytest tests/jobs/test_standalone.py` kills an executor in every verb, not only in `DIES_IN`.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from radnet_spark.config import Config
from radnet_spark.lake.secrets import deid_key
from radnet_spark.pipeline import STAGES
from tests.jobs.conftest import KEY, SETTINGS, Ended, Radnet, WholeRun
from tests.jobs.standalone import SHORT_LIVED, SPARK_HOME, Cluster, standalone

REPOSITORY = Path(__file__).resolve().parents[2]
HOME = "/opt/radnet/lib/python3.11/site-packages/pyspark"  # of Spark, on the page
# of a score, at each k: networks give the last bits of a vector by the number of their threads
TOLERANCE = {"diagnosis": 1e-4, "tags": 1e-4, "image": 0.05, "fusion": 0.05}
SCORES = ("S", "NMI_B", "NMI_M", "HS_B", "HS_M", "D", "D_image", "D_diagnosis")
# one verb of each kind of work: merged tables, pixels, streams to the driver, Spark NLP, ranks, MLlib, the model
DIES_IN = frozenset({"ingest", "images", "tags", "text", "train", "cluster", "annotate"})
ALL = frozenset(STAGES)
EVERY_VERB = os.environ.get("RADNET_EXECUTORS") == "all"
SECONDS_INTO = 1  # a stage, or the work of its ranks, when an executor dies
TABLES = {
    "instances": "sop_instance_uid, path, exam_id, patient_key, modality, tags, header_hash",
    "quarantine": "path, reason",
    "images": "sop_instance_uid, image, height, width",
    "cohort": "sop_instance_uid, exam_id, split",
    "exams": "exam_id, diagnosis",
    "tokens": "exam_id, stems",
}


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with standalone(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment of all machines: the built wheel beside the locked packages, nothing of the source tree."""
    folder = tmp_path_factory.mktemp("shipped")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    venv.create(folder / "env", symlinks=True)
    site = folder / "env" / "lib" / "python3.11" / "site-packages"
    (site / "locked.pth").write_text(sysconfig.get_path("purelib"))
    (wheel,) = (folder / "dist").glob("*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    python = folder / "env" / "bin" / "python"
    where = subprocess.run(
        [python, "-c", "import radnet_spark; print(radnet_spark.__file__)"],
        capture_output=True, text=True, cwd=folder, env={},
    )  # fmt: skip
    assert where.stdout.startswith(str(site)), where.stderr
    return folder / "env"


def documented() -> list[str]:
    """The words of the spark-submit command of the how-to page, up to its launcher."""
    text = (REPOSITORY / "docs" / "howto" / "standalone.md").read_text(encoding="utf-8")
    command = re.search(r"^(/opt/radnet/bin/spark-submit .*?)jobs/run\.py", text, flags=re.DOTALL | re.MULTILINE)
    assert command
    assert f"export SPARK_HOME={HOME}" in text
    return shlex.split(command[1].replace("\\\n", " "))[1:]


@dataclass(frozen=True)
class Submitter:
    """Submits launchers as the page says, from an empty folder."""

    cluster: Cluster
    environment: Path
    folder: Path

    def __call__(self, verb: str, *argv: str, master: str = "") -> Ended:
        """`master`: instead of the cluster's."""
        work = self.folder / "driver"
        work.mkdir(parents=True, exist_ok=True)
        (self.folder / "events").mkdir(exist_ok=True)
        launcher = work / f"{verb}.py"
        shutil.copy(REPOSITORY / "jobs" / f"{verb}.py", launcher)
        options = " ".join(map(shlex.quote, documented())).replace("/opt/radnet", str(self.environment))
        options = options.replace("extraJavaOptions=", f"extraJavaOptions='{SHORT_LIVED} '")
        options = options.replace("spark://host:7077", master or self.cluster.url)
        options = options.replace("conf/ivysettings.xml", str(REPOSITORY / "conf" / "ivysettings.xml"))
        here = ["--conf", "spark.driver.host=127.0.0.1", "--driver-memory", "2g", "--executor-memory", "1500m",
                "--conf", "spark.eventLog.enabled=true", "--conf", f"spark.eventLog.dir={self.folder / 'events'}",
                "--conf", "spark.ui.enabled=false", "--conf", "spark.sql.shuffle.partitions=2",
                "--conf", "spark.databricks.delta.snapshotPartitions=2"]  # fmt: skip
        kept = {name: os.environ[name] for name in ("HOME", "JAVA_HOME", "LANG") if name in os.environ}
        kept["PATH"] = "/usr/local/bin:/usr/bin:/bin"  # nothing of this environment
        done = subprocess.run(
            [str(SPARK_HOME / "bin" / "spark-submit"), *shlex.split(options), *here, str(launcher), *argv],
            capture_output=True, text=True, cwd=work, timeout=900,
            env={**kept, **KEY, "SPARK_HOME": str(SPARK_HOME), "SPARK_LOCAL_IP": "127.0.0.1"},
        )  # fmt: skip
        return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def submit(cluster: Cluster, shipped: Path, tmp_path_factory: pytest.TempPathFactory) -> Submitter:
    return Submitter(cluster, shipped, tmp_path_factory.mktemp("submitted"))


class Reaper(threading.Thread):
    """Kills an executor in the middle of a stage, once a verb, while `root` is being filled.

    Attributes:
        killed: verb → the process that was killed.
    """

    def __init__(self, cluster: Cluster, root: Path) -> None:
        super().__init__(daemon=True)
        self.killed: dict[str, int] = {}
        self._cluster, self._running, self._over = cluster, root / "running", threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.1):
            for mark in sorted(self._running.glob("*")):
                verb = mark.name.partition("[")[0]
                if not EVERY_VERB and verb not in DIES_IN:
                    continue
                with contextlib.suppress(FileNotFoundError):  # the stage has just ended
                    begun = self._cluster.ranks_since() if verb == "train" else mark.stat().st_mtime
                    if verb not in self.killed and begun and time.time() - begun > SECONDS_INTO:
                        victim = self._cluster.kill_an_executor()
                        self.killed |= {verb: victim} if victim else {}

    def stop(self) -> None:
        self._over.set()
        self.join()


@dataclass(frozen=True)
class OnCluster:
    """The run of `whole_run` on a cluster whose executors die."""

    root: Path
    killed: dict[str, int]
    ended: Ended


@pytest.fixture(scope="session")
def on_cluster(submit: Submitter, whole_run: WholeRun) -> OnCluster:
    root, hospital = submit.folder / "root", whole_run.hospital
    files = ["--input", str(hospital), "--diagnoses", str(hospital / "diagnoses.csv")]
    reaper = Reaper(submit.cluster, root)
    reaper.start()
    ended = submit("run", *files, "--root", str(root), "--json", *SETTINGS)
    reaper.stop()
    assert ended.code == 0, ended.err[-5000:]
    return OnCluster(root, reaper.killed, ended)


def rows(spark: Any, root: Path, name: str, columns: str) -> list[tuple[Any, ...]]:
    table = spark.read.format("delta").load(str(root / "tables" / name))
    return sorted(map(str, table.selectExpr(*columns.split(", ")).collect()))


def test_the_cluster_gives_what_one_process_gives(
    on_cluster: OnCluster, whole_run: WholeRun, spark: Any, capsys: Any
) -> None:
    there_root, local = on_cluster.root, whole_run.root
    for name, columns in TABLES.items():
        assert rows(spark, there_root, name, columns) == rows(spark, local, name, columns), name
    differences = {}
    for source in TOLERANCE:
        there, here = (scores(spark, root, source) for root in (there_root, local))
        assert there.keys() == here.keys()
        differences[source] = max(abs(there[name] - here[name]) for name in there)
    with capsys.disabled():
        print(f"\nlargest difference of a score between cluster and local: {differences}")
    assert all(differences[source] <= most for source, most in TOLERANCE.items())


def scores(spark: Any, root: Path, source: str) -> dict[tuple[int, str], float]:
    """(k, name) → a score on validation."""
    tables = [spark.read.format("delta").load(str(root / "tables" / name)) for name in ("scores", "clusterings")]
    found = tables[0].join(tables[1].select("clustering_id", "k"), "clustering_id")
    rows = found.where(f"source = '{source}' AND split = 'validation'").select("k", "score", "value").collect()
    return {(row["k"], row["score"]): row["value"] for row in rows if row["score"] in SCORES}


def test_ranks_were_on_different_executors_and_the_key_is_nowhere(
    on_cluster: OnCluster, submit: Submitter, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = [line for path in (submit.folder / "events").iterdir() for line in path.read_text().splitlines()
             if '"SparkListenerExecutorAdded"' in line]  # fmt: skip
    assert len(added) >= 2
    assert all('"Total Cores":1,' in line for line in added)  # two ranks at once need two executors
    monkeypatch.setenv(*next(iter(KEY.items())))
    derived = deid_key(config.deidentify, str(on_cluster.root))
    secrets = (KEY["RADNET_DEID_KEY"].encode(), derived, derived.hex().encode(), base64.b64encode(derived))
    logs = [path.read_text(errors="replace") for path in submit.cluster.folder.glob("worker-*/work/*/*/stderr")]
    assert len(logs) >= 2
    assert not [line for log in logs for line in log.splitlines() if " INFO " in line or " ERROR " in line]
    places = [submit.folder / "events", submit.folder / "driver", submit.cluster.folder, on_cluster.root]
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    assert len(files) > 500
    assert [path for path in files if any(secret in path.read_bytes() for secret in secrets)] == []


def test_an_executor_that_dies_costs_nothing_but_time(on_cluster: OnCluster) -> None:
    """The verbs lost an executor: Spark tries its tasks again, and training goes on at its checkpoint."""
    stages = {entry["stage"]: entry for entry in on_cluster.ended.summary["stages"]}
    assert set(stages) == ALL
    assert set(on_cluster.killed) == (ALL if EVERY_VERB else DIES_IN)
    assert any("all ranks were started again" in note for note in stages["train"]["notes"])
    assert stages["train"]["ranks"] == 2


def test_the_whole_pipeline_under_local_cluster(
    submit: Submitter, radnet: Radnet, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Executors that are processes of their own, ranks on them: a smaller hospital, one k."""
    hospital, root = tmp_path / "hospital", tmp_path / "root"
    request.addfinalizer(
        lambda: shutil.rmtree(SPARK_HOME / "work", ignore_errors=True)
    )  # where its workers keep theirs
    assert radnet("make-hospital", "--out", str(hospital), "--exams", "20", "--seed", "6").code == 0
    files = ["--input", str(hospital), "--diagnoses", str(hospital / "diagnoses.csv")]
    small = [word for one in ("cluster.k_list=[3]", "train.epochs=1", "text.epochs=5") for word in ("--set", one)]
    ended = submit("run", *files, "--root", str(root), "--json", *SETTINGS, *small, master="local-cluster[2,1,2048]")
    assert ended.code == 0, ended.err[-5000:]
    stages = {entry["stage"]: entry for entry in ended.summary["stages"]}
    assert stages["ingest"]["files_found"] == stages["ingest"]["instances"] + stages["ingest"]["quarantine"]
    assert stages["train"]["ranks"] == 2
    assert "model" in stages["register"]
    assert stages["annotate"]["rows"]["annotations"] == stages["ingest"]["instances"]
