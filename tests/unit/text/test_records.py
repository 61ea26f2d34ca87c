"""Rows of files, whole and broken."""

import csv
import gzip
import io
import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radnet_spark.config import load_config
from radnet_spark.errors import UsageError
from radnet_spark.text.reading import Layout
from radnet_spark.text.records import byte_lines, csv_records, json_records
from radnet_spark.text.sources import check_columns, first_lines, open_text, sources

SETTINGS = load_config([], ["diagnoses.max_row_characters=2000"]).diagnoses
LAYOUT = Layout(";", ("exam_id", "diagnosis", "time"))
HEADER = b"exam_id;diagnosis;time\n"


def csv_rows(data, layout=LAYOUT):
    lines = byte_lines(io.BytesIO(data), SETTINGS.max_row_characters)
    return [(r.line, r.reason or (r.key, r.text)) for r in csv_records(lines, layout, "cp1250", SETTINGS)]


def json_rows(data):
    lines = byte_lines(io.BytesIO(data), SETTINGS.max_row_characters)
    return [(r.line, r.reason or (r.key, r.text)) for r in json_records(lines, "cp1250", SETTINGS)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'1;a;\r\n"2";"b;""c""\n\nd";x\n', [(2, ("1", "a")), (3, ("2", 'b;"c"\n\nd'))]),
        (b"1;a\n2;b;;\n3;c;x;y\n4;d;\n",
            [(2, "wrong_columns"), (3, ("2", "b")), (4, "wrong_columns"), (5, ("4", "d"))]),
        (b'1;"open;x\n2;"b";\n3;"c";\n', [(2, "broken_quotes"), (3, ("2", "b")), (4, ("3", "c"))]),
        (b'1;"open;x\n2;b;\n3;c;', [(2, "broken_quotes"), (3, ("2", "b")), (4, ("3", "c"))]),
        (b'1;"Plu" uredna;x\n2;12" a "b";\n', [(2, ("1", '"Plu" uredna')), (3, ("2", '12" a "b"'))]),
        (b"1;a\0b;x\n\0\n \n;;\n", [(2, ("1", "a\0b")), (5, (None, None))]),
        (b"1;" + b"x" * 3000 + b";\n2;b;\n", [(2, "row_too_long"), (3, ("2", "b"))]),
        (b'1;"' + b"x\n" * 3000 + b'";\n2;b;\n', [(2, "broken_quotes"), *((n, "wrong_columns") for n in range(3, 3002)),
            (3002, "broken_quotes"), (3003, ("2", "b"))]),
        (b"1;\xe8\x9e;\n2;\xc4\x8d\xc5\xbe;\n", [(2, ("1", "čž")), (3, ("2", "čž"))]),
    ],
)  # fmt: skip
def test_csv(data, expected):
    assert csv_rows(HEADER + data) == expected


def test_lines_of_an_old_mac_and_of_no_end():
    assert csv_rows(b"exam_id;diagnosis;time\r1;a;\r2;b;") == [(2, ("1", "a")), (3, ("2", "b"))]
    assert list(byte_lines(io.BytesIO(b""), 10)) == []
    assert list(byte_lines(io.BytesIO(b"x" * 5_000_000 + b"\ny\n"), 10)) == [None, b"y\n"]


TEXT = st.text(st.characters(blacklist_characters="\r\x85\u2028", blacklist_categories=["Cs"]), max_size=20)


@given(st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=8))
def test_what_the_csv_module_writes_is_read(rows):
    written = io.StringIO()
    csv.writer(written, delimiter=";", lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([LAYOUT.columns, *rows])
    read = [found for _, found in csv_rows(written.getvalue().encode())]
    assert read == [(key or None, text or None) for key, text, _ in rows]


def test_one_open_quote_in_a_large_file_costs_one_row_and_little_time():
    lines = [b'%d;"Uredan nalaz broj %d";\n' % (n, n) for n in range(40_000)]
    lines[20_000] = b'20000;"Uredan nalaz;\n'
    begin = time.perf_counter()
    rows = csv_rows(HEADER + b"".join(lines))
    assert time.perf_counter() - begin < 10
    assert len(rows) == 40_000
    assert [row for row in rows if isinstance(row[1], str)] == [(20_002, "broken_quotes")]


@pytest.mark.parametrize("line", [b'1;"a\n', b'"\n', b'1;"a";"b\n', b'1;""";\n'])
def test_a_file_of_open_quotes_ends(line):
    begin = time.perf_counter()
    csv_rows(HEADER + line * 5_000)
    assert time.perf_counter() - begin < 20


def test_json():
    good = {"exam_id": "1", "diagnosis": "a\nb", "other": 5}
    data = [
        json.dumps(good).encode(), b"{broken", b'["x"]', b'{"exam_id": 007, "diagnosis": 1.50}', b"",
        b'{"exam_id": null, "diagnosis": ["a"]}', b'{"exam_id": true}', b"[" * 100_000, b"[" * 1500,
        b'{"exam_id": "\0x"}',
        '{"exam_id": "č"}'.encode("cp1250"),
    ]  # fmt: skip
    assert json_rows(b"\xef\xbb\xbf" + b"\n".join(data)) == [
        (1, ("1", "a\nb")), (2, "no_json"), (3, "no_json"), (4, ("007", "1.50")), (6, (None, '["a"]')),
        (7, ("true", None)), (8, "row_too_long"), (9, "no_json"), (10, ("\0x", None)), (11, ("č", None)),
    ]  # fmt: skip


def test_sources_of_a_folder(tmp_path: Path):
    for name in ("b.csv", "a.jsonl", "_SUCCESS", ".hidden", "sub/c.csv.gz", "table/_delta_log/0.json", "p.parquet/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = [(Path(s.path).relative_to(tmp_path).as_posix(), s.kind) for s in sources([str(tmp_path)])]
    assert found == [
        ("a.jsonl", "json"),
        ("b.csv", "csv"),
        ("p.parquet/x", "csv"),
        ("sub/c.csv.gz", "csv"),
        ("table", "delta"),
    ]
    assert [s.kind for s in sources([str(tmp_path / "p.parquet"), str(tmp_path / "b.csv")])] == ["parquet", "csv"]
    (tmp_path / "parts").mkdir()
    with pytest.raises(UsageError, match="empty folder"):
        sources([str(tmp_path / "parts")])
    (tmp_path / "parts" / "part-0.parquet").write_bytes(b"")
    assert [s.kind for s in sources([str(tmp_path / "parts")])] == ["parquet"]
    (tmp_path / "parts" / "gone.csv").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="can't be listed"):
        sources([str(tmp_path / "parts")])
    with pytest.raises(UsageError, match="not found"):
        sources([str(tmp_path / "none.csv")])


def test_compressed_files(tmp_path: Path):
    path = tmp_path / "d.csv.gz"
    path.write_bytes(gzip.compress(HEADER + b"1;a;\n"))
    (source,) = sources([str(path)])
    check_columns(source, SETTINGS)
    with open_text(source.path) as file:
        assert file.read() == HEADER + b"1;a;\n"
    path.write_bytes(b"no gzip")
    with pytest.raises(UsageError, match="can't be read"):
        first_lines(source, SETTINGS)
