"""Words and stems of a Croatian text in plain Python.

The Spark NLP pipeline (`pipeline`) gives the same for every text. Stems are those of Ljubešić and Pandžić's refinement
of Ljubešić, Boras and Kubelka, "Retrieving Information in Croatian" (2007), by the package croatian-stemmer, between
rules for what changes inside words (`alternations`) and for what people write in many ways (`spelling`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from typing import Any

import croatian_stemmer

from radnet_spark.config import Text, load_rules
from radnet_spark.text.alternations import alternations
from radnet_spark.text.spelling import spelling

_MARKS = re.compile("[\u0300-\u036f]")
_DIGIT = re.compile("[0-9]")


@dataclass(frozen=True)
class TextRules:
    """How a text becomes stems.

    Attributes:
        word_characters: inside of a regular expression's `[...]`, the same in Python and Java.
        max_word_length: characters; longer runs are left out.
        digraphs: single code point → letters, as pairs.
        folded: letter with a mark → without; empty: stems keep their marks.
        stop_words: words that are left out, prepared as texts are.
        write_out: whether lengths, levels, short forms and Latin words get one spelling (`spelling`).
    """

    word_characters: str
    max_word_length: int
    digraphs: tuple[tuple[str, str], ...]
    folded: tuple[tuple[str, str], ...]
    stop_words: tuple[str, ...]
    write_out: bool

    @classmethod
    def of(cls, settings: Text) -> TextRules:
        """The rules of `conf/text_hr.yml` under the settings of the section `text`."""
        data = load_rules("text_hr.yml")
        folded = data["folded"] if settings.fold_diacritics else {}
        rules = cls(
            data["word_characters"], data["max_word_length"], tuple(data["digraphs"].items()), tuple(folded.items()),
            (), settings.write_out,
        )  # fmt: skip
        listed = data["stop_words"] if settings.stop_word_list == "croatian" else []
        stop_words = {word for entry in [*listed, *settings.stop_words] for word in words(entry, rules)}
        return cls(**{**asdict(rules), "stop_words": tuple(sorted(stop_words))})

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> TextRules:
        """The inverse of `dataclasses.asdict` and JSON."""
        pairs = {name: tuple((a, b) for a, b in data[name]) for name in ("digraphs", "folded")}
        return cls(**{**data, **pairs, "stop_words": tuple(data["stop_words"])})

    @cached_property
    def word_pattern(self) -> re.Pattern[str]:
        """Matches the longest runs of word characters."""
        return re.compile(f"[{self.word_characters}]+")

    @cached_property
    def stop_set(self) -> frozenset[str]:
        """The stop words for look-up."""
        return frozenset(self.stop_words)


def prepared(text: str, rules: TextRules) -> str:
    """The text in lower case and Unicode NFC, digraphs and what `spelling` knows written out, stray marks removed."""
    text = _composed(text, rules)
    return spelling().text(text) if rules.write_out else text


def _composed(text: str, rules: TextRules) -> str:
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())
    for digraph, letters in rules.digraphs:
        text = text.replace(digraph, letters)
    return _MARKS.sub("", text)


def words(text: str, rules: TextRules) -> list[str]:
    """The words of a text in order: runs of word characters, without stop words and overlong runs."""
    found = rules.word_pattern.findall(prepared(text, rules))
    return [word for word in found if len(word) <= rules.max_word_length and word not in rules.stop_set]


def stem(word: str, rules: TextRules) -> str:
    """The stem of one word; words with digits and those longer than `max_word_length` are their own stem.

    It has letters or digits where the word has. A stem is no word: the stem of a stem may be another.
    """
    word = _composed(word, rules)
    return _stem(word, rules.folded, rules.write_out) if len(word) <= rules.max_word_length else word


def stems(text: str, rules: TextRules) -> list[str]:
    """The stems of a text, in order."""
    return [_stem(word, rules.folded, rules.write_out) for word in words(text, rules)]


TOKENS = {"stems": stems, "words": words}


def stem_lines(lines: Iterable[str], settings: Text) -> Iterator[dict[str, Any]]:
    """One `{"text", "stems"}` a line, as they come; line ends are no part of a text."""
    rules = TextRules.of(settings)
    for line in lines:
        text = line.rstrip("\r\n")
        yield {"text": text, "stems": stems(text, rules)}


@lru_cache(maxsize=1 << 18)
def _stem(word: str, folded: tuple[tuple[str, str], ...], write_out: bool) -> str:
    """Words come again and again, so that the cost goes with the distinct ones."""
    if _DIGIT.search(word):
        return word
    rules = alternations()
    read = spelling().word(word) if write_out else word
    stem = rules.settled(croatian_stemmer.stem(rules.readable(read)))
    for marked, plain in folded:
        stem = stem.replace(marked, plain)
    return stem
