"""The mark that stands where a person was named."""

from __future__ import annotations

from collections.abc import Iterable

MARK = "***"  # no letters, so that it adds no word


def without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with a mark for each span (begin, end), one for those that overlap.

    >>> without("Ana i Ivo dolaze", [(6, 9), (0, 3)])
    '*** i *** dolaze'
    """
    parts, at = list[str](), 0
    for begin, end in sorted(spans):
        if begin >= at:
            parts += [text[at:begin], MARK]
        at = max(at, end)
    return "".join([*parts, text[at:]])
