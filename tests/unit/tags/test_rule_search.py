"""The first named rule, against every pattern searched by itself."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radnet_spark.errors import UsageError
from radnet_spark.tags.rule_search import Rule, RuleSearch, compiled


def _rule(identity, pattern, *modality):
    return Rule(identity, "HEAD", "en", compiled(pattern), frozenset(modality), ())


# More rules than one group holds; some overlap, some look ahead or behind, one holds for CT only.
RULES = [
    _rule("short", "a"), _rule("long", r"a b\w*"), _rule("ct", "a b c", "CT"), _rule("same", "a"), _rule("start", "^c"),
    _rule("behind", "(?<!b )c"), _rule("ahead", "b(?!.*d)"), *(_rule(f"d{i}", f"d{i}") for i in range(12)),
    _rule("blank", "(?:a)? ?e"),
]  # fmt: skip
SEARCH = RuleSearch(RULES)
TEXTS = st.lists(st.sampled_from(["a", "b", "bb", "c", "d", "d3", "d11", "e", "x", "ab"]), max_size=8).map(" ".join)


@given(TEXTS, st.sampled_from([None, "CT", "MR"]))
def test_first_and_taken_as_if_each_pattern_were_searched(text, modality):
    found = [
        (match.start(), -match.end(), order, rule)
        for order, rule in enumerate(RULES)
        if rule.holds_for(modality) and (match := rule.pattern.search(text))
    ]
    assert SEARCH.first(text, modality) == (min(found, key=lambda item: item[:3])[3] if found else None)
    assert list(SEARCH.taken(text, modality)) == [(start, -end) for start, end, *_ in found]


def test_a_rule_of_another_modality_gives_way_to_a_later_place():
    search = RuleSearch([_rule("ct", "a", "CT"), _rule("any", "b")])
    assert search.first("a b", "CT").id == "ct"
    assert search.first("a b", "MR").id == "any"
    assert search.first("a", "MR") is None


def test_no_rules_find_nothing():
    assert RuleSearch([]).first("a b", None) is None
    assert list(RuleSearch([]).taken("a b", None)) == []


def test_whole_words_only_and_a_wrong_pattern_is_said():
    assert compiled("ab|c").search("abc ab").span() == (4, 6)
    with pytest.raises(UsageError, match=re.escape("found the pattern '('")):
        compiled("(")
