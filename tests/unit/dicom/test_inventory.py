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


def test_whatever_a_table_names_can_be_listed_again(tree):
    odd = os.path.join(os.fsencode(tree), b"sl\xe8ike")
    os.mkdir(odd)
    with open(os.path.join(odd, b"\xe8"), "wb") as file:
        file.write(b"12")
    found = {file.path: file for unit in listing_units([str(tree)], 1) for file in list_unit(unit)}
    assert len(found) == 13
    again = {file.path: file for path in found for file in list_unit(ListingUnit(path, True))}
    assert again == found
    gone = next(iter(list_unit(ListingUnit(f"{tree}/f1/a.zip!/m/gone", True))))
    assert (gone.path, gone.file_size) == (f"{tree}/f1/a.zip!/m/gone", None)


def test_paths_of_a_list_are_those_of_a_listing(tree):
    for path in (f"{tree}/./f0//deep/../top/../../top", f"file://{tree}/top", f"{tree}/f1/../f1/a.zip!/m/1"):
        (found,) = list_unit(ListingUnit(path, True))
        assert found.path in {f"{tree}/top", f"{tree}/f0/top", f"{tree}/f1/a.zip!/m/1"}


def test_units_can_be_sent_to_another_machine_as_text(tree):
    os.mkdir(os.path.join(os.fsencode(tree), b"sl\xe8ike"))
    for unit in listing_units([str(tree)], 100):
        assert unit.path.encode("utf-8")


def test_a_linked_file_is_listed_with_its_folder(tree):
    (tree / "f2" / "link").symlink_to(tree / "top")
    units = listing_units([str(tree), str(tree / "f2" / "link")], 1)
    assert [file.path for unit in units for file in list_unit(unit)].count(str(tree / "f2" / "link")) == 1


@pytest.mark.parametrize("wanted", [1, 4, 100])
def test_links_that_are_not_followed_are_counted_once(tree, wanted):
    (tree / "f2" / "other").symlink_to(tree / "f1")
    links = []
    for unit in listing_units([str(tree)], wanted):
        list(list_unit(unit, lambda: links.append(1)))
    assert len(links) == 2
