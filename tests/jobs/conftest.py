"""One small run of the whole road, shared by the tests of this layer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

RADNET = [sys.executable, "-m", "radnet_spark.cli"]


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def summary(self) -> dict[str, Any]:
        return json.loads(self.out.splitlines()[-1])


def radnet(*argv: str, cwd: Path | None = None, **environment: str) -> Ended:
    """Runs the command line in a process of its own."""
    env = {**os.environ, "RADNET_DEID_KEY": "a key for tests", **environment}
    done = subprocess.run([*RADNET, *argv], capture_output=True, text=True, cwd=cwd, env=env, timeout=1400)
    return Ended(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class WholeRun:
    """The demo on a small hospital."""

    root: Path
    hospital: Path
    ended: Ended


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory) -> WholeRun:
    root = tmp_path_factory.mktemp("whole") / "root"
    argv = ["demo", "--exams", "80", "--seed", "5", "--root", str(root), "--master", "local[2]", "--json"]
    small = [
        "demo.real_files=false",
        "train.epochs=2",
        "tags.autoencoder.epochs=5",
        "text.epochs=20",
        "cluster.k_list=[4,8,12,16]",
    ]
    for setting in small:
        argv += ["--set", setting]
    return WholeRun(root, root / "hospital-80-5", radnet(*argv))
