"""Stored pixel values of one frame: native ones here, compressed ones through a child process that may die."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels import as_pixel_options, get_decoder, pixel_array
from pydicom.uid import UID

from radnet_spark.dicom.header import Header
from radnet_spark.dicom.palette import apply_palette
from radnet_spark.dicom.plain_pixels import PlainPixels
from radnet_spark.dicom.reasons import DropReason
from radnet_spark.errors import RadnetError

_CHILD_MEMORY = 4 * 2**30  # bytes on top of what the decoder starts with, where no setting says otherwise


class DecodeError(RadnetError):
    """Pixels that could not be had.

    Attributes:
        reason: `decode_failed`, `decoder_crash`, `timeout` or `too_large`.
        detail: the decoder's words, without values.
    """

    def __init__(self, reason: DropReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def decode_frame(dataset: Dataset, frame: int) -> NDArray[np.generic]:
    """One frame, decoded in this process.

    Returns:
        (rows, columns) stored values, or (rows, columns, 3) RGB: YBR is converted, a palette applied.
    """
    return _in_colour(pixel_array(dataset, index=frame), dataset)


def read_whole(source: BinaryIO, syntax: str) -> Dataset:
    """A data set with its pixels, the transfer syntax set even if the file does not name it."""
    source.seek(0)
    dataset = dcmread(source, force=True)
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    return dataset


def native_frames(header: Header, source: BinaryIO) -> Callable[[int], NDArray[np.generic]]:
    """What gives a frame of pixels that are not compressed, without reading the other frames.

    Args:
        header: of a file with pixels.
        source: that file, open.

    Returns:
        Frame number from 0 → as `decode_frame`.

    Raises:
        DecodeError: there are fewer bytes than the header asks for, or as many as another photometric interpretation
            would need.
    """
    pixels, syntax, dataset = header.pixels, UID(header.transfer_syntax_uid), header.image
    if pixels is None or pixels.start is None or pixels.length is None:
        whole = read_whole(source, syntax)
        return lambda frame: decode_frame(whole, frame)
    plain = PlainPixels.of(dataset, pixels, syntax)
    if plain:
        return lambda frame: plain.frame(source, frame)
    options = as_pixel_options(dataset, pixel_keyword=pixels.keyword, pixel_vr=pixels.vr)
    _check_length(options, pixels.length)
    start, decoder = pixels.start, get_decoder(syntax)

    def frame_of(frame: int) -> NDArray[np.generic]:
        source.seek(start)
        return _in_colour(decoder.as_array(source, index=frame, **options)[0], dataset)

    return frame_of


def _check_length(options: dict[str, Any], found: int) -> None:
    """PS3.5 8.1.1 and PS3.3 C.7.6.3.1.2; pydicom looks at the length of whole data sets only."""
    samples = options["rows"] * options["columns"] * options["samples_per_pixel"] * options["number_of_frames"]
    asked = -(-samples * options["bits_allocated"] // 8)
    subsampled = options["photometric_interpretation"] == "YBR_FULL_422"
    if found < (asked // 3 * 2 if subsampled else asked):
        raise DecodeError(DropReason.DECODE_FAILED, f"{found} bytes of pixels, fewer than the header asks for")
    if subsampled and found >= asked:
        raise DecodeError(DropReason.DECODE_FAILED, "YBR_FULL_422, but as many bytes as without subsampling")


def _in_colour(pixels: NDArray[np.generic], dataset: Dataset) -> NDArray[np.generic]:
    if dataset.get("PhotometricInterpretation") != "PALETTE COLOR":
        return pixels
    return apply_palette(pixels, dataset)


class DecoderProcess:
    """The child process of one Python worker; started when first needed, replaced when it dies."""

    def __init__(self, memory_bytes: int = _CHILD_MEMORY) -> None:
        self._memory_bytes = memory_bytes
        self._child: subprocess.Popen[bytes] | None = None
        self._held: bytes | None = None

    def decode(self, file: bytes, syntax: str, frame: int, timeout_seconds: float) -> NDArray[np.generic]:
        """One frame of a file's bytes.

        Raises:
            DecodeError: it could not be decoded, took too long or too much memory, or the decoder died.
        """
        deadline = time.monotonic() + timeout_seconds
        known = self._held is file and self._alive()
        length = 0 if known else len(file)
        request = {"frame": frame, "syntax": syntax, "seconds": timeout_seconds, "length": length}
        try:
            child = self._running()
            self._send(child, json.dumps(request).encode() + b"\n" + (b"" if known else file), deadline)
            self._held = file
            head = json.loads(self._line(child, deadline))
            if "reason" in head:
                self._held = None  # the child may not have come as far as to hold it
                raise DecodeError(DropReason(head["reason"]), head["detail"])
            data = self._read(child, head["length"], deadline)
        except TimeoutError as error:
            self.close()
            raise DecodeError(DropReason.TIMEOUT, f"more than {timeout_seconds:g} s") from error
        except (BrokenPipeError, EOFError, json.JSONDecodeError) as error:  # it died, or is out of its mind
            code = self.close()
            raise DecodeError(DropReason.DECODER_CRASH, f"the decoder ended with {code}") from error
        return np.frombuffer(data, dtype=head["dtype"]).reshape(head["shape"])

    def close(self) -> int | None:
        """Ends the child; its exit code, if there was one."""
        child, self._child, self._held = self._child, None, None
        if child is None:
            return None
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                pipe.close()
        return child.wait()

    def _alive(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self.close()
            self._child = subprocess.Popen(
                [sys.executable, "-m", "radnet_spark.dicom.decoder_child", str(self._memory_bytes)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
                env=_child_environment(),
            )  # fmt: skip
            assert self._child.stdin is not None
            os.set_blocking(self._child.stdin.fileno(), False)  # so that a child that does not read can't hold us
        return self._child

    def _send(self, child: subprocess.Popen[bytes], data: bytes, deadline: float) -> None:
        assert child.stdin is not None
        rest = memoryview(data)
        while rest:
            _wait([], [child.stdin], deadline)
            rest = rest[os.write(child.stdin.fileno(), rest) :]

    def _line(self, child: subprocess.Popen[bytes], deadline: float) -> bytes:
        line = bytearray()
        while not line.endswith(b"\n"):
            line += self._read(child, 1, deadline)
        return bytes(line)

    def _read(self, child: subprocess.Popen[bytes], length: int, deadline: float) -> bytearray:
        assert child.stdout is not None
        data = bytearray()
        while len(data) < length:
            _wait([child.stdout], [], deadline)
            part = os.read(child.stdout.fileno(), length - len(data))
            if not part:
                raise EOFError
            data += part
        return data


def _child_environment() -> dict[str, str]:
    """What a decoder needs to start: no key and no credentials."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}


def worker_decoder(memory_bytes: int) -> DecoderProcess:
    """The decoder of this process; forked workers get one each."""
    return _decoder_of(os.getpid(), memory_bytes)


@lru_cache(maxsize=1)
def _decoder_of(_process_id: int, memory_bytes: int) -> DecoderProcess:
    return DecoderProcess(memory_bytes)


def _wait(readable: list[Any], writable: list[Any], deadline: float) -> None:
    left = deadline - time.monotonic()
    if left <= 0 or not any(select.select(readable, writable, [], left)):
        raise TimeoutError
