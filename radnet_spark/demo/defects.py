"""What is wrong with a few files of every archive: each defect has a name, which `truth.csv` repeats."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from radnet_spark.demo.exams import Exam, uid
from radnet_spark.demo.files import encode

_EVERY = 12  # one exam of so many has a defect
KINDS = ("empty", "text", "truncated", "missing_uid", "cut_pixels", "no_pixels", "no_preamble", "duplicate",
         "damaged_duplicate", "blank", "calibration")  # fmt: skip
_ADDED = frozenset({"empty", "text", "duplicate", "damaged_duplicate", "calibration"})


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file before it is written: header, pixels (frames, rows, columns), transfer syntax, and its defect if any."""

    name: str
    dataset: Dataset
    pixels: NDArray[np.integer]
    syntax: str
    defect: str = ""

    def content(self) -> bytes:
        """The bytes of the file, with the defect applied."""
        if self.defect in ("empty", "text"):
            return b"" if self.defect == "empty" else b"Slika nije dostupna. Obratite se arhivi.\n"
        if self.defect == "no_pixels":
            return encode(self.dataset, None, "1.2.840.10008.1.2.1")
        whole = encode(self.dataset, self.pixels, self.syntax, preamble=self.defect != "no_preamble")
        if self.defect == "truncated":
            return whole[: min(450, len(whole) // 3)]
        return whole[: -len(whole) // 3] if self.defect in ("cut_pixels", "damaged_duplicate") else whole


def defect_of(seed: int, index: int) -> str | None:
    """The defect of an exam, if it is the one of its dozen that has one; all kinds come in turn."""
    block, place = divmod(index, _EVERY)
    if place != int(np.random.default_rng((seed, 4, block)).integers(_EVERY)):
        return None
    return KINDS[block % len(KINDS)]


def spoil(seed: int, exam: Exam, sheets: list[Sheet], defect: str) -> list[Sheet]:
    """Adds a file with the defect, or gives the defect to the exam's last file."""
    last = sheets[-1]
    if defect not in _ADDED:
        return [*sheets[:-1], _damage(last, defect)]
    stem, dot, suffix = last.name.rpartition(".dcm")
    name = f"{stem or suffix}_{'kopija' if 'duplicate' in defect else 'x'}{dot}" if defect != "text" else "napomena.dcm"
    extra = replace(last, name=name, defect=defect, dataset=deepcopy(last.dataset))
    if defect == "damaged_duplicate":
        extra = replace(extra, syntax="1.2.840.10008.1.2.1")
    if defect == "calibration":
        extra = _calibrated(seed, exam, extra)
    return [*sheets, extra]


def _damage(sheet: Sheet, defect: str) -> Sheet:
    if defect == "missing_uid":
        del sheet.dataset.SOPInstanceUID
    if defect == "blank":
        return replace(sheet, defect=defect, pixels=np.full_like(sheet.pixels, 7))
    if defect in ("cut_pixels", "truncated"):
        return replace(sheet, defect=defect, syntax="1.2.840.10008.1.2.1")
    return replace(sheet, defect=defect)


def _calibrated(seed: int, exam: Exam, sheet: Sheet) -> Sheet:
    """The sheet as a picture of a test object: a ramp from black to white, named constancy test."""
    ramp = np.linspace(0, 255 if sheet.pixels.dtype.itemsize == 1 else 1023, sheet.pixels.shape[2])
    sheet.dataset.SOPInstanceUID = uid(seed, "calibration", exam.index)
    sheet.dataset.StudyDescription, sheet.dataset.BodyPartExamined = "Constancy test", ""
    return replace(sheet, pixels=np.broadcast_to(ramp, sheet.pixels.shape).astype(sheet.pixels.dtype))
