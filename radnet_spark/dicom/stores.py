"""The one place that reads what is stored: local paths by plain calls of the system, `scheme://` by fsspec.

Keys and addresses of a store come from the environment and from fsspec's own configuration; errors name their kind
alone, since their texts may quote both. No listing is kept from one call to the next.
"""

from __future__ import annotations

import io
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO, cast

from radnet_spark.errors import RadnetError, UsageError

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_BLOCK = 1 << 16  # bytes of one ranged read: a header is in the first
_REGISTERED = {"abfss": "abfs"}  # which fsspec knows without adlfs, so that it can say what to install
_CHANGED = ("mtime", "LastModified", "last_modified", "updated", "created")  # as the stores call it, best first


class FileAccessError(RadnetError, OSError):
    """A file or archive member can't be opened or read."""


@dataclass(frozen=True)
class Status:
    """What is known of a file or folder without opening it; null: it can't be asked for it."""

    size: int | None = None
    modified: datetime | None = None
    folder: bool = False


def is_uri(path: str) -> bool:
    """Whether the path begins with a scheme: then fsspec reads it."""
    return "://" in path and _SCHEME.match(path) is not None


def absolute(path: str) -> str:
    """The path as a table names it: a local one without a scheme, a URI without slashes at its end."""
    if not is_uri(path):
        return os.path.abspath(path)
    scheme, _, rest = path.partition("://")
    if scheme.lower() == "file":
        return os.path.abspath(rest)
    return f"{scheme.lower()}://{rest.rstrip('/') or '/'}"


def checked(key: str, path: str) -> str:
    """The absolute path of an input.

    Args:
        key: the option that names it.
        path: as a person wrote it.

    Raises:
        UsageError: it is not there, its store does not answer, or a package is missing.
    """
    try:
        status(absolute(path))
    except OSError as error:
        why = str(error) if isinstance(error, FileAccessError) else type(error).__name__
        raise UsageError(f"{key}: found no {path} ({why}), expected a file or folder that is there") from error
    return absolute(path)


def status(path: str) -> Status:
    """Size, time of the last change, and whether it is a folder.

    Raises:
        FileNotFoundError, NotADirectoryError: nothing is there.
        OSError: it can't be asked.
    """
    if not is_uri(path):
        if "\0" in path:
            raise FileNotFoundError("a name with a null byte")
        found = os.stat(path)
        return Status(found.st_size, _time(found.st_mtime_ns // 1000 / 1e6), stat.S_ISDIR(found.st_mode))
    store, name = _store(path)
    with _errors_named():
        return _status(store.info(name))


def scan(folder: str) -> tuple[list[str], dict[str, Status | None], int]:
    """Sub-folders and files of a folder; what a file's status is, where the listing says it.

    Links to folders are left out, since they may form a circle; how many comes third.

    Raises:
        OSError: the folder can't be listed.
    """
    if is_uri(folder):
        return _scan_store(folder)
    folders: list[str] = []
    files: dict[str, Status | None] = {}
    links = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif _is_file(entry):
                files[entry.path] = None
            elif entry.is_symlink():
                links += entry.is_dir()
    return folders, files, links


def open_binary(path: str) -> BinaryIO:
    """A seekable file.

    Raises:
        OSError: it can't be opened.
    """
    if not is_uri(path):
        return open(path, "rb")
    store, name = _store(path)
    with _errors_named():
        return cast(BinaryIO, _StoreFile(store.open(name, "rb", block_size=_BLOCK)))


class _StoreFile(io.RawIOBase):
    """An open file of a store, whose errors are `OSError`s."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        with _errors_named():
            return bytes(self._file.read(size))

    def readinto(self, buffer: Any, /) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        with _errors_named():
            return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        self._file.close()
        super().close()


def _is_file(entry: os.DirEntry[str]) -> bool:
    """A link that leads nowhere or in a circle counts, and parsing says why; pipes, devices and folders do not."""
    try:
        return entry.is_file() or (entry.is_symlink() and not entry.is_dir())
    except OSError:
        return True


def _store(uri: str) -> tuple[Any, str]:
    """The file system of a URI and the name of the file there.

    Raises:
        UsageError: the scheme is unknown, or a package is missing.
    """
    from fsspec.core import url_to_fs  # takes a quarter of a second, which local paths save

    scheme, _, rest = uri.partition("://")
    with _errors_named():
        try:
            known = _REGISTERED.get(scheme, scheme)
            store, _ = url_to_fs(f"{known}://{rest.partition('/')[0]}", use_listings_cache=False)
        except ImportError as error:
            raise UsageError(f"{scheme}://: a package is missing on this machine: {error}") from error
        except ValueError as error:
            raise UsageError(f"{scheme}://: fsspec knows no such store or refuses its settings") from error
        return store, store._strip_protocol(f"{known}://{rest}")


def _scan_store(folder: str) -> tuple[list[str], dict[str, Status | None], int]:
    store, name = _store(folder)
    base, own = folder.removesuffix("/"), name.rstrip("/")
    folders: list[str] = []
    files: dict[str, Status | None] = {}
    links = 0
    with _errors_named():
        for entry in store.ls(name, detail=True):
            below = entry["name"].rstrip("/")[len(own) :]
            if not below:  # `a/` beside `a/b`: a mark of no bytes, or a folder without a name, which can't be listed
                files |= {f"{base}/": Status()} if entry["type"] == "directory" or entry["size"] else {}
            elif entry["type"] == "directory":
                folders.append(base + below)
            elif entry["type"] == "file" or (entry.get("islink") and not store.isdir(entry["name"])):
                files[base + below] = _status(entry)
            elif entry.get("islink"):
                links += 1
    return folders, files, links


def _time(seconds: float) -> datetime | None:
    """Since the epoch, UTC; None where no calendar has such a day."""
    try:
        return datetime.fromtimestamp(seconds, tz=UTC)
    except (ValueError, OverflowError):
        return None


def _status(entry: dict[str, Any]) -> Status:
    """From the dictionary that fsspec gives."""
    changed = next((entry[name] for name in _CHANGED if entry.get(name) is not None), None)
    if isinstance(changed, str):
        changed = datetime.fromisoformat(changed)
    elif isinstance(changed, int | float):
        changed = _time(changed)
    if changed is not None and changed.tzinfo is None:
        changed = changed.replace(tzinfo=UTC)
    return Status(entry["size"], changed, entry["type"] == "directory")


@contextmanager
def _errors_named() -> Iterator[None]:
    """Turns what a store raises into `FileAccessError`: each has its own kinds, of packages that need not be there."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, RadnetError):
        raise
    except Exception as error:
        raise FileAccessError(f"its store failed with {type(error).__name__}") from error
