"""The hospital as a whole: the same bytes, nothing unexplained, the shares that were promised."""

from __future__ import annotations

import csv
import hashlib
import math
from collections import Counter
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pydicom
import pytest

from radnet_spark.demo.exams import plan_exam
from radnet_spark.demo.hospital import HospitalSummary, make_hospital
from radnet_spark.errors import UsageError

_EXAMS, _SEED = 20, 11


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, HospitalSummary]:
    out = tmp_path_factory.mktemp("hospital") / "one"
    return out, make_hospital(out, _EXAMS, _SEED, workers=1)


def _contents(out: Path) -> dict[str, bytes]:
    """Every file by its path in `truth.csv`, members of archives included."""
    found: dict[str, bytes] = {}
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if path.suffix == ".zip":
            with ZipFile(path) as archive:
                found |= {f"{name}!/{member}": archive.read(member) for member in archive.namelist()}
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


def _truth(out: Path) -> list[dict[str, str]]:
    with (out / "truth.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_same_bytes_with_one_and_two_workers(hospital, tmp_path):
    out, summary = hospital
    calls: list[tuple[int, int]] = []
    again = make_hospital(
        tmp_path / "two", _EXAMS, _SEED, workers=2, progress=lambda done, all_: calls.append((done, all_))
    )
    assert again == summary
    digests = [{k: hashlib.sha256(v).hexdigest() for k, v in _contents(p).items()} for p in (out, tmp_path / "two")]
    assert digests[0] == digests[1]
    assert calls == [(done, _EXAMS) for done in range(1, _EXAMS + 1)]


def test_another_seed_gives_other_files(hospital, tmp_path):
    make_hospital(tmp_path / "other", 3, _SEED + 1, workers=1)
    first = {hashlib.sha256(content).digest() for content in _contents(hospital[0]).values() if len(content) > 1000}
    second = {
        hashlib.sha256(content).digest() for content in _contents(tmp_path / "other").values() if len(content) > 1000
    }
    assert not first & second


def test_truth_covers_every_file_once(hospital):
    out, summary = hospital
    paths = [row["path"] for row in _truth(out)]
    assert sorted(paths) == sorted(_contents(out))
    assert summary.files == len(paths)
    assert sum(summary.modalities.values()) + sum(summary.defects.values()) == len(paths)


def test_files_without_defect_read_and_agree_with_truth(hospital):
    out, _ = hospital
    contents = _contents(out)
    for row in _truth(out):
        if row["defect"]:
            continue
        dataset = pydicom.dcmread(BytesIO(contents[row["path"]]))
        assert dataset.Modality == row["modality"]
        assert dataset.SOPInstanceUID == dataset.file_meta.MediaStorageSOPInstanceUID
        pixels = dataset.pixel_array
        assert pixels.shape[-2:] == (dataset.Rows, dataset.Columns)
        assert pixels.max() < 2**dataset.BitsStored
        assert len(np.unique(pixels)) > 30


def test_strays_are_no_images(hospital):
    out, summary = hospital
    assert summary.defects.keys() >= {"not_dicom", "dicomdir"}
    directory = pydicom.dcmread(BytesIO(_contents(out)["DICOMDIR"]))
    assert directory.file_meta.MediaStorageSOPClassUID == "1.2.840.10008.1.3.10"


def test_finished_hospital_is_returned_untouched(hospital):
    out, summary = hospital
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    assert make_hospital(out, _EXAMS, _SEED) == summary
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def test_foreign_folder_is_refused_and_left_alone(hospital, tmp_path):
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="expected an empty folder"):
        make_hospital(tmp_path, 3, 1)
    with pytest.raises(UsageError, match="exams"):
        make_hospital(hospital[0], _EXAMS + 1, _SEED)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_interrupted_hospital_is_made_whole(hospital, tmp_path):
    def stop(done: int, _: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_hospital(tmp_path / "h", 5, 3, workers=1, progress=stop)
    resumed = make_hospital(tmp_path / "h", 5, 3, workers=1)
    assert resumed == make_hospital(tmp_path / "clean", 5, 3, workers=1)
    assert _contents(tmp_path / "h") == _contents(tmp_path / "clean")


def test_shares_over_many_exams():
    exams = [plan_exam(5, index, 400) for index in range(400)]
    modalities, parts, empty = Counter[str](), Counter[str](), 0
    for exam in exams:
        modalities[exam.modality] += exam.instances
        parts[exam.part] += exam.instances
        empty += exam.instances * (not exam.body_part_examined)
    total = sum(modalities.values())
    assert 2.6 < total / len(exams) < 3.6
    assert all(abs(count / total - 0.2) < 0.04 for count in modalities.values())
    assert len(parts) >= 15
    assert abs(empty / total - 0.4) < 0.06
    entropy = [-sum(n / total * math.log(n / total) for n in counts.values()) for counts in (parts, modalities)]
    assert abs(entropy[0] / entropy[1] - 1.49) < 0.06
    patients = Counter(exam.patient.patient_id for exam in exams)
    assert sum(count > 1 for count in patients.values()) > 20
