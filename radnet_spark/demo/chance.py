"""Small random choices that the rest of the demo hospital is made of; every one takes its generator as an argument."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np

from radnet_spark.config import load_rules

T = TypeVar("T")
_PLAIN = str.maketrans("čćđšžČĆĐŠŽ", "ccdszCCDSZ")
_ALTERNATIVES = re.compile(r"\[([^\[\]]+)\]")


@lru_cache(maxsize=8)
def rules(name: str) -> Any:
    """A rules file of `conf/`, parsed once in a process."""
    return load_rules(name)


def pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    """One of the options, all equally likely."""
    return options[int(rng.integers(len(options)))]


def weighted(shares: Mapping[str, float], at: float) -> str:
    """The key in whose share of the whole `at` (0 to 1) falls."""
    remaining = at * sum(shares.values())
    for key, share in shares.items():
        remaining -= share
        if remaining < 0:
            return key
    return next(reversed(list(shares)))


def expand(rng: np.random.Generator, template: str) -> str:
    """A template with one option taken from each `[a|b]`."""
    return _ALTERNATIVES.sub(lambda match: pick(rng, match[1].split("|")), template)


def plain(text: str) -> str:
    """The text typed without Croatian letters: pluća becomes pluca."""
    return text.translate(_PLAIN)


def typing_error(rng: np.random.Generator, word: str) -> str:
    """The word with two letters swapped, one lost or one doubled; short words and those with digits stay."""
    if len(word) < 5 or not word.isalpha():
        return word
    at = int(rng.integers(1, len(word) - 2))
    kind = int(rng.integers(3))
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at + 1 :] if kind == 1 else word[:at] + word[at] + word[at:]


def mistype(rng: np.random.Generator, text: str, rate: float) -> str:
    """A text in which each word has a typing error with probability `rate`."""
    words = text.split(" ")
    hits = rng.random(len(words)) < rate
    return " ".join(typing_error(rng, word) if hit else word for word, hit in zip(words, hits, strict=True))
