"""The real DICOM files that the demo reads beside the synthetic ones: those of the `pydicom-data` package."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from radnet_spark.errors import UsageError


def real_files_folder() -> Path:
    """The folder of the `pydicom-data` package's files.

    Raises:
        UsageError: the package is not installed.
    """
    spec = find_spec("data_store")
    folder = Path(spec.origin).parent / "data" if spec and spec.origin else None
    if folder is None or not folder.is_dir():
        raise UsageError(
            "demo.real_files: the package pydicom-data is not installed; "
            "`pip install pydicom-data`, or --set demo.real_files=false"
        )
    return folder
