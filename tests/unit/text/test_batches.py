"""What the workers do with Arrow batches, without Spark."""

import json
from dataclasses import asdict

import pyarrow as pa

from radnet_spark.config import load_config
from radnet_spark.text import frames, frames_of_files, pipeline
from radnet_spark.text.stemming import TextRules, prepared, stems, words

CONFIG = load_config()
RULES = TextRules.of(CONFIG.text)
JSON = json.dumps(asdict(RULES))
TEXTS = ["Pluća uredna, pluća b.o.", "", "!?", "Bubrezi, bubreg: 3x4 cm", "pluća"]


def test_stems_of_a_slice_of_words():
    whole = pa.RecordBatch.from_pylist([{"n": n, "words": words(text, RULES)} for n, text in enumerate(TEXTS)])
    for batch in (whole, whole.slice(1, 3), whole.slice(4), whole.slice(2, 0)):
        (made,) = pipeline._add_stems([batch], JSON)
        assert made.column("stems").to_pylist() == [stems(TEXTS[n], RULES) for n in batch.column("n").to_pylist()]


def test_texts_are_prepared_and_no_text_stays_none():
    (made,) = pipeline._prepare([pa.RecordBatch.from_pylist([{"diagnosis": text} for text in [*TEXTS, None]])], JSON)
    assert made.column("text").to_pylist() == [*(prepared(text, RULES) for text in TEXTS), None]


def test_tasks_share_the_rows_of_a_file(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("exam_id,diagnosis\n" + "".join(f"{n},t{n}\n" for n in range(7)) + "x\n", encoding="utf-8")
    layout = json.dumps({"delimiter": ",", "columns": ["exam_id", "diagnosis"], "header_lines": 1})
    plans = [
        {"file": 1, "part": part, "parts": 3, "path": str(path), "kind": "csv", "single_byte": "windows-1250",
         "layout": layout}
        for part in range(3)
    ]  # fmt: skip
    made = list(frames_of_files._raw_rows([pa.RecordBatch.from_pylist(plans)], CONFIG.diagnoses))
    rows = sorted((row["row"], row["exam_key"], row["reason"]) for batch in made for row in batch.to_pylist()[:8])
    assert [row[0] for row in rows] == list(range(2, 10))
    assert rows[-1] == (9, None, "wrong_columns")
    assert all(batch.num_rows >= 2 for batch in made)
    assert frames_of_files.parts_of(0, 8) == frames_of_files.parts_of(1000, 8) == 1
    assert frames_of_files.parts_of(10**9, 8) == 8


def test_census_and_a_file_that_is_gone(tmp_path):
    path = tmp_path / "d.csv"
    path.write_bytes("exam_id,diagnosis\n1,žuto\n".encode("iso8859-2"))
    files = pa.RecordBatch.from_pylist([{"file": 1, "path": str(path)}, {"file": 2, "path": str(tmp_path / "none")}])
    one, two = (batch.to_pylist()[0] for batch in frames_of_files._censuses([files], 1000))
    assert one == {"file": 1, "single_byte": 1, "multibyte": 0, "damaged": 0, "c1": 0, "iso_carons": 1}
    assert two["single_byte"] == 0


def test_rows_are_cleaned_in_the_worker():
    rows = [
        {"file": 1, "row": 2, "exam_key": " 7 ", "text": " dr. Ana Anić\0 ", "time": "jučer", "reason": None},
        {"file": 1, "row": 3, "exam_key": None, "text": None, "time": " ", "reason": "no_json"},
    ]
    (made,) = frames._clean([pa.RecordBatch.from_pylist(rows)], None, True)
    first, second = made.to_pylist()
    assert first == {
        "file": 1, "row": 2, "raw_key": "7", "exam_id": "7", "text": "dr. ***", "time": "9999", "reason": None,
        "odd_time": True, "odd_text": True,
    }  # fmt: skip
    assert (second["exam_id"], second["text"], second["odd_time"], second["odd_text"]) == (None, None, False, False)
