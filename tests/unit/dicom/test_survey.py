import bz2
import gzip
import json
import os
import re
import shutil
import statistics
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pydicom
import pytest
from pydicom import dcmread
from pydicom.uid import UID

from radnet_spark.cli import main
from radnet_spark.config import load_config
from radnet_spark.dicom.file_list import list_parts, listed_paths
from radnet_spark.dicom.instance import IngestSettings
from radnet_spark.dicom.survey import Sources, Survey, lines, survey
from radnet_spark.errors import UsageError

FILES = Path(pydicom.__file__).parent / "data" / "test_files"
NAMES = ("CT_small.dcm", "MR_small.dcm", "SC_rgb_jpeg.dcm", "JPEG2000.dcm", "rtplan.dcm")
SETTINGS = IngestSettings(b"k" * 32, False, frozenset(), 3650, False, 1024, False)


@pytest.fixture
def folder(tmp_path):
    for name in NAMES:
        shutil.copy(FILES / name, tmp_path / name)
    (tmp_path / "note.txt").write_text("no DICOM here")
    return tmp_path


def test_counts_are_those_of_the_files(folder):
    found = survey(Sources([str(folder)]), 100, SETTINGS, load_config().images, lambda text: None)
    headers = [dcmread(folder / name, stop_before_pixels=True) for name in NAMES]
    assert (found.files, found.sampled, found.instances) == (6, 6, 5)
    assert found.bytes == sum(path.stat().st_size for path in folder.iterdir())
    assert found.spread()["size_median"] == statistics.median(path.stat().st_size for path in folder.iterdir())
    assert found.modalities.total() == 5
    assert found.modalities["MR"] == sum(header.Modality == "MR" for header in headers)
    assert found.transfer_syntaxes == {
        name: sum(UID(h.file_meta.TransferSyntaxUID).name == name for h in headers) for name in found.transfer_syntaxes
    }
    assert found.reasons == {"not_dicom": 1}
    assert found.judged == 1  # the JPEG, whose character set nobody knows
    assert found.exported == 5
    assert found.dropped["no_pixel_data"] == 1


def test_a_sample_is_the_same_every_time_and_stands_for_all(folder):
    first, again = (
        survey(Sources([str(folder)]), 3, SETTINGS, load_config().images, lambda text: None) for _ in range(2)
    )
    assert first.files == 6
    assert first.sampled == 3
    assert (first.modalities, first.reasons) == (again.modalities, again.reasons)


def test_estimates_by_hand():
    found = Survey(files=1_000_000, sampled=1000, header_seconds=3.6, exported=100, image_seconds=3.6)
    found.reasons["not_dicom"] = 100
    found.dropped["no_window"] = 20
    estimates = found.estimates(cores=10, size=128)
    assert estimates["ingest_hours"] == pytest.approx(0.1)  # 10^6 x 3.6 ms / 10 cores
    assert estimates["images_hours"] == pytest.approx(0.9)  # 9 x 10^5 x 36 ms / 10 cores
    assert estimates["images_bytes"] == pytest.approx(900_000 * 0.8 * 128 * 128)
    text = "\n".join(lines(found, 128, 10))
    assert "6 minutes for all headers and 54 minutes for all images" in text
    assert "not_dicom 10.0%" in text


def test_what_stands_in_the_place_of_a_transfer_syntax_is_not_shown(folder, capsys, caplog, recwarn):
    data = (folder / "CT_small.dcm").read_bytes()
    uid = b"1.2.840.10008.1.2.1\0"
    assert data.count(uid) == 1
    (folder / "CT_small.dcm").write_bytes(data.replace(uid, b"Horvaticek Zvonimir\0"))
    found = survey(Sources([str(folder)]), 100, SETTINGS, load_config().images, lambda text: None)
    told = [*lines(found, 128), caplog.text, *(str(warning.message) for warning in recwarn)]
    assert found.transfer_syntaxes["unknown"] == 1
    assert not [text for text in told if "Horvaticek" in text]


def _written(kind: str, names: list[str], place: Path) -> Path:
    """A list of a kind; those of several files have things beside their data that are none."""
    if kind == "parquet":
        pq.write_table(pa.table({"path": names, "more": range(len(names))}), place / "list.parquet")
        return place / "list.parquet"
    if kind.startswith("folder"):
        for number in range(2):
            part = place / "many" / (f"year={number}" if kind == "folder of folders" else "") / f"{number}.parquet"
            part.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.table({"path": [*names[number::2], None]}), part)
        (place / "many" / "_SUCCESS").touch()
        (place / "many" / "_temporary").mkdir()
        for hidden in ("_temporary/0.parquet", "_begun.parquet", ".0.parquet"):
            pq.write_table(pa.table({"path": ["not", "these"]}), place / "many" / hidden)
        return place / "many"
    text = ("\n".join(names) + "\n").encode()
    name, data = {
        "text": ("list.txt", text), "gzip": ("l.txt.gz", gzip.compress(text)), "bzip2": ("l.bz2", bz2.compress(text)),
        "odd name": ("_li*t [1]{2}?.txt", b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n")),
    }[kind]  # fmt: skip
    (place / name).write_bytes(data)
    return place / name


KINDS = ["text", "gzip", "bzip2", "odd name", "parquet", "folder", "folder of folders"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_gives_what_its_files_give(folder, tmp_path_factory, kind):
    """Relative and absolute paths, one of them twice, an empty line, a zip archive with members, one that is gone."""
    place = tmp_path_factory.mktemp("lists")
    with zipfile.ZipFile(folder / "two.zip", "w") as archive:
        archive.write(folder / NAMES[0], "a/one")
        archive.write(folder / NAMES[1], "b/two")
    first, second = str(folder / NAMES[0]), os.path.relpath(folder / NAMES[1], place)
    target = _written(kind, [first, second, "", str(folder / "two.zip"), "gone", first], place)
    found = survey(Sources([], [str(target)]), 100, SETTINGS, load_config().images, lambda text: None)
    assert (found.files, found.sampled, found.instances) == (5, 5, 4)
    assert found.modalities == {"CT": 2, "MR": 2}
    assert found.reasons == {"unreadable": 1}
    sizes = [(folder / name).stat().st_size for name in NAMES[:2]]
    assert found.bytes == pytest.approx(2 * sum(sizes), rel=0.1)  # of what is named twice, the share is taken off


def test_a_sample_of_a_list_asks_for_no_other_file(tmp_path, monkeypatch):
    names = tmp_path / "names"
    names.write_text("".join(f"{number}\n" for number in range(1000)))
    asked = []
    monkeypatch.setattr("radnet_spark.dicom.survey.list_unit", lambda unit: asked.append(unit.path) or iter(()))
    found = survey(Sources([], [str(names)]), 10, SETTINGS, load_config().images, lambda text: None)
    assert (found.files, found.sampled, len(asked)) == (1000, 10, 10)


def test_what_is_no_list_is_said_before_anything_is_written(tmp_path, capsys):
    pq.write_table(pa.table({"file": ["a"]}), tmp_path / "other.parquet")
    pq.write_table(pa.table({"path": [1, 2]}), tmp_path / "numbers.parquet")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "other.parquet").read_bytes()[:100])
    (tmp_path / "plain.txt.gz").write_text("a\n")
    (tmp_path / "parquet.txt").write_bytes((tmp_path / "other.parquet").read_bytes())
    said = {
        "other.parquet": "columns file; expected one named path",
        "numbers.parquet": "holds int64, expected string",
        "cut.parquet": "is no Parquet file",
        "parquet.txt": "name has to end in .parquet",
        "plain.txt.gz": r"can't be read to its end \(BadGzipFile\)",
    }
    for name, text in said.items():
        with pytest.raises(UsageError, match=text):
            list_parts(str(tmp_path / name))
        for verb in ("profile", "ingest", "run"):
            root = [] if verb == "profile" else ["--root", str(tmp_path / "root")]
            assert main([verb, "--list", str(tmp_path / name), *root]) == 2
            assert re.search(text, capsys.readouterr().err)
    assert not (tmp_path / "root").exists()


def test_packed_text_that_ends_too_soon(tmp_path):
    whole = gzip.compress("".join(f"{number}\n" for number in range(10_000)).encode())
    (tmp_path / "list.txt.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UsageError, match="EOFError"):
        list(listed_paths(str(tmp_path / "list.txt.gz")))


def test_a_folder_that_is_no_list(tmp_path):
    with pytest.raises(UsageError, match="found no Parquet file"):
        list(listed_paths(str(tmp_path)))
    (tmp_path / "_delta_log").mkdir()
    with pytest.raises(UsageError, match="is a Delta table"):
        list(listed_paths(str(tmp_path)))


def test_the_result_goes_to_standard_output(folder, capsys):
    command = ["profile", "--input", str(folder)]
    assert main(command) == 0
    told = capsys.readouterr()
    assert told.out.startswith("6 files, 0.00 GB; 6 of them read\nsizes: half of the files up to ")
    assert told.err == ""
    assert main([*command, "--json"]) == 0
    only = json.loads(capsys.readouterr().out)
    assert (only["stage"], only["files"], only["reasons"]) == ("profile", 6, {"not_dicom": 1})
    assert only["size_largest"] == max(path.stat().st_size for path in folder.iterdir())
    assert main(["profile"]) == 2
