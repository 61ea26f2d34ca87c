"""Numbers of texts for the report, against counts by hand."""

from radnet_spark.schemas import TABLES
from radnet_spark.text.frames_of_numbers import losses, text_lengths, vocabulary_sizes


def test_numbers(spark):
    exams = spark.createDataFrame([("a", "12345"), ("b", "šđ"), ("c", "1234567")], TABLES["exams"].ddl)
    stems = [("a", ["x"] * 4), ("b", ["x", "y"]), ("c", [])]
    tokens = spark.createDataFrame(stems, "exam_id string, stems array<string>")
    lengths = {row["unit"]: row for row in text_lengths(exams, tokens).collect()}
    assert (lengths["characters"]["texts"], lengths["characters"]["mean"]) == (3, 14 / 3)
    assert (lengths["characters"]["quantiles"][0], *lengths["characters"]["quantiles"][3::3]) == (2, 5, 7)
    assert (lengths["words"]["mean"], lengths["words"]["quantiles"][-1]) == (2.0, 4)
    sizes = {row["min_count"]: (row["words"], row["share"]) for row in vocabulary_sizes(tokens, (1, 5, 9)).collect()}
    assert sizes == {1: (2, 1.0), 5: (1, 5 / 6), 9: (0, 0.0)}
    rows = [("diagnoses", "k", "exam", "blank", None, None), ("images", "i", "instance", "no_window", None, None)]
    dropped = spark.createDataFrame(rows, TABLES["dropped"].ddl)
    assert [tuple(row) for row in losses(dropped).collect()] == [("diagnoses", "blank", 1)]
