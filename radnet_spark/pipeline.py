"""The order of the stages, and the way to run one or all of them."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

from radnet_spark.clusters.screened_grids import GRIDS
from radnet_spark.config import Config
from radnet_spark.errors import NothingToDoError
from radnet_spark.lake.runs import Runs, code_version, looks_for_files, reads, stage_key
from radnet_spark.lake.stage import StageContext, StageSummary
from radnet_spark.lake.tables import Tables
from radnet_spark.schemas import TABLES

STAGES = {
    "ingest": "radnet_spark.dicom.stage_ingest",
    "diagnoses": "radnet_spark.text.stage_diagnoses",
    "body-parts": "radnet_spark.tags.stage_body_parts",
    "images": "radnet_spark.dicom.stage_images",
    "cohort": "radnet_spark.cohort.stage_cohort",
    "tags": "radnet_spark.tags.stage_tags",
    "text": "radnet_spark.text.stage_text",
    "train": "radnet_spark.encoders.stage_train",
    "embed": "radnet_spark.encoders.stage_embed",
    "screen": "radnet_spark.clusters.stage_screen",
    "cluster": "radnet_spark.clusters.stage_cluster",
    "evaluate": "radnet_spark.clusters.stage_evaluate",
    "fuse": "radnet_spark.clusters.stage_fuse",
    "register": "radnet_spark.annotator.stage_register",
    "annotate": "radnet_spark.annotator.stage_annotate",
    "report": "radnet_spark.report.stage_report",
}

Step = tuple[str, dict[str, Any]]


def stage_module(verb: str) -> ModuleType:
    """The module of a stage, imported when it is needed."""
    return importlib.import_module(STAGES[verb])


def grids(config: Config) -> list[str]:
    """The sources of which a grid of models is tried."""
    return [source for source, grid in GRIDS.items() if grid.asked(config)]


def plan(
    sources: dict[str, list[str]] | None,
    diagnoses: list[str] | None,
    limit: int | None = None,
    screened: Sequence[str] = (),
) -> list[Step]:
    """All stages of a whole run in their order; reading is left out where there is nothing to read from.

    Args:
        sources: what `ingest` reads.
        diagnoses: files of diagnoses.
        limit: of the files.
        screened: sources with a grid of models, see `grids`.
    """
    steps: list[Step] = []
    if sources:
        steps.append(("ingest", {**sources, "limit": limit}))
    if diagnoses:
        steps.append(("diagnoses", {"input": diagnoses}))
    steps += [(verb, {}) for verb in ("body-parts", "images", "cohort", "tags", "text", "train", "embed")]
    if "diagnosis" in screened:  # by S alone, and before the scores of images, which are taken in text vectors, too
        steps.append(("screen", {"source": "diagnosis"}))
    for source in ("image", "diagnosis", "tags"):  # tags last: D needs the choice of the others (paper, 2.3.2)
        steps += [("screen", {"source": source})] if source == "tags" and source in screened else []
        steps += [("cluster", {"source": source}), ("evaluate", {"source": source})]
    steps += [("fuse", {}), ("cluster", {"source": "fusion"}), ("evaluate", {"source": "fusion"})]
    return steps + [(verb, {}) for verb in ("register", "annotate", "report")]


def overlap(one: str, other: str) -> bool:
    """Whether two names of tables or parts share rows: `labels` and `labels/source=image` do, two parts do not."""
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def check_stage(verb: str, context: StageContext) -> None:
    """Raises `UsageError` for options that the stage can tell beforehand can't work."""
    check = getattr(stage_module(verb), "check", None)
    if check:
        check(context)


def run_stage(verb: str, context: StageContext, runs: Runs | None = None) -> StageSummary:
    """Runs one stage, or skips it if nothing changed."""
    return (runs or Runs(context.tables)).execute(verb, stage_module(verb), context)


def run_all(
    steps: list[Step], context: StageContext, started: Callable[[int, str], None]
) -> Iterator[tuple[int, StageSummary]]:
    """Runs the steps in order and yields (number, summary) as each ends.

    Stages that can tell wrong usage beforehand (`check`) are asked first, so that nothing is written then. A stage
    whose source is missing leaves a note and the run goes on with the others; any other failure ends the run.
    """
    runs = Runs(context.tables)
    for verb, options in steps:
        check_stage(verb, replace(context, options=options))
    for number, (verb, options) in enumerate(steps, start=1):
        started(number, stage_key(verb, options))
        begin = time.time()
        try:
            summary = run_stage(verb, replace(context, options=options), runs)
        except NothingToDoError as error:
            summary = StageSummary(stage_key(verb, options), notes=[str(error)], seconds=time.time() - begin)
        yield number, summary


def held_rows(steps: list[Step], tables: Tables) -> dict[str, int]:
    """Table → rows that are there, of the tables that stages write whole: their last run may have added a few only."""
    whole = {name for verb, _ in steps for name in stage_module(verb).WRITES} & set(TABLES)
    return {name: rows for name in sorted(whole) if (rows := tables.count(name)) is not None}


def next_steps(steps: list[Step], context: StageContext, runs: Runs) -> Iterator[tuple[str, str]]:
    """What a run would do now: (stage, `done` | `nothing to do` | `would run: why`), without doing it."""
    stale: set[str] = set()
    for verb, options in steps:
        module, key = stage_module(verb), stage_key(verb, options)
        local = replace(context, options=options)
        upstream = {name for name in reads(module, options) if any(overlap(name, other) for other in stale)}
        fingerprint = runs.fingerprint(verb, module, local)
        if looks_for_files(options):
            state = "would look for new and changed files"
        elif key not in runs.last:
            state = "would run: never done"
        elif runs.last[key]["status"] == "failed":
            state = "would run: last time failed"
        elif upstream:
            state = f"would run: {', '.join(sorted(upstream))} will change"
        elif runs.is_done(verb, fingerprint, options):
            state = "done"
        elif runs.has_nothing_to_do(verb, fingerprint, options):
            state = "nothing to do"
        else:
            same_code = runs.last[key]["code_version"] == code_version()
            state = "would run: " + (
                "other settings or input tables than the last time (was another --conf given?)" if same_code
                else "the code changed"
            )  # fmt: skip
        if state.startswith("would run"):
            stale |= {name.format(**options) for name in module.WRITES}
        yield key, state
