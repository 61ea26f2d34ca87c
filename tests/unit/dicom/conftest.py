"""Real DICOM files: the collection beside the repository, else those that the pydicom package ships."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

PYDICOM_FILES = Path(pydicom.__file__).parent / "data" / "test_files"


@pytest.fixture(scope="session")
def ct_bytes() -> bytes:
    """128 x 128 CT, explicit little endian, 39 kB."""
    return (PYDICOM_FILES / "CT_small.dcm").read_bytes()


@pytest.fixture(scope="session")
def small_files() -> list[Path]:
    """Every file that the pydicom package ships, DICOM or not."""
    return sorted(path for path in PYDICOM_FILES.rglob("*") if path.is_file() and path.suffix != ".md")


@pytest.fixture
def header() -> Dataset:
    """A header of a person who does not exist, with names in places where they don't belong."""
    header = Dataset()
    header.PatientName = "Horvatić^Ivančica"
    header.PatientID = "HR-778899"
    header.PatientBirthDate = "19540321"
    header.PatientAge = "066Y"
    header.PatientSex = "F"
    header.AccessionNumber = " 0042 "
    header.StudyInstanceUID = "1.2.3.4"
    header.SeriesInstanceUID = "1.2.3.4.1"
    header.SOPInstanceUID = "1.2.3.4.1.1"
    header.SOPClassUID = CTImageStorage
    header.StudyDate = "20200131"
    header.StudyTime = "101500"
    header.Modality = "CT"
    header.InstitutionName = "Bolnica Sveti Nitko"
    header.ReferringPhysicianName = "Kovač^Branimir"
    header.StudyDescription = "CT toraks HORVATIĆ 31.01.2020 HR-778899"
    header.BodyPartExamined = "CHEST"
    nested = Dataset()
    nested.ReferringPhysicianName = "Babić^Zvonimir"
    nested.RequestedProcedureDescription = "torax Kovač, dr. Babić"
    nested.ReferencedSOPInstanceUID = "1.2.3.4.1.1"
    inner = Dataset()
    inner.PatientName = "Horvatić^Ivančica"
    inner.StudyDate = "20200131"
    inner.StudyInstanceUID = "1.2.3.4"
    nested.ReferencedSeriesSequence = [inner]
    header.RequestAttributesSequence = [nested]
    header.add_new(0x00091001, "LO", "private Horvatić")
    header.add_new(0x60003000, "OW", b"\1\1")
    return header


@pytest.fixture
def dicom_bytes() -> object:
    """Writes a data set as a file's bytes: `dicom_bytes(dataset)`."""

    def write(dataset: Dataset) -> bytes:
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID") or CTImageStorage
        meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID") or "1.2"
        target = BytesIO()
        dataset.SpecificCharacterSet = "ISO_IR 192"
        file = FileDataset(target, dataset, file_meta=meta, preamble=b"\0" * 128)
        file.save_as(target, enforce_file_format=True)
        return target.getvalue()

    return write
