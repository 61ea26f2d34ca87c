"""What a run of ingest did, in numbers: files by state before it, and the summary after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from radnet_spark.dicom.reasons import QuarantineReason
from radnet_spark.errors import StageError
from radnet_spark.lake.stage import StageSummary

LISTED = ("instance", "quarantine", "work")  # states of files that were found


@dataclass(frozen=True)
class VersionCounts:
    """How many paths are in which state; see `frames_of_versions.compared`.

    Attributes:
        states: state → paths.
        reasons: of those in quarantine that are known and unchanged.
        lost, replaced: rows of `instances` and `quarantine` that have to go.
        freed: duplicates in quarantine that no instance stands for any more.
        outdated: files that were read by other settings, another key or other code.
    """

    states: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    replaced: int = 0
    freed: int = 0
    outdated: int = 0

    @classmethod
    def of(cls, rows: Iterable[Sequence[Any]]) -> VersionCounts:
        """Args: rows: state, reason, paths, instances lost, rows of quarantine lost, outdated ones."""
        states, reasons = Counter[str](), Counter[str]()
        lost = replaced = outdated = 0
        for state, reason, count, gone, changed, old in rows:
            states[state] += count
            lost, replaced, outdated = lost + gone, replaced + changed, outdated + old
            if state == "quarantine":
                reasons[reason] += count
        return cls(states, reasons, lost, replaced, outdated=outdated)

    @property
    def listed(self) -> int:
        """Files found."""
        return sum(self.states[state] for state in LISTED)

    @property
    def work(self) -> int:
        """Files to be read."""
        return self.states["work"] + self.freed

    @property
    def waiting(self) -> int:
        """Duplicates that are known and unchanged."""
        return self.reasons[str(QuarantineReason.DUPLICATE)]

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        return any((self.work, self.states["gone"], self.lost, self.replaced))

    def account(self, instances: int, reasons: Mapping[str, int], rows: dict[str, int]) -> StageSummary:
        """The summary of a run.

        Args:
            instances: files that are instances now.
            reasons: of those that are in quarantine now.
            rows: table → rows written.

        Raises:
            StageError: files found are not instances plus quarantine.
        """
        found, aside, removed = self.listed, sum(reasons.values()), self.states["gone"]
        if found != instances + aside:
            raise StageError(
                f"ingest: {found} files found, expected as many rows; instances {instances} + quarantine {aside}"
            )
        extra = {"files_found": found, "instances": instances, "quarantine": aside, "removed": removed}
        facts = [f"{found} files found: {instances} instances + {aside} in quarantine"]
        if found != self.work:
            known = self.states["instance"] + self.states["quarantine"] - self.freed
            facts.append(f"{self.work} of them read now, {known} as they were known")
        if removed:
            facts.append(f"{removed} files of earlier runs are no longer there")
        notes = [] if instances else [f"none of {found} files is a DICOM instance: `quarantine` says why for each"]
        if self.outdated:
            notes.append(
                f"{self.outdated} files were read again: de-identification key, settings or code are others now"
            )
        return StageSummary("ingest", rows, dict(sorted(reasons.items())), notes=notes, extra=extra, facts=facts)


def flagged_fact(total: int, flagged: int, silent: int) -> str:
    """How many instances say that they are never to be shown, and of how many it is not known."""
    return f"{flagged} of {total} instances say that text is burned into their pixels, {silent} say neither yes nor no"


def large_patient_note(exams: int, total: int) -> str:
    """A warning for a patient key with too many exams."""
    return (
        f"one patient has {exams} of {total} exams: "
        "if the PatientID is a placeholder, add it to deidentify.placeholders"
    )
