"""Reads no more of a file than a thin walk over its header asks for."""

from __future__ import annotations

import hashlib
import zlib
from typing import BinaryIO

from radnet_spark.dicom.known_elements import memory_of
from radnet_spark.dicom.walked import Deflated, LongValue, NeedMore, Unexpected, Walked
from radnet_spark.dicom.walker import Walk

MOST_INFLATED = 1 << 24  # bytes of a deflated data set that is kept in memory; pydicom reads longer ones
BLOCK = 1 << 14  # bytes of one read: most headers are smaller


def read_thinly(source: BinaryIO, size: int) -> tuple[bytes, Walked, str, int]:
    """Reads one block, enough for most headers, and half as much again as long as the header goes on.

    Returns:
        The bytes of the header without the long values that nobody needs; what was found in them; their hash, of a
        deflated file that of the whole; how many bytes were left out.
    """
    data, walk, left_out = source.read(min(size, BLOCK)), Walk(size, memory_of), 0
    while True:
        try:
            walked = walk.over(data)
            return data, walked, _hash(memoryview(data)[: walked.end]), left_out
        except NeedMore as more:
            missing = more.end - len(data)
            block = source.read(max(missing, len(data) // 2)) if missing > 0 else b""
            if not block:  # the file has become shorter
                raise Unexpected from None
            data += block
        except LongValue as value:
            left_out += value.length
            source.seek(value.start + left_out)
            data = data[: value.start]
        except Deflated as stream:
            data += source.read()
            digest = _hash(data)
            data = data[: stream.start] + _inflated(memoryview(data)[stream.start :])
            return data, walk.inflated(data, stream.start), digest, 0


def _inflated(stream: memoryview) -> bytes:
    """A whole deflate stream, what follows it left aside."""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    data = inflate.decompress(stream, MOST_INFLATED)
    if not inflate.eof:
        raise Unexpected
    return data


def _hash(data: bytes | memoryview) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
