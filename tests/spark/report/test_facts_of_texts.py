"""What the report reads of diagnoses, against counting by hand."""

from collections import Counter

import pytest

from radnet_spark.report.text_facts import read_text_facts
from radnet_spark.schemas import TABLES

STEMS = {"a": ["pluć", "pluć", "sjen"] * 3, "b": ["pluć"] * 3, "c": ["srce"] * 20, "d": []}


def test_lengths_and_frequencies(context, spark):
    tables = context().tables
    tables.overwrite("exams", spark.createDataFrame([(e, "x" * 10) for e in STEMS], TABLES["exams"].ddl))
    tables.overwrite("tokens", spark.createDataFrame(list(STEMS.items()), TABLES["tokens"].ddl))
    cohort = [(f"{exam}{n}", exam, "CT", "test" if exam == "c" else "train") for exam in STEMS for n in range(2)]
    tables.overwrite("cohort", spark.createDataFrame(cohort, TABLES["cohort"].ddl))
    found = read_text_facts(tables, {"text": {"vocabulary": 1}})
    characters, words = found.lengths
    assert (characters.unit, characters.mean) == ("characters", 10)
    assert (words.unit, words.mean, words.quantiles[0], words.quantiles[-1]) == ("words", 8, 0, 20)
    counts = Counter(stem for exam in "abd" for stem in STEMS[exam])
    assert [(row.min_count, row.words) for row in found.frequent] == [(1, 2), (5, 1)]
    assert [row.covered for row in found.frequent] == [1.0, pytest.approx(counts["pluć"] / counts.total())]
    assert found.screened == []


def test_without_tokens_nothing_is_known(context):
    assert read_text_facts(context().tables, {}).lengths == ()
