"""What a stage is given and what it gives back.

A stage module has:

- `READS`, `WRITES`: its tables; `embeddings/source={source}` stands for the part that the option names;
- optionally `READS_OF_SOURCE`: source → what it reads beyond `READS` for that source;
- `CONFIG`: the sections of the configuration that decide its result;
- optionally `state(context)`: what else decides its result, such as the version of a registered model;
- optionally `check(context)`: raises `UsageError` for options that can't work, before any stage of a run has written;
- `run(context) -> StageSummary`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from pyspark.sql import functions as F

from radnet_spark.config import Config, config_hash

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from radnet_spark.lake.tables import Tables
    from radnet_spark.lake.tracking import Tracker


class Progress(Protocol):
    """Tells a person how far a long piece of work has come."""

    def __call__(self, text: str) -> None:
        """Shows a short text."""


def silent(text: str) -> None:
    """The progress that tells nobody."""


@dataclass(frozen=True)
class StageContext:
    """Everything a stage may use; nothing is looked up elsewhere.

    Attributes:
        spark: the session.
        config: all settings.
        tables: the Delta tables and the folder for files.
        tracker: MLflow.
        options: the verb's own options, such as `{"source": "image"}` or `{"input": [...]}`.
        fingerprint: hash of configuration, code version, options and input versions; names what the stage fits.
        input_versions: table (or part) → Delta version that is being read.
        progress: receives short texts.
    """

    spark: SparkSession
    config: Config
    tables: Tables
    tracker: Tracker
    options: dict[str, Any] = field(default_factory=dict)
    fingerprint: str = "unnamed"
    input_versions: dict[str, int] = field(default_factory=dict)
    progress: Progress = silent

    def sample(self, rows: DataFrame, key: str = "sop_instance_uid") -> DataFrame:
        """`--limit` of the rows, those with the smallest hash of `key`, so that stages agree; without it all."""
        limit = self.options.get("limit")
        return rows.orderBy(F.xxhash64(key), key).limit(limit) if limit else rows

    def cohort(self) -> DataFrame:
        """The instances of the experiment, or `--limit` of them.

        Raises:
            MissingTableError: `radnet cohort` has not run.
        """
        return self.sample(self.tables.read("cohort"))

    def fit_id(self, stage: str, name: str) -> str:
        """The identity of something fitted: the same work on the same data gets the same one."""
        return config_hash([stage, name, self.fingerprint])[:12]


@dataclass
class StageSummary:
    """What a stage did, in numbers that may be shown to anybody.

    Attributes:
        stage: its verb.
        rows: table → rows written.
        dropped: reason → how many.
        facts: figures in words that people want to see: losses by modality, shares, fill.
        notes: warnings, and what was done instead of what was asked.
        extra: further figures.
        seconds: wall-clock time, filled in by the runner.
        skipped: nothing had changed since the last success.
    """

    stage: str
    rows: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    facts: list[str] = field(default_factory=list)
    seconds: float = 0.0
    skipped: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The summary as plain data, extras at the top level, as `--json` prints it."""
        return {
            "stage": self.stage, "seconds": round(self.seconds, 3), "rows": self.rows, "dropped": self.dropped,
            "facts": self.facts, "notes": self.notes, "skipped": self.skipped, **self.extra,
        }  # fmt: skip
