"""`radnet ingest`: lists files, parses what is new, and publishes `instances` and `quarantine`."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import reduce

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame, Row, SparkSession, Window
from pyspark.sql import functions as F

from radnet_spark.config import Config, config_hash, load_rules
from radnet_spark.dicom import stage_images
from radnet_spark.dicom.file_list import COLUMN, is_parquet, without_column
from radnet_spark.dicom.frames import ExportSettings, listed_files, named_files, parsed_files
from radnet_spark.dicom.frames_of_versions import (
    FILE_VERSION,
    accounts,
    below,
    compared,
    duplicates,
    freed_duplicates,
    same_version,
    settled,
    with_place,
)
from radnet_spark.dicom.instance import PARSE_REVISION, IngestSettings
from radnet_spark.dicom.inventory import listing_units
from radnet_spark.dicom.reasons import QuarantineReason
from radnet_spark.dicom.stores import checked, is_uri
from radnet_spark.errors import SchemaError, StageError
from radnet_spark.lake.secrets import deid_key
from radnet_spark.lake.stage import StageContext, StageSummary
from radnet_spark.lake.tables import Tables
from radnet_spark.schemas import TABLES

READS: tuple[str, ...] = ()
WRITES = ("instances", "quarantine")
CONFIG = ("ingest", "deidentify", "diagnoses")

_UNITS_PER_CORE = 4
_RANKED = (
    *FILE_VERSION,
    "sop_instance_uid",
    "header_complete",
    "pixels_intact",
    "decodable",
    "header_hash",
    "ingest_hash",
)
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
    ingest_hash = _hash(settings)
    work = _Ingest(context, settings, ingest_hash, F.lit(False) if context.options.get("limit") else below(inputs))
    _prepare_staging(context.tables, ingest_hash, context.options.get("retry") or [])
    with ExitStack() as until:
        listing = _kept(_listing(context, inputs, lists), until)
        summary = work.update(listing, ", ".join(inputs + lists))
    if context.config.ingest.with_images:
        exported = stage_images.run(context)
        summary.rows |= exported.rows
        summary.dropped |= exported.dropped
    if not context.tables.read_or_empty("ingest_staging").isEmpty():
        context.tables.delete("ingest_staging", "true")
    return summary


def ingest_settings(config: Config, root: str) -> IngestSettings:
    """What decides a row, under the key of this root."""
    key = deid_key(config.deidentify, root) if config.deidentify.enabled else None
    return IngestSettings.of({name: config.section(name) for name in CONFIG}, key)


@dataclass(frozen=True)
class _Ingest:
    """One run: what is listed is compared with what is known, the rest is read, and each table changes once.

    Attributes:
        context: of the stage.
        settings: what decides a row.
        ingest_hash: names them.
        scope: whether a file at `path` would have been listed.
    """

    context: StageContext
    settings: IngestSettings
    ingest_hash: str
    scope: Column

    def update(self, listing: DataFrame, inputs: str) -> StageSummary:
        """Reads and publishes what is new or changed; a second run on the same files writes nothing."""
        tables = self.context.tables
        found = listing.count()
        if not found:
            raise StageError(f"ingest: no file below {inputs}")
        with self._compared(listing) as (state, counts):
            if not counts.changes and tables.exists("instances"):
                unchanged = (counts.instances, counts.reasons)
                return _summary(found, *unchanged, {"instances": 0, "quarantine": 0}, facts=["nothing new"])
            work = state.where("state = 'work'").select(*FILE_VERSION)
            if counts.freed:
                work = work.unionByName(freed_duplicates(state).select(*FILE_VERSION))
            self._stage(work, counts.work + counts.freed)
            rows, facts = self._publish(state, work, counts)
        instances = tables.read("instances")
        counted = accounts(listing, instances, tables.read("quarantine")).collect()
        reasons = {row["reason"]: row["count"] for row in sorted(counted, key=lambda row: row["reason"] or "")}
        flagged = [_flagged(row) for row in counted if row["reason"] is None]
        known = (reasons.pop(None, 0), reasons)
        return _summary(found, *known, rows, _large_patients(instances), facts + flagged, counts.gone)

    @contextmanager
    def _compared(self, listing: DataFrame) -> Iterator[tuple[DataFrame, _Counts]]:
        """What is listed beside what is known; only files that are known and not listed are asked for."""
        tables, retry = self.context.tables, list(self.context.options.get("retry") or [])
        known = tables.read_or_empty("instances"), tables.read_or_empty("quarantine")
        with ExitStack() as kept:
            state = _kept(compared(listing, *known, self.scope, self.ingest_hash, retry), kept)
            counts = _Counts.of(state)
            if counts.missing:
                state = _kept(settled(state), kept)
                counts = _Counts.of(state)
            yield state, counts

    def _stage(self, work: DataFrame, count: int) -> None:
        """Reads what is not staged yet, in batches of one commit each, so that a stopped run goes on where it was."""
        tables, config = self.context.tables, self.context.config
        export = ExportSettings.of(config.images) if config.ingest.with_images else None
        pending = same_version(work, self._staged(), "left_anti") if tables.exists("ingest_staging") else work
        cores = self.context.spark.sparkContext.defaultParallelism
        batches = max(1, -(-count // (config.ingest.files_per_task * cores * _UNITS_PER_CORE)))
        tasks = max(cores, -(-count // (batches * config.ingest.files_per_task)))
        for number in range(batches):
            part = pending.where(F.pmod(F.xxhash64("path"), F.lit(batches)) == number)
            parsed = parsed_files(part.repartition(tasks), self.settings, self.ingest_hash, export)
            tables.append("ingest_staging", parsed)
            self.context.progress(f"about {min(count, (number + 1) * count // batches)} of {count} files read")

    def _staged(self) -> DataFrame:
        return self.context.tables.read_or_empty("ingest_staging").where(F.col("ingest_hash") == self.ingest_hash)

    def _publish(self, state: DataFrame, work: DataFrame, counts: _Counts) -> tuple[dict[str, int], list[str]]:
        """One commit a table: an append where nothing that is known has to change."""
        tables = self.context.tables
        staged = same_version(self._staged(), work, "left_semi")
        read = staged.where(F.col("reason").isNull())
        instances = tables.read_or_empty("instances")
        lost = state.where("instance_lost").select("path")
        incumbents = instances.join(read.select("sop_instance_uid"), "sop_instance_uid", "left_semi")
        rivals = incumbents.join(lost, "path", "left_anti") if counts.lost else incumbents
        ranked = [rows.select(*_RANKED).withColumn("new", F.lit(new)) for rows, new in ((read, True), (rivals, False))]
        place = with_place(ranked[0].unionByName(ranked[1])).persist()
        try:
            beaten = place.where("place > 1")
            contested = not place.where("NOT new").isEmpty()
            refused = staged.where(F.col("reason").isNotNull()).select(*TABLES["quarantine"].columns)
            aside = refused.unionByName(duplicates(beaten))
            winners = read.join(place.where("new AND place = 1").select("path"), "path", "left_semi")
            winners = winners.select(*TABLES["instances"].columns)
            self._note_removed(state, counts)
            gone = state.where("quarantine_lost")
            if counts.freed:
                gone = gone.unionByName(freed_duplicates(state).select(*gone.columns))
            changes = counts.replaced or counts.freed or contested
            rows = {"quarantine": self._put("quarantine", aside, gone, "path", changes)}
            gone = state.where("instance_lost")
            rows["instances"] = self._put("instances", winners, gone, "sop_instance_uid", counts.lost or contested)
            judged, parsed = staged.agg(F.count_if("judged"), F.count_if(F.col("judged").isNotNull())).collect()[0]
        finally:
            place.unpersist()
        return rows, [f"{judged} of {parsed} headers were no common case and read by pydicom"] if parsed else []

    def _put(self, name: str, rows: DataFrame, gone: DataFrame, key: str, changes: bool | int) -> int:
        tables = self.context.tables
        if changes and tables.exists(name):
            return tables.change(name, rows, gone, key)
        return tables.append(name, rows)

    def _note_removed(self, state: DataFrame, counts: _Counts) -> None:
        """Files that are gone are kept in mind; one that is there again is forgotten there."""
        tables = self.context.tables
        back = state.where("state = 'work'").select("path")
        gone = state.where("state = 'gone'").select(*TABLES["removed_files"].columns)
        if tables.exists("removed_files"):
            if counts.gone or not tables.read("removed_files").join(back, "path", "left_semi").isEmpty():
                tables.change("removed_files", gone, back, "path")
        elif counts.gone:
            tables.append("removed_files", gone)


@dataclass(frozen=True)
class _Counts:
    """How many paths are in which state.

    Attributes:
        instances: known and unchanged.
        reasons: of those in quarantine that are known and unchanged.
        work: to be read for the first time or again.
        freed: duplicates in quarantine that no instance stands for any more.
        missing: known and not listed; nobody has asked for them yet.
        gone: known, and no longer there.
        lost, replaced: rows of `instances` and `quarantine` that have to go.
    """

    instances: int
    reasons: dict[str, int]
    work: int
    freed: int
    missing: int
    gone: int
    lost: int
    replaced: int

    @classmethod
    def of(cls, state: DataFrame) -> _Counts:
        """One pass over the comparison."""
        sums = [F.count("*"), F.count_if("instance_lost"), F.count_if("quarantine_lost")]
        states, reasons = Counter[str](), Counter[str]()
        lost = replaced = 0
        for name, reason, count, gone, changed in state.groupBy("state", "reason").agg(*sums).collect():
            states[name] += count
            lost, replaced = lost + gone, replaced + changed
            if name == "quarantine":
                reasons[reason] += count
        waiting = QuarantineReason.DUPLICATE in reasons and not states["missing"]
        freed = freed_duplicates(state).count() if waiting else 0
        return cls(
            states["instance"], dict(sorted(reasons.items())), states["work"], freed, states["missing"],
            states["gone"], lost, replaced,
        )  # fmt: skip

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        return any((self.work, self.freed, self.gone, self.lost, self.replaced))


def _kept(frame: DataFrame, until: ExitStack) -> DataFrame:
    """The frame on the disks of the executors, so that it is worked out once."""
    frame = frame.persist(StorageLevel.DISK_ONLY)
    until.callback(frame.unpersist)
    return frame


def _summary(
    found: int, instances: int, reasons: dict[str, int], rows: dict[str, int], notes: Sequence[str] = (),
    facts: Sequence[str] = (), removed: int = 0,
) -> StageSummary:  # fmt: skip
    aside = sum(reasons.values())
    if found != instances + aside:
        raise StageError(
            f"ingest: {found} files found, expected as many rows; instances {instances} + quarantine {aside}"
        )
    extra = {"files_found": found, "instances": instances, "quarantine": aside, "removed": removed}
    first = f"{found} files found: {instances} instances + {aside} in quarantine"
    facts = [*facts, f"{removed} files of earlier runs are no longer there"] if removed else facts
    return StageSummary("ingest", rows, reasons, list(notes), extra, [first, *facts])


def _flagged(account: Row) -> str:
    """How many instances say that they are never to be shown, and of how many it is not known."""
    flagged, silent, total = account["flagged"], account["silent"], account["count"]
    return f"{flagged} of {total} instances say that text is burned into their pixels, {silent} say neither yes nor no"


def _large_patients(instances: DataFrame) -> list[str]:
    """A warning for each patient key with too many exams: most often a placeholder that the settings don't list."""
    exams = instances.select("patient_key", "exam_id").distinct().groupBy("patient_key").count()
    of_all = exams.withColumn("total", F.sum("count").over(Window.partitionBy()))
    share = F.col("count") / F.col("total")
    large = of_all.where((share > _LARGE_PATIENT) & (F.col("count") >= _MIN_EXAMS)).orderBy("patient_key")
    return [
        f"one patient has {row['count']} of {row['total']} exams: "
        "if the PatientID is a placeholder, add it to deidentify.placeholders"
        for row in large.collect()
    ]


def _prepare_staging(tables: Tables, ingest_hash: str, retry: Sequence[str]) -> None:
    """The staging area is scratch: what is of other code or settings, or is to be read again, leaves it."""
    if not tables.exists("ingest_staging"):
        return
    try:
        staged = tables.read("ingest_staging")
    except SchemaError:
        tables.overwrite("ingest_staging", tables.spark.createDataFrame([], TABLES["ingest_staging"].ddl))
        return
    again = ", ".join(repr(str(reason)) for reason in ("", *retry))
    useless = f"ingest_hash != '{ingest_hash}' OR coalesce(reason, 'none') IN ({again})"
    if not staged.where(useless).isEmpty():
        tables.delete("ingest_staging", useless)


def _listing(context: StageContext, inputs: list[str], lists: list[str]) -> DataFrame:
    cores = context.spark.sparkContext.defaultParallelism
    units = [(unit.path, unit.recursive) for unit in listing_units(inputs, cores * _UNITS_PER_CORE)]
    frames = (
        [context.spark.createDataFrame(units, "path string, recursive boolean").repartition(cores)] if units else []
    )
    frames += [named_files(_list(context.spark, path), os.path.dirname(path)).repartition(cores) for path in lists]
    listing = listed_files(reduce(DataFrame.unionByName, frames))
    if lists or len(inputs) > 1:  # one may name what another one holds too
        listing = listing.dropDuplicates(["path"])
    return context.sample(listing, "path")


def _list(spark: SparkSession, path: str) -> DataFrame:
    """The column `path` of a list of files.

    Raises:
        UsageError: a Parquet list without it.
    """
    uri = path if is_uri(path) else f"file://{path}"
    if not is_parquet(path):
        return spark.read.text(uri).withColumnRenamed("value", COLUMN)
    rows = spark.read.parquet(uri)
    if COLUMN not in rows.columns:
        raise without_column(path, rows.columns)
    return rows.select(COLUMN)


def _hash(settings: IngestSettings) -> str:
    """Names the settings without giving the key away."""
    key = hashlib.blake2b(settings.key or b"", digest_size=8, person=b"ingest-hash").hexdigest()
    shown = {name: value for name, value in vars(settings).items() if name not in ("key", "placeholders")}
    rules = [load_rules(name) for name in ("deidentify.yml", "dicom_tags.yml")]
    return config_hash(
        {**shown, "placeholders": sorted(settings.placeholders), "key": key, "rules": rules, "rev": PARSE_REVISION}
    )[:12]
