"""Rules that name a body part by a pattern, and the one that a text names first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from radnet_spark.errors import UsageError

_GROUP = 10  # rules whose patterns are tried as one before each of them is


@dataclass(frozen=True)
class Rule:
    """A pattern over folded text that names a part.

    Attributes:
        modality: the modalities for which it holds (and where the modality is unknown); empty: all.
        examples: texts for which exactly this rule fires.
    """

    id: str
    part: str
    language: str
    pattern: re.Pattern[str]
    modality: frozenset[str]
    examples: tuple[str, ...]

    def holds_for(self, modality: str | None) -> bool:
        """Whether the rule may fire for a modality."""
        return not self.modality or not modality or modality in self.modality


class RuleSearch:
    """Finds the first of ordered rules in a text; one alternation of them all passes over texts without a match.

    Args:
        rules: in order; of two matches with one start and one end the earlier rule wins.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        ordered = list(enumerate(rules))
        groups = [ordered[start : start + _GROUP] for start in range(0, len(ordered), _GROUP)]
        self._groups = [(_any_of(rule for _, rule in group), group) for group in groups]
        self._any = _any_of(rules)

    def first(self, text: str, modality: str | None) -> Rule | None:
        """The rule whose match starts first; of equal starts the longest match, then the earlier rule."""
        place = self._any.search(text)
        while place:
            start = place.start()
            found = [
                (-match.end(), order, rule)
                for any_of, group in self._groups
                if any_of.match(text, start)
                for order, rule in group
                if rule.holds_for(modality) and (match := rule.pattern.match(text, start))
            ]
            if found:
                return min(found, key=lambda item: item[:2])[2]
            place = self._any.search(text, start + 1)
        return None

    def taken(self, text: str, modality: str | None) -> Iterator[tuple[int, int]]:
        """Start and end of the first match of every rule that has one."""
        for any_of, group in self._groups:
            if any_of.search(text):
                matches = (rule.pattern.search(text) for _, rule in group if rule.holds_for(modality))
                yield from (match.span() for match in matches if match)


def compiled(pattern: str) -> re.Pattern[str]:
    """A rule's pattern over whole words.

    Raises:
        UsageError: it is no regular expression.
    """
    try:
        return re.compile(rf"\b(?:{pattern})\b")
    except re.error as error:
        raise UsageError(f"body-part rules: found the pattern {pattern!r}, expected a regular expression") from error


def _any_of(rules: Iterable[Rule]) -> re.Pattern[str]:
    """A pattern that matches wherever one of the rules does; with no rule it never matches."""
    return re.compile("|".join(rule.pattern.pattern for rule in rules) or r"(?!)")
