"""`radnet ingest`: lists files, parses what is new, and publishes `instances` and `quarantine`."""

from __future__ import annotations

import hashlib
import os

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from radnet_spark.config import Config, config_hash, load_rules
from radnet_spark.dicom import stage_images
from radnet_spark.dicom.frames import (
    ExportSettings,
    below,
    duplicates,
    listed_files,
    parsed_files,
    same_version,
    with_place,
)
from radnet_spark.dicom.instance import PARSE_REVISION, IngestSettings
from radnet_spark.dicom.inventory import listing_units
from radnet_spark.dicom.reasons import QuarantineReason
from radnet_spark.errors import StageError, UsageError
from radnet_spark.lake.secrets import deid_key
from radnet_spark.lake.stage import StageContext, StageSummary
from radnet_spark.schemas import TABLES

READS: tuple[str, ...] = ()
WRITES = ("instances", "quarantine")
CONFIG = ("ingest", "deidentify", "diagnoses")

_UNITS_PER_CORE = 4
_LARGE_PATIENT = 0.05  # share of all exams above which one patient key is suspicious
_MIN_EXAMS = 20  # below that a share says nothing


def run(context: StageContext) -> StageSummary:
    """Brings both tables up to date with the files below the inputs.

    Raises:
        UsageError: an input is not there.
        StageError: there is no file at all, or files found are not instances plus quarantine.
    """
    inputs = _inputs(context.options["input"])
    settings = ingest_settings(context.config, context.tables.root)
    ingest_hash = _hash(settings)
    listing = _listing(context, inputs).persist()
    try:
        found = listing.count()
        if not found:
            raise StageError(f"ingest: no file below {', '.join(inputs)}")
        scope = F.lit(False) if context.options.get("limit") else below(inputs)
        rows = _update(context, listing, scope, settings, ingest_hash)
        summary = _summary(context, listing, found, rows)
    finally:
        listing.unpersist()
    if context.config.ingest.with_images:
        exported = stage_images.run(context)
        summary.rows |= exported.rows
        summary.dropped |= exported.dropped
    if not context.tables.read_or_empty("ingest_staging").isEmpty():
        context.tables.delete("ingest_staging", "true")
    return summary


def ingest_settings(config: Config, root: str) -> IngestSettings:
    """The sections `ingest`, `deidentify` and the exam key of `diagnoses` in the form that executors take."""
    deidentify, ingest = config.deidentify, config.ingest
    return IngestSettings(
        key=deid_key(deidentify, root) if deidentify.enabled else None,
        always_study=config.diagnoses.exam_key == "study_instance_uid",
        placeholders=frozenset(name.lower() for name in deidentify.placeholders),
        date_shift_days=deidentify.date_shift_days,
        keep_private=ingest.keep_private,
        max_value_bytes=ingest.max_value_bytes,
        checksum=ingest.checksum,
    )


def _update(
    context: StageContext, listing: DataFrame, scope: Column, settings: IngestSettings, ingest_hash: str
) -> dict[str, int]:
    """Parses and publishes; rows written by table, zero where nothing had changed."""
    tables = context.tables
    instances, quarantine = tables.read_or_empty("instances"), tables.read_or_empty("quarantine")
    if not tables.exists("instances"):
        _stage(context, listing, settings, ingest_hash)
        return _publish(context, listing, instances, quarantine.where(F.lit(False)), ingest_hash)
    kept = _still_valid(instances, listing, scope, ingest_hash)
    lost = instances.select("path", "sop_instance_uid").join(kept.select("path"), "path", "left_anti")
    aside = _still_valid(quarantine, listing, scope, ingest_hash)
    set_aside = aside.join(kept.select("path"), "path", "left_anti")  # in both: a run was killed between two commits
    waiting = F.col("reason") == str(QuarantineReason.DUPLICATE)
    freed = set_aside.where(waiting).join(lost, "sop_instance_uid", "left_semi").select("path")
    known, known_aside = (
        rows.select("path").persist() for rows in (kept, set_aside.join(freed, "path", "left_anti"))
    )  # narrow: everything below asks for nothing but the paths
    try:
        work = listing.join(known.unionByName(known_aside), "path", "left_anti")
        unchanged = instances.count() == known.count() and quarantine.count() == known_aside.count()
        if unchanged and work.isEmpty():
            return {"instances": 0, "quarantine": 0}
        _stage(context, work, settings, ingest_hash)
        kept = instances.join(known, "path", "left_semi")
        return _publish(context, listing, kept, quarantine.join(known_aside, "path", "left_semi"), ingest_hash)
    finally:
        for rows in (known, known_aside):
            rows.unpersist()


def _still_valid(table: DataFrame, listing: DataFrame, scope: Column, ingest_hash: str) -> DataFrame:
    """Rows whose file is as it was, or was not looked at in this run."""
    elsewhere = table.where(~scope).join(listing.select("path"), "path", "left_anti")
    unchanged = same_version(table.where(F.col("ingest_hash") == ingest_hash), listing, "left_semi")
    return unchanged.unionByName(elsewhere)


def _stage(context: StageContext, work: DataFrame, settings: IngestSettings, ingest_hash: str) -> None:
    """Parses what is not staged yet, in batches of one commit each, so that a stopped run goes on where it was."""
    tables, per_task = context.tables, context.config.ingest.files_per_task
    export = ExportSettings.of(context.config.images) if context.config.ingest.with_images else None
    staged = tables.read_or_empty("ingest_staging").where(F.col("ingest_hash") == ingest_hash)
    pending = same_version(work, staged, "left_anti").persist()
    try:
        count = pending.count()
        cores = context.spark.sparkContext.defaultParallelism
        batches = -(-count // (per_task * cores * _UNITS_PER_CORE))
        for number in range(batches):
            part = pending.where(F.pmod(F.xxhash64("path"), F.lit(batches)) == number)
            tasks = max(cores, -(-count // (batches * per_task)))
            tables.append("ingest_staging", parsed_files(part.repartition(tasks), settings, ingest_hash, export))
            context.progress(f"{min(count, (number + 1) * count // batches)} of {count} files read")
    finally:
        pending.unpersist()


def _publish(
    context: StageContext, listing: DataFrame, kept: DataFrame, set_aside: DataFrame, ingest_hash: str
) -> dict[str, int]:
    """One commit a table."""
    tables = context.tables
    staging = tables.read_or_empty("ingest_staging").where(F.col("ingest_hash") == ingest_hash)
    staged = same_version(staging, listing, "left_semi").join(kept.select("path"), "path", "left_anti")
    readable = staged.where(F.col("reason").isNull()).select(*TABLES["instances"].columns)
    candidates = kept.unionByName(readable)
    place = with_place(candidates).persist()
    try:
        winners = candidates.join(place.where("place = 1"), "path", "left_semi")
        losers = duplicates(candidates.join(place.where("place > 1"), "path", "left_semi"))
        refused = staged.where(F.col("reason").isNotNull()).select(*TABLES["quarantine"].columns)
        put_aside = set_aside.join(staged.select("path"), "path", "left_anti").unionByName(losers).unionByName(refused)
        rows = {"quarantine": tables.overwrite("quarantine", put_aside)}
        rows["instances"] = tables.overwrite("instances", winners)
    finally:
        place.unpersist()
    return rows


def _summary(context: StageContext, listing: DataFrame, found: int, rows: dict[str, int]) -> StageSummary:
    tables = context.tables
    instances = tables.read("instances").join(listing.select("path"), "path", "left_semi")
    quarantine = tables.read("quarantine").join(listing.select("path"), "path", "left_semi")
    reasons = {row[0]: row[1] for row in quarantine.groupBy("reason").count().orderBy("reason").collect()}
    read, aside = instances.count(), sum(reasons.values())
    if found != read + aside:
        raise StageError(f"ingest: {found} files found, expected as many rows; instances {read} + quarantine {aside}")
    extra = {"files_found": found, "instances": read, "quarantine": aside}
    new = "" if any(rows.values()) else "; nothing new"
    facts = [f"{found} files found: {read} instances + {aside} in quarantine{new}"]
    return StageSummary("ingest", rows, reasons, _large_patients(instances), extra, facts)


def _large_patients(instances: DataFrame) -> list[str]:
    """A warning for each patient key with too many exams: most often a placeholder that the settings don't list."""
    exams = instances.select("patient_key", "exam_id").distinct().groupBy("patient_key").count()
    of_all = exams.withColumn("total", F.sum("count").over(Window.partitionBy()))
    share = F.col("count") / F.col("total")
    large = of_all.where((share > _LARGE_PATIENT) & (F.col("total") >= _MIN_EXAMS)).orderBy("patient_key")
    return [
        f"one patient has {row['count']} of {row['total']} exams: "
        "if the PatientID is a placeholder, add it to deidentify.placeholders"
        for row in large.collect()
    ]


def _inputs(paths: list[str]) -> list[str]:
    missing = [path for path in paths if not os.path.exists(path)]
    if missing:
        raise UsageError(f"--input: found no {', '.join(missing)}; expected folders, files or zip archives that exist")
    return [os.path.abspath(path) for path in paths]


def _listing(context: StageContext, inputs: list[str]) -> DataFrame:
    cores = context.spark.sparkContext.defaultParallelism
    units = listing_units(inputs, cores * _UNITS_PER_CORE)
    rows = [(unit.path, unit.recursive) for unit in units]
    frame = context.spark.createDataFrame(rows, "path string, recursive boolean")
    return context.sample(listed_files(frame.repartition(min(len(units), cores))), "path")


def _hash(settings: IngestSettings) -> str:
    """Names the settings without giving the key away."""
    key = hashlib.blake2b(settings.key or b"", digest_size=8, person=b"ingest-hash").hexdigest()
    shown = {name: value for name, value in vars(settings).items() if name not in ("key", "placeholders")}
    rules = [load_rules(name) for name in ("deidentify.yml", "dicom_tags.yml")]
    return config_hash(
        {**shown, "placeholders": sorted(settings.placeholders), "key": key, "rules": rules, "rev": PARSE_REVISION}
    )[:12]
