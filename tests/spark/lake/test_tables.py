"""Delta tables: atomic parts, merges, checks."""

from __future__ import annotations

import pytest

from radnet_spark.errors import MissingTableError, SchemaError, UsageError
from radnet_spark.lake.tables import Tables

DROPPED = "stage string, key string, key_type string, reason string, detail string, decided_on string"


def rows(frame):
    return sorted(tuple(row) for row in frame.collect())


def test_a_missing_table_names_the_command(tables):
    with pytest.raises(MissingTableError, match="radnet images"):
        tables.read("images")
    assert tables.read_or_empty("images").count() == 0


def test_a_part_is_replaced_and_the_others_stay(spark, tables):
    def part(stage, keys):
        frame = spark.createDataFrame([(stage, key, "instance", "r", "", None) for key in keys], DROPPED)
        return tables.overwrite("dropped", frame, part={"stage": stage})

    assert part("images", ["a", "b"]) == 2
    assert part("cohort", ["c"]) == 1
    assert part("images", ["d"]) == 1
    assert [row[:2] for row in rows(tables.read("dropped"))] == [("cohort", "c"), ("images", "d")]
    assert tables.written == {"dropped/stage=images": 2, "dropped/stage=cohort": 1}


def test_wrong_columns_are_refused_before_anything_is_written(spark, tables):
    with pytest.raises(SchemaError, match="diagnosis: missing"):
        tables.overwrite("exams", spark.createDataFrame([("a",)], "exam_id string"))
    assert not tables.exists("exams")


def test_merge_inserts_updates_and_deletes(spark, tables):
    def frame(pairs):
        return spark.createDataFrame(pairs, "exam_id string, diagnosis string")

    tables.merge("exams", frame([("a", "1"), ("b", "1")]), ["exam_id"])
    assert tables.merge("exams", frame([("b", "2"), ("c", "2")]), ["exam_id"]) == 2
    assert rows(tables.read("exams")) == [("a", "1"), ("b", "2"), ("c", "2")]
    tables.merge("exams", frame([("c", "3")]), ["exam_id"], delete_unmatched=True)
    assert rows(tables.read("exams")) == [("c", "3")]


def test_provenance_stands_in_the_commit(spark, tables):
    tables.provenance = '{"run": "abc"}'
    tables.overwrite("exams", spark.createDataFrame([("a", "1")], "exam_id string, diagnosis string"))
    history = spark.sql(f"DESCRIBE HISTORY delta.`{tables.path('exams')}`").collect()
    assert history[0]["userMetadata"] == '{"run": "abc"}'
    tables.provenance = '{"run": "def"}'
    tables.delete("exams", "exam_id = 'a'")
    history = spark.sql(f"DESCRIBE HISTORY delta.`{tables.path('exams')}`").collect()
    assert history[0]["userMetadata"] == '{"run": "def"}'


def test_snapshot_is_written_once_a_key_and_older_ones_go(spark, tables):
    frame = spark.range(10).repartition(2)
    first = tables.write_snapshot("train_images", frame, "one")
    assert tables.write_snapshot("train_images", spark.range(99), "one") == first
    second = tables.write_snapshot("train_images", spark.range(4), "two")
    assert all("/two/" in path for path in second)
    assert not (tables.files / "tables" / "train_images" / "one").exists()


def test_a_write_that_changes_nothing_is_nobody_elses_commit(spark, tables):
    one = spark.createDataFrame([("images", "a", "instance", "r", "", None)], DROPPED)
    tables.overwrite("dropped", one, part={"stage": "images"})
    version = tables.version("dropped")
    tables.written.clear()
    assert tables.overwrite("dropped", one.limit(0), part={"stage": "text"}) == 0
    assert (tables.version("dropped"), tables.written) == (version, {})
    tables.clear("dropped", {"stage": "text"})
    assert tables.version("dropped") == version
    tables.clear("dropped", {"stage": "images"})
    assert tables.read("dropped").isEmpty()


def holds_rows_until_all_are_deleted(spark, tables):
    one = spark.createDataFrame([("a", "1")], "exam_id string, diagnosis string")
    assert not tables.holds_rows("exams")
    for _ in range(2):
        tables.append("exams", one)
        assert tables.holds_rows("exams")
        tables.delete("exams", "exam_id = 'b' OR true")
        assert tables.read("exams").isEmpty()
        tables.append("exams", one)
        tables.delete("exams", "true")
        assert not tables.holds_rows("exams")
        assert tables.read("exams").isEmpty()


def test_a_table_holds_rows_until_all_are_deleted(spark, tables):
    holds_rows_until_all_are_deleted(spark, tables)


@pytest.fixture
def in_catalog(spark, config, tmp_path):
    """Tables in a schema of the session's catalog, files under a folder."""
    spark.sql(f"CREATE SCHEMA radnet_test LOCATION '{tmp_path / 'schema'}'")
    storage = config.storage.model_copy(update={"catalog": "spark_catalog", "schema_name": "radnet_test"})
    yield Tables(spark, str(tmp_path / "files"), storage)
    spark.sql("DROP SCHEMA radnet_test CASCADE")


def test_tables_of_a_catalog_behave_as_those_of_a_folder(spark, in_catalog):
    assert not in_catalog.exists("dropped")
    assert in_catalog.read_or_empty("dropped").isEmpty()
    for stage in ("images", "cohort", "images"):
        one = spark.createDataFrame([(stage, "a", "instance", "r", "", None)], DROPPED)
        assert in_catalog.overwrite("dropped", one, part={"stage": stage}) == 1
    assert sorted(row["stage"] for row in in_catalog.read("dropped").collect()) == ["cohort", "images"]
    assert in_catalog.version("dropped") == 2
    assert spark.table("spark_catalog.radnet_test.dropped").count() == 2

    def frame(pairs):
        return spark.createDataFrame(pairs, "exam_id string, diagnosis string")

    assert in_catalog.append("exams", frame([("a", "1"), ("b", "1")])) == 2
    assert in_catalog.merge("exams", frame([("b", "2"), ("c", "2")]), ["exam_id"]) == 2
    in_catalog.delete("exams", "exam_id = 'a'")
    assert rows(in_catalog.read("exams")) == [("b", "2"), ("c", "2")]
    in_catalog.overwrite("exams", frame([("d", "1")]))
    assert not (in_catalog.files / "tables").exists()


def test_a_table_of_a_catalog_holds_rows_until_all_are_deleted(spark, in_catalog):
    holds_rows_until_all_are_deleted(spark, in_catalog)


def test_half_a_catalog_is_wrong_usage(spark, config, tmp_path):
    storage = config.storage.model_copy(update={"catalog": "main"})
    with pytest.raises(UsageError, match="expected both or neither"):
        Tables(spark, str(tmp_path), storage)
