"""The page: facts and pictures into one self-contained HTML file, and the same figures as plain data."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from typing import Any

import jinja2
import yaml

from radnet_spark.report.comparison import SCORES, SOURCES, Finding, ScoreRow
from radnet_spark.report.facts import UNKNOWN, Clustering, Facts
from radnet_spark.report.text_facts import QUANTILES

_HIDDEN = ("spark", "storage", "tracking")  # may name hosts, folders and accounts
_REASONS = {
    "no_pixel_data": "no pixels", "no_modality": "no modality", "modality_lut": "non-linear Modality LUT",
    "too_large": "too large to decode", "no_window": "no grey-level window",
    "file_changed": "file changed since ingest",
    "decode_failed": "pixels can't be decoded", "decoder_crash": "decoder crashed", "timeout": "decoding took too long",
    "voi_lut": "VOI LUT without window", "single_grey": "a single grey", "almost_black": "almost black",
    "few_greys": "too few grey levels", "shape": "too narrow", "not_dicom": "no DICOM file", "dicomdir": "a DICOMDIR",
    "missing_required": "lacks what DICOM requires", "no_key": "names no exam", "no_embedding": "a source is missing",
    "fill_rate": "filled too rarely", "distinct_values": "one value only", "date_time": "date or time",
    "personal_data": "personal data", "natural_language": "free text", "no_scalar": "sequence or binary value",
    "unknown_tag": "private or unknown", "too_many_categories": "too many categories",
    "body_part": "the body part itself", "modality_tag": "tells modality or body part",
    "modality": "a modality that is not looked at", "test_image": "a calibration image",
    "over_quota": "over the quota of a modality",
    "no_words": "no words", "no_known_words": "no known word", "null": "no text",
    "duplicate": "the same again", "wrong_columns": "a row with too few or too many columns",
    "broken_quotes": "a row whose quotes are not closed", "no_json": "a line that is no JSON object",
    "row_too_long": "a row without an end", "rest_unreadable": "the rest of a file that can't be read",
}  # fmt: skip


@dataclass(frozen=True)
class Pictures:
    """PNG files of the page; a missing one is left out.

    Attributes:
        figures: name → PNG.
        elbows: source → PNG.
        losses: training → PNG.
        montages: label → PNG.
    """

    figures: Mapping[str, bytes] = field(default_factory=dict)
    elbows: Mapping[str, bytes] = field(default_factory=dict)
    losses: Mapping[str, bytes] = field(default_factory=dict)
    montages: Mapping[int, bytes] = field(default_factory=dict)

    def named(self) -> dict[str, bytes]:
        """File name without suffix → PNG."""
        return {
            **self.figures,
            **{f"elbow-{source}": png for source, png in self.elbows.items()},
            **{f"loss-{name}": png for name, png in self.losses.items()},
            **{f"cluster-{label}": png for label, png in self.montages.items()},
        }


def render(
    facts: Facts, rows: list[ScoreRow], found: list[Finding], pictures: Pictures, config: Mapping[str, Any]
) -> str:
    """The whole page as HTML.

    Args:
        facts: what was gathered.
        rows: scores beside the paper's.
        found: the paper's findings.
        pictures: PNG files, which become part of the page.
        config: all sections as plain data; those that may name hosts and folders are left out.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"count": _count, "share": _share, "time": _time, "reason": _reason, "picture": _picture,
                            "spread": _spread}  # fmt: skip
    template = environment.from_string(
        files("radnet_spark.report").joinpath("templates/page.html.j2").read_text(encoding="utf-8")
    )
    shown = {name: section for name, section in config.items() if name not in _HIDDEN}
    return template.render(
        facts=facts, rows=rows, findings=found, pictures=pictures, tiles=tiles(facts), sources=sources(facts),
        settings=yaml.safe_dump(shown, sort_keys=False, allow_unicode=True), scores=SCORES, source_names=SOURCES,
        notes=[(run.stage, note) for run in facts.runs for note in run.notes], unknown=UNKNOWN,
        baseline_k=_baseline_k(facts), quantiles=QUANTILES,
    )  # fmt: skip


def summary(facts: Facts, rows: list[ScoreRow], found: list[Finding]) -> dict[str, Any]:
    """The page's values as plain data for JSON."""
    main: Clustering | None = facts.main
    return {
        "counts": dict(facts.counts),
        "quarantine": dict(facts.quarantine),
        "dropped": [dict(zip(("stage", "key_type", "reason", "count"), row, strict=True)) for row in facts.dropped],
        "chosen": {source: asdict(clustering) for source, clustering in facts.chosen.items()},
        "scores": [asdict(row) for row in rows],
        "baseline": dict(facts.baseline),
        "findings": [asdict(finding) for finding in found],
        "clustering_id": main and main.clustering_id,
        "clusters": [asdict(cluster) for cluster in facts.clusters],
        "annotated": dict(facts.annotated),
        "tags": {"body_part": dict(facts.tags.body_part), "figures": dict(facts.tags.figures)},
        "texts": asdict(facts.texts),
        "stages": [asdict(run) for run in facts.runs],
    }


def tiles(facts: Facts) -> list[tuple[str, str]]:
    """The headline numbers: (value, what it is)."""
    counts, main = facts.counts, facts.main
    found = counts.get("instances", 0) + counts.get("quarantine", 0)
    shown = [(_count(found), "files found")] if found else []
    named = (("instances", "DICOM images and objects"), ("images", "exported images"),
             ("exams", "exams with a diagnosis"), ("cohort", "in the experiment"),
             ("annotations", "annotated"))  # fmt: skip
    shown += [(_count(counts[name]), text) for name, text in named if name in counts]
    if main is not None:
        shown.append((str(main.k), "clusters"))
        test = facts.scores.get((main.clustering_id, "test"), {}).get("S")
        validation = facts.scores.get((main.clustering_id, "validation"), {}).get("S")
        value, where = (test, "test") if test else (validation, "validation")
        shown += [(f"{value[0]:.3f}", f"S on {where}")] if value else []
    return shown


def sources(facts: Facts) -> list[tuple[str, str | None]]:
    """(source, what it was made of): None where there is none."""
    named = ((SOURCES[name], facts.chosen.get(name)) for name in ("image", "tags", "diagnosis"))
    return [(text, f"{chosen.model}, k = {chosen.k}" if chosen else None) for text, chosen in named]


def _baseline_k(facts: Facts) -> int | None:
    clustering = facts.chosen.get("image")
    return clustering.k if clustering else None


def _picture(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _count(value: int) -> str:
    return f"{value:,}".replace(",", "\u202f")


def _share(value: float) -> str:
    return f"{value:.0%}" if value >= 0.01 or value == 0 else "<1%"


def _spread(value: tuple[float, float | None], sign: str = "") -> str:
    mean, deviation = value
    return f"{mean:{sign}.3f}" + ("" if deviation is None else f" ± {deviation:.3f}")


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _reason(name: str) -> str:
    return _REASONS.get(name, name.replace("_", " "))
