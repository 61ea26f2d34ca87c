"""Why a diagnosis is left out."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Reasons in the table `dropped` of the stages `diagnoses` and `text`."""

    NO_KEY = "no_key"  # the row names no exam
    NULL = "null"  # the exam has no text at all
    BLANK = "blank"
    TOO_SHORT = "too_short"
    DUPLICATE = "duplicate"  # an earlier row of the exam has the same text
    WRONG_COLUMNS = "wrong_columns"  # the row of CSV has more or fewer cells than the header
    BROKEN_QUOTES = "broken_quotes"  # a quoted cell is not closed, or goes on after its end
    NO_JSON = "no_json"  # the line is no JSON object
    ROW_TOO_LONG = "row_too_long"  # more characters than diagnoses.max_row_characters without an end
    REST_UNREADABLE = "rest_unreadable"  # the file can't be read from here on
    NO_WORDS = "no_words"  # nothing but special characters and stop words
    NO_KNOWN_WORDS = "no_known_words"  # no word of the vocabulary, so there is no vector
