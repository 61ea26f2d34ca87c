"""How ingest grows: time a file at ten times as many files, a second run, and memory of the driver by listed paths.

Not part of `make bench`, since it takes half an hour and some gigabytes of disk.

Run: `python benchmarks/scale.py [FOLDER]`. FOLDER holds real files to be copied; without one pydicom's own are.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bench_ingest

FEW, MANY, PATHS = 10_000, 100_000, (10_000, 1_000_000)
LARGEST = 40_000  # bytes of a file


@dataclass
class Run:
    """One `radnet ingest` in a process of its own.

    Attributes:
        seconds: of the stage, without Spark's start.
        driver_mib: peak resident memory of the JVM and of the Python process that drives it.
        summary: of the stage.
    """

    seconds: float
    driver_mib: float
    summary: dict[str, Any]


def ingest(folder: Path, root: Path) -> Run:
    """Runs it and watches its memory."""
    command = [str(Path(sys.executable).parent / "radnet"), "ingest", "--input", str(folder), "--root", str(root)]
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen([*command, "--master", "local[2]", "--json"], stdout=out)
        peaks: dict[int, float] = {}
        while process.poll() is None:
            for pid in (process.pid, *_java_of(process.pid)):
                peaks[pid] = max(_peak_mib(pid), peaks.get(pid, 0.0))
            time.sleep(0.2)
        if process.returncode:
            raise SystemExit(f"ingest ended with {process.returncode}")
        out.seek(0)
        summary = json.loads(out.read().splitlines()[-1])
    return Run(summary["seconds"], sum(peaks.values()), summary)


def _java_of(parent: int) -> list[int]:
    children = Path(f"/proc/{parent}/task/{parent}/children")
    try:
        return [int(pid) for pid in children.read_text().split() if _is_java(int(pid))]
    except OSError:
        return []


def _is_java(pid: int) -> bool:
    return Path(f"/proc/{pid}/comm").read_text().strip() == "java"


def _peak_mib(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0.0)


def empty_files(folder: Path, count: int) -> None:
    """So many files of no bytes, a thousand in a folder."""
    for number in range(count):
        if number % 1000 == 0:
            (folder / str(number // 1000)).mkdir(parents=True)
        (folder / str(number // 1000) / str(number)).touch()


def main() -> None:
    """Prints what was measured."""
    os.environ.setdefault("RADNET_DEID_KEY", "benchmark")
    bench_ingest.LARGEST = LARGEST
    with tempfile.TemporaryDirectory(prefix="scale-") as name:
        home, times = Path(name), {}
        for count in (FEW, MANY):
            (home / str(count)).mkdir()
            size = bench_ingest.make_files(home / str(count), count)
            run = ingest(home / str(count), home / f"root-{count}")
            times[count] = run.seconds / count
            print(
                f"{count} files of {size / count / 1e3:.0f} kB: {run.seconds:.0f} s, {count / run.seconds:.0f} files/s"
            )
            again = ingest(home / str(count), home / f"root-{count}")
            print(f"again, nothing changed: {again.seconds:.1f} s, {again.seconds / run.seconds:.1%} of the first run")
        print(f"time a file at {MANY} against {FEW} files: {times[MANY] / times[FEW]:.2f}")
        for count in PATHS:
            empty_files(home / f"empty-{count}", count)
            run = ingest(home / f"empty-{count}", home / f"root-empty-{count}")
            found = run.summary["files_found"]
            print(
                f"{found} listed paths (empty files): {run.seconds:.0f} s, driver {run.driver_mib:.0f} MiB", flush=True
            )


if __name__ == "__main__":
    main()
