import os
import zipfile

import pytest

from radnet_spark.dicom.inventory import ListingUnit, list_unit, listing_units


@pytest.fixture
def tree(tmp_path):
    for number in range(3):
        folder = tmp_path / f"f{number}" / "deep" / "deeper"
        folder.mkdir(parents=True)
        (folder / "x").write_bytes(b"123")
        (tmp_path / f"f{number}" / ".hidden").write_bytes(b"")
    (tmp_path / "top").write_bytes(b"1")
    (tmp_path / "f0" / "circle").symlink_to(tmp_path)
    (tmp_path / "f0" / "broken").symlink_to(tmp_path / "nowhere")
    (tmp_path / "f0" / "itself").symlink_to(tmp_path / "f0" / "itself")
    with zipfile.ZipFile(tmp_path / "f1" / "a.zip", "w") as archive:
        archive.writestr("m/1", b"12345")
        archive.writestr("m/2", b"")
    (tmp_path / "f2" / "bad.zip").write_bytes(b"no zip")
    return tmp_path


@pytest.mark.parametrize("wanted", [1, 2, 4, 100])
def test_every_file_once_however_it_is_split(tree, wanted):
    found = [file for unit in listing_units([str(tree)], wanted) for file in list_unit(unit)]
    names = sorted(os.path.relpath(file.path, tree) for file in found)
    assert names == sorted(
        ["top", "f0/.hidden", "f1/.hidden", "f2/.hidden", "f0/deep/deeper/x", "f1/deep/deeper/x", "f2/deep/deeper/x",
         "f0/broken", "f0/itself", "f1/a.zip!/m/1", "f1/a.zip!/m/2", "f2/bad.zip"]
    )  # fmt: skip


def test_sizes_and_times(tree):
    found = {os.path.relpath(file.path, tree): file for file in list_unit(ListingUnit(str(tree), True))}
    assert found["f1/a.zip!/m/1"].file_size == 5
    assert found["f1/a.zip!/m/1"].modification_time.timestamp() == pytest.approx(
        (tree / "f1" / "a.zip").stat().st_mtime, abs=1e-5
    )
    assert found["f0/broken"].file_size is found["f0/itself"].file_size is None


@pytest.mark.parametrize(("error", "row"), [(PermissionError, True), (OSError, True), (FileNotFoundError, False)])
def test_a_folder_that_cant_be_listed_stands_for_what_lies_in_it(tree, monkeypatch, error, row):
    scandir = os.scandir

    def refusing(folder):
        if folder == str(tree / "f1" / "deep"):
            raise error
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refusing)
    for wanted in (1, 100):
        found = [file for unit in listing_units([str(tree)], wanted) for file in list_unit(unit)]
        sizes = {os.path.relpath(file.path, tree): file.file_size for file in found}
        assert len(sizes) == 11 + row
        assert "f2/deep/deeper/x" in sizes
        assert ("f1/deep" in sizes) is row
        assert sizes.get("f1/deep") is None


def test_enough_units_and_single_files(tree):
    assert len(listing_units([str(tree)], 4)) >= 4
    assert [file.file_size for file in list_unit(ListingUnit(str(tree / "top"), True))] == [1]
    assert listing_units([str(tree), str(tree), str(tree / "f0")], 1) == [ListingUnit(str(tree), True)]
