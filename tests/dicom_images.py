"""Small images that are made by hand, and the greys that SPEC 3.4 asks for, as plain arithmetic."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian


def ramp(**changes: Any) -> Dataset:
    """A 64 x 64 image with the values 0 to 4095 and one window over all of them; None leaves an attribute out."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.Modality = CTImageStorage, "1.2.3", "CT"
    dataset.Rows = dataset.Columns = 64
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PixelData = np.arange(4096, dtype="<u2").tobytes()
    dataset.WindowCenter, dataset.WindowWidth = "2048", "4096"
    for name, value in changes.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    return dataset


def image_of_values(values: np.ndarray, centre: float, width: float, **changes: Any) -> Dataset:
    """Native pixels of an array, (rows, columns) or (rows, columns, 3), in little endian."""
    bits = 8 * values.itemsize
    facts = {
        "Rows": values.shape[0], "Columns": values.shape[1], "BitsAllocated": bits, "BitsStored": bits,
        "HighBit": bits - 1, "PixelRepresentation": int(values.dtype.kind == "i"),
        "PixelData": values.astype(values.dtype.newbyteorder("<")).tobytes(),
        "WindowCenter": repr(centre), "WindowWidth": repr(width),
    }  # fmt: skip
    if values.ndim == 3:
        facts |= {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    return ramp(**facts | changes)


def greys(values: np.ndarray, centre: float, width: float) -> np.ndarray:
    """Bounds C ∓ W/2, linear between, rounded half up."""
    return np.floor(255 * np.clip((values.astype(float) - (centre - width / 2)) / width, 0, 1) + 0.5)


def written(dataset: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """The data set as a file."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = (
        syntax,
        CTImageStorage,
        "1.2",
    )
    target = BytesIO()
    uid = UID(syntax)
    file = FileDataset(target, dataset, b"\0" * 128, meta, uid.is_implicit_VR, uid.is_little_endian)
    file.save_as(target, enforce_file_format=True)
    return target.getvalue()
