"""The synthetic hospital's tags without its files: rows as the table `instances` holds them, thousands a second.

For measurements that need many instances or a known truth about gaps, and no pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from radnet_spark.demo.acquisition import habits, instance_tags, series_tags
from radnet_spark.demo.anatomy import VIEWS
from radnet_spark.demo.chance import pick, rules
from radnet_spark.demo.exams import Exam, plan_exam, uid
from radnet_spark.demo.files import SOP_CLASSES
from radnet_spark.demo.rendering import Picture
from radnet_spark.demo.tissues import WEIGHTINGS

_GAPS = 7  # stream of random numbers


@dataclass(frozen=True, slots=True)
class TagRow:
    """An instance as its tags tell it.

    Attributes:
        exam_id: StudyInstanceUID.
        vendor: of the machine, also where Manufacturer is missing.
        tags: keyword → value as in a file, several values joined by a backslash.
    """

    sop_instance_uid: str
    exam_id: str
    modality: str
    vendor: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PlantedGaps:
    """Rows with gaps whose cause is known.

    Attributes:
        rows: with the gaps.
        random: tags that are missing completely at random.
        dependent: tag → `modality` or `vendor`, which its gaps depend on.
    """

    rows: list[TagRow]
    random: tuple[str, ...]
    dependent: Mapping[str, str]


def tag_rows(seed: int, exams: range, complete: bool = False) -> Iterator[TagRow]:
    """The instances of some exams of a hospital, about three each, without defects.

    Args:
        seed: of the hospital, not negative.
        exams: numbers of the exams.
        complete: write every tag that the machine has; else with the machine's habits.
    """
    for index in exams:
        yield from _exam_rows(seed, plan_exam(seed, index, exams=index + 1), complete)


def planted_gaps(rows: Iterable[TagRow], seed: int, whole_exams: bool) -> PlantedGaps:
    """Takes values out of complete rows as `planted_gaps` of `conf/demo_equipment.yml` says.

    Args:
        rows: from `tag_rows` with `complete`.
        seed: not negative.
        whole_exams: a tag is missing in all instances of an exam or in none, as where a machine is at fault; else in
            each instance by itself.
    """
    plan, rng = rules("demo_equipment.yml")["planted_gaps"], np.random.default_rng((seed, _GAPS))
    found, exam, lots = [], None, np.empty(0)
    dependent = {name: cause for cause in ("modality", "vendor") for name in plan[cause]["tags"]}
    names = [*plan["random"], *dependent]
    for row in rows:
        if not whole_exams or row.exam_id != exam:
            exam, lots = row.exam_id, rng.random(len(names))
        gone = {name for name, lot in zip(names, lots, strict=True) if lot < _share(plan, dependent.get(name), row)}
        found.append(replace(row, tags={name: text for name, text in row.tags.items() if name not in gone}))
    return PlantedGaps(found, tuple(plan["random"]), dependent)


def _share(plan: Mapping[str, Any], cause: str | None, row: TagRow) -> float:
    """How often a value is missing in such a row."""
    odds = plan["share"] / (1 - plan["share"])
    if cause and getattr(row, cause) in plan[cause]["more_often_in"]:
        odds *= plan["odds_ratio"]
    return float(odds / (1 + odds))


def _exam_rows(seed: int, exam: Exam, complete: bool) -> Iterator[TagRow]:
    rng = exam.rng
    views = VIEWS[exam.modality, exam.part]
    tags: dict[str, Any] = series_tags(exam, pick(rng, list(WEIGHTINGS)))
    side, bits = int(pick(rng, (256, 320, 512, 1024))), int(pick(rng, (8, 10, 12)))
    picture = Picture(
        np.empty((1, side, side), np.uint8), bits, None, 0.0, "MONOCHROME2", (), round(float(rng.uniform(0.2, 1.0)), 4)
    )
    tags |= {
        "SpecificCharacterSet": "ISO_IR 192", "StudyInstanceUID": exam.study_uid, "StudyID": exam.index,
        "StudyDate": f"{exam.taken:%Y%m%d}", "StudyTime": f"{exam.taken:%H%M%S}", "AccessionNumber": exam.accession,
        "Modality": exam.modality, "SOPClassUID": SOP_CLASSES[exam.modality], "Rows": side, "Columns": side,
        "BodyPartExamined": exam.body_part_examined, "BitsAllocated": 16, "BitsStored": bits, "SamplesPerPixel": 1,
        **{name: text for name, text in exam.descriptions.items() if text is not None},
    }  # fmt: skip
    absent, empty = (frozenset[str](), frozenset[str]()) if complete else habits(exam)
    for number, level in enumerate(np.sort(rng.random(exam.instances)), start=1):
        own = tags | instance_tags(exam, pick(rng, views), picture, number, float(level))
        identity = uid(seed, "instance", exam.index, number)
        own |= {"SOPInstanceUID": identity, "InstanceNumber": number}
        texts = {name: "" if name in empty else _text(own[name]) for name in sorted(own) if name not in absent}
        yield TagRow(identity, exam.study_uid, exam.modality, exam.machine["vendor"], texts)


def _text(value: Any) -> str:
    return "\\".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
