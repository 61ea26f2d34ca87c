"""Exam keys as files write them: as text, and the forms that spreadsheets make of them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

ROUNDED = r"^[0-9][.,][0-9]+[eE]\+[0-9]+$"  # `1.23457E+11`: what a spreadsheet leaves of a long number
_LONGEST = 16  # characters of an AccessionNumber (DICOM PS3.5 table 6.2-1, SH)


def trimmed(key: str | None) -> str | None:
    """The key without surrounding white space and padding nulls; None if nothing is left."""
    return (key or "").strip(" \t\r\n\f\v\u00a0\ufeff\0") or None


def near_misses(key: str) -> Iterator[tuple[str, str]]:
    """Keys that `key` may have been before it was damaged, each once, with the kind of damage.

    Yields:
        (`lost_zeros` | `exponent` | `padding`, a key other than `key`).
    """
    seen = {key}
    for reason, candidate in _candidates(key):
        if candidate and candidate not in seen:
            seen.add(candidate)
            yield reason, candidate


def _candidates(key: str) -> Iterator[tuple[str, str]]:
    plain = _integer(key)
    if plain is not None and plain != key:
        yield "exponent", plain
        yield from (("exponent", plain.zfill(length)) for length in range(len(plain) + 1, _LONGEST + 1))
    if key.isdecimal():
        yield from (("lost_zeros", key.zfill(length)) for length in range(len(key) + 1, _LONGEST + 1))
    yield "padding", key.lstrip("0")
    yield "padding", "".join(key.split())
    yield "padding", key.strip("'\"")


def _integer(key: str) -> str | None:
    """`1.2E+05` and `120000.0` → `120000`; None if the key is no such number."""
    if not any(mark in key for mark in ".,eE"):
        return None
    try:
        value = Decimal(key.replace(",", "."))
    except InvalidOperation:
        return None
    if not value.is_finite() or value < 0 or value.adjusted() >= _LONGEST or value != value.to_integral_value():
        return None
    return str(int(value))
