"""Ingest that is killed at a random moment, and then run again: the same rows as if nobody had touched it.

Driver, Python worker and executor take turns; `RADNET_KILLS=20 pytest tests/jobs/test_kills.py` kills more often than
once each.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyspark
import pytest

from radnet_spark.demo.hospital import make_hospital
from tests.jobs.conftest import JOBS, KEY, SETTINGS, Radnet

COUNT = int(os.environ.get("RADNET_KILLS", "3"))
LATEST = 4.0  # seconds after the victim was seen at work; a run that ends earlier is tried again with half of the time
TRIES = 4
VICTIMS = {
    "driver": ("local[2]", None),
    "worker": ("local[2]", b"radnet_spark.lake.daemon"),
    "executor": ("local-cluster[2,1,1024]", b"org.apache.spark.executor.CoarseGrainedExecutorBackend"),
}
TABLES = ("instances", "quarantine")


def rows(spark: Any, root: Path, name: str) -> dict[str, str]:
    """Path → row; nothing where there is no table yet."""
    if not (root / "tables" / name / "_delta_log").is_dir():
        return {}
    table = spark.read.format("delta").load(str(root / "tables" / name))
    return {row["path"]: str(sorted(row.asDict(recursive=True).items(), key=str)) for row in table.collect()}


def processes_of(session: int, word: bytes | None) -> list[int]:
    """Processes of a session; with `word`, those whose command line has it."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            of = int((folder / "stat").read_text().rpartition(")")[2].split()[3])
            if of == session and (word is None or word in (folder / "cmdline").read_bytes().split(b"\0")):
                found.append(int(folder.name))
    return found


def killed(victim: str, root: Path, files: list[str], after: float) -> bool:
    """Runs ingest in a session of its own and kills it, or one process of it; whether there was one to kill."""
    master, word = VICTIMS[victim]
    command = [sys.executable, str(JOBS / "ingest.py"), *files, "--root", str(root), *SETTINGS, "--master", master]
    process = subprocess.Popen(
        [*command, "--set", "spark.driver_memory=1g"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, **KEY}, start_new_session=True,
    )  # fmt: skip
    try:
        while process.poll() is None and not (any((root / "running").glob("*")) and processes_of(process.pid, word)):
            time.sleep(0.1)
        time.sleep(after)
        there = processes_of(process.pid, word) if process.poll() is None else []
        for target in there if word is None else there[-1:]:
            os.kill(target, signal.SIGKILL)
        process.wait(300)
        return bool(there)
    finally:
        for left in processes_of(process.pid, None):
            with contextlib.suppress(ProcessLookupError):
                os.kill(left, signal.SIGKILL)


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some hundred files."""
    folder = tmp_path_factory.mktemp("kills") / "hospital"
    make_hospital(folder, 44, 5)
    return folder


@pytest.fixture(scope="module")
def untouched(radnet: Radnet, hospital: Path, tmp_path_factory: pytest.TempPathFactory, spark: Any) -> Any:
    """The rows of a run that nobody touches."""
    root = tmp_path_factory.mktemp("untouched") / "root"
    assert radnet("ingest", "--input", str(hospital), "--root", str(root), *SETTINGS).code == 0
    return {name: rows(spark, root, name) for name in TABLES}


@pytest.mark.parametrize("number", range(COUNT))
def test_a_killed_run_loses_nothing(
    number: int, radnet: Radnet, hospital: Path, untouched: Any, spark: Any, tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    victim, chance = list(VICTIMS)[number % len(VICTIMS)], random.Random(number)
    files, moment = ["--input", str(hospital)], chance.uniform(0, LATEST)
    if victim == "executor":
        work = Path(pyspark.__file__).parent / "work"
        request.addfinalizer(lambda: shutil.rmtree(work, ignore_errors=True))
    roots = (tmp_path / f"root-{attempt}" for attempt in range(TRIES))
    tries = ((root, killed(victim, root, files, moment / 2**attempt)) for attempt, root in enumerate(roots))
    root = next((root for root, hit in tries if hit), None)
    assert root, f"{victim}: every run ended before it could be killed"
    for name in TABLES:  # each table shows only finished work
        assert rows(spark, root, name).items() <= untouched[name].items()
    assert radnet("ingest", *files, "--root", str(root), *SETTINGS).code == 0
    assert {name: rows(spark, root, name) for name in TABLES} == untouched
