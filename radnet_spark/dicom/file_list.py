"""Lists of files, for archives too large to list: text with a path a line, or Parquet with a column `path`."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow.parquet as pq

from radnet_spark.dicom.stores import absolute, is_uri, open_binary, scan, status
from radnet_spark.errors import UsageError

COLUMN = "path"


def is_parquet(path: str) -> bool:
    """Whether a list is Parquet, a file or a folder of files; else it is text."""
    return path.endswith(".parquet") or status(path).folder


def without_column(path: str, columns: list[str]) -> UsageError:
    """What is said of a Parquet list of something else."""
    return UsageError(f"--list: {path} has the columns {', '.join(columns)}; expected one named {COLUMN}")


def listed_paths(path: str) -> Iterator[str]:
    """Every path that a list names, absolute; relative ones begin at the list's folder, empty lines are left out.

    Args:
        path: of the list, a URI too.

    Raises:
        UsageError: a Parquet list without the column.
    """
    folder = os.path.dirname(path)
    for name in _parquet(path) if is_parquet(path) else _text(path):
        stripped = name.strip(" ")
        if stripped:
            whole = is_uri(stripped) or stripped.startswith("/")
            yield absolute(stripped if whole else f"{folder}/{stripped}")


def _text(path: str) -> Iterator[str]:
    with io.TextIOWrapper(io.BufferedReader(open_binary(path)), "utf-8", errors="replace") as lines:  # type: ignore
        for line in lines:
            yield line.rstrip("\r\n")


def _parquet(path: str) -> Iterator[str]:
    parts = sorted(name for name in scan(path)[1] if name.endswith(".parquet")) if status(path).folder else [path]
    for part in parts:
        with open_binary(part) as source:
            yield from _column(path, source)


def _column(path: str, source: BinaryIO) -> Iterator[str]:
    file = pq.ParquetFile(source)
    if COLUMN not in file.schema_arrow.names:
        raise without_column(path, file.schema_arrow.names)
    for batch in file.iter_batches(columns=[COLUMN]):
        yield from (name for name in batch.column(0).to_pylist() if name)
