import os
import zipfile

import pytest

from radnet_spark.dicom import files
from radnet_spark.dicom.files import (
    FileAccessError,
    is_archive,
    is_gone,
    open_file,
    path_text,
    split_member,
    zip_members,
)
from radnet_spark.dicom.inventory import ListingUnit, list_unit


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a/b.dcm", ("/a/b.dcm", None)),
        ("/a/x.zip!/f/1.dcm", ("/a/x.zip", "f/1.dcm")),
        ("/a/X.ZIP!/1", ("/a/X.ZIP", "1")),
        ("/a/x.zip", ("/a/x.zip", None)),
        ("/a/wow!/b", ("/a/wow!/b", None)),
    ],
)
def test_split_member(path, expected):
    assert split_member(path) == expected


def test_members_are_seekable(tmp_path):
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("in/folder/x", b"0123456789")
        target.mkdir("empty")
    assert list(zip_members(str(archive))) == [("in/folder/x", 10)]
    with open_file(f"{archive}!/in/folder/x") as source:
        source.seek(4)
        assert source.read(2) == b"45"


def test_what_cant_be_opened_is_said(tmp_path):
    (tmp_path / "bad.zip").write_bytes(b"no archive")
    with pytest.raises(FileAccessError):
        list(zip_members(str(tmp_path / "bad.zip")))
    for path in ("gone", "bad.zip!/x"):
        with pytest.raises(FileAccessError, match="can't be opened"), open_file(str(tmp_path / path)):
            pass


def test_names_that_are_no_utf8_are_found_again(tmp_path):
    name = os.path.join(os.fsencode(tmp_path), b"sl\xe8ika")
    with open(name, "wb") as target:
        target.write(b"x")
    text = path_text(os.fsdecode(name))
    assert text.endswith("sl\\xe8ika")
    with open_file(text) as source:
        assert source.read() == b"x"


def test_no_two_names_have_one_path(tmp_path):
    names = [b"a\xff", b"a\\xff", b"a\\x5cxff", b"a\\", b"a\\x", b"\xc5\xa1\xff"]
    for name in names:
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as target:
            target.write(name)
    found = {file.path for file in list_unit(ListingUnit(str(tmp_path), recursive=True))}
    assert len(found) == len(names)
    for path in found:
        with open_file(path) as source:
            assert path_text(os.path.join(str(tmp_path), os.fsdecode(source.read()))) == path


def test_is_archive():
    assert is_archive("a.ZIP")
    assert not is_archive("a.dcm")


def test_only_what_is_surely_not_there_is_gone(tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"1")
    (tmp_path / "a.zip").write_bytes(b"broken, but as it was")
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    for path in ("file", "a.zip"):
        os.utime(tmp_path / path, ns=(0, 1_700_000_000_123_456_789))
    changed = 1_700_000_000_123_456
    expected = {
        "not-there": True, "folder": True, "file/x": True, "not-there.zip!/m": True, "no/where.zip!/m": True,
        "file": False, "a.zip!/m": False, "itself/x": False, "itself/a.zip!/m": False,
    }  # fmt: skip
    assert {path: is_gone(f"{tmp_path}/{path}", changed) for path in expected} == expected
    assert not is_gone(f"{tmp_path}/file", None)
    assert is_gone(f"{tmp_path}/a.zip!/m", changed + 1)

    def refuse(path):
        raise PermissionError(path)

    monkeypatch.setattr(os, "stat", refuse)
    assert not is_gone(f"{tmp_path}/not-there", changed)


def test_an_archive_stands_for_itself_only_while_it_cant_be_read(tmp_path):
    target = tmp_path / "a.zip"
    target.write_bytes(b"half")
    assert not is_gone(str(target), None)
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("x", b"1")
    assert is_gone(str(target), None)


def test_a_large_member_is_a_stream(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(1 << 20))
    monkeypatch.setattr(files, "_LARGE_MEMBER", 1000)
    with open_file(f"{tmp_path}/a.zip!/bomb") as source:
        assert isinstance(source, zipfile.ZipExtFile)
        assert source.seek(0, 2) == 1 << 20
        source.seek(5)
        assert source.read(3) == bytes(3)
