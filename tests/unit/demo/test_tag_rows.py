"""Rows of tags without files: the same every time, whole where asked, and with gaps as often as planned."""

from __future__ import annotations

import pytest

from radnet_spark.config import load_rules
from radnet_spark.demo.tag_rows import planted_gaps, tag_rows

PLAN = load_rules("demo_equipment.yml")["planted_gaps"]
PLANTED = [*PLAN["random"], *PLAN["modality"]["tags"], *PLAN["vendor"]["tags"]]


@pytest.fixture(scope="module")
def complete():
    return list(tag_rows(3, range(400), complete=True))


def test_rows_are_those_of_their_exam(complete):
    last = list(tag_rows(3, range(390, 400), complete=True))
    assert last == complete[-len(last) :]
    assert 2.5 < len(complete) / 400 < 4
    assert len({row.sop_instance_uid for row in complete}) == len(complete)
    assert {row.modality for row in complete} == {"CT", "MR", "CR", "XA", "RF"}
    assert all(isinstance(text, str) for row in complete for text in row.tags.values())
    ct = next(row for row in complete if row.modality == "CT")
    assert ct.tags["ImageType"] == "ORIGINAL\\PRIMARY\\AXIAL"
    assert ct.tags["PatientAge"].endswith("Y")


def test_complete_rows_have_what_gaps_are_planted_in(complete):
    assert all(row.tags.get(name) for row in complete for name in PLANTED)
    habitual = list(tag_rows(3, range(100)))
    assert not all(row.tags.get("PatientAge") for row in habitual)


def test_gaps_are_as_frequent_as_planned(complete):
    many = complete * 8
    planted = planted_gaps(many, seed=1, whole_exams=False)
    assert set(planted.random) | set(planted.dependent) == set(PLANTED)

    def share(name, cause, values):
        rows = [row for row in planted.rows if getattr(row, cause) in values]
        return sum(name not in row.tags for row in rows) / len(rows)

    for name, cause in planted.dependent.items():
        often = set(PLAN[cause]["more_often_in"])
        rest = {getattr(row, cause) for row in many} - often
        assert share(name, cause, often) == pytest.approx(1 / 3, abs=0.05)  # odds 2 x 1/4
        assert share(name, cause, rest) == pytest.approx(0.2, abs=0.03)
    gone = sum("PatientSex" not in row.tags for row in planted.rows) / len(many)
    assert gone == pytest.approx(0.2, abs=0.02)
    assert planted_gaps(many, seed=1, whole_exams=False) == planted


def test_gaps_may_be_in_whole_exams(complete):
    states: dict[tuple[str, str], set[bool]] = {}
    for row in planted_gaps(complete, seed=1, whole_exams=True).rows:
        for name in PLANTED:
            states.setdefault((row.exam_id, name), set()).add(name in row.tags)
    assert all(len(found) == 1 for found in states.values())
    assert set.union(*states.values()) == {True, False}
