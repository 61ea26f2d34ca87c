"""What the report knows of diagnoses: how long they are, how often words occur, which vectors won."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from radnet_spark.lake.cells import varied

if TYPE_CHECKING:
    from radnet_spark.lake.tables import Tables

Spread = tuple[float, float | None]  # mean and standard deviation
QUANTILES = ("shortest", "5 %", "25 %", "half", "75 %", "95 %", "longest")


@dataclass(frozen=True)
class Lengths:
    """How long diagnoses are.

    Attributes:
        unit: `characters` or `words`.
        mean: over all.
        quantiles: those that `QUANTILES` names: so many are no longer than this.
    """

    unit: str
    mean: float
    quantiles: Sequence[int]


@dataclass(frozen=True)
class FrequentWords:
    """The words of train that occur at least so often.

    Attributes:
        min_count: occurrences.
        words: how many there are.
        covered: their share of all that is written.
    """

    min_count: int
    words: int
    covered: float


@dataclass(frozen=True)
class ScreenedModel:
    """The best cell of a model in a grid of text vectors.

    Attributes:
        model: as in `embeddings`.
        settings: those that the grid varied, as text.
        s: on the sample of the validation part.
        k: number of clusters there.
        cells: of this model that were judged.
    """

    model: str
    settings: str
    s: float
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


@dataclass(frozen=True)
class TextFacts:
    """Values of the page's section on diagnoses.

    Attributes:
        figures: those of the last `text`: `model`, `vocabulary`, `vector_size`.
        lengths: by unit.
        frequent: by minimum occurrence.
        screened: models of a grid, the best first.
        stems_or_words: by model, where the grid has both.
    """

    figures: Mapping[str, Any] = field(default_factory=dict)
    lengths: Sequence[Lengths] = ()
    frequent: Sequence[FrequentWords] = ()
    screened: Sequence[ScreenedModel] = ()
    stems_or_words: Sequence[StemsOrWords] = ()


def read_text_facts(tables: Tables, figures: Mapping[str, Mapping[str, Any]]) -> TextFacts:
    """What the tables of the text stages hold.

    Args:
        tables: for `tokens`, `exams`, `cohort` and `grid_cells`, which may be missing.
        figures: stage → figures of its last run.
    """
    from radnet_spark.text.frames import exam_parts
    from radnet_spark.text.frames_of_numbers import text_lengths, vocabulary_sizes

    if not tables.exists("tokens"):
        return TextFacts()
    tokens = tables.read("tokens")
    long = text_lengths(tables.read_or_empty("exams"), tokens).orderBy("unit").collect()
    train = exam_parts(tokens, tables.read_or_empty("cohort")).where("split = 'train'")
    sizes = vocabulary_sizes(train).orderBy("min_count").collect()
    cells = tables.read_or_empty("grid_cells").where(
        "stage = 'screen-diagnosis' AND status = 'done' AND chosen IS NOT NULL"
    )
    of_this_run = figures.get("text", {}).get("cells", 1) > 1  # else they are of an earlier grid
    found = cells.orderBy("position", "cell_id").collect() if of_this_run else []
    rows = [row.asDict(recursive=True) for row in found]
    return TextFacts(
        figures.get("text", {}),
        [Lengths(row["unit"], row["mean"], row["quantiles"]) for row in long],
        [FrequentWords(row["min_count"], row["words"], row["share"]) for row in sizes if row["words"]],
        screened_models(rows),
        stems_or_words(rows),
    )


def screened_models(rows: Sequence[Mapping[str, Any]]) -> list[ScreenedModel]:
    """The chosen cell of each model.

    Args:
        rows: of `grid_cells`, of one screening that came to its end.
    """
    settings = [json.loads(row["settings"]) for row in rows]
    models = [own["model"] for own in settings]
    found = []
    for row, own in zip(rows, settings, strict=True):
        if row["chosen"] and "S" in row["metrics"]:
            alike = [other for other in settings if other["model"] == own["model"]]
            shown = ", ".join([f"{name} {own[name]}" for name in varied(alike)] + [f"seed {row['seed']}"])
            found.append(
                ScreenedModel(own["model"], shown, row["metrics"]["S"], int(row["metrics"]["k"]),
                              models.count(own["model"]))
            )  # fmt: skip
    return sorted(found, key=lambda model: -model.s)


def stems_or_words(rows: Sequence[Mapping[str, Any]]) -> list[StemsOrWords]:
    """Compares the cells that differ in nothing but the tokens, by model.

    Args:
        rows: of `grid_cells`, of one screening that came to its end.
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
