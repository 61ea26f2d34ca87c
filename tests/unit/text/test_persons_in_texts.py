"""Persons in texts as people write them, by lists of authors who did not know the masker's rules.

Each line of `persons_in_texts.jsonl` has a text, its `secrets` (names word by word, numbers, dates, addresses)
and words to `keep`. How many were found at first sight, before rules were added, is in docs/explanation/privacy.md.
"""

import json
import re
from pathlib import Path

from radnet_spark.text.masking import masked

LINES = (Path(__file__).parent / "persons_in_texts.jsonl").read_text(encoding="utf-8").splitlines()
TEXTS = [json.loads(line) for line in LINES]


def stands(word: str, text: str) -> bool:
    """Whether a word is in a text as a whole."""
    return re.search(rf"(?<!\w){re.escape(word.rstrip('.'))}(?!\w)", text) is not None


def test_what_names_a_person_goes_and_what_says_something_stays():
    found = [(row, masked(row["text"])) for row in TEXTS]
    left = [stands(secret, text) for row, text in found for secret in row["secrets"]]
    lost = [word not in text for row, text in found for word in row["keep"]]
    assert len(left) > 1000
    assert len(lost) > 3000
    assert sum(left) / len(left) < 0.03
    assert sum(lost) / len(lost) < 0.002
    unchanged = [text == row["text"] for row, text in found if not row["secrets"]]
    assert sum(unchanged) / len(unchanged) > 0.98
