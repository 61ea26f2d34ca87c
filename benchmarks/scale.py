"""How ingest grows: time a file at ten times as many files, a second run, and memory of the driver by listed paths.

Not part of `make bench`, since it takes a quarter of an hour and some gigabytes of disk.

Run: `python benchmarks/scale.py [FOLDER [PART]]`. FOLDER holds real files to be copied; without one pydicom's own are.
PART is `growth` (10,000 and 100,000 files, each twice) or `memory` (lists of 10,000 and 1,000,000 paths where no file
is); without it both.
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


def ingest(option: str, source: Path, root: Path) -> Run:
    """Runs it and watches its memory."""
    command = [str(Path(sys.executable).parent / "radnet"), "ingest", option, str(source), "--root", str(root)]
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


def growth(home: Path) -> None:
    """Prints the time a file at ten times as many files, and that of a second run."""
    bench_ingest.LARGEST = LARGEST
    times = {}
    for count in (FEW, MANY):
        folder, root = home / str(count), home / f"root-{count}"
        folder.mkdir()
        size = bench_ingest.make_files(folder, count)
        run = ingest("--input", folder, root)
        times[count] = run.seconds / count
        print(f"{count} files of {size / count / 1e3:.0f} kB: {run.seconds:.1f} s, {count / run.seconds:.0f} files/s")
        again = ingest("--input", folder, root)
        print(f"again, nothing changed: {again.seconds:.1f} s, {again.seconds / run.seconds:.1%} of the first run")
    print(f"time a file at {MANY} against {FEW} files: {times[MANY] / times[FEW]:.2f}", flush=True)


def memory(home: Path) -> None:
    """Prints the driver's memory by listed paths."""
    peaks = {}
    for count in PATHS:
        names = home / f"{count}.txt"
        names.write_text("".join(f"{home}/gone/{number // 1000}/{number}\n" for number in range(count)))
        run = ingest("--list", names, home / f"root-{count}-paths")
        peaks[count] = run.driver_mib
        found = run.summary["files_found"]
        print(f"{found} listed paths: {run.seconds:.1f} s, driver {run.driver_mib:.0f} MiB", flush=True)
    few, many = (peaks[count] for count in PATHS)
    print(f"the driver's memory grows by {many - few:.0f} MiB")


def main() -> None:
    """Prints what was measured, of one part or of both."""
    os.environ.setdefault("RADNET_DEID_KEY", "benchmark")
    parts = {"growth": growth, "memory": memory}
    for name in sys.argv[2:3] or parts:
        with tempfile.TemporaryDirectory(prefix=f"scale-{name}-") as home:
            parts[name](Path(home))


if __name__ == "__main__":
    main()
