"""Lists what there is to read: every file below a folder, every member of a zip archive."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from radnet_spark.dicom.files import (
    MEMBER,
    FileAccessError,
    is_archive,
    member_size,
    path_text,
    real_path,
    split_member,
    zip_members,
)
from radnet_spark.dicom.stores import Status, absolute, is_uri, scan, status


@dataclass(frozen=True)
class FoundFile:
    """A file as listed: path as in the tables, bytes (None if it could not be asked for), time of the last change."""

    path: str
    file_size: int | None
    modification_time: datetime | None


@dataclass(frozen=True)
class ListingUnit:
    """What one task lists: a folder with everything below it, the files of a folder alone, or one file."""

    path: str
    recursive: bool


def listing_units(inputs: list[str], wanted: int) -> list[ListingUnit]:
    """Splits the inputs into at least `wanted` units, if there are that many folders, by opening level after level.

    An input that lies in another one is listed with it, once, unless a link leads to it: links are not followed.
    """
    paths = sorted({absolute(path) for path in inputs})
    apart = [path for path in paths if not any(_lies_in(path, other) for other in paths)]
    units = [ListingUnit(path, recursive=True) for path in apart]
    while len(units) < wanted:
        opened = [part for unit in units for part in _split(unit)]
        if len(opened) == len(units):
            break
        units = opened
    return [ListingUnit(path_text(unit.path), unit.recursive) for unit in units]


def list_unit(unit: ListingUnit, on_link: Callable[[], None] | None = None) -> Iterator[FoundFile]:
    """Every file of the unit; archives give their members, an unreadable archive or folder gives itself.

    Args:
        unit: its path may be any that a table may have, a member of an archive too.
        on_link: called for each link to a folder, which is not followed.
    """
    archive, member = split_member(unit.path)
    path = real_path(absolute(archive))
    if member is not None:
        yield _member(path, member)
        return
    if not _asked(path).folder:
        yield from _expand(path, None)
        return
    pending = [path]
    while pending:
        folders, files, links = _scan(pending.pop())
        for _ in range(links if on_link else 0):
            on_link()  # type: ignore[misc]
        if unit.recursive:
            pending.extend(reversed(folders))
        for path, known in files:
            yield from _expand(path, known)


def _lies_in(path: str, other: str) -> bool:
    """Whether listing `other` gives `path` too."""
    base = f"{other.rstrip('/')}/"
    if is_uri(path) or is_uri(other) or not path.startswith(base):
        return path.startswith(base)
    if not os.path.isdir(path):  # a link to a file is a file of its folder
        return os.path.dirname(path) == other or _lies_in(os.path.dirname(path), other)
    return os.path.realpath(path) == os.path.join(os.path.realpath(other), path[len(base) :])


def _split(unit: ListingUnit) -> list[ListingUnit]:
    if not unit.recursive or not _asked(unit.path).folder:
        return [unit]
    folders, files, links = _scan(unit.path)
    own = [ListingUnit(unit.path, recursive=False)] if files or links or not folders else []
    return own + [ListingUnit(folder, recursive=True) for folder in folders]


def _scan(folder: str) -> tuple[list[str], list[tuple[str, Status | None]], int]:
    """Sub-folders and files, sorted, and how many links there are; one that can't be listed stands for its files."""
    try:
        folders, files, links = scan(folder)
    except FileNotFoundError:
        return [], [], 0
    except OSError:
        return [], [(folder, Status())], 0
    return sorted(folders), sorted(files.items()), links


def _expand(path: str, known: Status | None) -> Iterator[FoundFile]:
    found, text = known or _asked(path), path_text(path)
    if is_archive(path) and found.size is not None:
        try:
            for member, member_size in zip_members(path):
                yield FoundFile(f"{text}{MEMBER}{member}", member_size, found.modified)
            return
        except FileAccessError:
            pass  # the archive itself stands for its members, and parsing says why
    yield FoundFile(text, found.size, found.modified)


def _member(archive: str, member: str) -> FoundFile:
    text = f"{path_text(archive)}{MEMBER}{member}"
    try:
        return FoundFile(text, member_size(archive, member), _asked(archive).modified)
    except FileAccessError:
        return FoundFile(text, None, None)


def _asked(path: str) -> Status:
    try:
        return status(path)
    except OSError:
        return Status()
