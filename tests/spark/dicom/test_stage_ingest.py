import gzip
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from radnet_spark.dicom import stage_images, stage_ingest
from radnet_spark.errors import StageError, UsageError
from radnet_spark.lake.tables import Tables

SMALL = get_testdata_file("MR_small.dcm")
REASONS = {
    "DICOMDIR": "dicomdir", "a.zip!/notes.txt": "not_dicom", "bad.zip": "unreadable", "cut": "truncated",
    "empty.dcm": "empty",
}  # fmt: skip


def rows(tables, name, *columns):
    return sorted(tuple(row) for row in tables.read(name).select(*columns).collect())


def reasons(tables, folder):
    return {os.path.relpath(path, folder): reason for path, reason in rows(tables, "quarantine", "path", "reason")}


def versions(tables):
    return {name: tables.version(name) for name in ("instances", "quarantine", "images")}


def test_ingest_again_and_after_changes(context, tables, archive, tmp_path):
    shown: list[str] = []
    ingest = replace(context(input=[str(archive)]), progress=shown.append)
    summary = stage_ingest.run(ingest)
    assert shown[0] == "about 0 of 9 files read"
    assert summary.facts[0] == "9 files found: 2 instances + 7 in quarantine"
    assert "0 of 4 headers were no common case and read by pydicom" in summary.facts
    assert summary.extra == {"files_found": 9, "instances": 2, "quarantine": 7, "removed": 0}
    assert "0 of 2 instances say that text is burned into their pixels, 2 say neither yes nor no" in summary.facts
    paths = [os.path.relpath(path, archive) for (path,) in rows(tables, "instances", "path")]
    twins = {"mr", "deep/twin", "a.zip!/in/twin"}
    winner = next(iter(twins & set(paths)))
    assert set(paths) == {"deep/er/ct.dcm", winner}
    assert reasons(tables, archive) == {**REASONS, **dict.fromkeys(twins - {winner}, "duplicate")}

    assert_nothing_personal(tables, archive / "deep" / "er" / "ct.dcm")

    before = versions(tables)
    again = stage_ingest.run(ingest)
    assert again.rows == {"instances": 0, "quarantine": 0}
    assert again.extra == summary.extra
    assert again.facts == [summary.facts[0], "0 of them read now, 9 as they were known", "nothing new"]
    assert versions(tables) == before

    kept = shutil.move(archive / winner.split("!")[0], tmp_path / "kept")
    (archive / "empty.dcm").write_bytes((archive / "deep" / "er" / "ct.dcm").read_bytes())
    changed = stage_ingest.run(ingest)
    left = {os.path.relpath(path, archive) for (path,) in rows(tables, "instances", "path")}
    assert len(left & (twins - {winner})) == 1
    assert "empty" not in changed.dropped
    assert changed.extra["removed"] == 1
    assert (str(archive / winner),) in rows(tables, "removed_files", "path")
    assert changed.extra["files_found"] == changed.extra["instances"] + changed.extra["quarantine"]
    assert len({uid for (uid,) in rows(tables, "instances", "sop_instance_uid")}) == changed.extra["instances"] == 2

    (archive / "cut").write_bytes((archive / "deep" / "er" / "ct.dcm").read_bytes())  # now a twin with a smaller path
    shutil.copy(kept, archive / winner.split("!")[0])  # is there again
    back = stage_ingest.run(context(input=[str(archive)], retry=["not_dicom"]))
    assert back.extra["instances"] == 2
    assert (str(archive / "cut"),) in rows(tables, "instances", "path")
    assert reasons(tables, archive)["deep/er/ct.dcm"] == "duplicate"
    assert back.rows["quarantine"] >= 2 + back.dropped["not_dicom"]  # what was refused for that reason is read again
    assert rows(tables, "removed_files", "path") == []


def assert_nothing_personal(tables, path):
    header = dcmread(path)
    values = str(tables.read("instances").drop("path").collect()) + str(
        tables.read("quarantine").drop("path").collect()
    )
    for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "SOPInstanceUID", "StudyDate", "InstitutionName"):
        assert str(header[keyword].value) not in values, keyword


def run_killed_between_the_commits(ingest, monkeypatch):
    """`quarantine` is written, `instances` is not."""
    change = Tables.change

    def killed(self, name, *rest):
        if name == "instances":
            raise KeyboardInterrupt
        return change(self, name, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(Tables, "change", killed)
        with pytest.raises(KeyboardInterrupt):
            stage_ingest.run(ingest)


def test_a_kill_between_the_two_commits_loses_and_doubles_nothing(context, tables, archive, monkeypatch):
    for name in ("deep/twin", "a.zip", "bad.zip", "DICOMDIR", "cut", "empty.dcm"):
        (archive / name).unlink()
    header = dcmread(archive / "mr")
    worse = dcmread(archive / "mr")
    header.BurnedInAnnotation = "YES"
    worse.PixelData = worse.PixelData[:-2]  # too short: the whole one is the better twin
    worse.save_as(archive / "mr")
    ingest = context(input=[str(archive)])
    assert stage_ingest.run(ingest).extra == {"files_found": 2, "instances": 2, "quarantine": 0, "removed": 0}

    header.save_as(archive / "better")
    run_killed_between_the_commits(ingest, monkeypatch)
    assert reasons(tables, archive) == {"mr": "duplicate"}  # the one commit that was made
    mended = stage_ingest.run(ingest)
    assert "1 of 2 instances say that text is burned into their pixels, 1 say neither yes nor no" in mended.facts
    for _ in range(2):
        assert stage_ingest.run(ingest).extra == {"files_found": 3, "instances": 2, "quarantine": 1, "removed": 0}
        assert reasons(tables, archive) == {"mr": "duplicate"}


def test_a_kill_with_other_inputs_leaves_one_row_a_path(context, tables, tmp_path, monkeypatch):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    worse = dcmread(SMALL)
    worse.PixelData = worse.PixelData[:-2]
    worse.save_as(tmp_path / "a" / "mr")
    shutil.copy(SMALL, tmp_path / "b" / "mr")
    stage_ingest.run(context(input=[str(tmp_path / "a")]))
    other = context(input=[str(tmp_path / "b")])
    run_killed_between_the_commits(other, monkeypatch)
    stage_ingest.run(other)
    assert rows(tables, "quarantine", "path", "reason") == [(str(tmp_path / "a" / "mr"), "duplicate")]
    assert rows(tables, "instances", "path") == [(str(tmp_path / "b" / "mr"),)]
    (tmp_path / "b" / "mr").unlink()
    (tmp_path / "b" / "note").write_text("no DICOM")
    stage_ingest.run(other)
    assert rows(tables, "instances", "path") == []  # the twin was not looked for
    stage_ingest.run(context(input=[str(tmp_path / "a")]))
    assert rows(tables, "instances", "path") == [(str(tmp_path / "a" / "mr"),)]


def test_wrong_and_empty_inputs(context, tables, tmp_path):
    with pytest.raises(UsageError, match="found no"):
        stage_ingest.run(context(input=[str(tmp_path / "gone")]))
    (tmp_path / "empty").mkdir()
    with pytest.raises(StageError, match="no file below"):
        stage_ingest.run(context(input=[str(tmp_path / "empty")]))
    assert not tables.exists("instances")


def test_every_file_of_the_collection_is_accounted_for(context, tables, collection: Path):
    found = [path for path in collection.rglob("*") if path.is_file()]
    summary = stage_ingest.run(context(input=[str(collection)]))
    assert summary.extra["files_found"] == len(found) == summary.extra["instances"] + summary.extra["quarantine"]
    assert len(rows(tables, "instances", "path")) == _distinct_instances(found)

    images = stage_images.run(context())
    instances = rows(tables, "instances", "sop_instance_uid")
    exported = rows(tables, "images", "sop_instance_uid")
    dropped = [(key,) for key, stage in rows(tables, "dropped", "key", "stage") if stage == "images"]
    assert sorted(exported + dropped) == instances
    assert images.rows == {"images": len(exported), "dropped": len(dropped)}
    sizes = {
        (height * width, len(image)) for height, width, image in rows(tables, "images", "height", "width", "image")
    }
    assert {pixels == length for pixels, length in sizes} == {True}


def _distinct_instances(paths: list[Path]) -> int:
    """SOPInstanceUIDs of the files that have all four UIDs, by pydicom alone."""
    required = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
    found = set()
    for path in paths:
        try:
            header = dcmread(path, force=True, stop_before_pixels=True)
            if all(header.get(keyword) for keyword in required):
                found.add(str(header.SOPInstanceUID))
        except (AttributeError, ValueError, NotImplementedError, EOFError, TypeError, KeyError):
            continue
    return len(found)


def test_uris_give_what_plain_paths_give(context, tables, archive, tmp_path, monkeypatch):
    monkeypatch.setenv("RADNET_DEID_KEY", "ab" * 32)
    (archive / "deep" / "er").rename(archive / "deep" / "č 1%20!")
    by_uri = Tables(tables.spark, str(tmp_path / "uris"), context().config.storage)
    (tmp_path / "list.txt").write_text(f"local://{archive}/mr\n")
    plain = stage_ingest.run(context(input=[str(archive)]))
    uris = {"input": [f"local://{archive}/"], "lists": [f"file://{tmp_path}/list.txt"]}
    summary = stage_ingest.run(replace(context(**uris), tables=by_uri))
    assert summary.extra == plain.extra == {"files_found": 9, "instances": 2, "quarantine": 7, "removed": 0}
    for name in ("instances", "quarantine"):
        known, found = ([row.asDict() for row in root.read(name).collect()] for root in (tables, by_uri))
        assert [row["path"].removeprefix("local://") for row in sorted(found, key=path_of)] == sorted(
            map(path_of, known)
        )
        assert all(path_of(row).startswith("local:///") for row in found)
        assert sorted(repr(row | {"path": ""}) for row in found) == sorted(repr(row | {"path": ""}) for row in known)
    assert stage_ingest.run(replace(context(**uris), tables=by_uri)).rows == {"instances": 0, "quarantine": 0}
    with pytest.raises(UsageError, match="Install s3fs"):
        stage_ingest.run(context(input=["s3a://bucket/pacs"]))


def path_of(row):
    return row["path"]


def test_what_is_out_of_reach_is_not_gone(context, tables, archive, tmp_path):
    other = shutil.move(archive / "deep", tmp_path / "other")
    (archive / "link").symlink_to(other)
    first = stage_ingest.run(context(input=[str(archive), str(archive / "link")]))
    assert first.extra == {"files_found": 9, "instances": 2, "quarantine": 7, "removed": 0}
    everything = rows(tables, "instances", "path") + rows(tables, "quarantine", "path")

    without_link = stage_ingest.run(context(input=[str(archive)]))
    assert without_link.extra["files_found"] == 7
    assert "1 links to folders were not followed" in without_link.facts
    assert without_link.extra["removed"] == 0
    assert rows(tables, "instances", "path") + rows(tables, "quarantine", "path") == everything

    shutil.move(other, tmp_path / "kept")
    Path(other).symlink_to(other)  # a link to itself: what lies below can't be asked for, even by root
    broken = stage_ingest.run(context(input=[str(archive)]))
    assert broken.extra["removed"] == 0
    assert reasons(tables, archive)["link"] == "unreadable"
    assert (str(archive / "link" / "er" / "ct.dcm"),) in rows(tables, "instances", "path")

    Path(other).unlink()
    assert stage_ingest.run(context(input=[str(archive)])).extra["removed"] == 2


def test_lists_name_files_by_line_or_by_column(context, tables, archive, spark):
    text = archive / "_files [1]{2}*?.txt.gz"
    text.write_bytes(gzip.compress(f"{archive}/mr\n\n deep/er/ct.dcm\n{archive}/gone\n".encode()))
    spark.createDataFrame([(f"{archive}/a.zip", 1), (f"{archive}/mr", 2)], "path string, year int").write.partitionBy(
        "year"
    ).parquet(str(archive / "files"))
    lists = [str(text), str(archive / "files")]
    summary = stage_ingest.run(context(lists=lists))
    assert summary.extra["files_found"] == 5  # mr once, the zip's two members, the file that is gone
    assert reasons(tables, archive)["gone"] == "unreadable"
    assert (str(archive / "deep" / "er" / "ct.dcm"),) in rows(tables, "instances", "path")
    text.write_bytes(gzip.compress(f"{archive}/mr\n".encode()))
    assert stage_ingest.run(context(lists=lists[:1])).extra["removed"] == 0  # what a list does not name is elsewhere
    spark.createDataFrame([("x",)], "file string").write.parquet(str(archive / "wrong.parquet"))
    with pytest.raises(UsageError, match="expected one named path"):
        stage_ingest.run(context(lists=[str(archive / "wrong.parquet")]))
