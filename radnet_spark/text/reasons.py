"""Why a diagnosis is left out."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Reasons in the table `dropped` of the stages `diagnoses` and `text`."""

    NO_KEY = "no_key"  # the row names no exam
    NULL = "null"  # the exam has no text at all
    BLANK = "blank"
    TOO_SHORT = "too_short"
    NO_WORDS = "no_words"  # nothing but special characters and stop words
    NO_KNOWN_WORDS = "no_known_words"  # no word of the vocabulary, so there is no vector
