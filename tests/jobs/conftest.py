"""The command line, in this process on the shared session or in one of its own; one small run of the whole road."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from radnet_spark import console
from radnet_spark.cli import main

KEY = {"RADNET_DEID_KEY": "a key for tests"}
JOBS = Path(__file__).resolve().parents[2] / "jobs"
SMALL = ["demo.real_files=false", "train.epochs=2", "tags.autoencoder.epochs=5", "text.epochs=20",
         "cluster.k_list=[4,8]"]  # fmt: skip
SETTINGS = ["--conf", "demo.yml", *(word for setting in SMALL for word in ("--set", setting))]


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def summary(self) -> dict[str, Any]:
        """The JSON object of `--json`."""
        return json.loads(self.out.splitlines()[-1])

    @property
    def last_line(self) -> str:
        """What a person sees last."""
        return self.err.strip().splitlines()[-1]


Radnet = Callable[..., Ended]


def launched(verb: str, *argv: str, master: str = "local[2]") -> Ended:
    """Runs a launcher in a process of its own, which starts and stops its own session."""
    done = subprocess.run(
        [sys.executable, str(JOBS / f"{verb}.py"), *argv, "--master", master],
        capture_output=True, text=True, env={**os.environ, **KEY}, timeout=600,
    )  # fmt: skip
    return Ended(done.returncode, done.stdout, done.stderr)


@contextlib.contextmanager
def _standard_error(target: Path) -> Iterator[None]:
    """All that is written there, by this process or by one that it starts, goes to `target`."""
    kept = os.dup(2)
    with target.open("w", buffering=1, encoding="utf-8") as file, pytest.MonkeyPatch.context() as patch:
        os.dup2(file.fileno(), 2)
        patch.setattr(console, "_err", file)
        with contextlib.redirect_stderr(file):
            yield
        os.dup2(kept, 2)
        os.close(kept)


@pytest.fixture(scope="session")
def radnet(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Radnet:
    """Runs the command line in this process, on the session that is there, as a notebook does."""
    folder = tmp_path_factory.mktemp("standard-error")

    def run(*argv: str) -> Ended:
        errors, out = folder / "err", io.StringIO()
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), _standard_error(errors):
            for name, value in KEY.items():
                patch.setenv(name, value)
            code = main(argv)
        return Ended(code, out.getvalue(), errors.read_text(encoding="utf-8"))

    return run


@dataclass(frozen=True)
class WholeRun:
    """The demo on a small hospital."""

    root: Path
    hospital: Path
    ended: Ended


@pytest.fixture(scope="session")
def whole_run(radnet: Radnet, tmp_path_factory: pytest.TempPathFactory) -> WholeRun:
    """The hospital, its root and how the run ended."""
    root = tmp_path_factory.mktemp("whole") / "root"
    ended = radnet("demo", "--exams", "44", "--seed", "5", "--root", str(root), "--json", *SETTINGS)
    return WholeRun(root, root / "hospital-44-5", ended)
