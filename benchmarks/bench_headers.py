"""Header to row with de-identification, against pydicom's own whole-header JSON; one process, both in one run.

First each file once a round, then copies in random order, as in `bench_ingest`, with SOPInstanceUIDs of their own: a
first pass over half of them, in which the process learns what headers have in common, then the other half.

Run: `make bench`, or `python benchmarks/bench_headers.py [FOLDER [COUNT]]`. Without a folder: the files that pydicom
ships. COUNT copies, 2000 if it is not given.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median

import bench_ingest
import pydicom
from pydicom.data import get_testdata_files

from radnet_spark.config import load_config
from radnet_spark.dicom.ingest_settings import ingest_settings
from radnet_spark.dicom.instance import quiet, read_instance

ROUNDS, COPIES = 5, 2_000


def files() -> list[str]:
    """Readable DICOM files."""
    if len(sys.argv) > 1:
        found = sorted(str(path) for path in Path(sys.argv[1]).rglob("*") if path.is_file())
    else:
        found = sorted(path for path in get_testdata_files("*.dcm") if os.path.exists(path))
    return [path for path in found if _json(path)]


def _json(path: str) -> bool:
    try:
        pydicom.dcmread(path, stop_before_pixels=True).to_json_dict()
    except Exception:
        return False
    return True


def seconds(work: Callable[[str], object], paths: list[str]) -> float:
    """Wall-clock time of one pass."""
    begin = time.perf_counter()
    for path in paths:
        work(path)
    return time.perf_counter() - begin


def main() -> None:
    """Prints files/s of both and their ratio: the median of several rounds, and its spread."""
    warnings.simplefilter("ignore")  # of pydicom about odd values
    os.environ.setdefault("RADNET_DEID_KEY", "benchmark")
    settings = ingest_settings(load_config(), ".")
    paths, count = files(), int(sys.argv[2]) if len(sys.argv) > 2 else COPIES
    with quiet(), tempfile.TemporaryDirectory(prefix="bench-headers-") as name:

        def read(path: str) -> None:
            rows.append(read_instance(path, os.path.getsize(path), settings))

        bench_ingest.make_files(Path(name), count)
        copies = sorted(map(str, Path(name).rglob("*.dcm")), key=lambda path: int(Path(path).stem))
        rows: list[dict[str, object]] = []
        first, second = (seconds(read, half) for half in (copies[: count // 2], copies[count // 2 :]))
        judged = sum(bool(row.get("judged")) for row in rows)
        rival = seconds(_json, copies[: count // 10])
        ours = [seconds(read, paths) for _ in range(ROUNDS)]
        theirs = [seconds(_json, paths) for _ in range(ROUNDS)]
    ratios = sorted(b / a for a, b in zip(ours, theirs, strict=True))
    print(f"files: {len(paths)}, rounds: {ROUNDS}, warm cache")
    print(f"header to row, de-identified: {len(paths) / median(ours):8.1f} files/s")
    print(f"pydicom to_json_dict:         {len(paths) / median(theirs):8.1f} files/s")
    print(f"ratio: {median(ratios):.2f} (from {ratios[0]:.2f} to {ratios[-1]:.2f})")
    print(f"{count} shuffled copies, {judged / count:.1%} of them by pydicom")
    print(f"header to row, first half: {first / count * 2e3:.3f} ms, second half: {second / count * 2e3:.3f} ms")
    print(f"ratio of the second half to pydicom's JSON of a tenth of them: {rival / second * 5:.2f}")


if __name__ == "__main__":
    main()
