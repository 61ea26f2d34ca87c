"""Grey pixels that lie in a file as NumPy has them, little endian and one sample each: the common case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from radnet_spark.dicom.frame_attributes import number_of_frames
from radnet_spark.dicom.image_values import value_of
from radnet_spark.dicom.pixel_element import PixelElement

_SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
_GREY = ("MONOCHROME1", "MONOCHROME2")
_WHOLE_BYTES = (8, 16, 32)


@dataclass(frozen=True)
class PlainPixels:
    """Where the frames lie, and what their values are.

    Attributes:
        start: offset of the first frame in the file.
        rows, columns: of a frame.
        dtype: of the words in the file.
        unused: highest bits of a word that are not stored values (PS3.5 8.1.1).
    """

    start: int
    rows: int
    columns: int
    dtype: np.dtype[np.integer]
    unused: int

    @classmethod
    def of(cls, dataset: Dataset, pixels: PixelElement, syntax: str) -> PlainPixels | None:
        """None where pydicom has to look: other pixels, or fewer bytes than the header asks for."""
        if syntax not in _SYNTAXES or pixels.keyword != "PixelData" or pixels.start is None or pixels.length is None:
            return None
        if value_of(dataset, "SamplesPerPixel") != 1 or value_of(dataset, "PhotometricInterpretation") not in _GREY:
            return None
        rows, columns, bits, stored, signed = (
            value_of(dataset, keyword)
            for keyword in ("Rows", "Columns", "BitsAllocated", "BitsStored", "PixelRepresentation")
        )
        if not rows or not columns or bits not in _WHOLE_BYTES or signed not in (0, 1) or not stored:
            return None
        if "NumberOfFrames" in dataset and not isinstance(value_of(dataset, "NumberOfFrames"), int):
            return None
        if not 1 <= stored <= bits or pixels.length < rows * columns * (bits // 8) * number_of_frames(dataset):
            return None
        return cls(pixels.start, rows, columns, np.dtype(f"<{'ui'[signed]}{bits // 8}"), bits - stored)

    def frame(self, source: BinaryIO, number: int) -> NDArray[np.integer]:
        """Stored values of a frame.

        Args:
            source: the file.
            number: from 0.

        Returns:
            (rows, columns), perhaps read-only.

        Raises:
            EOFError: the file has become shorter.
        """
        size = self.rows * self.columns * self.dtype.itemsize
        source.seek(self.start + number * size)
        words = np.frombuffer(_read(source, size), self.dtype).reshape(self.rows, self.columns)
        return (words << self.unused) >> self.unused if self.unused else words


def _read(source: BinaryIO, size: int) -> bytes:
    """All of so many bytes: a store may give fewer at once."""
    data = source.read(size)
    while len(data) < size:
        more = source.read(size - len(data))
        if not more:
            raise EOFError("ends within its pixels")
        data += more
    return data
