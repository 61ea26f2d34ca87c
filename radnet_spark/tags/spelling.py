"""Mends one typing error in long words, against a vocabulary: a letter lost, added, changed, or two swapped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

_MIN_LENGTH = 6  # letters; shorter words have too many neighbours


class Speller:
    """Knows right words of six letters and more, and finds the one that a mistyped word is one edit away from.

    Words are stored under each of their deletions by one letter, so that a look-up costs a few set accesses
    (Damerau-Levenshtein distance 1 through symmetric deletes).

    Args:
        vocabulary: right words, folded, each with what it stands for (here its body parts).
        known: further right words, which are never mended and never the result.

    Attributes:
        words: the words of six letters and more that errors are mended to.
    """

    def __init__(self, vocabulary: Mapping[str, frozenset[str]], known: Iterable[str] = ()) -> None:
        self.words = {word: means for word, means in vocabulary.items() if len(word) >= _MIN_LENGTH and word.isalpha()}
        self._longest = max(map(len, self.words), default=0) + 1
        self._known = self.words.keys() | set(known)
        self._by_deletion: dict[str, set[str]] = {}
        for word in self.words:
            for shorter in (word, *_deletions(word)):
                self._by_deletion.setdefault(shorter, set()).add(word)
        self.correct = lru_cache(maxsize=8192)(self._correct)

    def _correct(self, word: str) -> str:
        """The vocabulary's word one edit away, alphabetically first of several.

        The word itself is returned if there is none, or if those that there are stand for different things.
        """
        if not _MIN_LENGTH <= len(word) <= self._longest or not word.isalpha() or word in self._known:
            return word
        near = {right for key in (word, *_deletions(word)) for right in self._by_deletion.get(key, ())}
        right = [other for other in near if _one_edit(word, other)]
        return min(right, default=word) if len({self.words[other] for other in right}) == 1 else word


def _deletions(word: str) -> list[str]:
    return [word[:i] + word[i + 1 :] for i in range(len(word))]


def _one_edit(left: str, right: str) -> bool:
    """Whether two different words are one insertion, deletion, substitution or swap of neighbours apart."""
    start = next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    a, b = left[start:], right[start:]
    swapped = len(a) > 1 and len(b) > 1 and a[0] == b[1] and a[1] == b[0] and a[2:] == b[2:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or swapped
