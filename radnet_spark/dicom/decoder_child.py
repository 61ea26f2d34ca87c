"""A process of its own that decodes pixels, so that a crash, a hang or a huge allocation costs one file only.

Started as `python -m radnet_spark.dicom.decoder_child BYTES`; `BYTES` is the memory it may take on top of what it
starts with. Requests and answers are a line of JSON and then the announced number of bytes:

    → {"frame": 0, "syntax": "1.2…", "seconds": 60, "length": n}  + n bytes of a DICOM file (0: the same file as before)
    ← {"shape": […], "dtype": "<i2", "length": n} + n bytes of pixels, or {"reason": "…", "detail": "…"}
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from radnet_spark.dicom.header import READ_ERRORS
from radnet_spark.dicom.instance import quiet
from radnet_spark.dicom.pixels import decode_frame, read_whole
from radnet_spark.dicom.reasons import DropReason, describe

_GRACE = 2  # seconds


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answers requests until there are no more."""
    dataset = Dataset()
    while line := requests.readline():
        request = json.loads(line)
        signal.alarm(int(request["seconds"]) + _GRACE)  # if the one who would kill us is gone
        try:
            if request["length"]:
                dataset = read_whole(BytesIO(requests.read(request["length"])), request["syntax"])
            pixels = np.ascontiguousarray(decode_frame(dataset, request["frame"]))
        except MemoryError as error:
            _answer(answers, {"reason": DropReason.TOO_LARGE, "detail": type(error).__name__})
        except (*READ_ERRORS, RuntimeError) as error:
            _answer(answers, {"reason": DropReason.DECODE_FAILED, "detail": describe(error)})
        else:
            _answer(answers, {"shape": pixels.shape, "dtype": pixels.dtype.str, "length": pixels.nbytes}, pixels)
        signal.alarm(0)


def _answer(answers: BinaryIO, head: dict[str, Any], pixels: NDArray[np.generic] | None = None) -> None:
    answers.write(json.dumps(head).encode() + b"\n")
    if pixels is not None:
        answers.write(pixels.data)
    answers.flush()


def _limit_memory(more_bytes: int) -> None:
    with open("/proc/self/statm", encoding="ascii") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + more_bytes, now + more_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Serves standard input and output; whatever a library prints, C code too, goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _limit_memory(int(sys.argv[1]))
    with quiet():
        serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
