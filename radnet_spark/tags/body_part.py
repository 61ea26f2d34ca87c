"""Body part of an instance from BodyPartExamined (0018,0015) and its descriptions.

The rules are data (`conf/body_parts.yml`); this module folds texts, finds the first named part and says which rule
fired. Source: arXiv 2308.08517 appendix C.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import yaml

from radnet_spark.config import rules_text
from radnet_spark.errors import UsageError
from radnet_spark.tags.naming import Rule, RuleSearch, compiled
from radnet_spark.tags.spelling import Speller

_SIGNS = re.compile(r"[^a-z0-9]+")
_CASE_OF = re.compile(r"<(\w+)>")
_STEM = re.compile(r"(?<!\\)\b(\w+)<(\w+)>")
_SEAMS = re.compile(r"(?<=[^\W\d_][a-zčćđšž])(?=[A-ZČĆĐŠŽ])|(?<=[^\W\d_]{3})(?=\d)|(?<=\b[XCM][RT])(?=[A-Z]{3})")
_LONGEST = 1024  # letters that are read of a text; a description has at most 64 (PS3.5, LO), a comment 10,240 (LT)
_LETTERS = str.maketrans({"đ": "d", "ł": "l", "ø": "o", "ß": "ss", "æ": "ae"})


class BodyPart(NamedTuple):
    """A part of the closed list and the rule that gave it; None, None if nothing can be told."""

    body_part: str | None
    rule: str | None


class Rules:
    """A rules file, read once: normal values, ordered patterns, and what depends on the modality.

    Args:
        data: parsed content of `conf/body_parts.yml`.

    Raises:
        UsageError: a part outside the closed list, a doubled rule, a pattern or a class of endings that is none.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.parts: tuple[str, ...] = tuple(data["parts"])
        self.values: dict[str, str] = dict(data["values"])
        self.unspecific = frozenset(data["unspecific"])
        self.by_modality: tuple[Mapping[str, Any], ...] = tuple(data["by_modality"])
        self._endings: dict[str, list[str]] = dict(data["endings"])
        self._full = {short: word for word, forms in data["abbreviations"].items() for short in forms}
        self.constancy = tuple(self._rule(item) for item in data["constancy"])
        self.rules = tuple(self._rule(item) for item in data["rules"])
        self._named = RuleSearch(self.rules)
        self._calibration = RuleSearch(self.constancy)
        self._ignored = [compiled(pattern) for pattern in (*data["ignored_phrases"], data["ignored_words"])]
        every = [*self.constancy, *self.rules]
        doubled = {rule.id for rule in every if sum(rule.id == other.id for other in every) > 1}
        if doubled:
            raise UsageError(f"body-part rules: found {', '.join(sorted(doubled))} twice, expected each id once")
        self.speller = Speller(self._vocabulary(data["rules"]), known=self._known(data["known_words"]))

    @classmethod
    def load(cls, name: str = "body_parts.yml", calibration: bool = True) -> Rules:
        """Reads a file of `conf/`, or any path; without `calibration` the rules for calibration images stay out."""
        return cls.parse(rules_text(name), calibration)

    @classmethod
    def parse(cls, text: str, calibration: bool = True) -> Rules:
        """The same from the file's text."""
        data = yaml.safe_load(text)
        return cls(data if calibration else {**data, "constancy": []})

    def clean(self, text: str) -> str:
        """Folded text with short forms written out, without laterality, views, positions and coils."""
        folded = " ".join(self._full.get(word, word) for word in fold(text).split())
        for pattern in self._ignored:
            folded = " ".join(pattern.sub(" ", folded).split())
        return folded

    def calibration(self, text: str) -> Rule | None:
        """The calibration rule that a text names first."""
        return self._calibration.first(fold(text), None)

    def first(self, text: str, modality: str | None) -> Rule | None:
        """The rule whose part a cleaned text names first; of equal starts the longest match, then the earlier rule."""
        return self._named.first(text, modality)

    def corrected(self, text: str, modality: str | None) -> str:
        """A cleaned text with typing errors mended in the words that no rule took."""
        if all(self.speller.correct(word) == word for word in text.split()):
            return text
        taken = list(self._named.taken(text, modality))

        def mend(word: re.Match[str]) -> str:
            free = all(word.end() <= start or end <= word.start() for start, end in taken)
            return self.speller.correct(word[0]) if free else word[0]

        return re.sub(r"\w+", mend, text)

    def _rule(self, item: Mapping[str, Any]) -> Rule:
        if item["part"] not in self.parts:
            raise UsageError(f"body-part rule {item['id']}: found part {item['part']}, expected one of the closed list")
        return Rule(
            item["id"],
            item["part"],
            item["language"],
            compiled(_CASE_OF.sub(self._any_ending, item["pattern"])),
            frozenset(item.get("modality", ())),
            tuple(item["examples"]),
        )

    def _any_ending(self, case_of: re.Match[str]) -> str:
        if case_of[1] not in self._endings:
            known = ", ".join(self._endings)
            raise UsageError(f"body-part rules: found <{case_of[1]}> in a pattern, expected one of {known}")
        return f"(?:{'|'.join(self._endings[case_of[1]])})"

    def _vocabulary(self, items: Iterable[Mapping[str, Any]]) -> dict[str, frozenset[str]]:
        """The words of the examples, and every case of the words that patterns name by stem and class; their parts."""
        parts: dict[str, set[str]] = {}
        for item in items:
            for word in [*self._cases(item["pattern"]), *fold(" ".join(item["examples"])).split()]:
                parts.setdefault(word, set()).add(item["part"])
        return {word: frozenset(named) for word, named in parts.items()}

    def _known(self, words: Iterable[str]) -> list[str]:
        """Words that are left alone, in every case if written by stem and class."""
        return [form for word in words for form in (self._cases(word) or [word])]

    def _cases(self, pattern: str) -> list[str]:
        """Every case of the words that a pattern names by stem and class."""
        return [stem + ending for stem, case in _STEM.findall(pattern) for ending in self._endings[case]]


def infer(texts: Sequence[str | None], original: str | None, modality: str | None, rules: Rules) -> BodyPart:
    """The body part of one instance.

    Args:
        texts: StudyDescription, ProtocolName, RequestedProcedureDescription, in this order; None where missing.
        original: BodyPartExamined as in the file.
        modality: Modality as in the file; None if unknown.
        rules: the rule set.

    Returns:
        A part of the closed list with the rule: `original` (the value was in the list), `value.X` (a normalised
        value), a rule's id, and `+cr_neck` and the like behind it where the modality changed the part.
    """
    return _infer(tuple(texts), original, modality, rules)


def lines(source: Iterable[str], rules: Rules) -> Iterator[dict[str, str | None]]:
    """One result a line of text, as `radnet body-part` prints them; a modality may stand first, before a tab."""
    for line in source:
        text = line.rstrip("\r\n")
        modality, tab, rest = text.partition("\t")
        description = rest if tab else text
        found = infer([description], None, modality.strip().upper() or None if tab else None, rules)
        yield {"text": description, "body_part": found.body_part, "rule": found.rule}


def fold(text: str) -> str:
    """Lower case, no diacritics, one blank for anything but letters and digits (the folding of the rules file)."""
    if text.isascii():
        return _SIGNS.sub(" ", text.lower()).strip()
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    plain = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return _SIGNS.sub(" ", plain).strip()


@lru_cache(maxsize=65536)
def _infer(texts: tuple[str | None, ...], original: str | None, modality: str | None, rules: Rules) -> BodyPart:
    said = [text[:_LONGEST] for text in texts if text and text.strip()]
    for text in [*said, *([original[:_LONGEST]] if original else [])]:
        calibration = rules.calibration(text)
        if calibration:
            return BodyPart(calibration.part, calibration.id)
    found = _from_value(original, modality, rules) or _from_texts(said, modality, rules)
    return _for_modality(found, modality, rules) if found else BodyPart(None, None)


def _from_value(original: str | None, modality: str | None, rules: Rules) -> BodyPart | None:
    value = fold(original or "").replace(" ", "").upper()
    if not value or value in rules.unspecific:
        return None
    if value in rules.parts:
        return BodyPart(value, "original")
    if value in rules.values:
        return BodyPart(rules.values[value], f"value.{value}")
    return _from_texts([original or ""], modality, rules)


def _from_texts(texts: Sequence[str], modality: str | None, rules: Rules) -> BodyPart | None:
    for text in texts:
        # "ThoraxRoutine" and "KNEE2V" are two words each; but "LumBalna" is one, so that the text as it is goes first.
        for reading in dict.fromkeys((text, _SEAMS.sub(" ", text))):
            rule = rules.first(rules.corrected(rules.clean(reading), modality), modality)
            if rule:
                return BodyPart(rule.part, rule.id)
    return None


def _for_modality(found: BodyPart, modality: str | None, rules: Rules) -> BodyPart:
    for change in rules.by_modality:
        if modality in change["modality"] and found.body_part == change["from"]:
            return BodyPart(change["to"], f"{found.rule}+{change['id']}")
    return found
