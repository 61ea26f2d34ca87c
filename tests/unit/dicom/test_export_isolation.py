"""Files that claim too much, or make a decoder hang: each costs itself, little time and little memory."""

import json
import signal
import struct
import subprocess
import sys
import time
import tracemalloc
import zlib
from io import BytesIO

import numpy as np
import pytest
from dicom_images import ramp, written
from pydicom import dcmread
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from radnet_spark.config import load_config
from radnet_spark.dicom import header, thin_reading
from radnet_spark.dicom.export import Exported, export_image
from radnet_spark.dicom.pixels import DecoderProcess

MOST = 2**31 - 1  # that an integer string can say


def encapsulated(frames, syntax, **changes):
    dataset = ramp(**changes)
    dataset.PixelData = encapsulate(frames)
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    return written(dataset, syntax)


@pytest.fixture(scope="module")
def images():
    return load_config().images.model_copy(update={"decode_timeout_seconds": 20.0})


@pytest.fixture(scope="module")
def jpeg_2000(small_files):
    path = next(path for path in small_files if path.name == "JPEG2000.dcm")
    return next(generate_frames(dcmread(path).PixelData, number_of_frames=1))


def bounded(data, settings, decoder=None):
    """The export of a file; fails if it takes long or reserves much in this process."""
    tracemalloc.start()
    begin = time.monotonic()
    try:
        found = export_image(BytesIO(data), settings, decoder)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.monotonic() - begin < 10
    assert peak < 16 * 2**20
    return found


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Rows": 65535, "Columns": 65535}, "too_large"),
        ({"Rows": 16384, "Columns": 16384}, "decode_failed"),  # allowed, but the bytes are not there
        ({"SamplesPerPixel": 65535}, "decode_failed"),
        ({"NumberOfFrames": MOST}, "decode_failed"),
        ({"NumberOfFrames": MOST, "WindowCenter": None}, "no_window"),
        ({"NumberOfFrames": MOST, "WindowWidth": "0"}, "no_window"),
        ({"BitsAllocated": 65528}, "decode_failed"),
        ({"BitsAllocated": 64, "BitsStored": 64}, "decode_failed"),
        ({"BitsAllocated": 0}, "decode_failed"),
        ({"BitsStored": 65535}, "decode_failed"),
        ({"Rows": 0}, "decode_failed"),
    ],
)
def test_absurd_claims_of_native_pixels(changes, reason, images):
    assert bounded(written(ramp(**changes)), images).reason == reason


def test_only_the_frame_that_is_looked_at_is_read(images):
    frames = np.tile(np.arange(4096, dtype="<u2"), 4096).tobytes()  # 32 MiB
    found = bounded(written(ramp(NumberOfFrames=4096, PixelData=frames)), images)
    assert isinstance(found, Exported)


def test_many_frames_of_which_none_passes_share_one_span_of_time(images):
    pixels = ramp(Rows=1, Columns=1, NumberOfFrames=500_000, PixelData=bytes(1_000_000))
    assert bounded(written(pixels), images.model_copy(update={"decode_timeout_seconds": 0.5})).reason == "timeout"


def huge_jpeg_2000(code):
    """The image and its tiles claim 65535 x 65535 (ISO 15444-1 A.5.1)."""
    changed, size = bytearray(code), code.index(b"\xff\x51")
    for start in (size + 6, size + 22):
        changed[start : start + 8] = struct.pack(">II", 65535, 65535)
    return bytes(changed)


def test_absurd_claims_of_compressed_pixels(images, jpeg_2000):
    lossless = b"\xff\xd8\xff\xc3\0\x0b\x10\xff\xff\xff\xff\x01\1\x11\0" + bytes(50)  # 65535 x 65535
    runs = struct.pack("<16L", 2, 64, 66, *[0] * 13) + b"\x81\xff" * 2
    files = [
        encapsulated([huge_jpeg_2000(jpeg_2000)], JPEG2000Lossless),
        encapsulated([huge_jpeg_2000(jpeg_2000)], JPEG2000Lossless, Rows=16384, Columns=16384),
        encapsulated([jpeg_2000], JPEG2000Lossless, Rows=64, Columns=64),  # the stream has 1024 x 256
        encapsulated([jpeg_2000], JPEG2000Lossless, Rows=1024, Columns=256, NumberOfFrames=MOST, WindowCenter="90000"),
        encapsulated([lossless], JPEGLosslessSV1, Rows=16384, Columns=16384),
        encapsulated([runs], RLELossless, Rows=16384, Columns=16384),
    ]
    decoder = DecoderProcess()
    for data in files:
        assert bounded(data, images, decoder).reason in ("decode_failed", "too_large")
    too_many = encapsulated([jpeg_2000], JPEG2000Lossless, NumberOfFrames=MOST, WindowWidth="0")
    assert bounded(too_many, images, decoder).reason == "no_window"
    decoder.close()


HANGS = b"\xff\xd8\xff\xf7\0\x0b\x10\xff\xff\xff\xff\x01\1\x11\0\xff\xda\0\x08\1\1\0\0\0\0" + bytes(50)


def test_a_stream_that_keeps_its_decoder_busy_costs_one_file(images, jpeg_2000):
    decoder, hasty = DecoderProcess(), images.model_copy(update={"decode_timeout_seconds": 2.0})
    assert bounded(encapsulated([HANGS], JPEGLSLossless), hasty, decoder).reason == "timeout"
    window = {"WindowCenter": "64", "WindowWidth": "128"}
    good = encapsulated([jpeg_2000], JPEG2000Lossless, Rows=1024, Columns=256, **window)
    assert isinstance(export_image(BytesIO(good), images, decoder), Exported)
    decoder.close()


def child():
    command = [sys.executable, "-m", "radnet_spark.dicom.decoder_child", str(2**32)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_busy_child_whose_parent_is_gone_ends_by_itself():
    data = encapsulated([HANGS], JPEGLSLossless)
    request = {"frame": 0, "syntax": JPEGLSLossless, "seconds": 0.1, "length": len(data)}
    with child() as process:
        process.stdin.write(json.dumps(request).encode() + b"\n" + data)
        process.stdin.flush()
        assert process.wait(20) == -signal.SIGALRM


def test_what_a_library_prints_does_not_reach_the_answers(jpeg_2000):
    program = (
        "import os, sys; from radnet_spark.dicom import decoder_child as c; real = c.decode_frame\n"
        "def noisy(*a): os.write(1, b'noise'); return real(*a)\n"
        "c.decode_frame = noisy; sys.argv = ['', str(2**32)]; c.main()"
    )
    data = encapsulated([jpeg_2000], JPEG2000Lossless, Rows=1024, Columns=256)
    request = {"frame": 0, "syntax": JPEG2000Lossless, "seconds": 60, "length": len(data)}
    sent = json.dumps(request).encode() + b"\n" + data
    done = subprocess.run([sys.executable, "-c", program], input=sent, capture_output=True, timeout=60, check=True)
    assert done.stdout.startswith(b'{"shape": [1024, 256]')
    assert done.stderr.startswith(b"noise")


def test_an_answer_that_is_none_is_a_crash(monkeypatch, images, tmp_path):
    script = tmp_path / "child"
    script.write_text(f"#!{sys.executable}\nprint('noise', flush=True)\nimport sys; sys.stdin.read()\n")
    script.chmod(0o755)
    monkeypatch.setattr("radnet_spark.dicom.pixels.sys.executable", str(script))
    data = encapsulated([HANGS], JPEGLSLossless)
    assert bounded(data, images, DecoderProcess()).reason == "decoder_crash"


def test_a_deflated_bomb_is_not_inflated(monkeypatch, images):
    monkeypatch.setattr(header, "_MAX_INFLATED", 2**24)
    monkeypatch.setattr(thin_reading, "MOST_INFLATED", 2**20)
    whole, meta = written(ramp()), written(ramp(), DeflatedExplicitVRLittleEndian)
    starts = [144 + struct.unpack("<L", file[140:144])[0] for file in (whole, meta)]  # behind group 2, PS3.10 7.1
    last = whole.index(b"\xe0\x7f\x10\x00OW")
    head = whole[starts[0] : last] + b"\xe0\x7f\x10\x00OW\0\0"

    def file_of(length):
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        body = head + struct.pack("<L", length)
        return meta[: starts[1]] + deflate.compress(body) + deflate.compress(bytes(length)) + deflate.flush()

    assert bounded(file_of(8192), images).reason == "single_grey"
    bomb = file_of(2**26)
    assert len(bomb) < 10**5
    found = bounded(bomb, images)
    assert (found.reason, found.detail) == ("file_changed", "now unreadable: a deflated data set of more than 16 MiB")
