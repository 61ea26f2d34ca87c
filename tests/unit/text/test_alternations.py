"""The entries of the section `stemming`: each is needed."""

import croatian_stemmer
import pytest

from radnet_spark.config import load_rules
from radnet_spark.text.alternations import alternations

DATA = load_rules("text_hr.yml")
RULES = DATA["stemming"]


@pytest.mark.parametrize("table", ["words", "word_endings"])
def test_no_entry_replaces_a_form_that_the_stemmer_reads_as_well(table):
    known = alternations().word_endings
    bare = {form.translate(str.maketrans(DATA["folded"])) for form in RULES[table] if not form.isascii()}
    idle = {
        form
        for form, instead in RULES[table].items()
        if croatian_stemmer.stem(form) == croatian_stemmer.stem(instead)
        and croatian_stemmer.stem(f"vel{form}") == croatian_stemmer.stem(f"vel{instead}")
        and form not in bare  # it keeps words from the bare spelling of another entry
        and not any(form[start:] in known for start in range(1, len(form)))  # and here from a shorter one
    }
    assert not idle


def test_no_stem_ending_keeps_what_it_replaces():
    guards = {"zeluc", "bazen"}
    assert {ending for ending, instead in RULES["stem_endings"].items() if ending == instead} == guards


@pytest.mark.parametrize(
    ("word", "read"),
    [
        ("bubrezima", "bubreg"),
        ("najvišega", "visok"),
        ("najteza", "tešk"),
        ("teza", "teza"),
        ("hematomu", "hematoma"),
        ("medju", "među"),
        ("odjel", "odjel"),
        ("odjava", "odjava"),
        ("gustomu", "gustom"),
        ("dijagnozi", "dijagnozi"),
        ("trombusi", "trombusi"),
    ],
)
def test_readable(word, read):
    assert alternations().readable(word) == read


@pytest.mark.parametrize(
    ("stem", "settled"),
    [
        ("kralješk", "kralješc"),
        ("vrabc", "vrapc"),
        ("tijel", "tjel"),
        ("infiltrat", "infiltr"),
        ("brat", "brat"),
        ("rak", "rak"),
    ],
)
def test_settled(stem, settled):
    assert alternations().settled(stem) == settled
