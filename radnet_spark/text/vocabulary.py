"""The words that a model of texts knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence


def vocabulary(texts: Iterable[Sequence[str]], min_count: int) -> dict[str, int]:
    """Words that occur at least `min_count` times in all, most frequent first, ties in code point order.

    Occurrences are counted, not documents, as in the paper.

    Args:
        texts: stems, one text an exam, of the train part.
        min_count: occurrences.

    Returns:
        word → occurrences.
    """
    counts = Counter(word for text in texts for word in text)
    frequent = [(word, n) for word, n in counts.items() if n >= min_count]
    return dict(sorted(frequent, key=lambda item: (-item[1], item[0])))
