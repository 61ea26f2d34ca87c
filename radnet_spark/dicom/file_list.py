"""Lists of files, for archives too large to list: text with a path a line, or Parquet with a column `path`."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from radnet_spark.dicom.stores import is_uri, open_binary, scan, status
from radnet_spark.errors import UsageError

_COLUMN = "path"
_PARQUET = ".parquet"
_UNPACKED: dict[str, Callable[[BinaryIO], Any]] = {".gz": gzip.open, ".bz2": bz2.open}


def list_parts(path: str) -> list[str]:
    """The files that a list consists of: itself, or all Parquet files below it, by name, if it is a folder.

    Names that begin with `_` or `.` are not data in such a folder (`_SUCCESS`, checksums, what was not finished).

    Args:
        path: of the list, a URI too.

    Raises:
        UsageError: a file that can't be unpacked, is no Parquet or lacks the column; a folder without Parquet files, or
            a Delta table.
        OSError: it can't be read.
    """
    if not status(path).folder:
        parts = [path]
    else:
        parts = list(_below(path))
        if not parts:
            raise UsageError(f"--list: found no Parquet file below {path}, expected some")
    for part in parts:
        if part.endswith(_PARQUET):
            _check_column(path, part)
        elif next(_lines(part), "").startswith("PAR1"):
            raise UsageError(f"--list: {part} is a Parquet file, whose name has to end in {_PARQUET}")
    return parts


def part_paths(part: str, folder: str) -> Iterator[str]:
    """Every path that a part names, as often as it names it; empty lines are left out.

    Args:
        part: a Parquet file, or text in UTF-8, which `.gz` and `.bz2` pack.
        folder: where paths begin that are neither absolute nor URIs: the one that the list lies in.
    """
    for name in _column(part) if part.endswith(_PARQUET) else _lines(part):
        stripped = name.strip(" ")
        if stripped:
            whole = is_uri(stripped) or stripped.startswith("/")
            yield stripped if whole else f"{folder}/{stripped}"


def listed_paths(path: str) -> Iterator[str]:
    """Every path that a list names; see `part_paths`."""
    for part in list_parts(path):
        yield from part_paths(part, os.path.dirname(path))


def _below(folder: str) -> Iterator[str]:
    folders, files, _ = scan(folder)
    if any(os.path.basename(name) == "_delta_log" for name in folders):
        raise UsageError(f"--list: {folder} is a Delta table, expected text or Parquet: write its column there")
    yield from sorted(name for name in files if name.endswith(_PARQUET) and _is_data(name))
    for name in sorted(filter(_is_data, folders)):
        yield from _below(name)


def _is_data(path: str) -> bool:
    return not os.path.basename(path).startswith(("_", "."))


def _lines(path: str) -> Iterator[str]:
    with open_binary(path) as packed:
        unpack = _UNPACKED.get(os.path.splitext(path)[1])
        source = unpack(packed) if unpack else io.BufferedReader(packed)  # type: ignore[type-var]
        try:
            with io.TextIOWrapper(source, "utf-8-sig", errors="replace") as lines:
                for line in lines:
                    yield line.rstrip("\r\n")
        except (EOFError, OSError, zlib.error) as error:
            raise UsageError(f"--list: {path} can't be read to its end ({type(error).__name__})") from error


def _check_column(path: str, part: str) -> None:
    try:
        with open_binary(part) as source:
            schema = pq.read_schema(source)
    except pa.ArrowException as error:
        raise UsageError(f"--list: {part} is no Parquet file, as its name says") from error
    if _COLUMN not in schema.names:
        raise UsageError(f"--list: {path} has the columns {', '.join(schema.names)}; expected one named {_COLUMN}")
    kind = schema.field(_COLUMN).type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise UsageError(f"--list: the column {_COLUMN} of {path} holds {kind}, expected string")


def _column(path: str) -> Iterator[str]:
    with open_binary(path) as source:
        for batch in pq.ParquetFile(source).iter_batches(columns=[_COLUMN]):
            yield from (name for name in batch.column(0).to_pylist() if name)
