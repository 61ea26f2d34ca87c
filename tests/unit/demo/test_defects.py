"""Each defect is what its name says, judged by pydicom."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from radnet_spark.demo.defects import KINDS, Sheet, defect_of, spoil
from radnet_spark.demo.exams import Exam, plan_exam
from radnet_spark.demo.files import add_instance, add_picture, encode
from radnet_spark.demo.rendering import Picture

EXAM = plan_exam(2, 4, 10)
EXPLICIT, BIG_ENDIAN, RLE, JPEG2000 = (f"1.2.840.10008.1.2.{tail}" for tail in ("1", "2", "5", "4.90"))


def _picture(dtype: type = np.uint16, frames: int = 1) -> Picture:
    pixels = np.random.default_rng(0).integers(0, 200, (frames, 80, 64)).astype(dtype)
    bits = 8 if dtype == np.uint8 else 12
    return Picture(pixels, bits, None, 0.0, "MONOCHROME2", ((100.0, 200.0),), 1.0)


def _sheet(exam: Exam, picture: Picture, syntax: str = EXPLICIT) -> Sheet:
    dataset = Dataset()
    add_instance(2, exam, dataset, 1, "AP")
    dataset.Modality, dataset.StudyInstanceUID = exam.modality, exam.study_uid
    add_picture(dataset, picture, with_window=True)
    return Sheet("IM1.dcm", dataset, picture.pixels, syntax)


def _spoiled(kind: str) -> tuple[list[Sheet], bytes]:
    sheets = spoil(2, EXAM, [_sheet(EXAM, _picture())], kind)
    return sheets, next(sheet for sheet in sheets if sheet.defect == kind).content()


def test_all_kinds_come_in_turn_one_in_a_dozen_exams():
    found = [defect_of(1, index) for index in range(12 * len(KINDS))]
    assert [kind for kind in found if kind] == list(KINDS)


def test_files_that_are_no_dicom():
    assert _spoiled("empty")[1] == b""
    with pytest.raises(InvalidDicomError):
        pydicom.dcmread(BytesIO(_spoiled("text")[1]))
    without = _spoiled("no_preamble")[1]
    with pytest.raises(InvalidDicomError):
        pydicom.dcmread(BytesIO(without))
    assert pydicom.dcmread(BytesIO(without), force=True).Rows == 80


@pytest.mark.parametrize("kind", ["cut_pixels", "damaged_duplicate"])
def test_pixels_are_cut(kind):
    whole = len(_sheet(EXAM, _picture()).content())
    assert len(_spoiled(kind)[1]) < 0.7 * whole
    with pytest.raises((ValueError, EOFError, AttributeError)):
        _ = pydicom.dcmread(BytesIO(_spoiled(kind)[1])).pixel_array


def test_headers_that_lack_something():
    assert "Rows" not in pydicom.dcmread(BytesIO(_spoiled("truncated")[1]))
    assert "SOPInstanceUID" not in pydicom.dcmread(BytesIO(_spoiled("missing_uid")[1]))
    assert "PixelData" not in pydicom.dcmread(BytesIO(_spoiled("no_pixels")[1]))


def test_duplicates_share_the_uid_and_calibration_does_not():
    for kind in ("duplicate", "damaged_duplicate", "calibration"):
        sheets, _ = _spoiled(kind)
        assert len(sheets) == 2
        same = sheets[0].dataset.SOPInstanceUID == sheets[1].dataset.SOPInstanceUID
        assert same == (kind != "calibration")
        assert len({sheet.name for sheet in sheets}) == 2
    assert _spoiled("duplicate")[1] == _sheet(EXAM, _picture()).content()
    assert pydicom.dcmread(BytesIO(_spoiled("calibration")[1])).StudyDescription == "Constancy test"


def test_blank_is_of_one_grey():
    assert np.ptp(pydicom.dcmread(BytesIO(_spoiled("blank")[1])).pixel_array) == 0


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", EXPLICIT, "1.2.840.10008.1.2.1.99", BIG_ENDIAN, RLE, JPEG2000])
@pytest.mark.parametrize(("dtype", "frames"), [(np.uint8, 1), (np.uint8, 3), (np.uint16, 1), (np.int16, 2)])
def test_pixels_survive_every_transfer_syntax(syntax, dtype, frames):
    if syntax == JPEG2000 and (frames > 1 or dtype == np.int16):
        frames, dtype = 1, np.uint16
    picture = _picture(dtype, frames)
    sheet = _sheet(EXAM, picture, syntax)
    read = pydicom.dcmread(BytesIO(sheet.content()))
    assert read.file_meta.TransferSyntaxUID == syntax
    np.testing.assert_array_equal(read.pixel_array.reshape(picture.pixels.shape), picture.pixels)


def test_encode_gives_the_same_bytes_twice():
    sheets = [_sheet(EXAM, _picture(), RLE) for _ in range(2)]
    assert sheets[0].content() == sheets[1].content()
    assert encode(_sheet(EXAM, _picture()).dataset, None, EXPLICIT)[128:132] == b"DICM"
