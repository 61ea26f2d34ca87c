"""Folders of real files for the stages."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import pydicom
import pytest

PYDICOM_FILES = Path(pydicom.__file__).parent / "data" / "test_files"
COLLECTION = Path(__file__).resolve().parents[4] / "shared" / "data" / "dicom"


@pytest.fixture(scope="session")
def collection() -> Path:
    """The real files beside the repository, else those of the pydicom package."""
    return COLLECTION if COLLECTION.is_dir() else PYDICOM_FILES


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Eight files: three twins of one instance, one of them in a zip; a CT, a broken zip, and what is no instance."""
    folder = tmp_path / "archive"
    (folder / "deep" / "er").mkdir(parents=True)
    shutil.copy(PYDICOM_FILES / "MR_small.dcm", folder / "mr")
    shutil.copy(PYDICOM_FILES / "MR_truncated.dcm", folder / "cut")
    shutil.copy(PYDICOM_FILES / "CT_small.dcm", folder / "deep" / "er" / "ct.dcm")
    shutil.copy(PYDICOM_FILES / "MR_small_bigendian.dcm", folder / "deep" / "twin")
    shutil.copy(PYDICOM_FILES / "dicomdirtests" / "DICOMDIR", folder / "DICOMDIR")
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as target:
        target.write(PYDICOM_FILES / "MR_small_RLE.dcm", "in/twin")
        target.writestr("notes.txt", "no DICOM")
    (folder / "bad.zip").write_bytes(b"no zip")
    (folder / "empty.dcm").touch()
    for path in folder.rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return folder
