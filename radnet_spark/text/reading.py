"""What a file of diagnoses is: its format, encoding, delimiter and columns. Rules over bytes and lines, no I/O."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from radnet_spark.config import Diagnoses
from radnet_spark.errors import UsageError

DELIMITERS = (",", ";", "\t", "|")
_C1 = re.compile(rb"[\x80-\x9f]")  # letters Š Ž š ž and quotes in Windows-1250, control characters in ISO-8859-2
_ISO_CARONS = re.compile(rb"[\xa9\xae\xb9\xbe]")  # Š Ž š ž in ISO-8859-2, no Croatian letters in Windows-1250
_SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_LEADING_ZEROS = re.compile(r'("\s*:\s*)(0[0-9]+)(?=\s*[,}])')
_WORKBOOK_MARKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Census:
    """What was counted in the lines of a file.

    Attributes:
        single_byte: lines in a single-byte encoding.
        multibyte: lines that are UTF-8 and not ASCII.
        damaged: lines of these that hold bytes that are no UTF-8.
        c1: bytes 0x80 to 0x9F in single-byte lines.
        iso_carons: bytes of Š Ž š ž in ISO-8859-2, in single-byte lines.
    """

    single_byte: int = 0
    multibyte: int = 0
    damaged: int = 0
    c1: int = 0
    iso_carons: int = 0

    @property
    def encoding(self) -> str:
        """`UTF-8`, `windows-1250` or `ISO-8859-2`: what most lines are in.

        The two single-byte sets share all Croatian letters but Š Ž š ž; where none of these occurs they agree.
        """
        return "UTF-8" if self.multibyte >= self.single_byte else self.single_byte_encoding

    @property
    def single_byte_encoding(self) -> str:
        """What the lines are in that are no UTF-8."""
        return "ISO-8859-2" if self.iso_carons > self.c1 else "windows-1250"

    @property
    def notes(self) -> list[str]:
        """What a person should look at, in words."""
        notes = []
        if self.single_byte and self.multibyte:
            notes.append(
                f"{self.single_byte} lines are {self.single_byte_encoding} and {self.multibyte} are UTF-8; "
                "each was read as what it is"
            )
        if self.damaged:
            notes.append(f"{self.damaged} lines hold bytes that are no UTF-8; they became U+FFFD")
        return notes


def census(lines: Iterable[bytes]) -> Census:
    """Counts what tells the encodings apart."""
    total = Census()
    for line in lines:
        if line.isascii():
            continue
        text = _utf8(line)
        if text is None:
            total = replace(
                total, single_byte=total.single_byte + 1, c1=total.c1 + len(_C1.findall(line)),
                iso_carons=total.iso_carons + len(_ISO_CARONS.findall(line)),
            )  # fmt: skip
        else:
            total = replace(total, multibyte=total.multibyte + 1, damaged=total.damaged + ("\ufffd" in text))
    return total


def decoded(line: bytes, single_byte: str) -> str:
    """A line as text: UTF-8 if most of its letters that are not ASCII are, else in the single-byte encoding."""
    text = _utf8(line)
    return line.decode(single_byte, errors="replace") if text is None else text


def _utf8(line: bytes) -> str | None:
    """The line as UTF-8, bytes that are none as U+FFFD; None if these are more than the letters beyond ASCII."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        text = line.decode("utf-8", errors="replace")
        wrong = text.count("\ufffd")
        return text if sum(letter > "\x7f" for letter in text) >= 2 * wrong else None


@dataclass(frozen=True)
class Layout:
    """The columns of a delimited file.

    Attributes:
        delimiter: one character.
        columns: names in the header, trimmed, in order.
        header_lines: lines up to the first row.
    """

    delimiter: str
    columns: tuple[str, ...]
    header_lines: int = 1


def file_format(name: str) -> str:
    """`csv`, `json` or `parquet` by a file's name; a compression suffix is passed over, an unknown one means CSV."""
    parts = [part for part in name.lower().rstrip("/").split(".")[1:] if part not in ("gz", "bz2", "zst")]
    suffix = parts[-1] if parts else ""
    return {"json": "json", "jsonl": "json", "ndjson": "json", "parquet": "parquet"}.get(suffix, "csv")


def csv_layout(name: str, head: Sequence[bytes], encoding: str, settings: Diagnoses) -> Layout:
    """Delimiter and columns from the first lines.

    The delimiter is the setting's, else the one of a line `sep=;` (Excel's) before the header, else the one under
    which the header holds the expected names, else the one that gives the most columns.

    Raises:
        UsageError: the key's or the diagnosis' column is not in the header, or the file is a workbook or in UTF-16.
    """
    if head and head[0].startswith(_WORKBOOK_MARKS):
        raise UsageError(f"{name}: found an Excel workbook or a zip, expected text: save the sheet as CSV")
    if head and head[0].startswith(_UTF16_MARKS):
        raise UsageError(f"{name}: found UTF-16, expected UTF-8, Windows-1250 or ISO-8859-2")
    lines = [line.decode(encoding, errors="replace").lstrip("\ufeff").rstrip("\r\n") for line in head]
    blank = next((number for number, line in enumerate(lines) if line.strip()), 0)
    named = _SEPARATOR.fullmatch(lines[blank]) if lines else None
    first = blank + bool(named)
    line = lines[first] if first < len(lines) else ""
    marks = (settings.delimiter,) if settings.delimiter else (named[1],) if named else DELIMITERS
    tried = [Layout(mark, _split(line, mark), first + 1) for mark in marks]
    fitting = [layout for layout in tried if not _missing(layout.columns, settings)]
    best = fitting[0] if fitting else max(tried, key=lambda layout: len(layout.columns))
    require_columns(name, best.columns, settings)
    return best


def json_columns(name: str, lines: Sequence[bytes]) -> list[str]:
    """Names of the fields of the first lines of a JSON lines file, sorted; lines that are broken are passed over.

    Raises:
        UsageError: there are lines, and none is a JSON object.
    """
    filled = [line for line in lines if line.strip(b" \t\r\n\xef\xbb\xbf")]
    entries = [entry for line in filled if (entry := json_object(line.decode("utf-8", errors="replace"))) is not None]
    if filled and not entries:
        raise UsageError(f"{name}: the first {len(filled)} lines are no JSON objects; expected one object a line")
    return sorted({field for entry in entries for field in entry})


def json_object(line: str) -> dict[str, Any] | None:
    """A line as a JSON object with numbers as they are written; None if it is none.

    A number with zeros before it, which JSON does not know, is taken for text: exporters write keys like that.
    """
    text = line.strip("\ufeff \t\r\n")
    for candidate in (text, _LEADING_ZEROS.sub(r'\1"\2"', text)):
        try:
            entry = json.loads(candidate, parse_int=str, parse_float=str, strict=False)
        except (json.JSONDecodeError, RecursionError):
            continue
        return entry if isinstance(entry, dict) else None
    return None


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


def _split(line: str, delimiter: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), []))


def _missing(columns: Sequence[str], settings: Diagnoses) -> list[str]:
    return [name for name in (settings.exam_id_column, settings.diagnosis_column) if name not in columns]
