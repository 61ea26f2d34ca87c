import sys
import textwrap

import numpy as np
import pytest
from pydicom import dcmread

from radnet_spark.dicom import pixels as module
from radnet_spark.dicom.pixels import DecodeError, DecoderProcess

JPEG_2000 = "1.2.840.10008.1.2.4.91"
TIMEOUT = 60.0


@pytest.fixture(scope="module")
def decoder():
    decoder = DecoderProcess()
    yield decoder
    decoder.close()


@pytest.fixture(scope="module")
def compressed(small_files):
    return next(path for path in small_files if path.name == "JPEG2000.dcm")


def test_child_decodes_what_pydicom_decodes(decoder, compressed):
    file = compressed.read_bytes()
    expected = dcmread(compressed).pixel_array
    for _ in range(2):  # the second time the child still holds the file
        assert np.array_equal(decoder.decode(file, JPEG_2000, 0, TIMEOUT), expected)


def test_what_fails_in_the_child_has_a_reason(decoder, compressed):
    file = compressed.read_bytes()
    with pytest.raises(DecodeError) as caught:
        decoder.decode(file, JPEG_2000, 7, TIMEOUT)
    assert caught.value.reason == "decode_failed"
    with pytest.raises(DecodeError) as caught:
        decoder.decode(file[:2500], JPEG_2000, 0, TIMEOUT)
    assert caught.value.reason == "decode_failed"


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import os; os.abort()", "decoder_crash"),
        ("import sys; sys.stdin.buffer.readline(); import os; os.kill(os.getpid(), 11)", "decoder_crash"),
        ("import time; time.sleep(60)", "timeout"),
        ("import sys, time; sys.stdout.write('{'); sys.stdout.flush(); time.sleep(60)", "timeout"),
    ],
)
def test_a_decoder_that_dies_or_hangs_costs_one_file(monkeypatch, tmp_path, program, reason):
    script = tmp_path / "child"
    script.write_text(f"#!{sys.executable}\n{textwrap.dedent(program)}\n")
    script.chmod(0o755)
    monkeypatch.setattr(module.sys, "executable", str(script))
    decoder = DecoderProcess()
    with pytest.raises(DecodeError) as caught:
        decoder.decode(b"x" * 200_000, JPEG_2000, 0, 0.5)
    decoder.close()
    assert caught.value.reason in (reason, "timeout")


def test_a_killed_child_is_replaced(decoder, compressed):
    file = compressed.read_bytes()
    decoder.decode(file, JPEG_2000, 0, TIMEOUT)
    decoder._child.kill()
    decoder._child.wait()
    assert decoder.decode(file, JPEG_2000, 0, TIMEOUT).shape == (1024, 256)


def test_memory_is_limited(compressed):
    decoder = DecoderProcess(memory_bytes=2**20)
    with pytest.raises(DecodeError) as caught:
        decoder.decode(compressed.read_bytes() + b"\0" * 2**23, JPEG_2000, 0, TIMEOUT)
    decoder.close()
    assert caught.value.reason in ("too_large", "decoder_crash")
