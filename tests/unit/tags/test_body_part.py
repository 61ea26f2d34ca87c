"""Body parts: every rule by its own examples, a held-out list, and the order of the sources of a value."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radnet_spark.errors import UsageError
from radnet_spark.tags.body_part import BodyPart, Rules, fold, infer, lines

RULES = Rules.load()
EVERY = (*RULES.constancy, *RULES.rules)
HELD_OUT = [
    line.split("\t")
    for line in (Path(__file__).parent / "held_out.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]


@pytest.mark.parametrize("rule", EVERY, ids=lambda rule: rule.id)
def test_each_rule_fires_for_its_examples(rule):
    modality = min(rule.modality, default=None)
    assert rule.examples
    assert {(text, infer([text], None, modality, RULES)) for text in rule.examples} == {
        (text, BodyPart(rule.part, rule.id)) for text in rule.examples
    }


def test_closed_list_has_28_parts_and_each_has_a_rule():
    assert len(set(RULES.parts)) == 28
    assert {rule.part for rule in EVERY} == set(RULES.parts)
    assert set(RULES.values.values()) <= set(RULES.parts)


def test_held_out_descriptions():
    found = [(infer([text], None, modality, RULES).body_part, part or None) for modality, text, part in HELD_OUT]
    right = sum(got == expected for got, expected in found)
    wrong = sum(got != expected and got is not None for got, expected in found)
    assert len(found) >= 100
    assert right / len(found) >= 0.95
    assert wrong / len(found) <= 0.01


@pytest.mark.parametrize(
    ("original", "part", "rule"),
    [
        ("CHEST", "CHEST", "original"),
        (" c_spne ", "CSPINE", "value.CSPNE"),
        ("UP_EXM", "ARM", "value.UPEXM"),
        ("THORAX", "CHEST", "value.THORAX"),
        ("HEART", "CHEST", "value.HEART"),
        ("KIDNEY", "URINARYTRACT", "value.KIDNEY"),
        ("LIVER", "URINARYTRACT", "value.LIVER"),
        ("BRAIN", "HEAD", "value.BRAIN"),
        ("CHESTABDPELV", "CHEST", "value.CHESTABDPELV"),
        ("ABDPELVIS", "ABDOMEN", "value.ABDPELVIS"),
        ("WHOLE BODY", "WHOLEBODY", "original"),
        ("PROSTATE", "PELVIS", "pelvis.hr"),
    ],
)
def test_present_values_are_normalised(original, part, rule):
    assert infer(["RTG koljena"], original, "CT", RULES) == (part, rule)


def test_unspecific_or_unknown_values_give_way_to_the_descriptions():
    assert infer([None, "RTG koljena"], "EXTREMITY", "CR", RULES).body_part == "KNEE"
    assert infer(["", "xyz", "CT glave"], "ANNOON", "CT", RULES).body_part == "HEAD"


def test_study_description_goes_before_protocol_and_request():
    assert infer(["RTG kuka", "koljeno", "stopalo"], None, None, RULES).body_part == "HIP"
    assert infer([None, "koljeno", "stopalo"], None, None, RULES).body_part == "KNEE"


@pytest.mark.parametrize(("text", "part"), [("koljeno i stopalo", "KNEE"), ("stopalo i koljeno", "FOOT")])
def test_the_first_named_of_several_parts_wins(text, part):
    assert infer([text], None, None, RULES).body_part == part


def test_computed_radiography_shows_bones():
    assert infer(["RTG vrata"], None, "CR", RULES) == ("CSPINE", "neck.hr+cr_neck")
    assert infer([], "HEAD", "CR", RULES) == ("SKULL", "original+cr_head")
    assert infer(["vrat"], None, "MR", RULES).body_part == "NECK"


def test_calibration_images_are_test_whatever_else_is_said():
    assert infer(["Constancy"], "HEAD", "CR", RULES) == ("TEST", "constancy.en")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("koljneo", "KNEE"),
        ("zdejlica", "PELVIS"),
        ("shouder", "SHOULDER"),
        ("lumablna kralježnica", "LSPINE"),
        ("thoorax i abdomen", "CHEST"),
        ("coronal", None),
        ("dental", "SKULL"),
        ("normal", None),
    ],
)
def test_one_typing_error_in_a_long_word_is_mended(text, part):
    assert infer([text], None, None, RULES).body_part == part


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "HFS feet first",
        "Digital radiography",
        "T1 cor",
        "SAG MPRAGE",
        "32ch head coil",
        "EPI PE=AP",
        "kralježnica",
        "Kraljevica",
        "PET CT",
        "kontrola",
        "Research protocol",
        "\x00\ud800",
    ],
)
def test_texts_without_a_part_stay_empty(text):
    assert infer([text], None, None, RULES) == (None, None)


def test_lines_take_an_optional_modality():
    assert list(lines(["CR\tRTG vrata\n", "CT vrata\n", "\n"], RULES)) == [
        {"text": "RTG vrata", "body_part": "CSPINE", "rule": "neck.hr+cr_neck"},
        {"text": "CT vrata", "body_part": "NECK", "rule": "neck.hr"},
        {"text": "", "body_part": None, "rule": None},
    ]


def test_folding():
    assert fold("Ručni ZGLOB, đon_Č/ž\u0161") == "rucni zglob don c zs"


@given(st.text(max_size=80), st.none() | st.text(max_size=20), st.none() | st.sampled_from(["CR", "CT", "??"]))
def test_any_text_gives_a_part_of_the_list_or_nothing(text, original, modality):
    found = infer([text], original, modality, RULES)
    assert found.body_part in {None, *RULES.parts}
    assert (found.body_part is None) == (found.rule is None)


def test_wrong_rules_are_named():
    data = {
        "parts": ["A"],
        "values": {},
        "unspecific": [],
        "by_modality": [],
        "endings": {"m": ["", "a"]},
        "abbreviations": {},
        "constancy": [],
        "ignored_phrases": [],
        "ignored_words": "x",
        "known_words": [],
    }
    rule = {"id": "r", "part": "B", "language": "en", "pattern": "b", "examples": ["b"]}
    with pytest.raises(UsageError, match="found part B"):
        Rules({**data, "rules": [rule]})
    with pytest.raises(UsageError, match="regular expression"):
        Rules({**data, "rules": [{**rule, "part": "A", "pattern": "("}]})
    with pytest.raises(UsageError, match="found <x>"):
        Rules({**data, "rules": [{**rule, "part": "A", "pattern": "b<x>"}]})
    with pytest.raises(UsageError, match="r twice"):
        Rules({**data, "rules": [{**rule, "part": "A"}] * 2})
