"""Pixels and values that are read without pydicom, against pydicom."""

from io import BytesIO

import numpy as np
import pytest
from conftest import SHARED_DICOM
from dicom_images import image_of_values, ramp, written
from pydicom import dcmread
from pydicom.pixels import pixel_array
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from radnet_spark.dicom.header import Header, read_header
from radnet_spark.dicom.identity import VALUE_ERRORS
from radnet_spark.dicom.image_values import value_of
from radnet_spark.dicom.instance import quiet
from radnet_spark.dicom.plain_pixels import PlainPixels

KEYWORDS = (
    "Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored", "PixelRepresentation", "NumberOfFrames",
    "PhotometricInterpretation", "Modality", "WindowCenter", "WindowWidth", "RescaleSlope", "RescaleIntercept",
)  # fmt: skip


def header_of(data):
    header = read_header(BytesIO(data), len(data))
    return header if isinstance(header, Header) else None


def plain_of(data):
    header = header_of(data)
    return PlainPixels.of(header.image, header.pixels, header.transfer_syntax_uid)


def real_files(small_files):
    shared = sorted(path for path in SHARED_DICOM.rglob("*") if path.is_file()) if SHARED_DICOM.is_dir() else []
    return [*small_files, *shared]


def test_values_and_pixels_of_real_files_are_those_of_pydicom(small_files):
    plain_files = 0
    for path in real_files(small_files):
        data = path.read_bytes()
        with quiet():
            header = header_of(data)
            if header is None:
                continue
            for keyword in KEYWORDS:
                try:
                    expected = header.dataset.get(keyword)
                except VALUE_ERRORS:
                    expected = None
                found = value_of(header.image, keyword)
                if isinstance(found, list) and not isinstance(expected, list):
                    found = found[0] if len(found) == 1 else tuple(found)
                    expected = tuple(expected) if isinstance(found, tuple) else expected
                assert found == expected, (path, keyword)
            plain = header.pixels and PlainPixels.of(header.image, header.pixels, header.transfer_syntax_uid)
            if plain:
                plain_files += 1
                dataset = dcmread(BytesIO(data), force=True)
                dataset.file_meta.TransferSyntaxUID = header.transfer_syntax_uid
                expected = pixel_array(dataset, index=0)
                found = plain.frame(BytesIO(data), 0)
                assert found.dtype == expected.dtype, path
                assert np.array_equal(found, expected), path
    assert plain_files >= 10


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4"])
@pytest.mark.parametrize("unused", [0, 3])
def test_every_frame_of_every_width(dtype, unused):
    bits = np.random.default_rng(0).integers(0, 256, (3, 5, 7, np.dtype(dtype).itemsize), dtype="u1")
    frames = bits.view(np.dtype(dtype).newbyteorder("<"))[..., 0]
    dataset = image_of_values(frames[0], 0, 1, NumberOfFrames=3, PixelData=frames.tobytes() + b"\0" * (frames.size % 2))
    dataset.BitsStored, dataset.HighBit = dataset.BitsAllocated - unused, dataset.BitsAllocated - unused - 1
    dataset["PixelData"].VR = "OB" if dataset.BitsAllocated == 8 else "OW"
    data = written(dataset)
    plain = plain_of(data)
    for frame in range(3):
        expected = pixel_array(dcmread(BytesIO(data)), index=frame)
        assert np.array_equal(plain.frame(BytesIO(data), frame), expected)


@pytest.mark.parametrize(
    "changes",
    [
        {"PhotometricInterpretation": "PALETTE COLOR"},
        {"BitsAllocated": 64, "BitsStored": 64, "Rows": 16},
        {"PixelRepresentation": 2},
        {"BitsStored": 17},
        {"NumberOfFrames": 2},
        {"Rows": 0},
        {"SamplesPerPixel": 3, "Rows": 16, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0},
    ],
)
def test_what_is_not_plain_is_left_to_pydicom(changes):
    assert plain_of(written(ramp(**changes))) is None
    assert plain_of(written(ramp())) is not None


def test_other_encodings_are_left_to_pydicom():
    assert plain_of(written(ramp(PixelData=np.arange(4096, dtype=">u2").tobytes()), ExplicitVRBigEndian)) is None
    assert plain_of(written(ramp(), ImplicitVRLittleEndian)) is not None


class Piecemeal(BytesIO):
    """Gives at most 1000 bytes at once, as a store may."""

    def read(self, size=-1):
        return super().read(min(size, 1000) if size >= 0 else -1)


def test_a_source_may_give_less_than_was_asked_for_but_must_not_end():
    data = written(ramp())
    plain = plain_of(data)
    assert np.array_equal(plain.frame(Piecemeal(data), 0).ravel(), np.arange(4096))
    with pytest.raises(EOFError):
        plain.frame(BytesIO(data[:-100]), 0)
