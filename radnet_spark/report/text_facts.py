"""What the report knows of diagnoses: how long they are, how often words occur, which vectors won."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from radnet_spark.lake.tables import Tables

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
class TextFacts:
    """Values of the page's section on diagnoses.

    Attributes:
        figures: those of the last `text`: `model`, `vocabulary`, `vector_size`.
        lengths: by unit.
        frequent: by minimum occurrence.
        screened: models of a grid, the best first.
    """

    figures: Mapping[str, Any] = field(default_factory=dict)
    lengths: Sequence[Lengths] = ()
    frequent: Sequence[FrequentWords] = ()
    screened: Sequence[ScreenedModel] = ()


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
    rows = [row.asDict(recursive=True) for row in cells.orderBy("position", "cell_id").collect()]
    return TextFacts(
        figures.get("text", {}),
        [Lengths(row["unit"], row["mean"], row["quantiles"]) for row in long],
        [FrequentWords(row["min_count"], row["words"], row["share"]) for row in sizes if row["words"]],
        screened_models(rows) if figures.get("text", {}).get("cells", 1) > 1 else [],  # else of an earlier grid
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
            varied = [name for name in own if len({str(other.get(name)) for other in alike}) > 1]
            shown = ", ".join([f"{name} {own[name]}" for name in varied] + [f"seed {row['seed']}"])
            found.append(
                ScreenedModel(own["model"], shown, row["metrics"]["S"], int(row["metrics"]["k"]),
                              models.count(own["model"]))
            )  # fmt: skip
    return sorted(found, key=lambda model: -model.s)
