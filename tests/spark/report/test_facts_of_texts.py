"""What the report reads of diagnoses, against counting by hand."""

import json
from collections import Counter

import pytest

from radnet_spark.report.text_facts import read_text_facts
from radnet_spark.schemas import TABLES

STEMS = {"a": ["pluć", "pluć", "sjen"] * 3, "b": ["pluć"] * 3, "c": ["srce"] * 20, "d": []}


def test_lengths_and_frequencies(context, spark):
    tables = context().tables
    tables.overwrite("exams", spark.createDataFrame([(e, "x" * 10) for e in STEMS], TABLES["exams"].ddl))
    tables.overwrite("tokens", spark.createDataFrame([(e, s, s) for e, s in STEMS.items()], TABLES["tokens"].ddl))
    cohort = [(f"{exam}{n}", exam, "CT", "test" if exam == "c" else "train") for exam in STEMS for n in range(2)]
    tables.overwrite("cohort", spark.createDataFrame(cohort, TABLES["cohort"].ddl))
    found = read_text_facts(tables, {"text": {"vocabulary": 1}})
    characters, words = found.lengths
    assert (characters.unit, characters.mean) == ("characters", 10)
    assert (words.unit, words.mean, words.quantiles[0], words.quantiles[-1]) == ("words", 8, 0, 20)
    counts = Counter(stem for exam in "abd" for stem in STEMS[exam])
    assert [(row.min_count, row.words) for row in found.frequent] == [(1, 2), (5, 1)]
    assert [row.covered for row in found.frequent] == [1.0, pytest.approx(counts["pluć"] / counts.total())]
    assert (found.screened, found.stems_or_words) == ([], [])


def test_the_report_compares_the_last_grid_s_stems_with_its_words(context, spark):
    tables = context().tables
    tables.overwrite("tokens", spark.createDataFrame([("a", ["pluć"], ["pluća"])], TABLES["tokens"].ddl))
    cells = [
        (stage, f"{tokens}{seed}", seed, json.dumps({"model": "pv_dbow", "tokens": tokens}), seed, "done",
         None, {"S": s, "k": 5.0}, 1.0, tokens == "stems" and seed == 1)
        for tokens, scores in {"stems": (0.6, 0.5, 0.1), "words": (0.4, 0.45, 0.1)}.items()
        for seed, s in enumerate(scores, start=1)
        for stage in ("text", "screen-diagnosis")
        if stage != "text" or seed < 3  # the third was judged of an earlier grid
    ]  # fmt: skip
    tables.overwrite("grid_cells", spark.createDataFrame(cells, TABLES["grid_cells"].ddl))
    found = read_text_facts(tables, {"text": {"cells": 4}})
    ((row,),) = [found.stems_or_words]
    assert (row.pairs, row.ahead, row.stems[0], row.words[0]) == (2, 2, pytest.approx(0.55), pytest.approx(0.425))
    assert row.gain == (pytest.approx(0.125), pytest.approx(0.15 / 2**0.5))  # of 0.2 and 0.05
    assert [model.settings for model in found.screened] == ["tokens stems, seed 1"]
    assert read_text_facts(tables, {"text": {"cells": 1}}).stems_or_words == []  # the grid was another run's


def test_without_tokens_nothing_is_known(context):
    assert read_text_facts(context().tables, {}).lengths == ()
