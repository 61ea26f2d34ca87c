"""Filters of tags, on rows whose outcome is known."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from radnet_spark.tags.preparation import TagPolicy, flatten
from radnet_spark.tags.selection import MAX_DISTINCT, STEPS, Statistics, kept_after, select

POLICY = TagPolicy.load(include_modality_tags=False)


def _counted(tag_maps):
    statistics = Statistics()
    for tags in tag_maps:
        statistics.add(flatten(tags, POLICY))
    return statistics


def _decide(tag_maps):
    return {d.source: d for d in select(_counted(tag_maps), POLICY, 0.2, 2, 50)}


def test_filters_in_their_order():
    rows = [
        {"SOPInstanceUID": f"1.{n}", "KVP": str(80 + n), "Manufacturer": "AB"[n % 2], "Rows": "512",
         "DetectorType": f"type {n}", "StudyDescription": "a" if n % 2 else "b"} for n in range(100)
    ]  # fmt: skip
    for n in range(15):
        rows[n]["EchoTime"] = str(n)
    found = _decide(rows)
    assert {source: d.reason for source, d in found.items()} == {
        "SOPInstanceUID": "identifier", "KVP": None, "Manufacturer": None, "Rows": "distinct_values",
        "DetectorType": "too_many_categories", "StudyDescription": "natural_language", "EchoTime": "fill_rate",
    }  # fmt: skip
    assert (found["KVP"].kind, found["KVP"].minimum, found["KVP"].maximum) == ("continuous", 80.0, 179.0)
    assert (found["Manufacturer"].kind, found["Manufacturer"].categories) == ("categorical", ("A", "B"))
    left = kept_after(list(found.values()))
    assert list(left) == ["all", *STEPS]
    assert (left["all"], left["fill_rate"], left["distinct_values"], left["modality_tag"]) == (7, 6, 5, 2)


def test_a_numeric_tag_full_of_text_is_categorical():
    found = _decide([{"KVP": "120"}, {"KVP": "high"}, {"KVP": "nan"}])["KVP"]
    assert found.fill_rate == 2 / 3
    assert (found.kind, found.categories, found.reason) == ("categorical", ("120", "high"), None)


def test_a_tag_that_never_has_a_value_is_decided_on_as_well():
    statistics = _counted([{"KVP": "1"}, {"KVP": "2"}])
    statistics.add(flatten({"EchoTime": "", "PatientID": "***"}, POLICY), ["EchoTime", "PatientID"])
    found = {d.source: (d.fill_rate, d.distinct_values, d.reason) for d in select(statistics, POLICY, 0.2, 2, 50)}
    assert found == {"KVP": (2 / 3, 2, None), "EchoTime": (0, 0, "fill_rate"), "PatientID": (0, 0, "fill_rate")}


def test_negative_zero_is_zero():
    assert _decide([{"KVP": "0"}, {"KVP": "-0"}, {"KVP": "-0.0"}])["KVP"].reason == "distinct_values"


def test_distinct_values_are_bounded():
    found = _decide([{"KVP": str(n)} for n in range(MAX_DISTINCT + 50)])["KVP"]
    assert (found.distinct_values, found.reason, found.maximum) == (MAX_DISTINCT, None, MAX_DISTINCT + 49.0)


@given(
    st.lists(st.dictionaries(st.sampled_from(["KVP", "Manufacturer", "Rows"]), st.sampled_from(["1", "2", "x"]))),
    st.integers(0, 10),
)
def test_merged_counts_are_those_of_all_rows(rows, cut):
    whole, left, right = _counted(rows), _counted(rows[:cut]), _counted(rows[cut:])
    for source, counts in right.by_source.items():
        left.merge(source, counts)
    assert left.by_source == whole.by_source
