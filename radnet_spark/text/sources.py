"""Files of diagnoses as a person names them → what each is. Looks at folders and first lines only."""

from __future__ import annotations

import bz2
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, cast

import pyarrow as pa

from radnet_spark.config import Diagnoses
from radnet_spark.dicom.stores import absolute, open_binary, scan, status
from radnet_spark.errors import UsageError
from radnet_spark.text.reading import census, csv_layout, file_format, json_columns, require_columns
from radnet_spark.text.records import byte_lines

HEAD_LINES = 100
DAMAGED = (OSError, EOFError, zlib.error, pa.ArrowException)  # what reading compressed or remote bytes may raise
_EXPECTED = "expected a CSV, JSON lines, Parquet or Delta file, or a folder of them"


@dataclass(frozen=True)
class Source:
    """A file, or a folder that Spark reads as one.

    Attributes:
        path: absolute, without scheme if local.
        kind: `csv`, `json`, `parquet` or `delta`.
        size: bytes; 0 where unknown.
    """

    path: str
    kind: str
    size: int = 0


def sources(paths: list[str]) -> list[Source]:
    """The files of the inputs, in their order; those of a folder and its sub-folders in the order of their names.

    Names that begin with `.` or `_` are passed over, as Spark does. A folder that is a Delta table, that is named as
    Parquet or that holds Parquet alone is one source.

    Raises:
        UsageError: one is not there, can't be asked for, or is an empty folder.
    """
    return [source for path in paths for source in _sources(path)]


def check_columns(source: Source, settings: Diagnoses) -> None:
    """Returns if the first lines of a text file name the columns.

    Raises:
        UsageError: they don't, or the file can't be read.
    """
    head = first_lines(source, settings)
    encoding = census(head).encoding
    if source.kind == "csv":
        csv_layout(title(source), head, encoding, settings)
    else:
        require_columns(title(source), json_columns(title(source), head), settings)


def first_lines(source: Source, settings: Diagnoses) -> list[bytes]:
    """Up to `HEAD_LINES` lines of a text file, fewer where it ends in an error.

    Raises:
        UsageError: nothing of it can be read.
    """
    head: list[bytes] = []
    try:
        with open_text(source.path) as file:
            head.extend(line or b"" for line in islice(byte_lines(file, settings.max_row_characters), HEAD_LINES))
    except DAMAGED as error:
        if not head:
            raise UsageError(f"{title(source)}: can't be read ({type(error).__name__}); {_EXPECTED}") from error
    return head


@contextmanager
def open_text(path: str) -> Iterator[BinaryIO]:
    """The uncompressed bytes of a file, by its suffix.

    Raises:
        OSError: it can't be opened.
    """
    with open_binary(path) as file:
        suffix = path.lower().rpartition(".")[2]
        if suffix == "gz":
            yield cast(BinaryIO, gzip.GzipFile(fileobj=file))
        elif suffix == "bz2":
            yield cast(BinaryIO, bz2.BZ2File(file))
        elif suffix == "zst":
            yield cast(BinaryIO, pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd"))
        else:
            yield file


def title(source: Source) -> str:
    """How errors name it."""
    return f"diagnoses --input {source.path}"


def _sources(path: str) -> list[Source]:
    place = absolute(path)
    try:
        found = status(place)
    except OSError as error:
        raise UsageError(f"diagnoses --input {path}: not found ({type(error).__name__}); {_EXPECTED}") from error
    if not found.folder:
        return [Source(place, file_format(_name(place)), found.size or 0)]
    if _is_delta(place):
        return [Source(place, "delta")]
    if file_format(_name(place)) == "parquet":
        return [Source(place, "parquet")]
    try:
        files = sorted(_files(place), key=lambda source: source.path)
    except OSError as error:
        raise UsageError(f"diagnoses --input {path}: can't be listed ({type(error).__name__}); {_EXPECTED}") from error
    if not files:
        raise UsageError(f"diagnoses --input {path}: found an empty folder; {_EXPECTED}")
    return [Source(place, "parquet")] if {source.kind for source in files} == {"parquet"} else files


def _is_delta(folder: str) -> bool:
    try:
        return status(f"{folder}/_delta_log").folder
    except OSError:
        return False


def _files(folder: str) -> Iterator[Source]:
    folders, files, _ = scan(folder)
    for path, known in files.items():
        if _name(path)[0] not in "._":
            known = known or status(path)
            yield Source(path, file_format(_name(path)), known.size or 0)
    for below in folders:
        if _name(below)[0] not in "._":
            yield from [Source(below, "delta")] if _is_delta(below) else _files(below)


def _name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]
