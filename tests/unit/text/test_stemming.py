"""Words and stems in plain Python."""

import json
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import croatian_stemmer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radnet_spark.config import load_config
from radnet_spark.text.stemming import TextRules, stem, stem_lines, stems, words


def rules_with(*settings):
    return TextRules.of(load_config([], settings).text)


RULES = rules_with("text.fold_diacritics=false")
FOLDING = rules_with("text.fold_diacritics=true")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \t\n…!", []),
        ("Pluća b.o., RTG: 12x3,5 mm", ["pluća", "bez", "osobitosti", "rtg", "12", "4", "mm"]),
        ("ŠAKA/Đon—ŽENA", ["šaka", "đon", "žena"]),
        (unicodedata.normalize("NFD", "kralježnica ČĆŠŽ"), ["kralježnica", "čćšž"]),
        ("Ǆep ǅep ǆep ǈeva Ǌega", ["džep", "džep", "džep", "ljeva", "njega"]),
        ("x\u030cy", ["xy"]),
        ("srce😀pluća\0jetra\u00a0slezena", ["srce", "pluća", "jetra", "slezena"]),
        ("a" * 60 + " " + "b" * 61, ["a" * 60]),
        ("c," * 50_000, ["c"] * 50_000),
    ],
)
def test_words(text, expected):
    assert words(text, RULES) == expected


def test_regular_forms_have_the_stems_of_the_package_and_digits_stay():
    text = "Plućima kralježnice zglobova 12x3 L5"
    expected = [croatian_stemmer.stem(word) for word in ("plućima", "kralježnice", "zglobova")]
    assert stems(text, RULES) == [*expected, "12x3", "l5"]


def test_folding_lets_words_without_marks_meet_those_with():
    assert stems("pluca", FOLDING) == stems("pluća", FOLDING)
    assert stems("kraljeznice", FOLDING) == stems("kralježnica", FOLDING)
    assert stems("pluca", RULES) != stems("pluća", RULES)


def test_stop_words_are_prepared_as_texts_are():
    rules = rules_with("text.stop_words=[JE, Š]")
    assert words("Srce je š veliko", rules) == ["srce", "veliko"]


@given(st.text())
def test_words_hold_word_characters_only_and_are_their_own_words(text):
    found = words(text, RULES)
    assert words(" ".join(found), RULES) == found
    assert all(word == "".join(RULES.word_pattern.findall(word)) and 0 < len(word) <= 60 for word in found)


@given(st.text())
def test_composed_and_decomposed_texts_give_the_same(text):
    assert words(unicodedata.normalize("NFD", text), RULES) == words(unicodedata.normalize("NFC", text), RULES)


@given(st.text(min_size=1))
def test_any_text_is_a_word_with_a_stem(text):
    found = stem(text, FOLDING)
    assert found == stem(unicodedata.normalize("NFD", text), FOLDING)
    if words(text, FOLDING):
        assert found


@given(st.text("abcčćdđefghijklmnoprsštuvzž", min_size=1, max_size=60))
def test_a_word_of_letters_has_a_stem_of_letters(word):
    found = stem(word, RULES)
    assert found.isalpha()
    assert len(found) >= min(2, len(word))


@pytest.mark.parametrize("word", ["a" * 100_000, "ije" * 33_333, "naj" * 33_333, "dj" * 50_000])
def test_a_run_too_long_for_a_word_is_its_own_stem(word):
    assert stem(word, RULES) == word


@pytest.mark.parametrize(("word", "same"), [("ǈudi", "ljudi"), ("Ǆepovi", "džepovi"), ("PLUĆA", "pluća")])
def test_a_word_need_not_be_prepared(word, same):
    assert stem(word, RULES) == stem(same, RULES)


def test_rules_survive_json():
    rules = rules_with("text.stop_words=[je]")
    assert TextRules.from_json(json.loads(json.dumps(asdict(rules)))) == rules


def test_threads_agree():
    many = [f"pluć{ending}" for ending in ("a", "ima", "ni", "noj", "e")] * 200
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda word: stem(word, RULES), many)) == [stem(word, RULES) for word in many]


def test_stem_lines_streams():
    lines = iter(["Pluća uredna\n", "\r\n"])
    produced = stem_lines(lines, load_config([], ["text.fold_diacritics=false"]).text)
    assert next(produced) == {"text": "Pluća uredna", "stems": stems("Pluća uredna", RULES)}
    assert next(produced) == {"text": "", "stems": []}
