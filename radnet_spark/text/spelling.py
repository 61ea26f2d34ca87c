"""One spelling for what people write in many ways: lengths, levels of vertebrae, short forms, Latin words.

The rules are in `conf/text_hr.yml`, each section with its examples. All of them are ours: the paper says nothing of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from radnet_spark.config import load_rules

_NUMBER = "[0-9]{1,6}(?:[.,][0-9]{1,6})?"
_BETWEEN = r"\s?[x×*/–-]\s?"
_LONGEST_LATIN = 40  # letters


@dataclass(frozen=True)
class Spelling:
    """The rules, ready for use.

    Attributes:
        lengths: finds numbers before a unit of length.
        factors: unit → mm.
        glued: finds a unit that is written to its number.
        levels: finds two vertebrae by one prefix, or a prefix apart from its number.
        abbreviations: finds short forms.
        written_out: short form without white space and final marks → words.
        latin: Latin word → Croatian one.
        latin_marks: finds what Croatian words don't have.
        latin_letters: pattern and what stands instead, in order.
    """

    lengths: re.Pattern[str]
    factors: Mapping[str, int]
    glued: re.Pattern[str]
    levels: re.Pattern[str]
    abbreviations: re.Pattern[str]
    written_out: Mapping[str, str]
    latin: Mapping[str, str]
    latin_marks: re.Pattern[str]
    latin_letters: tuple[tuple[re.Pattern[str], str], ...]

    def text(self, text: str) -> str:
        """A lower-case text in NFC with lengths in mm, levels by one word each, and short forms written out."""
        text = self.abbreviations.sub(self._write_out, text)
        if any(digit in text for digit in "0123456789"):
            text = self.levels.sub(_levels, text)
            text = self.lengths.sub(self._in_mm, text)
            text = self.glued.sub(r"\1 \2", text)
        return text

    def word(self, word: str) -> str:
        """The Croatian word for a Latin one, or the word as Croatian would write it; mostly the word itself."""
        known = self.latin.get(word)
        if known is not None:
            return known
        if 5 <= len(word) <= _LONGEST_LATIN and self.latin_marks.search(word):
            for pattern, instead in self.latin_letters:
                word = pattern.sub(instead, word)
        return word

    def _write_out(self, found: re.Match[str]) -> str:
        return f" {self.written_out[_bare(found[0])]} "

    def _in_mm(self, found: re.Match[str]) -> str:
        factor = self.factors[found[2]]
        return " ".join([*(_whole(number, factor) for number in re.findall(_NUMBER, found[1])), "mm"])


@cache
def spelling() -> Spelling:
    """The rules of `conf/text_hr.yml`."""
    data = load_rules("text_hr.yml")
    measures, prefixes, forms = data["measures"], "|".join(data["levels"]["prefixes"]), data["abbreviations"]
    lengths, units = "|".join(measures["lengths"]), "|".join(sorted(measures["units"], key=len, reverse=True))
    level = "[1-9][0-9]?(?![0-9])"
    return Spelling(
        re.compile(rf"(?<![\w.,])({_NUMBER}(?:{_BETWEEN}{_NUMBER}){{0,2}})\s{{0,2}}({lengths})(?!\w)"),
        measures["lengths"],
        re.compile(rf"(?<![\w.,])({_NUMBER})({units})(?!\w)"),
        re.compile(rf"(?<!\w)(?:({prefixes})\s?({level})\s?[/–-]\s?({level})(?!\w)|(th)\s({level}))"),
        re.compile(rf"(?<!\w)(?:{'|'.join(_form(form) for form in sorted(forms, key=len, reverse=True))})"),
        {_bare(form): words for form, words in forms.items()},
        {word: croatian for croatian, words in data["latin"].items() for word in words},
        re.compile(data["latin_marks"]),
        tuple((re.compile(pattern), instead) for pattern, instead in data["latin_letters"]),
    )


def _form(form: str) -> str:
    """`st. p~` as an expression: white space may lack, `~` is a point that may lack, `_` asks for a word after it."""
    sure, open_end = form.rstrip("~_"), form.endswith("~")
    spaced = r"\s?".join(re.escape(part) for part in sure.split(" "))
    end = r"(?:\.|(?!\w))" if open_end else r"(?!\w)" if sure[-1].isalpha() else ""
    return spaced + end + (r"(?=\s?[^\W\d_]{3})" if form.endswith("_") else "")


def _bare(form: str) -> str:
    return "".join(form.split()).rstrip("~_.")


def _levels(found: re.Match[str]) -> str:
    return f"{found[4]}{found[5]}" if found[4] else f"{found[1]}{found[2]} {found[1]}{found[3]}"


def _whole(number: str, factor: int) -> str:
    value = Decimal(number.replace(",", ".")) * factor
    return str(value.quantize(Decimal(1), ROUND_HALF_UP))
