"""The record of runs: what a stage was made from, so that unchanged work is skipped and a stopped run goes on."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

from pyspark.sql import Window
from pyspark.sql import functions as F

from radnet_spark.config import config_hash
from radnet_spark.errors import NothingToDoError, UsageError
from radnet_spark.lake.stage import StageContext, StageSummary
from radnet_spark.lake.tables import Tables
from radnet_spark.schemas import TABLES

_SETTINGS = (
    "base.yml", "demo.yml", "missforest_authors.yml", "on_databricks.yml", "tag_grids.yml", "text_grids.yml",
)  # fmt: skip


@cache
def code_version() -> str:
    """The package's version and a hash of its source and rules: another code may give another result."""
    package = Path(__file__).resolve().parents[1]
    conf = package / "conf" if (package / "conf").is_dir() else package.parent / "conf"
    digest = hashlib.blake2b(digest_size=6)
    for path in sorted([*package.rglob("*.py"), *conf.glob("*.yml")]):
        if path.name not in _SETTINGS:  # they count by the sections that a stage reads, grids cell by cell
            digest.update(path.name.encode() + path.read_bytes())
    try:
        number = version("radnet-spark")
    except PackageNotFoundError:
        number = "0"
    return f"{number}+{digest.hexdigest()}"


def stage_key(verb: str, options: dict[str, Any]) -> str:
    """`cluster[image]` for the verbs that work on one source, else the verb."""
    return f"{verb}[{options['source']}]" if "source" in options else verb


def looks_for_files(options: dict[str, Any]) -> bool:
    """Whether a stage reads files that a person named: they change without telling, so it always looks itself."""
    return any(options.get(name) for name in ("input", "lists", "diagnoses"))


def reads(module: ModuleType, options: dict[str, Any]) -> list[str]:
    """The tables and parts that a stage reads with these options."""
    of_source = module.READS_OF_SOURCE.get(options["source"], ()) if hasattr(module, "READS_OF_SOURCE") else ()
    return [key.format(**options) for key in (*module.READS, *of_source)]


class Runs:
    """How each stage last ended under a root, and the last version of each output, whoever's run wrote it."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.last: dict[str, dict[str, Any]] = {}
        newest = Window.partitionBy("stage").orderBy(F.desc("started"), F.desc("run_id"))
        ranked = tables.read_or_empty("runs").withColumn("n", F.row_number().over(newest))
        rows = ranked.where("n = 1").orderBy("started").collect()
        for row in rows:  # one row a stage, not a run
            self.last[row["stage"]] = row.asDict()

    def output_version(self, key: str) -> int:
        """The Delta version in which a table (or part) was last written by a stage; -1: never."""
        table = key.partition("/")[0]
        known = [
            number
            for entry in self.last.values()
            for output, number in (entry["outputs"] or {}).items()
            if output == key or (output.partition("/")[0] == table and "/" not in key)
        ]
        return max(known, default=-1)

    def input_versions(self, module: ModuleType, options: dict[str, Any]) -> dict[str, int]:
        """Versions of what a stage reads."""
        return {key: self.output_version(key) for key in reads(module, options)}

    def fingerprint(self, verb: str, module: ModuleType, context: StageContext) -> str:
        """Hash of all that decides a stage's result."""
        sections = {name: context.config.section(name) for name in module.CONFIG}
        inputs = self.input_versions(module, context.options)
        rules = context.config.rules_hash(module.CONFIG)
        more = module.state(context) if hasattr(module, "state") else None
        return config_hash([verb, sections, rules, more, context.options, inputs, code_version()])

    def is_done(self, verb: str, fingerprint: str, options: dict[str, Any]) -> bool:
        """Whether the stage's last success had this fingerprint."""
        return self._ended(verb, "done", fingerprint, options)

    def has_nothing_to_do(self, verb: str, fingerprint: str, options: dict[str, Any]) -> bool:
        """Whether the stage found nothing to work on the last time, and would find the same now."""
        return self._ended(verb, "nothing_to_do", fingerprint, options)

    def _ended(self, verb: str, status: str, fingerprint: str, options: dict[str, Any]) -> bool:
        last = self.last.get(stage_key(verb, options))
        same = last is not None and last["status"] == status and last["fingerprint"] == fingerprint
        return same and not looks_for_files(options) and not self._mark(stage_key(verb, options)).exists()

    def _mark(self, key: str) -> Path:
        """A file that is there while a stage works: one that was killed has left half of its tables behind."""
        return self._tables.files / "running" / key

    def execute(self, verb: str, module: ModuleType, context: StageContext) -> StageSummary:
        """Runs a stage unless nothing changed since its last success, and records how it ended."""
        fingerprint = self.fingerprint(verb, module, context)
        key = stage_key(verb, context.options)
        if self.is_done(verb, fingerprint, context.options):
            summary = StageSummary(**json.loads(self.last[key]["summary"]))
            summary.skipped = True
            return summary
        if self.has_nothing_to_do(verb, fingerprint, context.options):
            raise NothingToDoError(*json.loads(self.last[key]["summary"])["notes"])
        inputs = self.input_versions(module, context.options)
        context = replace(context, fingerprint=fingerprint, input_versions=inputs)
        run_id, started = uuid.uuid4().hex[:12], time.time()
        context.tables.provenance = json.dumps(
            {"run": run_id, "stage": key, "config": fingerprint, "code": code_version()}
        )
        context.tables.written.clear()
        mark = self._mark(key)
        killed = mark.exists()
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
        try:
            summary = self._run(key, module, context)
        except UsageError:
            if not killed:
                mark.unlink()
            raise  # nothing was written, so there is nothing to record
        except BaseException as error:
            nothing = isinstance(error, NothingToDoError)
            ended = StageSummary(key, notes=[str(error)] if nothing else [], extra={"error": type(error).__name__})
            self._record(run_id, key, "nothing_to_do" if nothing else "failed", fingerprint, started, ended)
            mark.unlink()
            raise
        summary.seconds = time.time() - started
        self._record(run_id, key, "done", fingerprint, started, summary)
        mark.unlink()
        return summary

    def _run(self, key: str, module: ModuleType, context: StageContext) -> StageSummary:
        with context.tracker.run(key, {"code_version": code_version(), "fingerprint": context.fingerprint}) as run:
            run.params({name: context.config.section(name) for name in module.CONFIG})
            summary: StageSummary = module.run(context)
            run.metrics({f"rows.{name}": count for name, count in summary.rows.items()})
            run.metrics({f"dropped.{name}": count for name, count in summary.dropped.items()})
        return summary

    def _record(
        self, run_id: str, key: str, status: str, fingerprint: str, started: float, summary: StageSummary
    ) -> None:
        kept = self.last.get(key, {}).get("outputs") or {}
        entry = {
            "run_id": run_id, "stage": key, "status": status, "fingerprint": fingerprint,
            "code_version": code_version(), "started": datetime.fromtimestamp(started, UTC),
            "seconds": time.time() - started, "outputs": {**kept, **self._tables.written},
            "summary": json.dumps(summary.__dict__, default=str),
        }  # fmt: skip
        row = tuple(entry[column] for column in TABLES["runs"].columns)
        self._tables.append("runs", self._tables.spark.createDataFrame([row], TABLES["runs"].ddl))
        self.last[key] = entry
