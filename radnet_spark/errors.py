"""Errors that people are meant to read: what was found, what was expected, and where."""

from __future__ import annotations


class RadnetError(Exception):
    """Base of all errors that radnet_spark raises on purpose.

    The command line prints the message alone and ends with `exit_code`; anything else that is raised is a bug.
    """

    exit_code = 1


class UsageError(RadnetError):
    """Wrong usage or configuration; nothing was written. The message names key, found and expected."""

    exit_code = 2


class StageError(RadnetError):
    """A stage failed, or nothing is left for it to work on."""


class MissingTableError(StageError):
    """A table that a stage reads is not there yet."""


class SchemaError(StageError):
    """A table or DataFrame differs from its schema; the message lists every difference."""


class NothingToDoError(StageError):
    """A source is missing (no diagnoses, no usable tag): the end of a stage called alone, a note within a run."""
