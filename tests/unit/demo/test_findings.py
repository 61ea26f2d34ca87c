"""Texts: their lengths, and that none of them gives the body part away."""

from __future__ import annotations

import re

import numpy as np
import pytest

from radnet_spark.config import load_rules
from radnet_spark.demo.anatomy import VIEWS
from radnet_spark.demo.chance import expand, mistype, plain, weighted
from radnet_spark.demo.exams import describe, plan_exam, stray
from radnet_spark.demo.findings import LONGEST, SHORTEST, compose, diagnoses

HOSPITAL, FINDINGS, EQUIPMENT = (load_rules(f"demo_{name}.yml") for name in ("hospital", "findings", "equipment"))
# The closed list of the authors' code, which body parts come from.
CLOSED = {
    *("ABDOMEN", "ANKLE", "ARM", "BREAST", "CAROTID", "CHEST", "CLAVICLE", "CSPINE", "ELBOW", "FINGER", "FOOT"),
    *("GITRACT", "HAND", "HEAD", "HEEL", "HIP", "KNEE", "LEG", "LSPINE", "NECK", "PELVIS", "SHOULDER", "SKULL"),
    *("TEST", "TSPINE", "URINARYTRACT", "WHOLEBODY", "WRIST"),
}


@pytest.fixture(scope="module")
def exams():
    return [plan_exam(3, index, 200) for index in range(200)]


def test_every_text_has_5_to_300_words(exams):
    lengths = [len(compose(exam.rng, exam).split()) for exam in exams]
    assert min(lengths) >= SHORTEST
    assert max(lengths) <= LONGEST
    assert max(lengths) > 4 * np.median(lengths)


def test_longest_text_is_cut_at_300_words(exams, monkeypatch):
    class Long(np.random.Generator):
        def lognormal(self, *_: object) -> float:
            return 1e6

    assert 200 < len(compose(Long(np.random.PCG64(1)), exams[0]).split()) <= LONGEST


def test_exam_key_is_accession_number_else_study_uid(exams):
    for exam in exams:
        keys = {key for key, _ in diagnoses(exam)}
        assert keys <= {exam.accession or exam.study_uid}


def test_rows_of_one_exam_vary(exams):
    rows = [diagnoses(exam) for exam in exams]
    assert {len(row) for row in rows} == {0, 1, 2}
    assert any(len(text) < 20 for row in rows for _, text in row)


def test_no_sentence_belongs_to_one_part_alone():
    for region in FINDINGS["regions"].values():
        assert len(region["parts"]) >= 2
    for part, neighbours in HOSPITAL["neighbours"].items():
        assert any(part in others for name, others in HOSPITAL["neighbours"].items() if name != part), part
        assert neighbours


def test_no_description_maps_to_one_part_alone():
    rng = np.random.default_rng(0)
    for part, beside in HOSPITAL["neighbours"].items():
        assert {stray(rng, part, 0.5) for _ in range(80)} == {part, *beside}
    texts = {plain(describe(rng, "CR", "HAND")).lower() for _ in range(1500)}
    names = [plain(name).lower() for name in HOSPITAL["names"]["WRIST"]["hr"]]
    assert any(name in text for name in names for text in texts)
    assert any(name in text for name in ("sake", "hand") for text in texts)


def test_parts_are_of_the_closed_list_and_all_can_be_drawn():
    planned = {(modality, part) for modality, entry in HOSPITAL["modalities"].items() for part in entry["parts"]}
    assert planned == set(VIEWS)
    parts = {part for _, part in planned}
    assert len(parts) >= 15
    assert parts <= CLOSED
    for table in ("pathologies", "neighbours", "spellings", "names"):
        assert set(HOSPITAL[table]) == parts, table
    assert {pathology for names in HOSPITAL["pathologies"].values() for pathology in names} == set(FINDINGS["findings"])


def test_templates_are_well_formed():
    slots = {*FINDINGS["fillers"], "place", "number", "digit"}
    sentences = [s for region in FINDINGS["regions"].values() for s in region["normal"]]
    sentences += [s for group in ("findings", "technique") for found in FINDINGS[group].values() for s in found]
    for sentence in sentences + FINDINGS["negations"] + FINDINGS["general"]:
        assert set(re.findall(r"<(\w+)>", sentence)) <= slots, sentence
        assert not re.search(r"[\[\]|]", expand(np.random.default_rng(0), sentence)), sentence


def test_machines_name_only_tags_that_can_be_missing():
    for modality, machines in EQUIPMENT["machines"].items():
        known = {*EQUIPMENT["optional"][modality], *EQUIPMENT["optional"]["all"]}
        for machine in machines:
            assert set(machine["rates"]) <= known, (machine["vendor"], set(machine["rates"]) - known)


@pytest.mark.parametrize(("at", "expected"), [(0.0, "a"), (0.24, "a"), (0.26, "b"), (0.999, "b"), (1.0, "b")])
def test_weighted_takes_the_share_that_at_falls_in(at, expected):
    assert weighted({"a": 1, "b": 3}, at) == expected


def test_typing():
    assert plain("Ćelija šđžČ") == "Celija sdzC"
    rng = np.random.default_rng(1)
    assert mistype(rng, "uredan nalaz", 0.0) == "uredan nalaz"
    assert len(mistype(rng, "kralježnica kralježnica", 1.0).split()) == 2
    assert mistype(rng, "L4/L5 a bb", 1.0) == "L4/L5 a bb"
