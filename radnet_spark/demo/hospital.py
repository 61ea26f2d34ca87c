"""A synthetic hospital on disk: DICOM files, `diagnoses.csv`, `truth.csv`, and `hospital.json` once it is whole."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, astuple, dataclass, fields
from multiprocessing import get_context
from pathlib import Path

from radnet_spark.demo.archive import Truth, Written, write_exam, write_strays
from radnet_spark.errors import UsageError

_MARKER = "hospital.json"
_TABLES = ("diagnoses.csv", "truth.csv", _MARKER)
_CHUNK = 8  # exams a task
_AHEAD = 4  # tasks in flight for each worker

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class HospitalSummary:
    """What was made; `files` counts rows of `truth.csv`, members of archives included.

    `modalities` and `body_parts` count files without a defect, `defects` those with one.
    """

    exams: int
    seed: int
    files: int
    diagnoses: int
    modalities: dict[str, int]
    body_parts: dict[str, int]
    defects: dict[str, int]


def make_hospital(
    out: Path, exams: int, seed: int, workers: int | None = None, progress: Progress | None = None
) -> HospitalSummary:
    """Makes a hospital, or returns the one that is there if it was made with the same numbers.

    The bytes depend on `exams` and `seed` alone, not on the number of workers. What an interrupted run with the same
    numbers left is made again; anything else in `out` is an error and stays as it is.

    Args:
        out: Folder, made if missing.
        exams: Number of exams, at least 1; an exam has about three files.
        seed: Not negative.
        workers: Processes; null takes one a core. One works in this process.
        progress: Called with exams done and exams in all.

    Raises:
        UsageError: a number is out of range, or `out` holds something else.
    """
    if exams < 1 or seed < 0:
        raise UsageError(f"exams and seed: found {exams} and {seed}, expected exams >= 1 and seed >= 0")
    finished = _earlier(out, exams, seed)
    if finished is not None:
        return finished
    out.mkdir(parents=True, exist_ok=True)
    _mark(out, {"exams": exams, "seed": seed})
    counts = _Counts()
    with (
        (out / "diagnoses.csv").open("w", encoding="utf-8", newline="") as notes,
        (out / "truth.csv").open("w", encoding="utf-8", newline="") as facts,
    ):
        diagnoses, truth = csv.writer(notes, lineterminator="\n"), csv.writer(facts, lineterminator="\n")
        diagnoses.writerow(("exam_id", "diagnosis"))
        truth.writerow([field.name for field in fields(Truth)])
        for row in [*write_strays(out, seed), *(Truth(name, "", "", "", "not_dicom") for name in _TABLES)]:
            truth.writerow(astuple(row))
            counts.add(row)
        for done, written in enumerate(_write_all(out, exams, seed, workers or os.cpu_count() or 1), start=1):
            for row in written.truth:
                truth.writerow(astuple(row))
                counts.add(row)
            diagnoses.writerows(written.diagnoses)
            counts.diagnoses += len(written.diagnoses)
            if progress:
                progress(done, exams)
    summary = counts.summary(exams, seed)
    _mark(out, asdict(summary))
    return summary


class _Counts:
    def __init__(self) -> None:
        self.files = self.diagnoses = 0
        self.modalities, self.body_parts, self.defects = Counter[str](), Counter[str](), Counter[str]()

    def add(self, row: Truth) -> None:
        self.files += 1
        if row.defect:
            self.defects[row.defect] += 1
        else:
            self.modalities[row.modality] += 1
            self.body_parts[row.body_part] += 1

    def summary(self, exams: int, seed: int) -> HospitalSummary:
        counted = (dict(sorted(counter.items())) for counter in (self.modalities, self.body_parts, self.defects))
        return HospitalSummary(exams, seed, self.files, self.diagnoses, *counted)


def _earlier(out: Path, exams: int, seed: int) -> HospitalSummary | None:
    """The finished hospital in `out`, or null if one is to be made there."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return None
    try:
        found = json.loads((out / _MARKER).read_text(encoding="utf-8"))
        same = (found["exams"], found["seed"]) == (exams, seed)
    except (OSError, ValueError, KeyError, TypeError):
        same = False
    if not same:
        raise UsageError(f"{out}: found files, expected an empty folder or a hospital of {exams} exams and seed {seed}")
    return HospitalSummary(**found) if "files" in found else None


def _mark(out: Path, content: dict[str, object]) -> None:
    """Writes the marker so that it is there whole or not at all."""
    draft = out / f".{_MARKER}.draft"
    draft.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    draft.replace(out / _MARKER)


def _write_all(out: Path, exams: int, seed: int, workers: int) -> Iterator[Written]:
    """Exams in order, written by a pool that is never more than a few tasks ahead of the reader."""
    chunks = (range(start, min(start + _CHUNK, exams)) for start in range(0, exams, _CHUNK))
    if workers == 1 or exams <= _CHUNK:
        for chunk in chunks:
            yield from _write_chunk(out, seed, chunk, exams)
        return
    waiting: deque[Future[list[Written]]] = deque()
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for chunk in chunks:
            waiting.append(pool.submit(_write_chunk, out, seed, chunk, exams))
            if len(waiting) > _AHEAD * workers:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def _write_chunk(out: Path, seed: int, indices: range, exams: int) -> list[Written]:
    return [write_exam(out, seed, index, exams) for index in indices]
