"""What the report knows of diagnoses: how long they are, how often words occur, which vectors won."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from radnet_spark.report.grid_facts import (
    ScreenedModel,
    StemsOrWords,
    screened_cells,
    screened_models,
    stems_or_words,
)

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
    rows = screened_cells(tables, "diagnosis", figures.get("text", {}).get("cells", 1))
    return TextFacts(
        figures.get("text", {}),
        [Lengths(row["unit"], row["mean"], row["quantiles"]) for row in long],
        [FrequentWords(row["min_count"], row["words"], row["share"]) for row in sizes if row["words"]],
        screened_models(rows, "S"),
        stems_or_words(rows),
    )
