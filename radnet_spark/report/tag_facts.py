"""What the report knows of tags: where body parts came from, which tags became features, and what gaps depend on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from radnet_spark.report.grid_facts import ScreenedModel, screened_cells, screened_models
from radnet_spark.tags.imputation import TagImputation

if TYPE_CHECKING:
    from radnet_spark.lake.tables import Tables

HELPERS = {
    "study_description": "StudyDescription", "protocol_name": "ProtocolName",
    "requested_procedure_description": "RequestedProcedureDescription",
}  # fmt: skip


@dataclass(frozen=True)
class DecidedTag:
    """A row of `tag_missingness`."""

    tag: str
    fill_rate: float
    distinct_values: int
    kept: bool
    reason: str | None
    mcar: bool | None
    mcar_corrected: bool | None


@dataclass(frozen=True)
class Dependence:
    """How much a tag's gaps have to do with another tag.

    Attributes:
        strength: from 0 to 1 whatever the test: the size of the rank-biserial correlation, or Cramér's V; Cohen's d as
            the rank-biserial correlation of two normal distributions, 2 Φ(d / √2) - 1.
        significant: p after Holm's correction is below alpha.
    """

    strength: float
    significant: bool


@dataclass(frozen=True)
class TagFacts:
    """Values of the page's section on tags.

    Attributes:
        body_part: the figures of the last `body-parts`: fill, agreement.
        figures: those of the last `tags`: `kept_after`, `missingness_rows`, ….
        decided: every tag, kept ones first.
        gaps: (tag with gaps, other tag) → dependence.
        filled: every feature, those with the most gaps first.
        screened: models of a grid, the best first.
    """

    body_part: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    decided: Sequence[DecidedTag] = ()
    gaps: Mapping[tuple[str, str], Dependence] = field(default_factory=dict)
    filled: Sequence[TagImputation] = ()
    screened: Sequence[ScreenedModel] = ()

    @property
    def fills(self) -> list[tuple[str, float]]:
        """(what, share of instances): BodyPartExamined before and after, and the tags that the rules read."""
        found = self.body_part
        named = (("fill_before", "BodyPartExamined, as it is in the files"),
                 ("fill_before_normalised", "… of which the value names a part"),
                 ("fill_after", "body part, with what the descriptions tell"))  # fmt: skip
        helpers = found.get("helper_fill", {})
        return [(text, found[name]) for name, text in named if name in found] + [
            (keyword, helpers[name]) for name, keyword in HELPERS.items() if name in helpers
        ]


def strength(test: str, effect_size: float) -> float:
    """An effect size from 0 to 1, see `Dependence`."""
    return math.erf(abs(effect_size) / 2) if test == "t_test" else min(abs(effect_size), 1.0)


def read_tag_facts(tables: Tables, figures: Mapping[str, Mapping[str, Any]], alpha: float) -> TagFacts:
    """What the tables of the tag stages hold.

    Args:
        tables: for `tag_missingness`, `missingness_tests`, `tag_imputation` and `grid_cells`, which may be missing.
        figures: stage → figures of its last run.
        alpha: level of the corrected tests.
    """
    decided = [DecidedTag(**row.asDict()) for row in tables.read_or_empty("tag_missingness").collect()]
    filled = [TagImputation(**row.asDict()) for row in tables.read_or_empty("tag_imputation").collect()]
    columns = ("tag", "other", "test", "effect_size", "p_corrected")
    tests = tables.read_or_empty("missingness_tests").select(*columns).collect()
    return TagFacts(
        figures.get("body-parts", {}), figures.get("tags", {}),
        sorted(decided, key=lambda tag: (not tag.kept, tag.tag)),
        {(row["tag"], row["other"]): Dependence(strength(row["test"], row["effect_size"]), row["p_corrected"] < alpha)
         for row in sorted(tests)},
        sorted(filled, key=lambda tag: (-tag.missing, tag.tag)),
        screened_models(screened_cells(tables, "tags", figures.get("tags", {}).get("cells", 1)), "D"),
    )  # fmt: skip
