"""Persons in a diagnosis: numbers, dates and names are replaced by `***` before anything is stored."""

from __future__ import annotations

from radnet_spark.text.identifiers import without_identifiers
from radnet_spark.text.names import without_names
from radnet_spark.text.titles import without_titled


def masked(text: str) -> str:
    """The text with what may name a person replaced.

    First numbers, dates and addresses (`identifiers`), then names beside a title, a kinship, a role or a label
    (`titles`), then names that lists and endings tell (`names`).
    """
    return without_names(without_titled(without_identifiers(text)))
