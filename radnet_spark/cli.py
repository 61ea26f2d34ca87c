"""`radnet <verb>`: reads the command line, finds the stage, says what happened. Knows nothing else."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import logging
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from radnet_spark import console
from radnet_spark.config import Config, load_config
from radnet_spark.dicom.reasons import QuarantineReason
from radnet_spark.errors import RadnetError, StageError, UsageError

SOURCES = ("image", "tags", "diagnosis", "fusion")
GRID_SOURCES = ("tags", "diagnosis")
HELP = {
    "ingest": "DICOM files and zip archives -> instances, quarantine",
    "diagnoses": "narrative diagnoses (CSV, JSON lines, Parquet, Delta) -> exams",
    "body-parts": "the body part of each instance, from tags and descriptions -> body_parts",
    "images": "8-bit images, what is missing or outdated -> images",
    "cohort": "the balanced experiment and its train, validation and test parts -> cohort",
    "tags": "DICOM tags as vectors -> tag_missingness, missingness_tests, tag_imputation, tag_features, embeddings",
    "text": "diagnoses as stems and vectors -> tokens, embeddings",
    "train": "the convolutional autoencoder, on all ranks -> train_images, checkpoints, registered encoder",
    "embed": "images as vectors -> embeddings",
    "screen": "the cells of a source's grid judged on a sample, the best as vectors -> grid_cells, embeddings",
    "cluster": "k-means of one source -> clusterings, clusters, labels",
    "evaluate": "scores of one source, and the choice -> scores, clusterings",
    "fuse": "one vector from all sources -> embeddings (source fusion)",
    "register": "the chosen pipeline as MLflow model radnet-annotator@champion",
    "annotate": "labels by the registered model -> annotations",
    "report": "report/index.html, report/summary.json and figures",
    "run": "all stages in order; goes on where an earlier run stopped",
    "demo": "makes a synthetic hospital and runs everything on it",
    "make-hospital": "only makes the synthetic hospital: DICOM files, diagnoses.csv, truth.csv",
    "profile": "a look at a sample of an archive: what is there, what will be lost, how long it will take; no Spark",
    "doctor": "is everything there that a run needs, and how to mend what is not; starts no Spark",
    "status": "stages done, rows, losses by reason, what a next run would do",
    "labels": "path, label, cluster name and confidence as CSV",
    "body-part": "the body part that a text names and the rule that says so, one JSON object a line; no Spark",
    "stem": "the stems of a text, one JSON object a line; no Spark",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code: 0 done, 1 failed, 2 wrong usage."""
    args = _parser().parse_args(argv)
    logging.basicConfig(level=args.log_level.upper(), stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("py4j").setLevel(logging.CRITICAL)  # whose calls end in the middle when one stops a run
    for noisy in ("matplotlib", "pydicom", "fsspec", "petastorm", "gensim", "sqlalchemy", "alembic"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    try:
        COMMANDS[args.verb](args)
        return 0
    except RadnetError as error:
        if args.log_level == "debug":
            logging.exception("stopped")
        print(f"radnet {args.verb}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return _stopped(args.verb)
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except Exception as error:
        if _was_interrupted(error):
            return _stopped(args.verb)
        if args.log_level == "debug":
            logging.exception("stopped")
        print(f"radnet {args.verb}: {_unexpected(error)}", file=sys.stderr)
        return 1


def _stopped(verb: str) -> int:
    print(f"radnet {verb}: stopped; the same command goes on from here", file=sys.stderr)
    return 1


def _was_interrupted(error: BaseException | None) -> bool:
    """Whether Spark's handler of Ctrl-C failed when it cancelled the jobs, so that its error came instead of ours."""
    while error is not None:
        frames = traceback.walk_tb(error.__traceback__)
        if any(
            frame.f_code.co_name == "signal_handler" and "pyspark" in frame.f_code.co_filename for frame, _ in frames
        ):
            return True
        error = error.__context__
    return False


def _unexpected(error: Exception) -> str:
    """One line for an error nobody foresaw: its type and place; not its text, which may hold patient values."""
    text = "".join(traceback.format_exception(error))  # a failure in a Python worker comes as text within Spark's error
    kinds = re.findall(r"^(?:\w+\.)*(\w+(?:Error|Exception)):", text, flags=re.MULTILINE)
    places = re.findall(r'File "[^"]*(radnet_spark/[^"]+)", line (\d+)', text)
    kind = next((k for k in kinds if k not in ("PythonException", "Py4JJavaError")), type(error).__name__)
    where = " in {}:{}".format(*places[-1]) if places else ""
    return f"failed with {kind}{where}; --log-level debug shows all"


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--root", default="./radnet-out", help="where tables, models and the report lie (%(default)s)")
    common.add_argument("--conf", action="append", default=[], metavar="FILE", help="settings on top of conf/base.yml")
    common.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides", help="one setting")
    common.add_argument(
        "--limit",
        type=_positive,
        metavar="N",
        help="only N of what the verb works on (files, exams, instances, lines), for a first try",
    )
    common.add_argument("--master", help="Spark master; default: spark-submit's, else local[*]")
    common.add_argument("--log-level", default="warning", choices=("debug", "info", "warning", "error"))
    common.add_argument("--json", action="store_true", help="the summary as JSON on the last line of standard output")
    about = "Turns a hospital's unlabelled radiology archive into an annotated image data set."
    parser = argparse.ArgumentParser(prog="radnet", description=about, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--version", action=_Version, nargs=0, help="the version")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="<verb>")
    for name, text in HELP.items():
        verb = verbs.add_parser(name, parents=[common], help=text, description=text)
        if name == "diagnoses":
            verb.add_argument("--input", nargs="+", required=True, metavar="PATH")
        if name in ("ingest", "run", "profile"):
            verb.add_argument("--input", nargs="+", metavar="PATH", help="folders, files, zip archives")
            about = "text or Parquet (column `path`) that names the files of an archive too large to list"
            verb.add_argument("--list", nargs="+", metavar="FILE", dest="lists", help=about)
        if name == "ingest":
            reasons = [str(reason) for reason in QuarantineReason]
            about = "reasons in quarantine: such files are read again, unchanged as they are"
            verb.add_argument("--retry", nargs="+", choices=reasons, metavar="REASON", help=about)
        if name == "annotate":
            verb.add_argument("--input", nargs="+", metavar="PATH", help="files to annotate; default: all of instances")
        if name in ("run", "annotate"):
            verb.add_argument("--diagnoses", nargs="+", metavar="FILE")
        if name in ("cluster", "evaluate"):
            verb.add_argument("--source", required=True, choices=SOURCES)
        if name == "screen":
            verb.add_argument("--source", required=True, choices=GRID_SOURCES)
        if name in ("demo", "make-hospital"):
            verb.add_argument("--exams", type=_positive, metavar="N", required=name == "make-hospital")
            verb.add_argument("--seed", type=int, metavar="S", default=None)
        if name in ("make-hospital", "labels"):
            verb.add_argument("--out", required=True, metavar="PATH")
        if name in ("body-part", "stem"):
            before = "; a modality may stand before a tab" if name == "body-part" else ""
            text = f"UTF-8, one text a line{before}; - reads standard input"
            verb.add_argument("--file", required=True, metavar="FILE", help=text)
    return parser


class _Version(argparse.Action):
    """Prints the version and ends."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Of the installed package."""
        from importlib.metadata import version

        print(f"radnet_spark {version('radnet-spark')}")
        parser.exit()


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"found {value}, expected 1 or more")
    return value


def _config(args: argparse.Namespace, *below: str) -> Config:
    return load_config([*below, *args.conf], args.overrides)


def _check_inputs(key: str, paths: Sequence[str] | None, files: bool = False) -> list[str]:
    """Paths as absolute names, there before anything is started or written; URIs of tables are Spark's to look for."""
    from radnet_spark.dicom.stores import checked, is_uri

    return [checked(key, path) if files or not is_uri(path) else path for path in paths or ()]


@contextlib.contextmanager
def _context(args: argparse.Namespace, config: Config) -> Iterator[Any]:
    """A stage's context on a session of our own, which ends with the block."""
    from radnet_spark.lake.session import open_session, session_is_there
    from radnet_spark.lake.stage import StageContext
    from radnet_spark.lake.tables import Tables
    from radnet_spark.lake.tracking import Tracker

    if "://" not in args.root:
        try:
            Path(args.root).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"--root: {args.root} can't be made ({type(error).__name__})") from error
    debug, ours = args.log_level == "debug", not session_is_there()
    with console.jvm_log(args.root) if ours and not debug else contextlib.nullcontext():
        if ours:
            console.say("starting Spark (its first start on a machine downloads about 150 MB of jars) …")
        with contextlib.nullcontext() if debug or not ours else console.children_to_log(args.root):
            spark = open_session(config.spark, args.master, "INFO" if debug else "FATAL")
        try:
            tables = Tables(spark, args.root, config.storage)
            tracker = Tracker(config.tracking, tables.files)
            yield StageContext(spark, config, tables, tracker, {}, progress=console.progress)
        finally:
            if ours:
                spark.stop()


def _stage(args: argparse.Namespace) -> None:
    """Any verb that is one stage."""
    from dataclasses import replace

    config = _config(args)
    options: dict[str, Any] = _sources(args) if args.verb == "ingest" else {}
    for name in ("input", "diagnoses"):
        if name not in options and getattr(args, name, None):
            options[name] = _check_inputs(
                f"--{name}", getattr(args, name), name == "input" and args.verb != "diagnoses"
            )
    if hasattr(args, "source"):
        options["source"] = args.source
    if getattr(args, "retry", None):
        options["retry"] = args.retry
    if args.limit:
        options["limit"] = args.limit
    from radnet_spark.pipeline import check_stage, run_stage

    with _context(args, config) as context:
        here = replace(context, options=options)
        check_stage(args.verb, here)
        summary = run_stage(args.verb, here)
    console.show_summary(summary)
    if args.json:
        print(json.dumps(summary.as_dict(), default=str))


def _sources(args: argparse.Namespace) -> dict[str, list[str]]:
    """Where `ingest` and `profile` find their files."""
    if not args.input and not args.lists:
        raise UsageError("--input and --list: found neither, expected at least one of them")
    from radnet_spark.dicom.file_list import list_parts

    inputs, lists = _check_inputs("--input", args.input, True), _check_inputs("--list", args.lists, True)
    for path in lists:
        list_parts(path)  # one that is none ends here, before anything is written
    return {"input": inputs, "lists": lists}


def _run(args: argparse.Namespace) -> None:
    config = _config(args)
    _run_all(args, config, _sources(args), _check_inputs("--diagnoses", args.diagnoses))


def _run_all(args: argparse.Namespace, config: Config, sources: dict[str, list[str]], diagnoses: list[str]) -> None:
    from radnet_spark import pipeline

    steps = pipeline.plan(sources, diagnoses, args.limit, pipeline.grids(config))
    summaries = []
    with _context(args, config) as context:
        for number, summary in pipeline.run_all(steps, context, console.announcer(len(steps))):
            console.show_step(number, len(steps), summary)
            summaries.append(summary)
        where = {"report": str(context.tables.files / "report" / "index.html"), "tracking": context.tracker.uri}
    console.show_end(summaries, where)
    if args.json:
        print(json.dumps(console.total(summaries, where), default=str))


def _demo(args: argparse.Namespace) -> None:
    config = _config(args, "demo.yml")
    if "://" in args.root:
        raise UsageError(f"--root: found {args.root}, expected a local folder, since the demo makes its hospital there")
    exams = args.exams or config.demo.exams
    seed = config.demo.seed if args.seed is None else args.seed
    hospital = Path(args.root).absolute() / f"hospital-{exams}-{seed}"
    _make(hospital, exams, seed)
    inputs = [str(hospital)]
    if config.demo.real_files:
        from radnet_spark.demo.real_files import real_files_folder

        inputs.append(str(real_files_folder()))
    _run_all(args, config, {"input": inputs}, [str(hospital / "diagnoses.csv")])


def _make_hospital(args: argparse.Namespace) -> None:
    _config(args)
    seed = 1 if args.seed is None else args.seed
    summary = _make(Path(args.out), min(args.exams, args.limit or args.exams), seed)
    if args.json:
        console.print_summary("make-hospital", summary["seconds"], {"files": summary["files"]})


def _make(out: Path, exams: int, seed: int) -> dict[str, Any]:
    from dataclasses import asdict

    from radnet_spark.demo.hospital import make_hospital

    begin = time.time()
    console.say(f"making a hospital of {exams} exams in {out} …")
    made = make_hospital(out, exams, seed, progress=console.counter("exams"))
    result = {**asdict(made), "seconds": round(time.time() - begin, 3)}
    console.say(f"{result['files']} files in {out} after {result['seconds']:.1f} s")
    return result


def _status(args: argparse.Namespace) -> None:
    from radnet_spark import pipeline
    from radnet_spark.lake.runs import Runs

    begin, config = time.time(), _config(args)
    there = "://" in args.root or config.storage.catalog is not None or (Path(args.root) / "tables").is_dir()
    if not there:
        raise UsageError(f"--root: found {args.root}, which holds no tables yet; expected the root of an earlier run")
    with _context(args, config) as context:
        runs = Runs(context.tables)
        there_were = ["…"] if "diagnoses" in runs.last else None
        steps = pipeline.plan({"input": ["…"]}, there_were, screened=pipeline.grids(config))
        states = list(pipeline.next_steps(steps, context, runs))
        held = pipeline.held_rows(steps, context.tables)
        console.show_status(runs, states, held, time.time() - begin, as_json=args.json)


def _profile(args: argparse.Namespace) -> None:
    from radnet_spark.dicom.ingest_settings import SECTIONS
    from radnet_spark.dicom.instance import IngestSettings
    from radnet_spark.dicom.survey import Sources, as_dict, lines, survey

    begin, config, named = time.time(), _config(args), _sources(args)
    sections = {name: config.section(name) for name in SECTIONS}
    settings = IngestSettings.of(sections, os.urandom(32))  # a key that nobody keeps: no row leaves this process
    sources, sample = Sources(named["input"], named["lists"]), args.limit or config.ingest.profile_files
    found = survey(sources, sample, settings, config.images, console.progress)
    console.clear()
    if not found.files:
        raise StageError(f"no file below {', '.join(named['input'] + named['lists'])}")
    if args.json:
        console.print_summary("profile", time.time() - begin, **as_dict(found, config.images.size))
        return
    for line in lines(found, config.images.size):
        print(line)


def _doctor(args: argparse.Namespace) -> None:
    from radnet_spark.doctor import examine, worst

    begin, config = time.time(), _config(args)
    findings = []
    for finding in examine(config, args.root):
        console.show_finding(**vars(finding))
        findings.append(finding)
    if args.json:
        shown = [vars(finding) for finding in findings]
        console.print_summary("doctor", time.time() - begin, findings=shown)
    worst(findings)


def _labels(args: argparse.Namespace) -> None:
    from radnet_spark.annotator.stage_labels import export_labels

    begin = time.time()
    with _context(args, _config(args)) as context:
        rows = export_labels(context, Path(args.out), args.limit)
    console.say(f"{rows} rows in {args.out}")
    if args.json:
        console.print_summary("labels", time.time() - begin, {"labels": rows})


def _lines(args: argparse.Namespace) -> None:
    """`body-part` and `stem`: text in, JSON lines out."""
    config = _config(args)
    _check_inputs("--file", [args.file] if args.file != "-" else None)
    if args.verb == "stem":
        from radnet_spark.text.stemming import stem_lines

        answer: Callable[..., Iterator[dict[str, Any]]] = stem_lines
        settings: Any = config.text
    else:
        from radnet_spark.tags.body_part import Rules
        from radnet_spark.tags.body_part import lines as body_part_lines

        answer, settings = body_part_lines, Rules.load(config.body_parts.rules, config.body_parts.test_image)
    try:
        with sys.stdin if args.file == "-" else open(args.file, encoding="utf-8-sig", newline="\n") as lines:
            for result in answer((line.rstrip("\r\n") for line in itertools.islice(lines, args.limit)), settings):
                sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
    except (IsADirectoryError, PermissionError, UnicodeDecodeError) as error:
        raise UsageError(f"--file: found {args.file} ({type(error).__name__}); expected a UTF-8 text file") from error


COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    **dict.fromkeys(HELP, _stage),
    "run": _run, "demo": _demo, "make-hospital": _make_hospital, "status": _status, "doctor": _doctor,
    "profile": _profile,
    "labels": _labels, "body-part": _lines, "stem": _lines,
}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
