import hashlib
import logging
import os
import warnings
import zipfile
from io import BytesIO

import pytest
from pydicom import dcmread

from radnet_spark.dicom.deidentify import exam_id, remap_uid
from radnet_spark.dicom.header import read_header
from radnet_spark.dicom.instance import IngestSettings, parse_instance, quiet, read_instance
from radnet_spark.schemas import TABLES

KEY = b"k" * 32
SETTINGS = IngestSettings(KEY, False, frozenset({"anonymous", "hr-778899"}), 3650, False, 1024, True)
OPEN = IngestSettings(None, False, frozenset(), 3650, False, 1024, False)


def parse(data, settings=SETTINGS):
    return parse_instance(BytesIO(data), len(data), settings)


def test_columns_are_those_of_the_table(ct_bytes):
    row = parse(ct_bytes)
    listed = {"path", "file_size", "modification_time", "ingest_hash"}
    exported = {"image", "height", "width", "frame", "drop_reason", "drop_detail", "export_hash"}
    assert set(row) == (set(TABLES["ingest_staging"].columns) - listed - exported)
    assert row["reason"] is None
    assert row["sha256"] == hashlib.sha256(ct_bytes).hexdigest()


def test_values_without_deidentification(ct_bytes):
    row, header = parse(ct_bytes, OPEN), dcmread(BytesIO(ct_bytes))
    for column, keyword in {
        "sop_instance_uid": "SOPInstanceUID", "sop_class_uid": "SOPClassUID", "study_instance_uid": "StudyInstanceUID",
        "series_instance_uid": "SeriesInstanceUID", "modality": "Modality", "rows": "Rows", "columns": "Columns",
        "photometric_interpretation": "PhotometricInterpretation", "exam_id": "StudyInstanceUID",
        "patient_key": "PatientID",
    }.items():  # fmt: skip
        assert row[column] == header[keyword].value, column
    assert (row["sha256"], row["number_of_frames"]) == (None, None)
    assert row["transfer_syntax_uid"] == header.file_meta.TransferSyntaxUID
    assert row["tags"]["PatientName"] == str(header.PatientName)
    assert (row["header_complete"], row["pixels_intact"], row["decodable"], row["has_pixels"]) == (True,) * 4


def test_identifiers_are_hashed(header, dicom_bytes):
    row = parse(dicom_bytes(header))
    assert row["sop_instance_uid"] == remap_uid("1.2.3.4.1.1", KEY) == row["tags"]["SOPInstanceUID"]
    assert row["exam_id"] == exam_id("0042", None, KEY)
    assert row["patient_key"] == row["exam_id"]  # the PatientID is a placeholder
    assert row["requested_procedure_description"] == "torax , dr."
    assert "horvat" not in str(row).lower()


def test_headers_that_pydicom_converts_as_a_whole_are_counted_however_they_were_read(header, dicom_bytes):
    assert not parse(dicom_bytes(header))["judged"]
    header.RequestAttributesSequence[0].RequestedProcedureDescription = "knee \x1b(B"  # a change of characters
    data = dicom_bytes(header)
    assert parse(data)["judged"]
    assert not read_header(BytesIO(data), len(data)).judged


def test_silence_lasts_until_the_last_thread_has_left():
    logger = logging.getLogger("pydicom")
    level, filters = logger.level, list(warnings.filters)
    first, second = quiet(), quiet()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert logger.level > logging.CRITICAL
    assert warnings.filters[0][0] == "ignore"
    second.__exit__(None, None, None)
    assert (logger.level, warnings.filters) == (level, filters)


@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID"])
@pytest.mark.parametrize("empty", [True, False])
def test_what_the_standard_requires(header, dicom_bytes, keyword, empty):
    if empty:
        setattr(header, keyword, "")
    else:
        delattr(header, keyword)
    row = parse(dicom_bytes(header))
    assert (row["reason"], row["detail"]) == ("missing_required", keyword)


def test_an_identifier_that_de_identification_leaves_out_is_missing(header, dicom_bytes):
    data = dicom_bytes(header).replace(b"\x08\x00\x18\x00UI", b"\x08\x00\x18\x00PN")
    row = parse(data)
    assert (row["reason"], row["detail"]) == ("missing_required", "SOPInstanceUID")


def test_a_request_that_is_no_sequence_is_no_request(header, dicom_bytes):
    del header.RequestAttributesSequence
    header.add_new(0x00400275, "LO", "abc")
    assert parse(dicom_bytes(header))["reason"] is None


def test_missing_modality_is_no_reason(header, dicom_bytes):
    del header.Modality
    row = parse(dicom_bytes(header))
    assert (row["reason"], row["modality"], row["header_complete"]) == (None, None, False)


def test_stripped_pixels_are_not_intact(ct_bytes):
    dataset = dcmread(BytesIO(ct_bytes))
    del dataset.PixelData
    target = BytesIO()
    dataset.save_as(target)
    row = parse(target.getvalue())
    assert (row["reason"], row["has_pixels"], row["pixels_intact"]) == (None, False, False)


def test_files_and_members(tmp_path, ct_bytes):
    plain, archive = tmp_path / "a b", tmp_path / "a.zip"
    plain.write_bytes(ct_bytes)
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("x/y", ct_bytes)
    rows = [read_instance(path, 1, SETTINGS) for path in (str(plain), f"{archive}!/x/y")]
    assert rows[0] == rows[1]
    assert rows[0]["reason"] is None


def test_what_cant_be_opened(tmp_path):
    archive = tmp_path / "bad.zip"
    archive.write_bytes(b"PK\3\4 broken")
    assert read_instance(str(tmp_path / "gone"), 3, SETTINGS)["reason"] == "unreadable"
    assert read_instance(str(tmp_path / "link"), None, SETTINGS)["reason"] == "unreadable"
    row = read_instance(str(archive), os.path.getsize(archive), SETTINGS)
    assert (row["reason"], row["detail"]) == ("unreadable", "no readable zip archive")


def test_an_archive_within_an_archive_is_said(tmp_path):
    with zipfile.ZipFile(tmp_path / "inner.zip", "w") as inner:
        inner.writestr("a", "text")
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as outer:
        outer.write(tmp_path / "inner.zip", "in/inner.zip")
    row = read_instance(f"{tmp_path / 'outer.zip'}!/in/inner.zip", 1, SETTINGS)
    assert (row["reason"], row["detail"]) == ("unreadable", "an archive within an archive")


def test_a_dicom_file_may_be_called_zip(tmp_path, ct_bytes):
    (tmp_path / "odd.zip").write_bytes(ct_bytes)
    assert read_instance(str(tmp_path / "odd.zip"), len(ct_bytes), SETTINGS)["reason"] is None


def test_settings_never_show_the_key():
    assert "k" * 8 not in repr(SETTINGS)
