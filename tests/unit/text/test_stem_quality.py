"""Stems of inflected words of radiology against their lemmas, beside the plain stemmer of Ljubešić and Pandžić.

Pair F1: over all pairs of distinct forms, positives are the pairs of one lemma, predictions the pairs of one stem. The
forms and lemmas are a grammar's (`croatian_paradigms`): an adjective's forms have the adjective as lemma, a noun and
the adjective made of it are two lemmas.
"""

import hashlib
from collections import Counter

import croatian_stemmer
import pytest
from croatian_paradigms import TABLE, paradigms, unambiguous

from radnet_spark.config import load_config
from radnet_spark.text.stemming import TextRules, stem

FOLDING = TextRules.of(load_config([], ["text.fold_diacritics=true"]).text)
MARKED = TextRules.of(load_config([], ["text.fold_diacritics=false"]).text)
BARE = str.maketrans("čćšžđ", "ccszd")
ROWS = [tuple(line.split("\t")) for line in TABLE.read_text(encoding="utf-8").splitlines()]
BLIND = [  # by an author who did not know the rules, and written after them; none was changed for it
    tuple(line.split("\t")[:2]) for line in TABLE.with_name("unseen_forms.tsv").read_text(encoding="utf-8").splitlines()
]
UNSEEN = [row for row in ROWS if int(hashlib.sha256(row[1].encode()).hexdigest(), 16) % 3 == 0]


def pair_scores(rows, stem_of):
    """Precision, recall and F1 of the pairs."""
    stems, lemmas, both = Counter(), Counter(), Counter()
    for form, lemma in rows:
        found = stem_of(form)
        stems[found] += 1
        lemmas[lemma] += 1
        both[found, lemma] += 1
    right, predicted, positive = (sum(n * (n - 1) // 2 for n in c.values()) for c in (both, stems, lemmas))
    return right / predicted, right / positive, 2 * right / (predicted + positive)


def test_pair_scores_by_hand():
    rows = [("zglob", "zglob"), ("zgloba", "zglob"), ("zglobni", "zglobni"), ("vrat", "vrat")]
    stems = {"zglob": "a", "zgloba": "a", "zglobni": "a", "vrat": "b"}
    assert pair_scores(rows, stems.get) == (1 / 3, 1, 0.5)


def test_the_table_is_what_the_declension_classes_give():
    assert unambiguous(paradigms()) == ROWS
    assert len(ROWS) == len({form for form, _ in ROWS}) > 8000


@pytest.mark.parametrize("rows", [ROWS, UNSEEN], ids=["all", "unseen third"])
@pytest.mark.parametrize("rules", [FOLDING, MARKED], ids=["folding", "with marks"])
def test_forms_of_a_lemma_meet_and_others_do_not(rows, rules):
    precision, recall, f1 = pair_scores(rows, lambda form: stem(form, rules))
    assert min(precision, recall) > 0.98
    assert f1 > pair_scores(rows, croatian_stemmer.stem)[2] + 0.04


def test_forms_of_another_author_meet_as_well():
    assert len(BLIND) == len({form for form, _ in BLIND}) == 3563
    precision, recall, f1 = pair_scores(BLIND, lambda form: stem(form, FOLDING))
    assert min(precision, recall) > 0.97
    assert f1 > 0.98 > pair_scores(BLIND, croatian_stemmer.stem)[2] + 0.08


def test_forms_without_marks_meet_those_with():
    rows = sorted({*ROWS, *((form.translate(BARE), lemma) for form, lemma in ROWS)})
    assert pair_scores(rows, lambda form: stem(form, FOLDING))[2] > 0.97


@pytest.mark.parametrize(
    "forms",
    [
        "pluća plućima pluca",
        "plućni plućnih plucnog",
        "kralježak kralješka kralješci kralježaka kraljezak",
        "zglob zgloba zglobovi zglobova",
        "zglobni zglobna zglobnoga",
        "šaka šaci saka",
        "noga nozi nogama",
        "ruka ruci",
        "bubreg bubrezi bubrezima",
        "trbuh trbuha trbusi",
        "sinusitis sinusitisa sinusitisom",
        "artroza artroze artrozi artrozama",
        "hematom hematoma hematomu hematome hematomi",
        "spondiloza spondilozi spondilozom",
        "lakat lakta laktovi",
        "nokat nokta nokti",
        "lijevi lijeva lijevoga",
        "tijelo tijela tijelom",
        "snijeg snijega snijegom",
        "rijedak rijetka rjeđi najrjeđih",
        "vrabac vrapca vrapci",
        "kostao kostala kostati",
        "pokazao pokazala pokazan pokazana pokazati pokaže",
        "prikazan prikazana prikazani",
        "prikazuje prikazuju prikazivati prikazivan",
        "vidi vide viđen vidjela vidjen",
        "vidljiv vidljiva vidljivih",
        "nož noževi nozevi",
        "visok visoka viši najvišeg",
        "širok širokog širi",
        "velik velika veći najveća",
        "djelomično djelomicno djelomična",
        "utvrđen utvrdjen utvrdjena",
        "kost kosti košću koscu",
        "kralježnica kralježnici kraljeznici",
        "bolesnik bolesnici bolesnicima",
        "režanj režnja režnjevi",
    ],
)
def test_forms_of_one_word_have_one_stem(forms):
    assert len({stem(form, FOLDING) for form in forms.split()}) == 1


@pytest.mark.parametrize(
    "words",
    [
        "noga nož",
        "pluća plućni",
        "zglob zglobni",
        "kost koštani",
        "želudac želučani",
        "lijek liječiti",
        "masa masivan",
        "kralježak kralježnica",
        "bolesnik bolesnica",
        "odjel dio",
        "niz niže",
    ],
)
def test_different_words_keep_different_stems(words):
    assert len({stem(word, MARKED) for word in words.split()}) == 2
