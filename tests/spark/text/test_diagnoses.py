"""Files of diagnoses → `exams`, by the stage itself."""

import gzip
import json

import pytest

from radnet_spark.config import load_config
from radnet_spark.dicom.deidentify import exam_id
from radnet_spark.errors import StageError, UsageError
from radnet_spark.lake.secrets import deid_key
from radnet_spark.schemas import TABLES
from radnet_spark.text import stage_diagnoses

KEY = "a key of the tests"
LUNGS = "Pluća i šake bez žarišta, kralježnica čvrsta, đon."
TEXT = "Nalaz uredan bez svježih promjena."


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("RADNET_DEID_KEY", KEY)


def hashed(context, raw):
    return exam_id(raw, None, deid_key(context.config.deidentify, context.tables.root))


def exams_of(context):
    return {row["exam_id"]: row["diagnosis"] for row in context.tables.read("exams").collect()}


def read(context, path, data, **options):
    path.write_bytes(data)
    run_context = context(input=[str(path)], **options)
    return run_context, stage_diagnoses.run(run_context)


def test_encodings_are_recognised_by_file(context, tmp_path):
    codecs = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "cp1250": "windows-1250", "iso8859-2": "ISO-8859-2"}
    tmp_path /= "signs of a pattern [1]{a,b}*?"
    tmp_path.mkdir()
    for codec in codecs:
        (tmp_path / codec).write_bytes(f"exam_id;diagnosis\n00{codec};{LUNGS}\n".encode(codec))
    run_context = context(input=[str(tmp_path / codec) for codec in codecs])
    summary = stage_diagnoses.run(run_context)
    assert exams_of(run_context) == {hashed(run_context, f"00{codec}"): LUNGS for codec in codecs}
    assert summary.extra["files"] == [{"format": "csv", "encoding": name, "delimiter": ";"} for name in codecs.values()]


def test_quotes_line_breaks_and_other_columns(context, tmp_path):
    data = (
        "﻿time,ime,diagnosis,exam_id\r\n"
        '2015-01-01,x,"Prvi red, zarez i ""navodnici"" u njemu\r\ndrugi red nalaza", 7 \r\n'
        "2015-01-01,x,,8\r\n"
        "2015-01-01,x,   ,9\r\n"
        "2015-01-01,x,kratko,10\r\n"
        f"2015-01-01,x,{TEXT},\r\n"
    ).encode()
    run_context, summary = read(context, tmp_path / "d.csv", data)
    assert exams_of(run_context) == {
        hashed(run_context, "7"): 'Prvi red, zarez i "navodnici" u njemu\ndrugi red nalaza'
    }
    assert summary.dropped == {"blank": 1, "no_key": 1, "null": 1, "too_short": 1}
    reasons = {row["key"]: row["reason"] for row in run_context.tables.read("dropped").collect()}
    assert reasons[hashed(run_context, "10")] == "too_short"
    assert reasons["file 1, row 7"] == "no_key"


def test_texts_of_one_exam_are_joined_in_time_order_across_files(context, tmp_path):
    first, second = tmp_path / "a.csv", tmp_path / "b.jsonl"
    first.write_text(
        "exam_id|diagnosis|time\n1|treći nalaz pregleda|3.5.2016. 10:00\n1|prvi nalaz pregleda|2.5.2016.\n"
        "2|bez vremena, prvi u datoteci|\n"
    )
    lines = [
        {"exam_id": "1", "diagnosis": "drugi nalaz pregleda", "time": "2016-05-02T11:00:00"},
        {"exam_id": "2", "diagnosis": "bez vremena, drugi"},
        {"exam_id": "2", "diagnosis": "bez vremena, drugi"},
    ]
    second.write_text("\n".join(map(json.dumps, lines)) + "\n")
    run_context = context(input=[str(first), str(second)])
    stage_diagnoses.run(run_context)
    assert exams_of(run_context) == {
        hashed(run_context, "1"): "prvi nalaz pregleda\ndrugi nalaz pregleda\ntreći nalaz pregleda",
        hashed(run_context, "2"): "bez vremena, prvi u datoteci\nbez vremena, drugi",
    }


def test_every_row_is_in_a_diagnosis_or_listed_with_its_reason(context, tmp_path):
    folder = tmp_path / "lists"
    folder.mkdir()
    rows = [
        f"1;{TEXT};2.1.2015.", f"1;{TEXT};1.1.2015.", "1; ;", "1;;", f"1;Dopuna: {TEXT};jučer", "2;x", f'3;"{TEXT};',
        f"4;{TEXT};",
        f"4;Nul\0a i nečitljivo \ufffd, {TEXT};", "5;;", "5; ;", "6;kratko;",
    ]  # fmt: skip
    (folder / "a.csv").write_bytes(("exam_id;diagnosis;time\n" + "\n".join(rows)).encode())
    lines = [
        json.dumps({"exam_id": "7", "diagnosis": LUNGS}, ensure_ascii=False),
        "{broken",
        f'{{"exam_id": "4", "diagnosis": "{TEXT}"}}',
    ]
    (folder / "b.jsonl").write_bytes("\n".join(lines).encode("cp1250"))
    (folder / "c.csv.gz").write_bytes(gzip.compress(b"exam_id,diagnosis\n" + b"8,Uredan nalaz oba pluca.\n" * 9)[:-9])
    run_context = context(input=[str(folder)])
    summary = stage_diagnoses.run(run_context)
    assert exams_of(run_context) == {
        hashed(run_context, "1"): f"{TEXT}\nDopuna: {TEXT}",
        hashed(run_context, "4"): f"{TEXT}\nNula i nečitljivo \ufffd, {TEXT}",
        hashed(run_context, "7"): LUNGS,
        hashed(run_context, "8"): "Uredan nalaz oba pluca.",
    }
    dropped = {(row["key"], row["reason"], row["detail"]) for row in run_context.tables.read("dropped").collect()}
    first, fourth, eighth = (hashed(run_context, key) for key in ("1", "4", "8"))
    assert dropped == {
        ("file 1, row 2", "duplicate", first), ("file 1, row 4", "blank", first), ("file 1, row 5", "null", first),
        ("file 1, row 7", "wrong_columns", None), ("file 1, row 8", "broken_quotes", None),
        ("file 2, row 2", "no_json", None), ("file 2, row 3", "duplicate", fourth),
        (hashed(run_context, "5"), "blank", None), (hashed(run_context, "6"), "too_short", None),
        *((f"file 3, row {n}", "duplicate", eighth) for n in range(3, 11)), ("file 3, row 11", "rest_unreadable", None),
    }  # fmt: skip
    assert summary.rows == {"exams": 4, "dropped": len(dropped)}
    assert summary.extra["rows_read"] == len(rows) + len(lines) + 9 + 1
    assert summary.extra["rows_joined"] == 6
    assert summary.dropped["duplicate"] == 10
    assert [about.get("encoding") for about in summary.extra["files"]] == ["UTF-8", "windows-1250", "UTF-8"]
    assert "1 times could not be read; their texts come last" in summary.notes
    assert any(note.startswith("1 texts held null bytes") for note in summary.notes)


def test_many_tasks_share_a_file_and_a_broken_table_is_an_error(context, tmp_path, monkeypatch):
    monkeypatch.setattr(stage_diagnoses, "parts_of", lambda size, cores: 3)
    data = "exam_id,diagnosis\n" + "".join(f"{n},Uredan nalaz broj {n} pluća.\n" for n in range(50))
    run_context, summary = read(context, tmp_path / "d.csv", data.encode())
    assert len(exams_of(run_context)) == 50
    assert summary.extra["rows_read"] == 50
    with pytest.raises(UsageError, match="can't be read as parquet"):
        read(context, tmp_path / "d.parquet", b"no parquet")


def test_parquet_and_delta(context, spark, tmp_path):
    rows = [spark.createDataFrame([(key, TEXT)], "exam_id string, diagnosis string") for key in ("007", "08")]
    rows[0].write.parquet(str(tmp_path / "d.parquet"))
    rows[1].write.format("delta").save(str(tmp_path / "table"))
    run_context = context(input=[str(tmp_path / "d.parquet"), str(tmp_path / "table")])
    summary = stage_diagnoses.run(run_context)
    assert exams_of(run_context) == {hashed(run_context, key): TEXT for key in ("007", "08")}
    assert [about["format"] for about in summary.extra["files"]] == ["parquet", "delta"]


def test_wrong_header_names_what_was_found_and_expected_and_writes_nothing(context, tmp_path):
    for name, data in (("d.csv", "sifra;nalaz\n1;x\n"), ("d.json", '{"sifra": 1, "nalaz": "x"}\n'), ("e.csv", "")):
        with pytest.raises(UsageError, match=r"found columns .*expected exam_id, diagnosis"):
            read(context, tmp_path / name, data.encode())
    with pytest.raises(UsageError, match="not found"):
        stage_diagnoses.run(context(input=[str(tmp_path / "none.csv")]))
    assert not context().tables.exists("exams")


def test_nothing_left_is_an_error_and_writes_nothing(context, tmp_path):
    with pytest.raises(StageError, match="too_short: 1"):
        read(context, tmp_path / "d.csv", b"exam_id,diagnosis\n1,abc\n")
    assert not context().tables.exists("exams")


def test_names_of_columns_are_settings_and_keys_stay_raw_without_deidentification(context, tmp_path):
    config = load_config(
        ["demo.yml"],
        ["diagnoses.exam_id_column=broj", "diagnoses.diagnosis_column=nalaz", "deidentify.enabled=false"],
    )
    run_context, _ = read(
        context, tmp_path / "d.csv", f"broj\tnalaz\n0042\t{TEXT} dr. Ivo Ivić\n".encode(), config=config
    )
    assert exams_of(run_context) == {"0042": f"{TEXT} dr. ***"}


def test_an_unchanged_file_leaves_the_table_as_it_is(context, tmp_path):
    data = f"exam_id,diagnosis\n1,{TEXT}\n2,x\n".encode()
    run_context, first = read(context, tmp_path / "d.csv", data)
    version = run_context.tables.version("exams")
    _, second = read(context, tmp_path / "d.csv", data)
    assert run_context.tables.version("exams") == version
    assert second.rows == first.rows == {"exams": 1, "dropped": 1}
    read(context, tmp_path / "d.csv", data + f"3,{TEXT}\n".encode())
    assert run_context.tables.version("exams") == version + 1


def test_keys_that_met_no_instance_are_explained(context, spark, tmp_path):
    base = context()
    raw = {"00123": "CT", "120000": "MR", "A7": "CT", "5": "CR", "unasked": "CT"}
    columns = TABLES["instances"].columns
    rows = [
        tuple(
            {"sop_instance_uid": key, "path": key, "exam_id": hashed(base, key), "modality": modality}.get(c)
            for c in columns
        )
        for key, modality in raw.items()
    ]
    base.tables.overwrite("instances", spark.createDataFrame(rows, TABLES["instances"].ddl))
    keys = ["123", "1.2E+05", "A7", "0005", "nobody", " 00123 ", "1.23457E+11"]
    data = "exam_id,diagnosis\n" + "".join(f"{key},{TEXT}\n" for key in keys)
    _, summary = read(context, tmp_path / "d.csv", data.encode())
    assert summary.extra["exam_keys"] == 7
    assert summary.extra["met"] == 2
    assert summary.extra["met_by_modality"] == {"CT": 2}
    assert summary.extra["unmet"] == {"exponent": 1, "lost_zeros": 1, "padding": 1, "rounded_exponent": 1, "unknown": 1}
