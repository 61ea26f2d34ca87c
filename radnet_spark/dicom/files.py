r"""The one place that opens files: those of a path or URI, and members of zip archives, named `archive.zip!/member`.

A path in a table is text. Names that are no UTF-8 keep their odd bytes as `\xNN`, and are found again by it; a name in
which `\x` stands already has `\x5cx` there, so that no two files have one path.
"""

from __future__ import annotations

import io
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import BinaryIO, cast

from radnet_spark.dicom.stores import FileAccessError, is_uri, open_binary, status

MEMBER = "!/"
_ARCHIVE_MEMBER = re.compile(r"^(?P<archive>.*?\.zip)!/(?P<member>.+)$", re.IGNORECASE | re.DOTALL)
_ESCAPED_BYTE = re.compile(r"\\x(5c|[89a-f][0-9a-f])")

_UNREADABLE = (
    OSError, LookupError, RuntimeError, NotImplementedError, EOFError, MemoryError, ValueError, zipfile.BadZipFile,
    zlib.error, struct.error,
)  # fmt: skip
_LARGE_MEMBER = 1 << 28  # bytes


def path_text(path: str) -> str:
    r"""The path as a table shows it: valid UTF-8, bytes that are none as `\xNN`."""
    text = path if is_uri(path) else path.replace("\\x", "\\x5cx")
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def is_archive(path: str) -> bool:
    """Whether the name says that it is a zip archive."""
    return path.lower().endswith(".zip")


def split_member(path: str) -> tuple[str, str | None]:
    """`archive.zip!/a/b` → (`archive.zip`, `a/b`); a plain path → (path, None)."""
    match = _ARCHIVE_MEMBER.match(path) if MEMBER in path else None
    return (match["archive"], match["member"]) if match else (path, None)


@contextmanager
def open_file(path: str) -> Iterator[BinaryIO]:
    """A seekable binary file for a path of a table.

    Raises:
        FileAccessError: the file, archive or member is not there, not permitted, encrypted or damaged.
    """
    with _opened(path) as source:
        yield source


def zip_members(path: str) -> Iterator[tuple[str, int]]:
    """(member, uncompressed bytes) of each file in an archive, in its order, each name once.

    Raises:
        FileAccessError: it is no readable zip archive.
    """
    try:
        with open_binary(real_path(path)) as file, zipfile.ZipFile(file) as archive:
            members = {info.filename: info.file_size for info in archive.infolist() if not info.is_dir()}
    except _UNREADABLE as error:
        raise FileAccessError(f"no readable zip archive ({type(error).__name__})") from error
    yield from members.items()


def is_gone(path: str, changed: int | None) -> bool:
    """Whether a path of a table surely names no file any more, asked for where no listing has it.

    What can't be asked for (a folder without permission, a store without an answer) or is still there (behind a link
    that is no input) is not gone; a member of an archive is not as long as the archive is as it was.

    Args:
        path: as the table has it.
        changed: when it was changed as the table has it, microseconds; None if unknown.
    """
    archive, member = split_member(path)
    try:
        found = status(real_path(archive))
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    if found.folder:
        return True
    if member is None:  # an archive stands for itself only while it can't be read
        return is_archive(archive) and _is_readable(archive)
    now = round(found.modified.timestamp() * 1e6) if found.modified else None
    return now != changed


def _is_readable(archive: str) -> bool:
    try:
        next(zip_members(archive), None)
    except FileAccessError:
        return False
    return True


def real_path(text: str) -> str:
    r"""A path of a table as the system has it: `\xNN` becomes the odd byte that it stands for."""
    if "\\x" not in text or is_uri(text):
        return text
    raw = _ESCAPED_BYTE.sub(lambda found: "\\" if found[1] == "5c" else chr(0xDC00 + int(found[1], 16)), text)
    return raw if os.path.lexists(raw) else text


def _opened(path: str) -> BinaryIO:
    archive, member = split_member(path)
    try:
        return open_binary(real_path(path)) if member is None else _open_member(real_path(archive), member)
    except FileAccessError:
        raise
    except _UNREADABLE as error:
        raise FileAccessError(f"can't be opened ({type(error).__name__})") from error


def member_size(archive: str, member: str) -> int:
    """Uncompressed bytes of a member.

    Raises:
        FileAccessError: there is no such archive or member.
    """
    try:
        return _archive(archive, status(archive).modified).getinfo(member).file_size
    except _UNREADABLE as error:
        raise FileAccessError(f"no such member ({type(error).__name__})") from error


def _open_member(archive: str, member: str) -> BinaryIO:
    """In memory, where reading back costs nothing; a large one as a stream, since it may be a bomb."""
    known = _archive(archive, status(archive).modified)
    if known.getinfo(member).file_size > _LARGE_MEMBER:
        return cast(BinaryIO, known.open(member))
    return io.BytesIO(known.read(member))


@lru_cache(maxsize=4)
def _archive(path: str, _modified: datetime | None) -> zipfile.ZipFile:
    return zipfile.ZipFile(open_binary(path))
