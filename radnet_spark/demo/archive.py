"""One exam on disk: its files, in a folder of its own or in a zip archive, and what is true about them."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
from pydicom.dataset import Dataset

from radnet_spark.demo.acquisition import habits, instance_tags, series_tags
from radnet_spark.demo.anatomy import VIEWS, View
from radnet_spark.demo.chance import pick, rules
from radnet_spark.demo.defects import Sheet, defect_of, spoil
from radnet_spark.demo.exams import Exam, plan_exam
from radnet_spark.demo.files import add_instance, add_picture, add_tags, choose_syntax, encode, exam_header
from radnet_spark.demo.findings import diagnoses
from radnet_spark.demo.phantoms import Pose
from radnet_spark.demo.rendering import Look, Picture, render
from radnet_spark.demo.tissues import WEIGHTINGS, Case, tissue_values

_ZIPPED_EVERY, _ZIPPED_AT = 40, 33
_FIXED_SIDES = frozenset({"CHEST", "ABDOMEN", "GITRACT", "URINARYTRACT"})
_TEST_OBJECT = "TEST"
_TILT = {"CT": 0.05, "MR": 0.08, "CR": 0.2, "XA": 0.12, "RF": 0.1}  # radians


@dataclass(frozen=True, slots=True)
class Truth:
    """A row of `truth.csv`; `path` is relative to the hospital, with `!/` before a member of an archive."""

    path: str
    modality: str
    body_part: str
    pathology: str
    defect: str


@dataclass(frozen=True, slots=True)
class Written:
    """What one exam left behind: its files, and its rows of `diagnoses.csv`."""

    truth: list[Truth]
    diagnoses: list[tuple[str, str]]


def write_exam(out: Path, seed: int, index: int, exams: int) -> Written:
    """Plans, draws and writes exam `index`; nothing but the arguments decides the bytes."""
    exam = plan_exam(seed, index, exams)
    sheets = _sheets(seed, exam)
    defect = defect_of(seed, index)
    if defect:
        sheets = spoil(seed, exam, sheets, defect)
    contents = [(sheet.name, sheet.content()) for sheet in sheets]
    folder = f"{exam.taken:%Y/%m}/E{index:06d}"
    if index % _ZIPPED_EVERY == _ZIPPED_AT:
        folder = f"{folder}.zip"
        _write(out / folder, _zipped(contents))
        prefix = f"{folder}!/"
    else:
        prefix = f"{folder}/"
        for name, content in contents:
            _write(out / folder / name, content)
    return Written([_truth(prefix, exam, sheet) for sheet in sheets], diagnoses(exam))


def _truth(prefix: str, exam: Exam, sheet: Sheet) -> Truth:
    path = prefix + sheet.name
    if sheet.defect in ("empty", "text"):
        return Truth(path, "", "", "", sheet.defect)
    if sheet.defect == "calibration":
        return Truth(path, exam.modality, _TEST_OBJECT, "", sheet.defect)
    return Truth(path, exam.modality, exam.part, exam.pathology, sheet.defect)


def _sheets(seed: int, exam: Exam) -> list[Sheet]:
    rng, views = exam.rng, VIEWS[exam.modality, exam.part]
    look, weighting = Look.random(exam.modality, rng), pick(rng, list(WEIGHTINGS))
    tissue = tissue_values(exam.modality, weighting, bool(rng.random() < 0.4), rng)
    pose = Pose.random(rng, _TILT[exam.modality], _mirrored(exam))
    absent, empty = habits(exam)
    header, tags = exam_header(seed, exam), series_tags(exam, weighting)
    with_window = bool(rng.random() < exam.machine["window"])
    naming, syntax, sheets = int(rng.integers(4)), "", list[Sheet]()
    for number, (view, level) in enumerate(_plan(exam, views), start=1):
        draw_rng = np.random.default_rng(rng.integers(2**63, size=2))
        case = Case(exam.modality, exam.part, exam.pathology, level, tissue, draw_rng)
        picture = render(view, case, look, pose)
        syntax = syntax or choose_syntax(exam, picture)
        dataset = Dataset()
        dataset.update(header)
        add_instance(seed, exam, dataset, number, _series(exam, view))
        add_tags(dataset, tags | instance_tags(exam, view, picture, number, level), absent, empty)
        add_picture(dataset, picture, with_window)
        sheets.append(_sheet(naming, number, dataset, picture, syntax))
    return sheets


def _sheet(naming: int, number: int, dataset: Dataset, picture: Picture, syntax: str) -> Sheet:
    names = (f"IM{number:06d}.dcm", f"IM-0001-{number:04d}.dcm", f"{number:08d}", f"I{number * 10}")
    return Sheet(names[naming], dataset, picture.pixels, syntax)


def _mirrored(exam: Exam) -> bool:
    return exam.part not in _FIXED_SIDES and bool(exam.rng.random() < 0.45)


def _plan(exam: Exam, views: tuple[View, ...]) -> list[tuple[View, float]]:
    """The view and the level of each instance: slices in order through one stack, projections one after another."""
    rng, shares = exam.rng, np.array([view.share for view in views])
    first = int(rng.choice(len(views), p=shares / shares.sum()))
    if exam.modality in ("CT", "MR"):
        low, high = views[first].levels
        return [(views[first], float(level)) for level in np.sort(rng.uniform(low, high, exam.instances))]
    turn = exam.modality == "CR"
    chosen = [views[(first + turn * number) % len(views)] for number in range(exam.instances)]
    return [(view, float(rng.uniform(*view.levels))) for view in chosen]


def _series(exam: Exam, view: View) -> str:
    """A series description: the view's name for radiographs, else one for the whole exam."""
    if exam.modality == "CR":
        return view.name
    hospital = rules("demo_hospital.yml")
    form = hospital["series"][exam.modality][exam.index % len(hospital["series"][exam.modality])]
    names = hospital["names"][exam.part]["en"]
    return str(form).replace("{}", names[exam.index % len(names)])


def _zipped(contents: list[tuple[str, bytes]]) -> bytes:
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for name, content in contents:
            archive.writestr(ZipInfo(name, (2017, 1, 1, 0, 0, 0)), content, ZIP_DEFLATED)
    return buffer.getvalue()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def write_strays(out: Path, seed: int) -> list[Truth]:
    """Files that lie about in every archive and are no images: a note, a thumbnail store, a DICOMDIR."""
    noise = np.random.default_rng((seed, 5)).integers(0, 256, 2000, dtype=np.uint8).tobytes()
    _write(out / "PROCITAJ.txt", b"Izvoz arhive. Za pitanja obratiti se informatici.\n")
    _write(out / "pregled" / "Thumbs.db", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + noise)
    record, directory = Dataset(), Dataset()
    record.DirectoryRecordType, record.OffsetOfTheNextDirectoryRecord, record.RecordInUseFlag = "PATIENT", 0, 65535
    record.OffsetOfReferencedLowerLevelDirectoryEntity, record.PatientName, record.PatientID = (
        0,
        "Izmišljen^Pacijent",
        "1",
    )
    directory.SpecificCharacterSet, directory.SOPClassUID = "ISO_IR 192", "1.2.840.10008.1.3.10"
    directory.SOPInstanceUID, directory.FileSetID, directory.FileSetConsistencyFlag = f"2.25.{seed + 1}", "ARHIVA", 0
    directory.DirectoryRecordSequence = [record]
    _write(out / "DICOMDIR", encode(directory, None, "1.2.840.10008.1.2.1"))
    names = (("PROCITAJ.txt", "not_dicom"), ("pregled/Thumbs.db", "not_dicom"), ("DICOMDIR", "dicomdir"))
    return [Truth(name, "", "", "", defect) for name, defect in names]
