"""The cohort on tables made by hand."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from radnet_spark.cohort import stage_cohort
from radnet_spark.cohort.frames import marked_instances
from radnet_spark.config import load_config
from radnet_spark.errors import StageError
from radnet_spark.schemas import TABLES

CONFIG = load_config(["demo.yml"], ["cohort.min_candidates=4", "cohort.max_instances_per_exam=3"])


def write(tables: Any, rows: list[dict[str, Any]], diagnosed: list[str] = ()) -> None:
    """Writes the tables that the stage reads; a row: uid, exam, patient, modality, exported, body_part."""
    spark = tables.spark
    named = {
        "instances": [
            {**dict.fromkeys(TABLES["instances"].columns), "sop_instance_uid": r["uid"], "exam_id": r["exam"],
             "patient_key": r["patient"], "modality": r["modality"]}
            for r in rows
        ],
        "images": [
            {**dict.fromkeys(TABLES["images"].columns), "sop_instance_uid": r["uid"]}
            for r in rows
            if r.get("exported", True)
        ],
        "body_parts": [
            {"sop_instance_uid": r["uid"], "original": None, "body_part": r.get("body_part"), "rule": None}
            for r in rows
        ],
        "exams": [{"exam_id": exam, "diagnosis": "nalaz uredan"} for exam in diagnosed],
    }  # fmt: skip
    for name, values in named.items():
        tables.overwrite(name, spark.createDataFrame(values, TABLES[name].ddl))


def instances(modality: str, exams: int, each: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {
            "uid": f"{modality}.{e}.{i}",
            "exam": f"{modality}{e}",
            "patient": f"P{modality}{e // 2}",
            "modality": modality,
            **more,
        }
        for e in range(exams)
        for i in range(each)
    ]


def test_each_loss_has_its_reason_and_modalities_are_equal(tables: Any, context: Callable[..., Any]) -> None:
    rows = instances("CT", 6, 2) + instances("MR", 5, 1) + instances("XA", 1, 2)
    rows += instances("NM", 2, 1) + instances("DX", 1, 1)
    rows += [{"uid": f"big.{i}", "exam": "big", "patient": "Q", "modality": "CR"} for i in range(4)]
    rows += [{"uid": "n", "exam": "n", "patient": "N", "modality": "CT", "exported": False}]
    rows += [{"uid": "t", "exam": "t", "patient": "T", "modality": "CR", "body_part": "TEST"}]
    write(tables, rows, diagnosed=["CT1", "CT4"])
    summary = stage_cohort.run(context(config=CONFIG))
    kept = tables.read("cohort").collect()
    assert Counter(row["modality"] for row in kept) == {"CT": 5, "MR": 5, "XA": 2}
    assert {"CT1", "CT4"} <= {row["exam_id"] for row in kept}
    assert summary.dropped == {"exam_too_large": 4, "modality": 3, "not_exported": 1, "over_quota": 7, "test_image": 1}
    dropped = tables.read("dropped").collect()
    assert len(kept) + len(dropped) == len(rows)
    assert summary.rows == {"cohort": 12, "dropped": 16}
    assert any(note.startswith("XA has 2 candidates, fewer than 4") for note in summary.notes)
    assert summary.extra["by_modality"]["NM"] == {"modality": 2}


def test_exams_over_the_limit_can_be_sampled(tables: Any, context: Callable[..., Any]) -> None:
    write(tables, instances("CT", 3, 5))
    config = load_config(["demo.yml"], ["cohort.over_limit=sample", "cohort.max_instances_per_exam=3"])
    stage_cohort.run(context(config=config))
    assert Counter(row["exam_id"] for row in tables.read("cohort").collect()) == {"CT0": 3, "CT1": 3, "CT2": 3}


def test_dx_counts_as_cr_by_a_setting(tables: Any, context: Callable[..., Any]) -> None:
    write(tables, instances("DX", 2, 1))
    with pytest.raises(StageError, match="modality: 2"):
        stage_cohort.run(context(config=CONFIG))
    assert not tables.exists("cohort")
    stage_cohort.run(context(config=load_config(["demo.yml"], ["cohort.dx_as_cr=true"])))
    assert {row["modality"] for row in tables.read("cohort").collect()} == {"CR"}


def test_patients_stay_together_and_parts_do_not_change_when_data_are_added(
    tables: Any, context: Callable[..., Any]
) -> None:
    rows = instances("CT", 80, 1) + instances("MR", 60, 2)
    patient = {row["uid"]: row["patient"] for row in rows}
    write(tables, rows[:150])
    stage_cohort.run(context(config=CONFIG))
    before = {row["exam_id"]: row["split"] for row in tables.read("cohort").collect()}
    write(tables, rows + instances("CR", 50, 2))
    summary = stage_cohort.run(context(config=CONFIG))
    after = tables.read("cohort").collect()
    parts: dict[str, set[str]] = {}
    for row in after:
        parts.setdefault(patient.get(row["sop_instance_uid"], row["exam_id"]), set()).add(row["split"])
    assert all(len(found) == 1 for found in parts.values())
    assert all(before.get(row["exam_id"], row["split"]) == row["split"] for row in after)
    assert sum(summary.extra["parts"].values()) == len(after)
    assert any("no diagnoses" in note for note in summary.notes)


def random_archive(chance: random.Random, name: str) -> list[dict[str, Any]]:
    """Patients with exams with instances; a quarter of the instances name nobody."""
    rows = []
    for exam in range(chance.randint(1, 12)):
        patient = f"{chance.randint(0, 9)}.{name}"
        for number in range(chance.randint(1, 4)):
            key = f"{exam}.exam.{name}"
            nobody = number > 0 and chance.random() < 0.25
            rows.append({"uid": f"{key}.{number}", "exam": key, "patient": key if nobody else patient, "named": patient,
                         "modality": chance.choice(["CT", "MR", "NM"])})  # fmt: skip
    return rows


def test_what_is_added_to_an_archive_changes_no_part(tables: Any) -> None:
    """Sixty archives by chance, each with any share of its instances added later."""
    chance = random.Random(3)
    rows = [row for number in range(60) for row in random_archive(chance, f"a{number}")]
    first = {row["exam"]: row for row in reversed(rows)}  # that of an exam that names its patient
    early = [row for row in rows if chance.random() < 0.5 or row is first[row["exam"]]]
    patient = {row["uid"]: row["named"] for row in rows}
    parts = []
    for there in (early, rows):
        write(tables, there)
        named = (tables.read(name) for name in ("instances", "images", "body_parts", "exams"))
        marked = marked_instances(*named, CONFIG.cohort).select("sop_instance_uid", "exam_id", "split").collect()
        parts.append({row["exam_id"]: row["split"] for row in marked})
        of_patient = {(patient[row["sop_instance_uid"]], row["split"]) for row in marked}
        assert len(of_patient) == len({name for name, _ in of_patient})
    assert parts[0].items() <= parts[1].items()
    assert set(parts[1].values()) == {"train", "test", "validation"}
