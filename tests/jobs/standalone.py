"""A real Spark standalone cluster on loopback: one master and two workers of one core, each with its own work folder.

As a script it starts one, prints its URL and waits: `.venv/bin/python tests/jobs/standalone.py FOLDER`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyspark

SPARK_HOME = Path(pyspark.__file__).parent
_START_SECONDS = 60
SHORT_LIVED = (  # of JVMs that end before a second compiler pays
    "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"
)


@dataclass(frozen=True)
class Cluster:
    """A cluster that runs.

    Attributes:
        url: `spark://127.0.0.1:PORT`.
        folder: holds `master`, `worker-1`, `worker-2`, each with its log and the work of its executors.
    """

    url: str
    folder: Path

    def executors(self) -> list[int]:
        """Process ids of the executors that work for this cluster."""
        found = _processes_of(b"org.apache.spark.executor.CoarseGrainedExecutorBackend")
        return sorted(int(process.name) for process in found if self._is_ours(process))

    def ranks_since(self) -> float | None:
        """When the first process of a Horovod rank was started, in seconds since the epoch. None: there is none."""
        found = _processes_of(b"horovod.spark.task.gloo_exec_fn")
        return min((process.stat().st_mtime for process in found), default=None)

    def kill_an_executor(self) -> int | None:
        """Kills one executor without a warning; its worker starts another. None: there is none."""
        there = self.executors()
        if there:
            os.kill(there[0], signal.SIGKILL)
        return there[0] if there else None

    def _is_ours(self, process: Path) -> bool:
        with contextlib.suppress(OSError):  # it has just ended
            return str(self.folder) in os.readlink(process / "cwd")
        return False


def _processes_of(word: bytes) -> list[Path]:
    """Folders in /proc of the processes whose command line has this word."""
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if word in (process / "cmdline").read_bytes().split(b"\0"):
                found.append(process)
    return found


@contextlib.contextmanager
def standalone(folder: Path, memory: str = "2g") -> Iterator[Cluster]:
    """Starts a cluster, and ends all its processes with the block."""
    url = f"spark://127.0.0.1:{_free_port()}"
    master = ["master.Master", "--host", "127.0.0.1", "--port", url.rpartition(":")[2], "--webui-port", "0"]
    worker = ["worker.Worker", "--host", "127.0.0.1", "-c", "1", "-m", memory, "--webui-port", "0"]
    processes = [_start(folder / "master", master)]
    try:
        _wait_for(folder / "master" / "log", "I have been elected leader")
        names = ("worker-1", "worker-2")
        processes += [_start(folder / name, [*worker, "-d", str(folder / name / "work"), url]) for name in names]
        for name in names:
            _wait_for(folder / name / "log", "Successfully registered with master")
        yield Cluster(url, folder)
    finally:
        for process in reversed(processes):
            os.killpg(process.pid, signal.SIGTERM)
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _start(folder: Path, command: list[str]) -> subprocess.Popen[bytes]:
    """A daemon with an environment of its own: nothing of this process's secrets or paths."""
    folder.mkdir(parents=True)
    kept = ("HOME", "JAVA_HOME", "LANG", "JDK_JAVA_OPTIONS")
    environment = {name: os.environ[name] for name in kept if name in os.environ} | {
        "PATH": "/usr/local/bin:/usr/bin:/bin", "SPARK_HOME": str(SPARK_HOME), "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "512m", "SPARK_DAEMON_JAVA_OPTS": SHORT_LIVED,
    }  # fmt: skip
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [str(SPARK_HOME / "bin" / "spark-class"), f"org.apache.spark.deploy.{command[0]}", *command[1:]],
            cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip


def _wait_for(log: Path, text: str) -> None:
    end = time.monotonic() + _START_SECONDS
    while text not in log.read_text(encoding="utf-8", errors="replace"):
        if time.monotonic() > end:
            raise TimeoutError(f"{log}: found no {text!r} after {_START_SECONDS} s")
        time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


if __name__ == "__main__":
    from radnet_spark.lake.java import use_java

    use_java()
    with standalone(Path(sys.argv[1]).absolute()) as cluster:
        print(cluster.url, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
