"""What a file of diagnoses is: its format, encoding, delimiter and columns. Rules over bytes and lines, no I/O."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from radnet_spark.config import Diagnoses
from radnet_spark.errors import UsageError

DELIMITERS = (",", ";", "\t", "|")
_C1 = re.compile(rb"[\x80-\x9f]")  # letters Š Ž š ž and quotes in Windows-1250, control characters in ISO-8859-2
_ISO_CARONS = re.compile(rb"[\xa9\xae\xb9\xbe]")  # Š Ž š ž in ISO-8859-2, no Croatian letters in Windows-1250
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Census:
    """What was counted in the lines of a file; counts of parts add up.

    Attributes:
        not_utf8: lines that are no UTF-8.
        multibyte: lines that are UTF-8 and not ASCII.
        c1: bytes 0x80 to 0x9F in lines that are no UTF-8.
        iso_carons: bytes of Š Ž š ž in ISO-8859-2, in lines that are no UTF-8.
    """

    not_utf8: int = 0
    multibyte: int = 0
    c1: int = 0
    iso_carons: int = 0

    def __add__(self, other: Census) -> Census:
        return Census(
            self.not_utf8 + other.not_utf8,
            self.multibyte + other.multibyte,
            self.c1 + other.c1,
            self.iso_carons + other.iso_carons,
        )

    @property
    def encoding(self) -> str:
        """`UTF-8`, `windows-1250` or `ISO-8859-2`: what most lines are in.

        The two single-byte sets share all Croatian letters but Š Ž š ž; where none of these occurs they agree.
        """
        if self.not_utf8 == 0 or self.multibyte > self.not_utf8:
            return "UTF-8"
        return "ISO-8859-2" if self.iso_carons > self.c1 else "windows-1250"

    @property
    def mixed(self) -> bool:
        """Whether some lines are UTF-8 and others are not."""
        return self.not_utf8 > 0 and self.multibyte > 0


def census(lines: Iterable[bytes]) -> Census:
    """Counts what tells the encodings apart."""
    total = Census()
    for line in lines:
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            total = replace(total, multibyte=total.multibyte + 1)
        except UnicodeDecodeError:
            total += Census(1, 0, len(_C1.findall(line)), len(_ISO_CARONS.findall(line)))
    return total


@dataclass(frozen=True)
class Layout:
    """The columns of a delimited file.

    Attributes:
        delimiter: one character.
        columns: names in the header, trimmed, in order.
    """

    delimiter: str
    columns: tuple[str, ...]


def file_format(name: str) -> str:
    """`csv`, `json` or `parquet` by a file's name; a compression suffix is passed over, an unknown one means CSV."""
    parts = [part for part in name.lower().rstrip("/").split(".")[1:] if part not in ("gz", "bz2", "zst")]
    suffix = parts[-1] if parts else ""
    return {"json": "json", "jsonl": "json", "ndjson": "json", "parquet": "parquet"}.get(suffix, "csv")


def csv_layout(name: str, header: bytes, encoding: str, settings: Diagnoses) -> Layout:
    """Delimiter and columns from the first line.

    The delimiter is the setting's, else the one under which the header holds the expected names, else the one that
    gives the most columns.

    Raises:
        UsageError: the key's or the diagnosis' column is not in the header, or the file is in UTF-16.
    """
    if header.startswith(_UTF16_MARKS):
        raise UsageError(f"{name}: found UTF-16, expected UTF-8, Windows-1250 or ISO-8859-2")
    line = header.decode(encoding, errors="replace").lstrip("\ufeff").rstrip("\r\n")
    tried = [_split(line, mark) for mark in ((settings.delimiter,) if settings.delimiter else DELIMITERS)]
    fitting = [layout for layout in tried if not _missing(layout.columns, settings)]
    best = fitting[0] if fitting else max(tried, key=lambda layout: len(layout.columns))
    require_columns(name, best.columns, settings)
    return best


def json_columns(name: str, lines: Sequence[bytes]) -> list[str]:
    """Names of the fields of the first lines of a JSON lines file, sorted.

    Raises:
        UsageError: a line is no JSON object.
    """
    found: set[str] = set()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line.decode("utf-8", errors="replace"))
        except json.JSONDecodeError:
            entry = None
        if not isinstance(entry, dict):
            raise UsageError(f"{name}: line {number} is no JSON object; expected one object a line")
        found.update(entry)
    return sorted(found)


def require_columns(name: str, found: Sequence[str], settings: Diagnoses) -> None:
    """Returns if the key's and the diagnosis' column are there.

    Raises:
        UsageError: one is not; the message says what was found and expected, and which settings name them.
    """
    missing = _missing(found, settings)
    if missing:
        raise UsageError(
            f"{name}: found columns {', '.join(found) or 'none'}; expected {', '.join(missing)} "
            "(diagnoses.exam_id_column, diagnoses.diagnosis_column, diagnoses.delimiter)"
        )


def _split(line: str, delimiter: str) -> Layout:
    cells = next(csv.reader([line], delimiter=delimiter), [])
    return Layout(delimiter, tuple(cell.strip() for cell in cells))


def _missing(columns: Sequence[str], settings: Diagnoses) -> list[str]:
    return [name for name in (settings.exam_id_column, settings.diagnosis_column) if name not in columns]
