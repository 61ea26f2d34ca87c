"""Broken DICOM files, made from whole ones by a seeded chance: what twenty years of scanners, disks and networks leave.

`RADNET_MUTANTS=10000 pytest tests/spark/dicom/test_mutants.py` runs more of them than the tests do by default.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pydicom

from radnet_spark.dicom.walked import NeedMore, Unexpected, Walked
from radnet_spark.dicom.walker import Walk

PYDICOM_FILES = Path(pydicom.__file__).parent / "data" / "test_files"
LARGEST = 150_000  # bytes of a source file
NESTED = 1000  # levels


def sources(folder: Path = PYDICOM_FILES) -> list[bytes]:
    """The smaller files below a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [path.read_bytes() for path in paths if 200 < path.stat().st_size < LARGEST]


def mutants(count: int, seed: int, folder: Path = PYDICOM_FILES) -> Iterator[tuple[str, bytes]]:
    """(kind, content) of so many files, made from those below a folder; the same for the same seed."""
    known = sources(folder)
    for number in range(count):
        chance = random.Random(f"{seed}-{number}")
        kind = KINDS[number % len(KINDS)]
        yield kind.__name__, kind(chance.choice(known), chance)


def flipped(data: bytes, chance: random.Random) -> bytes:
    """Up to 20 bits, most of them in the header."""
    mutant = bytearray(data)
    for _ in range(chance.randint(1, 20)):
        place = chance.randrange(128, min(len(data), chance.choice([400, 4000, len(data)])))
        mutant[place] ^= 1 << chance.randrange(8)
    return bytes(mutant)


def cut(data: bytes, chance: random.Random) -> bytes:
    """Ends early."""
    return data[: chance.randrange(len(data))]


def swapped(data: bytes, chance: random.Random) -> bytes:
    """The lengths of two elements change places."""
    walked = _walked(data)
    if not walked or len(walked.elements) < 2:
        return flipped(data, chance)
    places = [start - (4 if walked.implicit else 2) for _, _, start, _, _ in walked.elements]
    one, other = chance.sample(places, 2)
    mutant = bytearray(data)
    mutant[one : one + 2], mutant[other : other + 2] = data[other : other + 2], data[one : one + 2]
    return bytes(mutant)


def huge(data: bytes, chance: random.Random) -> bytes:
    """Claims as many rows, columns, frames or samples as fit."""
    walked = _walked(data)
    mutant = bytearray(data)
    for tag, vr, start, end, _ in walked.elements if walked else []:
        if tag in (0x00280010, 0x00280011, 0x00280002, 0x00280100) and vr == "US" and end - start == 2:
            mutant[start:end] = struct.pack("<H", chance.choice([65535, 32768, 60000]))
        if tag == 0x00280008:
            mutant[start:end] = b"9" * (end - start)
    return bytes(mutant)


def nested(data: bytes, chance: random.Random) -> bytes:
    """Sequences in sequences before the pixels, with or without their ends."""
    walked = _walked(data)
    if not walked:
        return cut(data, chance)
    head = struct.pack("<HHL", 0x0040, 0x0275, 0xFFFFFFFF) if walked.implicit else (
        struct.pack("<HH2sHL", 0x0040, 0x0275, b"SQ", 0, 0xFFFFFFFF)
    )  # fmt: skip
    item = struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
    ends = struct.pack("<HHLHHL", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
    deep = (head + item) * NESTED + ends * (NESTED if chance.random() < 0.5 else 0)
    return data[: walked.end] + deep + data[walked.end :]


def shuffled(data: bytes, chance: random.Random) -> bytes:
    """A piece of the file stands somewhere else in it."""
    start = chance.randrange(len(data))
    piece = data[start : start + chance.randint(1, 2000)]
    rest = data[:start] + data[start + len(piece) :]
    place = chance.randrange(len(rest) + 1)
    return rest[:place] + piece + rest[place:]


def _walked(data: bytes) -> Walked | None:
    try:
        return Walk(len(data)).over(data)
    except (Unexpected, NeedMore):
        return None


KINDS: tuple[Callable[[bytes, random.Random], bytes], ...] = (flipped, cut, swapped, huge, nested, shuffled)
