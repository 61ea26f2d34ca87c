"""`radnet ingest`: lists files, parses what is new, and publishes `instances` and `quarantine`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import reduce

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from radnet_spark.dicom import stage_images
from radnet_spark.dicom.file_list import list_parts
from radnet_spark.dicom.files import path_text
from radnet_spark.dicom.frames import ExportSettings, listed_files, named_files, parsed_files
from radnet_spark.dicom.frames_of_versions import (
    FILE_VERSION,
    accounts,
    below,
    compared,
    contest,
    freed_duplicates,
    large_patients,
    put_aside,
    same_version,
    settled,
    winners,
)
from radnet_spark.dicom.ingest_account import LISTED, VersionCounts, flagged_fact, large_patient_note
from radnet_spark.dicom.ingest_settings import SECTIONS, ingest_hash, ingest_settings
from radnet_spark.dicom.instance import IngestSettings
from radnet_spark.dicom.inventory import listing_units
from radnet_spark.dicom.stores import checked
from radnet_spark.errors import SchemaError, StageError
from radnet_spark.lake.stage import StageContext, StageSummary
from radnet_spark.lake.watching import watched
from radnet_spark.schemas import TABLES

READS: tuple[str, ...] = ()
WRITES = ("instances", "quarantine")
CONFIG = SECTIONS

_UNITS_PER_CORE = 4
_LARGE_PATIENT = 0.05  # share of all exams above which one patient key is suspicious
_MIN_EXAMS = 10  # of one patient; fewer are nothing remarkable


def run(context: StageContext) -> StageSummary:
    """Brings `instances` and `quarantine` up to date with the files below the inputs.

    Raises:
        UsageError: an input is not there.
        StageError: there is no file at all, or files found are not instances plus quarantine.
    """
    inputs, lists = (
        [checked(key, path) for path in context.options.get(name) or ()]
        for key, name in (("--input", "input"), ("--list", "lists"))
    )
    settings = ingest_settings(context.config, context.tables.root)
    scope = F.lit(False) if context.options.get("limit") else below(map(path_text, inputs))
    links = context.spark.sparkContext.accumulator(0)
    listing = _listing(context, inputs, lists, lambda: links.add(1))
    retry = list(context.options.get("retry") or [])
    work = _Ingest(context, settings, ingest_hash(settings), scope, retry)
    summary = work.update(listing, ", ".join(inputs + lists))
    if links.value:
        summary.facts.append(f"{links.value} links to folders were not followed")
    if context.config.ingest.with_images:
        exported = stage_images.run(context)
        summary.rows |= exported.rows
        summary.dropped |= exported.dropped
    if context.tables.holds_rows("ingest_staging"):
        context.tables.delete("ingest_staging", "true")
    return summary


@dataclass(frozen=True)
class _Ingest:
    """One run: what is listed is compared with what is known, the rest is read, and each table changes once.

    Attributes:
        context: of the stage.
        settings: what decides a row.
        ingest_hash: names them.
        scope: whether a file at `path` would have been listed.
        retry: reasons in quarantine that do not count.
    """

    context: StageContext
    settings: IngestSettings
    ingest_hash: str
    scope: Column
    retry: list[str]

    def update(self, listing: DataFrame, inputs: str) -> StageSummary:
        """Reads and publishes what is new or changed; a second run on the same files writes nothing."""
        tables = self.context.tables
        with self._compared(listing) as (state, counts):
            if not counts.listed:
                raise StageError(f"ingest: no file below {inputs}")
            if not counts.changes and tables.exists("instances"):
                summary = counts.account(counts.states["instance"], counts.reasons, dict.fromkeys(WRITES, 0))
                summary.facts.append("nothing new")
                return summary
            work = state.where("state = 'work'").select(*FILE_VERSION)
            if counts.freed:
                work = work.unionByName(freed_duplicates(state, counts.waiting).select(*FILE_VERSION))
            self._stage(work, counts.work)
            rows, facts = self._publish(state, counts)
            return self._accounted(state, counts, rows, facts)

    @contextmanager
    def _compared(self, listing: DataFrame) -> Iterator[tuple[DataFrame, VersionCounts]]:
        """What is listed beside what is known; only files that are known and not listed are asked for."""
        tables = self.context.tables
        known = tables.read_or_empty("instances"), tables.read_or_empty("quarantine")
        with ExitStack() as kept:
            state = _kept(compared(listing, *known, self.scope, self.ingest_hash, self.retry), kept)
            counts = _counted(state)
            if counts.listed and counts.states["missing"]:
                state = _kept(settled(state), kept)
                counts = _counted(state)
            if counts.waiting:
                counts = replace(counts, freed=freed_duplicates(state, counts.waiting).count())
            yield state, counts

    def _stage(self, work: DataFrame, count: int) -> None:
        """Reads what is not staged yet, in batches of one commit each, so that a stopped run goes on where it was."""
        context, settings = self.context, self.context.config.ingest
        export = ExportSettings.of(context.config.images) if settings.with_images else None
        if self._keeps_staged(work):
            work = same_version(work, context.tables.read("ingest_staging"), "left_anti")
        cores = context.spark.sparkContext.defaultParallelism
        batches = max(1, -(-count // (settings.files_per_task * cores * _UNITS_PER_CORE)))
        tasks = cores * max(1, -(-count // (batches * cores * settings.files_per_task)))  # no core waits for another
        for number in range(batches):
            part = work.where(F.pmod(F.xxhash64("path"), F.lit(batches)) == number)
            parsed = parsed_files(part.repartition(tasks), self.settings, self.ingest_hash, export)

            def show(share: float, before: int = number) -> None:
                context.progress(f"about {int((before + share) * count / batches)} of {count} files read")

            show(0)
            with watched(context.spark, tasks, show):
                context.tables.append("ingest_staging", parsed)

    def _keeps_staged(self, work: DataFrame) -> bool:
        """Whether a stopped run has left rows in the staging area that are of use now; all others leave it.

        Not of use are other files, and what other code or settings have read or is to be read again.
        """
        tables = self.context.tables
        if not tables.exists("ingest_staging"):
            return False
        try:
            staged = tables.read("ingest_staging")
        except SchemaError:
            staged = tables.without_rows("ingest_staging")
        else:
            if not tables.holds_rows("ingest_staging"):
                return False
        again = F.coalesce(F.col("reason").isin(self.retry), F.lit(False))
        useful = staged.where((F.col("ingest_hash") == self.ingest_hash) & ~again)
        return tables.overwrite("ingest_staging", same_version(useful, work, "left_semi")) > 0

    def _publish(self, state: DataFrame, counts: VersionCounts) -> tuple[dict[str, int], list[str]]:
        """One commit a table: an append where nothing that is known has to change."""
        tables = self.context.tables
        staged = tables.read("ingest_staging")
        parsed = staged.where(F.col("reason").isNull())
        lost = state.where("instance_lost").select("path", "sop_instance_uid")
        with ExitStack() as until:
            place = _kept(contest(parsed, tables.read_or_empty("instances"), lost.select("path")), until)
            losers, contested, judged, total = place.agg(
                *(F.count_if(F.expr(text)) for text in ("new AND place > 1", "NOT new", "judged", "new"))
            ).collect()[0]
            self._note_removed(state, counts)
            gone = state.where("quarantine_lost").select("path")
            if counts.freed:
                gone = gone.unionByName(freed_duplicates(state, counts.waiting).select("path"))
            changes = counts.replaced or counts.freed or contested
            rows = {"quarantine": self._put("quarantine", put_aside(staged, place), gone, "path", changes)}
            new = winners(parsed, place, losers)
            rows["instances"] = self._put("instances", new, lost, "sop_instance_uid", counts.lost or contested)
        return rows, [f"{judged} of {total} headers were no common case and read by pydicom"] if total else []

    def _accounted(
        self, state: DataFrame, counts: VersionCounts, rows: dict[str, int], facts: list[str]
    ) -> StageSummary:
        """The summary, from what stands in the tables now."""
        instances, quarantine = self.context.tables.read("instances"), self.context.tables.read("quarantine")
        listed = state.where(F.col("state").isin(*LISTED)).select("path") if counts.states["elsewhere"] else None
        found = accounts(listed, instances, quarantine).collect()
        reasons = {row["reason"]: row["count"] for row in found}
        summary = counts.account(reasons.pop(None, 0), reasons, rows)
        summary.facts += facts + [flagged_fact(*row[1:]) for row in found if row["reason"] is None]
        large = large_patients(instances, _LARGE_PATIENT, _MIN_EXAMS).collect()
        summary.notes += [large_patient_note(row["count"], row["total"]) for row in large]
        return summary

    def _put(self, name: str, rows: DataFrame, gone: DataFrame, key: str, changes: bool | int) -> int:
        tables = self.context.tables
        if changes and tables.exists(name):
            return tables.change(name, rows, gone, key)
        return tables.append(name, rows)

    def _note_removed(self, state: DataFrame, counts: VersionCounts) -> None:
        """Files that are gone are kept in mind; one that is there again is forgotten there."""
        tables = self.context.tables
        back = state.where("state = 'work'").select("path")
        gone = state.where("state = 'gone'").select(*TABLES["removed_files"].columns)
        if tables.exists("removed_files"):
            if counts.states["gone"] or not tables.read("removed_files").join(back, "path", "left_semi").isEmpty():
                tables.change("removed_files", gone, back, "path")
        elif counts.states["gone"]:
            tables.append("removed_files", gone)


def _counted(state: DataFrame) -> VersionCounts:
    sums = [F.count("*"), F.count_if("instance_lost"), F.count_if("quarantine_lost"), F.count_if("outdated")]
    return VersionCounts.of(state.groupBy("state", "reason").agg(*sums).collect())


def _kept(frame: DataFrame, until: ExitStack) -> DataFrame:
    """The frame on the disks of the executors, so that it is worked out once."""
    frame = frame.persist(StorageLevel.DISK_ONLY)
    until.callback(frame.unpersist)
    return frame


def _listing(context: StageContext, inputs: list[str], lists: list[str], on_link: Callable[[], None]) -> DataFrame:
    cores = context.spark.sparkContext.defaultParallelism
    units = [(unit.path, unit.recursive) for unit in listing_units(inputs, cores * _UNITS_PER_CORE)]
    frames = (
        [context.spark.createDataFrame(units, "path string, recursive boolean").repartition(cores)] if units else []
    )
    parts = [(part, os.path.dirname(path)) for path in lists for part in list_parts(path)]
    if parts:
        rows = context.spark.createDataFrame(parts, "part string, folder string").repartition(min(cores, len(parts)))
        frames.append(named_files(rows).repartition(cores))
    listing = listed_files(reduce(DataFrame.unionByName, frames), on_link)
    if lists or len(inputs) > 1:  # one may name what another one holds too
        listing = listing.dropDuplicates(["path"])
    return context.sample(listing, "path")
