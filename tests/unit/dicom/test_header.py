import gzip
import struct
import zlib
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from radnet_spark.dicom import header as module
from radnet_spark.dicom import thin_reading, walker
from radnet_spark.dicom.attributes import Secrets
from radnet_spark.dicom.header import Header, Rejected, judged_header, read_header
from radnet_spark.dicom.reasons import QuarantineReason

SECRETS = Secrets(b"k" * 32, 3650)
FILES = Path(pydicom.__file__).parent / "data" / "test_files"
MUTATED = [(FILES / name).read_bytes() for name in ("MR_small.dcm", "JPEG2000.dcm", "image_dfl.dcm", "rtplan.dcm")]


def read(data):
    return read_header(BytesIO(data), len(data))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 60, "not_dicom"),
        (b"path,size\n1,2\n", "not_dicom"),
        (gzip.compress(b"x" * 500, mtime=0), "not_dicom"),
        (b"\0" * 128 + b"DICM", "truncated"),
    ],
)
def test_what_is_no_dicom(data, reason):
    assert read(data).reason == reason


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("MR_truncated.dcm", "truncated"),
        ("rtplan_truncated.dcm", "truncated"),
        ("dicomdirtests/DICOMDIR", "dicomdir"),
        ("dicomdirtests/DICOMDIR-bigEnd", "dicomdir"),
    ],
)
def test_real_files_that_are_put_aside(name, reason):
    assert read((FILES / name).read_bytes()).reason == reason


class Counting(BytesIO):
    """A file that adds up how many bytes are read."""

    count = 0

    def read(self, size=-1):
        data = super().read(size)
        self.count += len(data)
        return data


def test_header_equals_pydicom_and_pixels_are_not_read(ct_bytes):
    dataset = dcmread(BytesIO(ct_bytes))
    dataset.Rows = dataset.Columns = 1024
    dataset.PixelData = b"\0" * (2 * 1024 * 1024)
    target = BytesIO()
    dataset.save_as(target)
    source = Counting(target.getvalue())
    size = len(target.getvalue())
    header = read_header(source, size)
    expected = dcmread(BytesIO(target.getvalue()), stop_before_pixels=True)
    assert header.dataset == expected
    assert header.pixels.length == 2 * 1024 * 1024
    assert source.count <= size - header.pixels.length + 16_384  # the header and one block


def test_a_header_larger_than_a_block_is_read_to_its_end(ct_bytes):
    dataset = dcmread(BytesIO(ct_bytes))
    dataset.add_new(0x00080119, "UC", "x" * 100_000)
    dataset.PixelData = b"\0" * (2 * 1024 * 1024)
    target = BytesIO()
    dataset.save_as(target)
    source = Counting(target.getvalue())
    header = read_header(source, len(target.getvalue()))
    assert not header.judged
    assert header.dataset == dcmread(BytesIO(target.getvalue()), stop_before_pixels=True)
    assert source.count < 2 * 106_000  # bytes of the header


@pytest.mark.parametrize("tag", [0x00091010, 0x00420011])
def test_a_long_value_that_nobody_needs_is_not_read(ct_bytes, tag):
    dataset = dcmread(BytesIO(ct_bytes))
    dataset.add_new(tag, "OB", b"\1" * 30_000_000)
    dataset.add_new(tag + 2, "LO", "after it")
    target = BytesIO()
    dataset.save_as(target)
    source, judge = Counting(target.getvalue()), judged_header(target, len(target.getvalue()))
    header = read_header(source, len(target.getvalue()))
    assert not header.judged
    assert source.count < 40_000
    assert header.pixels == judge.pixels
    assert target.getvalue()[header.pixels.start :].startswith(dataset.PixelData)
    assert set(judge.dataset.keys()) - set(header.dataset.keys()) == {tag}
    for secrets, keep_private in ((None, False), (None, True), (SECRETS, False), (SECRETS, True)):
        expected = judge.attributes.values("p", secrets, keep_private)
        assert header.attributes.values("p", secrets, keep_private) == expected
    short = target.getvalue()[:1_000_000]
    assert read(short).reason == QuarantineReason.TRUNCATED


@pytest.mark.parametrize("name", ["MR_small.dcm", "MR_small_bigendian.dcm", "MR_small_RLE.dcm", "JPEG2000.dcm"])
@pytest.mark.parametrize("missing", [1, 8, 100])
def test_any_cut_is_found(name, missing):
    data = (FILES / name).read_bytes()
    header = read(data)
    pixels = dcmread(BytesIO(data)).PixelData
    end = data.index(pixels) + len(pixels) + (0 if header.pixels.length else 8)  # 8: the sequence delimiter
    assert isinstance(read(data[:end]), Header)
    assert read(data[: end - missing]).reason == QuarantineReason.TRUNCATED


def test_a_cut_deflate_stream_is_found():
    data = (FILES / "image_dfl.dcm").read_bytes()
    assert isinstance(read(data), Header)
    assert read(data[: len(data) // 2]).reason == QuarantineReason.TRUNCATED


def test_bytes_after_the_pixels_are_no_harm():
    for name in ("MR_small.dcm", "JPEG2000.dcm"):
        assert read((FILES / name).read_bytes() + b"\xab" * 999).pixels.complete


def test_no_preamble(ct_bytes):
    whole, bare = dcmread(BytesIO(ct_bytes)), DicomBytesIO()
    bare.is_little_endian, bare.is_implicit_VR = True, True
    write_dataset(bare, whole)
    header = read(bare.getvalue())
    assert header.transfer_syntax_uid == "1.2.840.10008.1.2"
    assert header.dataset.SOPInstanceUID == whole.SOPInstanceUID
    assert header.pixels.length == len(whole.PixelData)


def test_a_thousand_nested_sequences(dicom_bytes):
    dataset = Dataset()
    dataset.PatientID = "x"
    data = dicom_bytes(dataset)
    item = b"\x40\x00\x75\x02SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    assert isinstance(read(data + item * 1000), Header | Rejected)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_mutants_never_raise(data):
    original = bytearray(data.draw(st.sampled_from(MUTATED)))
    kind = data.draw(st.sampled_from(["flip", "cut", "length", "random"]))
    at = data.draw(st.integers(0, min(len(original) - 9, 3000)))
    if kind == "flip":
        for place in data.draw(st.lists(st.integers(0, min(len(original) - 1, 3000)), max_size=20)):
            original[place] ^= data.draw(st.integers(1, 255))
    elif kind == "cut":
        del original[at:]
    elif kind == "length":
        original[at : at + 4] = data.draw(st.sampled_from([b"\xff\xff\xff\xff", b"\xfe\xff\xff\x7f", b"\0\0\0\0"]))
    else:
        original[at : at + 8] = data.draw(st.binary(min_size=8, max_size=8))
    result = read(bytes(original))
    assert isinstance(result, Header) or result.reason in set(QuarantineReason)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes_never_raise(data):
    assert read(data).reason in set(QuarantineReason)
    read(b"\0" * 128 + b"DICM" + data)


@pytest.mark.parametrize("marked", [False, True])
@pytest.mark.parametrize("filling", [bytes(8), b"\1\0\0\0\0\0\0\0"])
def test_a_file_of_filling_is_not_read_element_by_element(ct_bytes, marked, filling):
    """Space that was reserved for a file and never written: pydicom takes a second for each MiB of it."""
    meta = ct_bytes[: 144 + struct.unpack("<L", ct_bytes[140:144])[0]]  # PS3.10 7.1
    data = (meta if marked else b"") + filling * (1 << 18)
    found = judged_header(BytesIO(data), len(data))
    assert isinstance(found, Rejected)
    assert found.reason in (("truncated", "unreadable") if marked else ("not_dicom",))


def test_padding_with_zeros_is_no_part_of_a_header(header, dicom_bytes):
    plain = dicom_bytes(header)
    for count in (8, 64, 10_000):
        found = read_header(BytesIO(plain + bytes(count)), len(plain) + count)
        assert isinstance(found, Header)
        assert set(found.dataset.keys()) == set(header.keys())


@pytest.mark.parametrize("form", ["plain", "unmarked", "odd meta", "long meta"])
def test_a_deflated_bomb_is_found_in_any_form(monkeypatch, form):
    monkeypatch.setattr(module, "_MAX_INFLATED", 1 << 20)
    monkeypatch.setattr(thin_reading, "MOST_INFLATED", 1 << 20)

    def element(number: int, vr: bytes, value: bytes) -> bytes:
        long = struct.pack("<HL", 0, len(value)) if vr == b"OB" else struct.pack("<H", len(value))
        return struct.pack("<HH2s", 2, number, vr) + long + value

    version = element(1, b"OB", bytes(20_000) if form == "long meta" else b"\0\1")
    meta = version + element(0x10, b"UI", b"1.2.840.10008.1.2.1.99") + element(0x16, b"LO", b"RADNET")
    meta = meta if form == "odd meta" else meta[:-14]
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = struct.pack("<HH2sHL", 9, 0x1001, b"OB", 0, 1 << 23) + bytes(1 << 23)
    data = meta + deflate.compress(body) + deflate.flush()
    data = data if form == "unmarked" else bytes(128) + b"DICM" + data
    found = read_header(BytesIO(data), len(data))
    assert isinstance(found, Rejected)
    assert "deflated data set of more than" in found.detail


def test_more_elements_than_any_header_has_are_not_read():
    head = MUTATED[0][: MUTATED[0].index(b"\xe0\x7f\x10\x00")]
    private = b"".join(struct.pack("<HH2sH", 0x7F01, number, b"LO", 0) for number in range(0x1000, 0xE000))
    found = read(head + private)
    assert isinstance(found, Rejected)
    assert (found.reason, found.detail) == (QuarantineReason.UNREADABLE, "more than 50000 elements")


@pytest.mark.parametrize("elements", [0, 1])
def test_more_items_than_any_header_has_are_not_read(monkeypatch, elements):
    element = (struct.pack("<HH2sH", 0x0008, 0x0100, b"SH", 2) + b"A ") * elements
    items = (struct.pack("<HHL", 0xFFFE, 0xE000, len(element)) + element) * 2_000
    head = MUTATED[0][: MUTATED[0].index(b"\xe0\x7f\x10\x00")]
    data = head + struct.pack("<HH2sHL", 0x7F00, 0x0001, b"SQ", 0, len(items)) + items
    for limit, refused in ((2_000 * (1 + elements) + 100, False), (2_000 * (1 + elements) - 1, True)):
        monkeypatch.setattr(walker, "_MOST_NESTED", limit)
        assert isinstance(read(data), Rejected) == refused
