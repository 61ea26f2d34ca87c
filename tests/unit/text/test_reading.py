"""Encoding, delimiter and header of diagnosis files; keys and times in them."""

import pytest

from radnet_spark.config import load_config
from radnet_spark.errors import UsageError
from radnet_spark.text.keys import near_misses, trimmed
from radnet_spark.text.reading import census, csv_layout, decoded, file_format, json_columns
from radnet_spark.text.times import sortable_time

SETTINGS = load_config().diagnoses
CROATIAN = ["Pluća, šake, žarište", "Čeljust, Đon, ŠAKA, ŽENA"]


@pytest.mark.parametrize(
    ("codec", "name"), [("utf-8", "UTF-8"), ("cp1250", "windows-1250"), ("iso8859-2", "ISO-8859-2")]
)
def test_encoding(codec, name):
    counted = census(line.encode(codec) for line in ["ascii", *CROATIAN])
    assert counted.encoding == name
    assert not counted.notes
    assert [decoded(line.encode(codec), counted.single_byte_encoding) for line in CROATIAN] == CROATIAN


@pytest.mark.parametrize("codec", ["cp1250", "iso8859-2"])
def test_a_mixed_file_is_flagged_and_each_line_is_read_as_what_it_is(codec):
    lines = [line.encode("utf-8") for line in CROATIAN * 2] + [line.encode(codec) for line in CROATIAN]
    counted = census(lines)
    assert counted.encoding == "UTF-8"
    assert "2 lines are" in counted.notes[0]
    assert [decoded(line, counted.single_byte_encoding) for line in lines] == CROATIAN * 3


def test_a_damaged_line_stays_utf_8():
    line = CROATIAN[0].encode("utf-8") + b"\xc5"
    counted = census([line])
    assert (counted.encoding, counted.damaged, counted.single_byte) == ("UTF-8", 1, 0)
    assert decoded(line, "windows-1250") == CROATIAN[0] + "\ufffd"


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_delimiter_is_the_one_under_which_the_names_stand(mark):
    layout = csv_layout("f", [f'"a, b; c"{mark}exam_id{mark} diagnosis '.encode()], "UTF-8", SETTINGS)
    assert layout.delimiter == mark
    assert layout.columns == ("a, b; c", "exam_id", "diagnosis")


def test_wrong_header():
    with pytest.raises(UsageError, match="found columns sifra, tekst; expected exam_id, diagnosis"):
        csv_layout("f", [b"sifra;tekst"], "UTF-8", SETTINGS)
    with pytest.raises(UsageError, match="save the sheet as CSV"):
        csv_layout("f", [b"PK\x03\x04\x14\x00"], "utf-8", SETTINGS)
    with pytest.raises(UsageError, match="UTF-16"):
        csv_layout("f", ["exam_id,diagnosis".encode("utf-16")], "windows-1250", SETTINGS)


def test_a_line_of_excel_names_the_delimiter():
    layout = csv_layout("f", [b"\xef\xbb\xbfsep=^\r\n", b"exam_id^diagnosis\r\n"], "UTF-8", SETTINGS)
    assert (layout.delimiter, layout.columns, layout.header_lines) == ("^", ("exam_id", "diagnosis"), 2)


def test_json_columns():
    assert json_columns("f", [b'\xef\xbb\xbf{"b": 1}', b"", b"[1]", b'{"a": "x"', b'{"a": 007}']) == ["a", "b"]
    with pytest.raises(UsageError, match="no JSON objects"):
        json_columns("f", [b"[1]", b"x"])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", "csv"),
        ("a.CSV.gz", "csv"),
        ("a.jsonl", "json"),
        ("x.y.json.bz2", "json"),
        ("a.parquet", "parquet"),
        ("a", "csv"),
    ],
)
def test_file_format(name, kind):
    assert file_format(name) == kind


def test_keys():
    assert trimmed(" 007\0 ") == "007"
    assert trimmed("  ") is None
    assert trimmed(None) is None


@pytest.mark.parametrize(
    ("damaged", "key", "reason"),
    [
        ("123", "00123", "lost_zeros"),
        ("1.2E+05", "120000", "exponent"),
        ("1,2E+05", "00120000", "exponent"),
        ("42.0", "42", "exponent"),
        ("00042", "42", "padding"),
        ("A 12", "A12", "padding"),
        ("'77", "77", "padding"),
    ],
)
def test_near_misses(damaged, key, reason):
    assert (reason, key) in list(near_misses(damaged))


def test_near_misses_are_few_and_never_the_key_itself():
    for key in ("1E+999999999", "abc", "1.2.840.113619.2", "5", "1e5", "٣"):
        found = [candidate for _, candidate in near_misses(key)]
        assert len(found) == len(set(found)) < 40
        assert key not in found


def test_times_sort():
    texts = ["1.3.2015.", "02.03.2015 08:00", "2015-03-02T09:30", "2. 3. 2015. 10:00:01", "20150303", None, "nepoznato"]
    keys = [sortable_time(text) for text in texts]
    assert keys == sorted(keys)
    assert keys[-1] == keys[-2] > sortable_time("31.12.2999")
    assert sortable_time("2015-03-02T10:00+02:00") == sortable_time("2.3.2015 08:00")
