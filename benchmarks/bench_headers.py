"""Header to row with de-identification, against pydicom's own whole-header JSON; one process, both in one run.

Run: `make bench`, or `python benchmarks/bench_headers.py [FOLDER]`. Without a folder: the files that pydicom ships.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pydicom
from pydicom.data import get_testdata_files

from radnet_spark.config import load_config
from radnet_spark.dicom.instance import read_instance
from radnet_spark.dicom.stage_ingest import ingest_settings

ROUNDS = 5


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
    paths = files()
    ours = [seconds(lambda p: read_instance(p, os.path.getsize(p), settings), paths) for _ in range(ROUNDS)]
    theirs = [seconds(_json, paths) for _ in range(ROUNDS)]
    ratios = sorted(b / a for a, b in zip(ours, theirs, strict=True))
    print(f"files: {len(paths)}, rounds: {ROUNDS}, warm cache")
    print(f"header to row, de-identified: {len(paths) / median(ours):8.1f} files/s")
    print(f"pydicom to_json_dict:         {len(paths) / median(theirs):8.1f} files/s")
    print(f"ratio: {median(ratios):.2f} (from {ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    main()
