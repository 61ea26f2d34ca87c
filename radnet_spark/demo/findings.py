"""Croatian narrative diagnoses, put together from the parts in `conf/demo_findings.yml`."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from radnet_spark.demo.chance import expand, mistype, pick, plain, rules, weighted
from radnet_spark.demo.exams import Exam, stray
from radnet_spark.demo.people import physician

SHORTEST, LONGEST = 5, 300  # words
_SLOT = re.compile(r"<(\w+)>")


def diagnoses(exam: Exam) -> list[tuple[str, str]]:
    """Rows (exam key, text) of one exam: mostly one, for some none, two, or one that says next to nothing.

    The exam key is the AccessionNumber, else the StudyInstanceUID.
    """
    rng, words = exam.rng, rules("demo_findings.yml")
    key, kind = exam.accession or exam.study_uid, rng.random()
    if kind < 0.05:
        return []
    if kind < 0.07:
        return [(key, pick(rng, ["", " ", *words["too_short"]]))]
    rows = [(key, compose(rng, exam))]
    if kind < 0.1:
        rows.append((key, f"Dopuna nalaza: {pick(rng, words['short'])}"))
    return rows


def compose(rng: np.random.Generator, exam: Exam) -> str:
    """One narrative of 5 to 300 words for what the exam shows."""
    words = rules("demo_findings.yml")
    if rng.random() < 0.04:
        return str(pick(rng, words["short"]))
    target = int(np.clip(rng.lognormal(3.7, 0.75), 10, LONGEST - 20))
    sentences, count, used = _opening(rng, exam), 0, set[str]()
    part = stray(rng, exam.part, 0.04)
    while count < target:
        template, region = _sentence(rng, part)
        if template in used and rng.random() < 0.9:
            used.discard(template)
            continue
        used.add(template)
        sentences.append(_fill(rng, template, region))
        count = sum(len(sentence.split()) for sentence in sentences)
    if rng.random() < 0.05:
        sentences.append(f"{'Bolesnica' if exam.patient.sex == 'F' else 'Bolesnik'} {exam.patient.spoken}.")
    if rng.random() < 0.05:
        sentences.append(f"Očitao dr. {physician(rng).split('^')[0]}.")
    return _type(rng, " ".join(" ".join(sentences).split()[:LONGEST]))


def _opening(rng: np.random.Generator, exam: Exam) -> list[str]:
    """Technique for some, then the pathology for most, sometimes another one beside it."""
    words, sentences = rules("demo_findings.yml"), list[str]()
    if rng.random() < 0.4:
        sentences.append(_fill(rng, pick(rng, words["technique"][exam.modality]), None))
    ill = [exam.pathology] if exam.pathology != "normal" and rng.random() < 0.88 else []
    if rng.random() < 0.2:
        ill.append(str(pick(rng, rules("demo_hospital.yml")["pathologies"][exam.part])))
    for name in ill:
        sentences.append(_fill(rng, pick(rng, words["findings"][name]), region_for(rng, exam.part)))
    return sentences


def region_for(rng: np.random.Generator, part: str) -> dict[str, Any]:
    """A region that is spoken of when this part is examined, by its weight."""
    regions = rules("demo_findings.yml")["regions"]
    shares = {name: region["parts"][part] for name, region in regions.items() if part in region["parts"]}
    return dict(regions[weighted(shares, rng.random())])


def _sentence(rng: np.random.Generator, part: str) -> tuple[str, dict[str, Any] | None]:
    words, kind = rules("demo_findings.yml"), rng.random()
    if kind < 0.42:
        return str(pick(rng, words["general"])), None
    region = region_for(rng, part)
    return str(pick(rng, words["negations"] if kind < 0.55 else region["normal"])), region


def _fill(rng: np.random.Generator, template: str, region: dict[str, Any] | None) -> str:
    """Takes the alternatives of a template and fills its slots."""
    fillers = rules("demo_findings.yml")["fillers"]

    def slot(match: re.Match[str]) -> str:
        name = match[1]
        if name == "place" and region:
            return _fill(rng, pick(rng, region["places"]), None)
        if name == "number":
            return str(int(rng.integers(2, 10)))
        return str(int(rng.integers(2, 7))) if name == "digit" else str(pick(rng, fillers[name]))

    return _SLOT.sub(slot, expand(rng, template))


def _type(rng: np.random.Generator, text: str) -> str:
    """How the text was typed: errors, no Croatian letters, all lower case or all capitals."""
    text = mistype(rng, text, float(rng.choice([0.0, 0.01, 0.04])))
    if rng.random() < 0.13:
        text = plain(text)
    style = rng.random()
    return text.lower() if style < 0.08 else text.upper() if style > 0.96 else text
