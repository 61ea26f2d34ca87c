"""What a person sees while a command works: progress and summaries on standard error, JSON on standard output."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from radnet_spark.lake.runs import Runs
    from radnet_spark.lake.stage import StageSummary


def say(text: str) -> None:
    """A line on the person's terminal; progress is no log and has no level."""
    clear()
    _err.write(text + "\n")
    _err.flush()


def progress(text: str) -> None:
    """A line that the next one replaces; on a terminal only."""
    if _err.isatty():
        _err.write(f"\r\033[K  {text[:110]}")
        _err.flush()


def counter(what: str) -> Callable[[int, int], None]:
    """Progress of counted work: called with (done, of)."""
    begin, last = time.time(), [0.0]

    def show(done: int, of: int) -> None:
        now = time.time()
        if now - last[0] > 0.5 or done == of:
            last[0] = now
            rest = (now - begin) / max(done, 1) * (of - done)
            progress(f"{done}/{of} {what}, {rest:.0f} s to go")

    return show


def announcer(of: int) -> Callable[[int, str], None]:
    """Says which step begins."""

    def show(number: int, stage: str) -> None:
        progress(f"[{number:2d}/{of}] {stage} …")

    return show


def show_step(number: int, of: int, summary: StageSummary) -> None:
    """One line a finished step, and its notes beneath."""
    source = f"[{summary.extra['source']}]" if "source" in summary.extra else ""
    took = "unchanged, skipped" if summary.skipped else f"{summary.seconds:6.1f} s"
    say(f"[{number:2d}/{of}] {summary.stage + source:<20} {took}{_counts(summary)}")
    if not summary.skipped:
        for fact in summary.facts:
            say(f"        {fact}")
        for note in summary.notes:
            say(f"        note: {note}")


def show_summary(summary: StageSummary) -> None:
    """The end of a stage that was called alone."""
    show_step(1, 1, summary)


def show_end(summaries: list[StageSummary], where: dict[str, str]) -> None:
    """The end of a whole run: how long, and where to look."""
    seconds = sum(s.seconds for s in summaries if not s.skipped)
    done = sum(not s.skipped for s in summaries)
    say("")
    say(f"done: {done} stages in {seconds:.0f} s, {len(summaries) - done} unchanged")
    say(f"report:  {where['report']}")
    say(f"runs:    mlflow ui --backend-store-uri {where['tracking']}")


def total(summaries: list[StageSummary], where: dict[str, str]) -> dict[str, Any]:
    """A whole run as one JSON object: the stages' figures added up, and each of them."""
    rows: dict[str, int] = {}
    dropped: dict[str, int] = {}
    for summary in summaries:
        for into, counts in ((rows, summary.rows), (dropped, summary.dropped)):
            for name, count in counts.items():
                into[name] = into.get(name, 0) + count
    seconds = round(sum(s.seconds for s in summaries if not s.skipped), 3)
    stages = [summary.as_dict() for summary in summaries]
    return {"stage": "run", "seconds": seconds, "rows": rows, "dropped": dropped, **where, "stages": stages}


def print_summary(verb: str, seconds: float, rows: dict[str, int] | None = None, **more: Any) -> None:
    """Prints the JSON object of `--json` for a verb that is no stage and drops nothing."""
    print(json.dumps({"stage": verb, "seconds": round(seconds, 3), "rows": rows or {}, "dropped": {}, **more}))


def show_status(
    runs: Runs, states: list[tuple[str, str]], held: dict[str, int], seconds: float, as_json: bool = False
) -> None:  # fmt: skip
    """A table of the stages: when, how long, rows, losses, and what a next run would do.

    Args:
        runs: how each ended.
        states: stage and what a next run would do.
        held: table → rows that are there, where the last run may have added a few only.
        seconds: that this took.
        as_json: print JSON.
    """
    lines = []
    for stage, state in states:
        last = runs.last.get(stage)
        summary = json.loads(last["summary"]) if last else {}
        lines.append({
            "stage": stage, "next": state, "ended": last and f"{last['started']:%Y-%m-%d %H:%M}",
            "seconds": last and round(last["seconds"], 1),
            "rows": {name: held.get(name, rows) for name, rows in summary.get("rows", {}).items()},
            "dropped": summary.get("dropped", {}),
        })  # fmt: skip
    if as_json:
        print_summary("status", seconds, stages=lines)
        return
    for line in lines:
        print(f"{line['stage']:<20} {line['ended'] or '-':<17} {line['next']}")
        for name in ("rows", "dropped"):
            if line[name]:
                print(f"{'':20} {name}: " + ", ".join(f"{key} {count}" for key, count in line[name].items()))


def show_finding(name: str, state: str, found: str, mend: str) -> None:
    """One line of `radnet doctor`, and how to mend it."""
    say(f"{state:<8} {name:<14} {found}")
    if mend:
        say(f"{'':23} → {mend}")


@contextlib.contextmanager
def jvm_log(root: str) -> Iterator[None]:
    """Sends what the JVM and its children write on standard error to `<root>/spark.log`.

    Spark prints hundreds of lines at every start; people want to see the stages. The process's own messages
    still go to the real standard error.
    """
    global _err
    if "://" in root:
        yield
        return
    real = os.dup(2)
    kept_err, kept_stderr = _err, sys.stderr
    _err = sys.stderr = os.fdopen(real, "w", buffering=1, encoding="utf-8", errors="replace")
    _to_log(2, root)
    _redirect_logging(kept_stderr, sys.stderr)
    try:
        yield
    finally:
        os.dup2(real, 2)
        _redirect_logging(sys.stderr, kept_stderr)
        _err, sys.stderr = kept_err, kept_stderr


@contextlib.contextmanager
def children_to_log(root: str) -> Iterator[None]:
    """Sends the standard output of processes that start within the block to `<root>/spark.log`: Ivy greets there."""
    if "://" in root:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    _to_log(1, root)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _to_log(descriptor: int, root: str) -> None:
    log = os.open(Path(root) / "spark.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, descriptor)
    os.close(log)


def _redirect_logging(old: Any, new: Any) -> None:
    import logging

    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is old:
            handler.setStream(new)


def _counts(summary: StageSummary) -> str:
    rows = ", ".join(f"{name} {count}" for name, count in summary.rows.items())
    lost = ", ".join(f"{reason} {count}" for reason, count in summary.dropped.items())
    return "".join(f"   {part}" for part in (rows, f"dropped: {lost}" if lost else "") if part)


def clear() -> None:
    """Takes the line of progress away; on a terminal only."""
    if _err.isatty():
        _err.write("\r\033[K")


_err = sys.stderr
