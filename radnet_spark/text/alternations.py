"""What changes inside Croatian words when they are inflected: rules before and after the stemmer of `stemming`.

Before it, a form that the stemmer would misread is replaced by one of the same word that it reads well (`bubrezi` by
`bubreg`, `viši` by `visok`); after it, letters that alternate at a stem's end become one. What can be listed is in
`conf/text_hr.yml`, section `stemming`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from radnet_spark.config import load_rules

_VOWELS = frozenset("aeiou")
_SOFT_ENDINGS = frozenset(["i", "eg", "ega", "em", "emu", "im", "a", "e", "oj", "u", "om", "ih", "ima"])
_ONLY_SOFT_ENDINGS = frozenset({"eg", "ega", "emu"})
_DEVOICED = str.maketrans("bdgzž", "ptksš")
_DJ = re.compile("(?<!^a)(?<!^o)(?<!^na)(?<!^po)dj(?=[aiou])|dj(?=e[ngr])")  # not in odjaviti, odjel, vidjela
_JAT = re.compile("(?<=[^aeiou])ije(?=[^aeiou])")


@dataclass(frozen=True)
class Alternations:
    """The section `stemming` of `conf/text_hr.yml`, ready for look-up.

    Attributes:
        words: word → the form that is stemmed instead.
        word_endings: ending of a word → ending of the form that is stemmed instead.
        comparatives: stem of a comparative → its positive.
        bare_comparatives: the same without marks, where most are words of their own (`niza`, `teza`, `mladi`).
        stem_endings: ending of the stemmer's stem → ending of the stem.
    """

    words: Mapping[str, str]
    word_endings: Mapping[str, str]
    comparatives: Mapping[str, str]
    bare_comparatives: Mapping[str, str]
    stem_endings: Mapping[str, str]

    def readable(self, word: str) -> str:
        """The form of the same word that the stemmer reads well; mostly the word itself."""
        word = _DJ.sub("đ", word)
        listed = self.words.get(word)
        if listed:
            return listed
        return self._positive(word) or _replaced(word, self.word_endings) or _long_dative(word)

    def settled(self, stem: str) -> str:
        """The stem with alternating letters made one."""
        stem = _replaced(stem, self.stem_endings) or stem
        return _jat(_velar(_without_at_it(stem)))

    def _positive(self, word: str) -> str | None:
        compared = word.removeprefix("naj")
        for length in (1, 2, 3):
            ending, stem = compared[-length:], compared[:-length]
            if ending in _SOFT_ENDINGS and stem in self.bare_comparatives:
                sure = ending in _ONLY_SOFT_ENDINGS or compared != word
                return (self.bare_comparatives if sure else self.comparatives).get(stem)
        return None


@cache
def alternations() -> Alternations:
    """The rules of `conf/text_hr.yml`."""
    data = load_rules("text_hr.yml")
    marks = str.maketrans(data["folded"])
    rules = data["stemming"]
    om = {f"{root}{form}": f"{root}oma" for root in rules["latin_om"] for form in ("om", "ome", "omu")}
    words, endings, comparatives, stem_endings = (
        {key.translate(marks): value for key, value in table.items()} | table
        for table in (rules["words"], rules["word_endings"] | om, rules["comparatives"], rules["stem_endings"])
    )
    return Alternations(words, endings, rules["comparatives"], comparatives, stem_endings)


def _replaced(word: str, endings: Mapping[str, str]) -> str | None:
    for length in range(min(len(word), 12), 1, -1):
        ending = endings.get(word[-length:])
        if ending is not None:
            return word[:-length] + ending
    return None


def _long_dative(word: str) -> str:
    """`gustome`, `gustomu` as `gustom`: the stemmer knows these endings after k, n, v only."""
    return word[:-1] if word.endswith(("ome", "omu")) and len(word) > 5 else word


def _without_at_it(stem: str) -> str:
    """Without -at, -it, which the stemmer takes for infinitives in some forms of a noun (`infiltrat`, `osteofit`)."""
    if stem.endswith(("at", "it")) and len(stem) > 5 and stem[-3] not in _VOWELS:
        return stem[:-2]
    return stem


def _velar(stem: str) -> str:
    """One letter where sibilarisation makes k a c: after a consonant, which is voiceless then."""
    if len(stem) > 3 and stem[-1] in "kc":
        before = stem[-2]
        if before not in _VOWELS:
            if before in "dt" and stem[-3] in _VOWELS:
                return stem[:-2] + "c"
            return stem[:-2] + before.translate(_DEVOICED) + "c"
    return stem


def _jat(stem: str) -> str:
    """`tijelo` and `tjelesni`, `bijel` and `bjelji`: one vowel."""
    return _JAT.sub("je", stem)
