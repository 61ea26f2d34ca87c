"""The examples of `conf/text_hr.yml`, and what must stay as it is."""

import pytest

from radnet_spark.config import load_config, load_rules
from radnet_spark.text.spelling import spelling
from radnet_spark.text.stemming import TextRules, stems, words

DATA = load_rules("text_hr.yml")
RULES = TextRules.of(load_config().text)
FORMS = DATA["abbreviations"]


@pytest.mark.parametrize("section", ["measures", "levels"])
def test_examples(section):
    for text, expected in DATA[section]["examples"].items():
        assert " ".join(words(f"Vidi se {text}.", RULES)) == f"vidi se {expected}", text


@pytest.mark.parametrize("form", FORMS)
def test_each_short_form_is_written_out_with_and_without_white_space(form):
    expected = words(FORMS[form], RULES)
    plain = form.rstrip("~_")
    for written in {plain, plain.replace(" ", ""), plain.upper(), f"{plain}." if form.endswith("~") else plain}:
        assert words(f"nalaz {written} koljena", RULES) == ["nalaz", *expected, "koljena"], written
        assert words(f"({written} koljena)", RULES) == [*expected, "koljena"], written


@pytest.mark.parametrize(
    "text",
    ["dost. p", "pluća", "testb.o", "prst.", "kost. pukotina", "srca.", "sindrom", "latentno", "opet", "galon",
     "artroza",
     "posterior", "s 5 mm", "u vratu.", "a, v", "C 5", "sina.", "infarkt"],
)  # fmt: skip
def test_what_is_no_short_form_stays(text):
    assert words(text, RULES) == RULES.word_pattern.findall(text.lower())


def test_latin():
    for croatian, forms in DATA["latin"].items():
        for form in forms:
            assert stems(form, RULES) == stems(croatian, RULES), form
    for latin, written in DATA["latin_examples"].items():
        assert spelling().word(latin) == written


def test_every_rule_for_letters_is_reached():
    for pattern, instead in spelling().latin_letters:
        assert any(pattern.search(word) for word in DATA["latin_examples"]), (pattern.pattern, instead)


def test_the_paper_s_words_are_a_setting():
    rules = TextRules.of(load_config([], ["text.write_out=false"]).text)
    assert words("St. p. 3,5 cm", rules) == ["st", "p", "3", "5", "cm"]
    assert stems("hepar", rules) == ["hepar"]


def test_stop_words_are_left_out_by_name_and_none_turns_a_finding_round():
    rules = TextRules.of(load_config([], ["text.stop_word_list=croatian", "text.stop_words=[Nalaz]"]).text)
    assert words("Nalaz pluća je, kao i prije, bez promjena; nema izljeva.", rules) == [
        "pluća", "prije", "bez", "promjena", "nema", "izljeva",
    ]  # fmt: skip
    assert not {"bez", "nema", "nije", "ne", "nisu", "ni", "niti"} & set(DATA["stop_words"])


@pytest.mark.parametrize("part", ["1x", "1,5 ", "12 mm ", "st. ", "l4/", "a. ", "l. d", "x" * 50 + " ", "th ", "c"])
def test_time_grows_with_the_text_not_faster(part):
    assert words(part * 20_000, RULES) is not None
