"""Object stores stand in by fsspec's `memory://`, and by one that fails as stores do."""

import io
import json
import os
import shutil
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from pydicom.data import get_testdata_file

from radnet_spark.cli import main
from radnet_spark.dicom.files import FileAccessError, open_file, zip_members
from radnet_spark.dicom.instance import IngestSettings, read_instance
from radnet_spark.dicom.inventory import ListingUnit, list_unit, listing_units
from radnet_spark.dicom.stores import absolute, checked, scan, status
from radnet_spark.errors import UsageError

SMALL = get_testdata_file("MR_small.dcm")
SETTINGS = IngestSettings(None, False, frozenset(), 0, False, 1024, True)
NAMES = ["a b/x y.dcm", "50%/100%25.dcm", "pluća/č.dcm", "wow!/b!.dcm", "wow!/c#d?.dcm", "top", "in/deep/er/[1]*.dcm"]


class FailingStore(MemoryFileSystem):
    """What a store's own package raises, with a text that nobody may read."""

    protocol = "failing"
    error: type[Exception] = RuntimeError

    def _fail(self, *_, **__):
        raise self.error("https://store/key?signature=secret")

    ls = info = _open = _fail


class FailingReads(MemoryFileSystem):
    protocol = "failing-reads"

    content: io.BytesIO

    def _open(self, *_, **__):
        return self.content


@pytest.fixture(scope="module", autouse=True)
def failing_stores():
    for store in (FailingStore, FailingReads):
        fsspec.register_implementation(store.protocol, store)


@pytest.fixture
def memory():
    store = fsspec.filesystem("memory")
    yield store
    store.rm("/", recursive=True)


@pytest.fixture
def pacs(memory):
    for number, name in enumerate(NAMES):
        memory.pipe(f"/pacs/{name}", bytes(number))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        target.write(SMALL, "in side/č%.dcm")
        target.writestr("empty", b"")
    memory.pipe("/pacs/in/a b.ZIP", archive.getvalue())
    memory.pipe("/pacs/in/bad.zip", b"no archive")
    memory.pipe("/pacs/in/mr", Path(SMALL).read_bytes())
    return "memory://pacs"


@pytest.mark.parametrize("wanted", [1, 4, 100])
def test_every_file_of_a_store_once_however_it_is_split(pacs, wanted):
    before = datetime.now(UTC).timestamp() - 60
    found = [file for unit in listing_units([pacs, f"{pacs}/in"], wanted) for file in list_unit(unit)]
    size = os.path.getsize(SMALL)
    expected = {f"{pacs}/{name}": number for number, name in enumerate(NAMES)}
    expected |= {f"{pacs}/in/a b.ZIP!/in side/č%.dcm": size, f"{pacs}/in/a b.ZIP!/empty": 0}
    expected |= {f"{pacs}/in/bad.zip": 10, f"{pacs}/in/mr": size}
    assert sorted((file.path, file.file_size) for file in found) == sorted(expected.items())
    assert all(before < file.modification_time.timestamp() < before + 120 for file in found)


def test_what_is_listed_can_be_opened(pacs):
    for file in list_unit(ListingUnit(pacs, recursive=True)):
        with open_file(file.path) as source:
            assert len(source.read()) == source.seek(0, 2) == file.file_size
    assert list(zip_members(f"{pacs}/in/a b.ZIP")) == [("in side/č%.dcm", os.path.getsize(SMALL)), ("empty", 0)]


@pytest.mark.parametrize("name", ["mr", "a b.ZIP!/in side/č%.dcm"])
def test_a_row_is_that_of_the_local_file(pacs, name):
    size = os.path.getsize(SMALL)
    row = read_instance(f"{pacs}/in/{name}", size, SETTINGS)
    assert row["sop_instance_uid"]
    assert row == read_instance(SMALL, size, SETTINGS)


def test_uris_name_what_plain_paths_do(tmp_path):
    (tmp_path / "a b" / "č%20").mkdir(parents=True)
    shutil.copy(SMALL, tmp_path / "a b" / "č%20" / "x!::.dcm")
    (tmp_path / "circle").symlink_to(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "a b" / "č%20" / "x!::.dcm")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    plain = list(list_unit(ListingUnit(str(tmp_path), recursive=True)))
    uris = list(list_unit(ListingUnit(f"local://{tmp_path}", recursive=True)))
    assert [file.path for file in uris] == [f"local://{file.path}" for file in plain]
    assert {f"local://{file.path}": file.file_size for file in plain if not file.path.endswith("broken")}.items() <= {
        file.path: file.file_size for file in uris
    }.items()


def test_headers_take_one_ranged_read(memory, monkeypatch):
    """A store is asked for the block with the header, and not for the pixels behind it."""
    from fsspec.spec import AbstractBufferedFile

    content, asked = Path(get_testdata_file("CT_small.dcm")).read_bytes() + bytes(1 << 22), []

    class Ranged(AbstractBufferedFile):
        def _fetch_range(self, start, end):
            asked.append((start, end))
            return content[start:end]

    memory.pipe("/large", content)
    monkeypatch.setattr(MemoryFileSystem, "_open", lambda store, path, mode, block_size, **_: Ranged(
        store, path, mode, block_size, size=len(content)))  # fmt: skip
    settings = IngestSettings(None, False, frozenset(), 0, False, 1024, False)
    assert read_instance("memory://large", len(content), settings)["reason"] is None
    assert [start for start, _ in asked] == [0]
    assert asked[0][1] <= (1 << 16) + (1 << 14)


def test_keys_that_are_no_folders_are_no_circle(monkeypatch):
    """As s3fs lists the keys `odd/mark/`, `odd/mark//unnamed` and `odd/mark/x`."""
    keys = {
        "/odd": [("/odd/mark", "directory", 0)],
        "/odd/mark": [("/odd/mark/", "file", 0), ("/odd/mark/", "directory", 0), ("/odd/mark/x", "file", 2)],
    }
    monkeypatch.setattr(MemoryFileSystem, "info", lambda *_, **__: {"type": "directory", "size": 0})
    monkeypatch.setattr(MemoryFileSystem, "ls", lambda _, name, detail: [
        dict(zip(("name", "type", "size"), key, strict=True)) for key in keys[name]])  # fmt: skip
    found = list(list_unit(ListingUnit("memory://odd", recursive=True)))
    assert [(file.path, file.file_size) for file in found] == [
        ("memory://odd/mark/", None), ("memory://odd/mark/x", 2),
    ]  # fmt: skip
    assert read_instance("memory://odd/mark/", None, SETTINGS)["reason"] == "unreadable"


@pytest.mark.parametrize("error", [RuntimeError, TimeoutError, PermissionError, LookupError])
def test_errors_of_a_store_are_rows_without_their_text(error, monkeypatch):
    monkeypatch.setattr(FailingStore, "error", error)
    assert [file.file_size for file in list_unit(ListingUnit("failing://pacs", recursive=True))] == [None]
    FailingReads.content = io.BytesIO(bytes(5000))
    FailingReads.content.read = FailingStore()._fail
    rows = [read_instance(f"{scheme}://pacs/x", 5000, SETTINGS) for scheme in ("failing", "failing-reads")]
    for row in rows:
        assert row["reason"] == "unreadable"
        assert error.__name__ in row["detail"]
        assert "secret" not in row["detail"]
    with pytest.raises(UsageError, match=error.__name__) as raised:
        checked("--input", "failing://pacs")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("reads", range(4))
def test_a_store_that_fails_later_makes_no_file_anything_else(reads):
    """Bytes without the DICM mark: what could not be read to its end is not called `not_dicom`."""

    class Failing(io.BytesIO):
        left = reads

        def read(self, size=-1):
            self.left -= 1
            if self.left < 0:
                raise FileAccessError("its store failed")
            return super().read(size)

    FailingReads.content = Failing(Path(get_testdata_file("no_meta.dcm")).read_bytes())
    row = read_instance("failing-reads://pacs/x", 5000, SETTINGS)
    assert row["reason"] == "unreadable"
    assert "its store failed" in row["detail"]


def test_what_is_not_there(memory):
    with pytest.raises(FileNotFoundError):
        status("memory://gone")
    with pytest.raises(FileAccessError, match="can't be opened"), open_file("memory://gone"):
        pass
    with pytest.raises(OSError, match="gone"):
        scan("memory://gone")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("S3A://bucket/a/", "s3a://bucket/a"),
        ("file:///a//b/", "/a/b"),
        ("hdfs://host:8020/a//", "hdfs://host:8020/a"),
        ("/a/../b/", "/b"),
    ],
)
def test_absolute(path, expected):
    assert absolute(path) == expected


def test_profile_of_a_store(pacs, capsys):
    assert main(["profile", "--input", pacs, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["files"], summary["sampled"], summary["modalities"]) == (11, 11, {"MR": 2})
