"""What the report knows of grids of vectors: the best cell of each model, and what stems gain."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from radnet_spark.lake.cells import varied

if TYPE_CHECKING:
    from radnet_spark.lake.tables import Tables

_FITTED = {"tags": "tags", "diagnosis": "text"}  # source → the stage that fits its cells
Spread = tuple[float, float | None]  # mean and standard deviation


@dataclass(frozen=True)
class ScreenedModel:
    """The best cell of a model in a grid of vectors.

    Attributes:
        model: as in `embeddings`.
        settings: those that the grid varied, as text.
        score: S of diagnoses, D of tags, on the sample of the validation part.
        k: number of clusters there.
        cells: of this model that were judged.
    """

    model: str
    settings: str
    score: float
    k: int
    cells: int


@dataclass(frozen=True)
class StemsOrWords:
    """S of a model's clusters with stems beside S without, everything else being equal.

    Attributes:
        model: as in `embeddings`.
        pairs: of cells that differ in nothing but the tokens; their seeds are among what is equal.
        stems, words: mean S and its standard deviation over the pairs; None with one pair.
        gain: the same of what stems have more.
        ahead: pairs in which stems have more.
    """

    model: str
    pairs: int
    stems: Spread
    words: Spread
    gain: Spread
    ahead: int


def screened_cells(tables: Tables, source: str, cells: int) -> list[dict[str, Any]]:
    """Rows of `grid_cells`: what `radnet screen` judged of a source, in the grid's order.

    Args:
        tables: to read from.
        source: `tags` or `diagnosis`.
        cells: of the grid that the source's last run fitted; what was judged of an earlier one is left out.
    """
    if cells < 2:
        return []
    rows = tables.read_or_empty("grid_cells").where("status = 'done' AND chosen IS NOT NULL")
    fitted = rows.where(f"stage = '{_FITTED[source]}'").select("settings", "seed")
    judged = rows.where(f"stage = 'screen-{source}'").join(fitted, ["settings", "seed"], "left_semi")
    return [row.asDict(recursive=True) for row in judged.orderBy("position", "cell_id").collect()]


def screened_models(rows: Sequence[Mapping[str, Any]], score: str) -> list[ScreenedModel]:
    """The chosen cell of each model, the best first.

    Args:
        rows: see `screened_cells`.
        score: what chose: large S, small D.
    """
    settings = [json.loads(row["settings"]) for row in rows]
    models = [own["model"] for own in settings]
    found = []
    for row, own in zip(rows, settings, strict=True):
        if row["chosen"] and score in row["metrics"]:
            alike = [other for other in settings if other["model"] == own["model"]]
            shown = ", ".join([f"{name} {own[name]}" for name in varied(alike)] + [f"seed {row['seed']}"])
            found.append(
                ScreenedModel(own["model"], shown, row["metrics"][score], int(row["metrics"]["k"]),
                              models.count(own["model"]))
            )  # fmt: skip
    return sorted(found, key=lambda model: model.score, reverse=score == "S")


def stems_or_words(rows: Sequence[Mapping[str, Any]]) -> list[StemsOrWords]:
    """Compares the cells that differ in nothing but the tokens, by model.

    Args:
        rows: see `screened_cells`.
    """
    scores: dict[str, dict[str, dict[str, float]]] = {}  # model → all else → tokens → S
    for row in rows:
        own = json.loads(row["settings"])
        if "S" in row["metrics"]:
            alike = json.dumps([{name: own[name] for name in sorted(own) if name != "tokens"}, row["seed"]])
            scores.setdefault(own["model"], {}).setdefault(alike, {})[own["tokens"]] = row["metrics"]["S"]
    found = []
    for model, by_settings in scores.items():
        pairs = [(both["stems"], both["words"]) for both in by_settings.values() if len(both) == 2]
        if pairs:
            stems, words = zip(*pairs, strict=True)
            gains = [a - b for a, b in pairs]
            ahead = sum(gain > 0 for gain in gains)
            found.append(StemsOrWords(model, len(pairs), _spread(stems), _spread(words), _spread(gains), ahead))
    return found


def _spread(values: Sequence[float]) -> Spread:
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None
