"""Rows of a CSV or JSON lines file, one after another; a broken one costs itself and has a reason.

A quoted cell that is not closed would swallow the rows after it: such a row is left out and reading goes on at the
next line, so that the damage ends where it began.
"""

from __future__ import annotations

import csv
import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from radnet_spark.config import Diagnoses
from radnet_spark.text.reading import Layout, decoded, json_object
from radnet_spark.text.reasons import Reason

_CHUNK = 1 << 20  # bytes


@dataclass(frozen=True)
class Record:
    """A row of a file; what it does not say is None.

    Attributes:
        line: the line at which it begins, from 1.
        reason: why it can't be used.
    """

    line: int
    key: str | None = None
    text: str | None = None
    time: str | None = None
    reason: Reason | None = None


def byte_lines(source: BinaryIO, longest: int) -> Iterator[bytes | None]:
    r"""The lines of a file, each with `\n`; None for one that is longer than `longest` bytes.

    Lines end in `\n` or `\r\n`, or in `\r` where the beginning of the file has nothing else.
    """
    read = getattr(source, "read1", source.read)  # read1 gives what there is before it says that the rest is damaged
    chunk = read(_CHUNK)
    mark = b"\r" if b"\r" in chunk and b"\n" not in chunk else b"\n"
    rest = b""
    while chunk:
        *lines, rest = (rest + chunk).split(mark)
        for line in lines:
            yield line.removesuffix(b"\r") + b"\n" if len(line) <= longest else None
        if len(rest) > longest:
            yield None
            rest = _after_line(source, mark)
        chunk = read(_CHUNK)
    if rest:
        yield rest


def csv_records(
    lines: Iterable[bytes | None], layout: Layout, single_byte: str, settings: Diagnoses
) -> Iterator[Record]:
    """The rows below the header of a delimited file (RFC 4180; quotes doubled inside quoted cells).

    Args:
        lines: what `byte_lines` gives, from the first line on.
        layout: delimiter and columns.
        single_byte: encoding of lines that are no UTF-8.
        settings: the `diagnoses` section.
    """
    limit = settings.max_row_characters
    csv.field_size_limit(max(limit + 1, csv.field_size_limit()))
    source = _Lines(lines, single_byte)
    places = [_place(layout.columns, name) for name in _names(settings)]
    for number, line in source:
        if number <= layout.header_lines:
            continue
        if line is None:
            yield Record(number, reason=Reason.ROW_TOO_LONG)
        elif line.strip("\r\n \t\ufeff\0"):
            cells = _cells(line, source, layout.delimiter, limit)
            if (
                cells is None and line.count('"') % 2 == 0
            ):  # quotes that are part of the text, in a file that has no others
                cells = line.rstrip("\r\n").split(layout.delimiter)
            yield _record(number, cells, places, len(layout.columns))


def json_records(lines: Iterable[bytes | None], single_byte: str, settings: Diagnoses) -> Iterator[Record]:
    """The objects of a JSON lines file; arguments as of `csv_records`."""
    names = _names(settings)
    for number, line in _Lines(lines, single_byte):
        if line is None:
            yield Record(number, reason=Reason.ROW_TOO_LONG)
        elif line.strip("\r\n \t\ufeff\0"):
            entry = json_object(line)
            if entry is None:
                yield Record(number, reason=Reason.NO_JSON)
            else:
                key, text, time = (_scalar(entry.get(name)) for name in names)
                yield Record(number, key, text, time)


@dataclass
class _Lines:
    """Decoded lines with their numbers; lines can be given back."""

    source: Iterable[bytes | None]
    single_byte: str
    returned: deque[tuple[int, str | None]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._numbered = enumerate(self.source, start=1)

    def __iter__(self) -> Iterator[tuple[int, str | None]]:
        return self

    def __next__(self) -> tuple[int, str | None]:
        if self.returned:
            return self.returned.popleft()
        number, line = next(self._numbered)
        return number, None if line is None else decoded(line, self.single_byte)


def _cells(line: str, source: _Lines, delimiter: str, limit: int) -> list[str] | None:
    """The cells of the row that begins with `line`, and with further lines as quotes ask; None if quotes don't fit."""
    if '"' not in line:
        return line.rstrip("\r\n").split(delimiter)
    taken: list[tuple[int, str | None]] = []

    def needed() -> Iterator[str]:
        yield line
        size = len(line)
        for number, following in source:
            taken.append((number, following))
            size += len(following or "")
            if following is None or size > limit:
                return
            yield following

    try:
        return next(csv.reader(needed(), delimiter=delimiter, strict=True))
    except (csv.Error, StopIteration):
        source.returned.extendleft(reversed(taken))
        return None


def _record(number: int, cells: list[str] | None, places: list[int | None], columns: int) -> Record:
    if cells is None:
        return Record(number, reason=Reason.BROKEN_QUOTES)
    if len(cells) < columns or any(cell.strip() for cell in cells[columns:]):
        return Record(number, reason=Reason.WRONG_COLUMNS)
    key, text, time = (None if place is None else cells[place] or None for place in places)
    return Record(number, key, text, time)


def _names(settings: Diagnoses) -> tuple[str, str, str]:
    return settings.exam_id_column, settings.diagnosis_column, settings.time_column


def _place(columns: tuple[str, ...], name: str) -> int | None:
    """The first column of a name."""
    return columns.index(name) if name in columns else None


def _scalar(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _after_line(source: BinaryIO, mark: bytes) -> bytes:
    """Reads to the end of a line; what follows it of the bytes that were read."""
    while chunk := source.read(_CHUNK):
        _, found, rest = chunk.partition(mark)
        if found:
            return rest
    return b""
