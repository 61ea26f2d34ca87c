"""What happens in the hospital: one exam after another, each decided by the seed and its number alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from radnet_spark.demo.chance import mistype, pick, plain, rules, weighted
from radnet_spark.demo.people import Patient, patient

_EXAMS, _OFFSETS = 2, 3  # streams of random numbers
# The additive recurrence R2 (M. Roberts, 2018): spreads modality and part evenly however many exams there are.
_STEPS = (0.7548776662466927, 0.5698402909980532)
_LARGE_EXAM, _LARGE_FROM, _LARGE_INSTANCES = 1000, 2000, 60
_RETURNING, _NORMAL, _VAGUE, _STRAY = 0.15, 0.38, 0.16, 0.04


@dataclass(frozen=True, slots=True)
class Exam:
    """One exam and the generator that decides everything else about it.

    Attributes:
        index: Number of the exam, from 0.
        accession: AccessionNumber; empty for a few.
        study_uid: StudyInstanceUID.
        machine: Entry of `conf/demo_equipment.yml`.
        body_part_examined: As the machine writes it; empty for 40 %.
        descriptions: StudyDescription, ProtocolName, RequestedProcedureDescription; null where absent.
    """

    index: int
    rng: np.random.Generator
    modality: str
    part: str
    pathology: str
    instances: int
    accession: str
    study_uid: str
    taken: datetime
    patient: Patient
    machine: Mapping[str, Any]
    body_part_examined: str
    descriptions: Mapping[str, str | None]


def uid(seed: int, *names: object) -> str:
    """A valid UID (PS3.5 B.2) that depends on the arguments alone."""
    text = "/".join(map(str, (seed, *names)))
    return f"2.25.{int.from_bytes(hashlib.blake2b(text.encode(), digest_size=15).digest(), 'big')}"


def plan_exam(seed: int, index: int, exams: int) -> Exam:
    """Decides modality, part, pathology, patient, machine and descriptions of exam `index` of `exams`."""
    hospital, rng = rules("demo_hospital.yml"), np.random.default_rng((seed, _EXAMS, index))
    modality, part = _modality_and_part(seed, index)
    fewest, most = hospital["modalities"][modality]["instances"]
    instances = int(rng.integers(fewest, most + 1))
    if index == _LARGE_EXAM and exams >= _LARGE_FROM:
        instances = _LARGE_INSTANCES
    number = max(0, index - int(rng.integers(1, 30))) if rng.random() < _RETURNING else index
    sick = rng.random() > _NORMAL
    machine = pick(rng, rules("demo_equipment.yml")["machines"][modality])
    taken = datetime(2009, 1, 2, 6) + timedelta(days=int(rng.integers(365 * 8)), seconds=int(rng.integers(16 * 3600)))
    return Exam(
        index=index,
        rng=rng,
        modality=modality,
        part=part,
        pathology=pick(rng, hospital["pathologies"][part]) if sick else "normal",
        instances=instances,
        accession=_accession(rng, index),
        study_uid=uid(seed, "study", index),
        taken=taken,
        patient=patient(seed, number),
        machine=machine,
        body_part_examined=_body_part_examined(rng, modality, part),
        descriptions=_descriptions(rng, modality, part),
    )


def _modality_and_part(seed: int, index: int) -> tuple[str, str]:
    modalities = rules("demo_hospital.yml")["modalities"]
    offsets = np.random.default_rng((seed, _OFFSETS)).random(2)
    first, second = ((offset + step * index) % 1.0 for offset, step in zip(offsets, _STEPS, strict=True))
    modality = weighted({name: 2 / sum(entry["instances"]) for name, entry in modalities.items()}, first)
    return modality, weighted(modalities[modality]["parts"], second)


def _accession(rng: np.random.Generator, index: int) -> str:
    kind = rng.random()
    if kind < 0.02:
        return ""
    return f"{1000 + index * 7:010d}" if kind < 0.3 else f"RIS{100000 + index * 3}"


def stray(rng: np.random.Generator, part: str, rate: float) -> str:
    """The part, or with probability `rate` one beside it: people err, and one exam often shows its neighbours."""
    return pick(rng, rules("demo_hospital.yml")["neighbours"][part]) if rng.random() < rate else part


def _body_part_examined(rng: np.random.Generator, modality: str, part: str) -> str:
    hospital = rules("demo_hospital.yml")
    if rng.random() < hospital["empty_body_part"][modality]:
        return ""
    return str(pick(rng, hospital["spellings"][stray(rng, part, _STRAY / 2)]))


def _descriptions(rng: np.random.Generator, modality: str, part: str) -> dict[str, str | None]:
    modern = modality in ("CT", "MR")
    fill = {"StudyDescription": 0.9, "ProtocolName": 0.92 if modern else 0.45, "RequestedProcedureDescription": 0.6}
    return {name: describe(rng, modality, part) if rng.random() < rate else None for name, rate in fill.items()}


def describe(rng: np.random.Generator, modality: str, part: str) -> str:
    """One description in Croatian, Latin or English: mostly of the part, at times of its neighbour or of nothing."""
    hospital = rules("demo_hospital.yml")
    if rng.random() < _VAGUE:
        return str(pick(rng, hospital["vague"]))
    language = weighted({"hr": 0.5, "la": 0.15, "en": 0.35}, rng.random())
    name = pick(rng, hospital["names"][stray(rng, part, _STRAY)][language])
    text = str(pick(rng, hospital["description_forms"][modality][language])).replace("{}", str(name))
    text = mistype(rng, text, 0.06)
    text = plain(text) if rng.random() < 0.35 else text
    return (text.upper() if rng.random() < 0.2 else text)[:64]
