"""Names in sentences as hospitals write them, by lists that the masker was not written from."""

import random
import re
from pathlib import Path

import pytest
import yaml

from radnet_spark.config import load_rules
from radnet_spark.demo.exams import plan_exam
from radnet_spark.demo.findings import diagnoses
from radnet_spark.demo.people import Patient
from radnet_spark.text.masking import masked
from radnet_spark.text.names import is_known, names

LISTS = yaml.safe_load((Path(__file__).parent / "persons.yml").read_text(encoding="utf-8"))
KNOWN = load_rules("names_hr.yml")
FOLD = str.maketrans("čćšžđČĆŠŽĐ", "ccszdCCSZD")


def case(name, number):
    """A name in a case: 1 nominative, 2 genitive, 3 dative, 5 instrumental."""
    if name.endswith("a"):
        return name[:-1] + {1: "a", 2: "e", 3: "i", 5: "om"}[number]
    stem = name[:-1] if name[-1] in "oe" else name
    stem = stem + "j" if name.endswith("io") else stem
    if name.endswith(("ar", "ac", "ec")) and name in ("Petar", "Posavec", "Kranjčec", "Vugrinec", "Međimurec"):
        stem = name[:-2] + name[-1]
    soft = stem[-1] in "čćđšžjc"
    return name if number == 1 else stem + {2: "a", 3: "u", 5: "em" if soft else "om"}[number]


def person(given, surname, number, woman):
    return f"{case(given, number)} {surname if woman and not surname.endswith('a') else case(surname, number)}"


def sentences(kind, seed):
    """(sentence, parts of the name that must be gone, whether a list knows the given name)."""
    rng = random.Random(seed)
    for _ in range(60):
        for template in LISTS[kind]:
            woman = rng.random() < 0.5
            given, surname = rng.choice(LISTS["women" if woman else "men"]), rng.choice(LISTS["surnames"])

            def fill(match, given=given, surname=surname, woman=woman):
                what, number = match[1], int(match[2])
                named = person(given, surname, number, woman)
                return {"N": named, "R": " ".join(reversed(named.split(" "))), "S": named.split(" ")[-1]}[what]

            text = re.sub("<([NRS])([1-5])>", fill, template)
            parts = [surname[:4]] if "<S" in template else [surname[:4], given[:3]]
            if rng.random() < 0.2:
                text, parts = text.translate(FOLD), [part.translate(FOLD) for part in parts]
            if kind == "capitals":
                text, parts = text.upper(), [part.upper() for part in parts]
            yield text, parts, given in KNOWN["given"]


def recall(kind, seed=1):
    found = [
        (not any(re.search(rf"\b{part}\w+", masked(text)) for part in parts), known)
        for text, parts, known in sentences(kind, seed)
    ]
    return sum(ok for ok, _ in found) / len(found)


@pytest.mark.parametrize(
    ("kind", "least"), [("titled", 0.99), ("untitled", 0.98), ("surname_first", 0.98), ("capitals", 0.98)]
)
def test_recall(kind, least):
    assert recall(kind) >= least


def test_every_entry_of_the_lists_is_reached_once():
    lists = names()
    for key in ("given", "surnames", "eponyms", "never", "words_as_well"):
        entries = [str(entry).translate(FOLD).lower() for entry in KNOWN[key]]
        assert sorted(entries) == sorted(set(entries)), key
    assert [name for name in KNOWN["given"] if not lists.is_given(name, sure=False)] == []
    assert [name for name in KNOWN["surnames"] if not lists.is_surname(name) or is_known(name)] == []
    assert [name for key in ("eponyms", "never") for name in KNOWN[key] if not is_known(str(name).strip("="))] == []
    assert [word for word in KNOWN["words_as_well"] if not lists.is_given(str(word), sure=False)] == []


def test_every_word_that_announces_a_person_is_reached():
    groups = {key: group for key, group in load_rules("titles_hr.yml").items() if isinstance(group, dict)}
    assert set(groups) == {"kin", "role", "does", "label", "several", "present"}
    for key, group in groups.items():
        for words, example in group.items():
            assert re.fullmatch(words, example), example
            assert re.search(r"\*\*\*$", masked(f"Tako {example} Ivo Marić")), (key, example)


@pytest.mark.parametrize("kind", ["eponyms", "places"])
def test_what_names_no_person_stays(kind):
    assert [masked(text) for text in LISTS[kind]] == LISTS[kind]


def test_diagnoses_without_persons_stay(monkeypatch):
    monkeypatch.setattr(Patient, "spoken", property(lambda self: "urednog općeg stanja"))
    monkeypatch.setattr("radnet_spark.demo.findings.physician", lambda rng: "x")
    texts = [text for n in range(300) for _, text in diagnoses(plan_exam(1, n, 300))]
    changed = [
        text for text in texts if masked(text).count("***") > text.lower().count("očitao") + text.count("ocitao")
    ]
    assert changed == []
