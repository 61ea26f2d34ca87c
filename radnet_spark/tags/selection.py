"""Which tags become features: counts over the training part, and the paper's filters (appendix C) in their order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from radnet_spark.tags.preparation import FlatRow, TagPolicy

MAX_DISTINCT = 1000  # distinct values that are kept apart; a tag that has more is counted as having so many

# The filters in the order in which they are applied; `kept_after` counts by them.
STEPS = (
    "no_scalar", "unknown_tag", "fill_rate", "distinct_values", "identifier", "date_time", "personal_data",
    "natural_language", "too_many_categories", "body_part", "modality_tag",
)  # fmt: skip


@dataclass
class TagCounts:
    """What is counted of one source over many instances.

    Attributes:
        filled: instances in which it has a value.
        numeric: instances in which that value is a number.
        minimum, maximum: over the numbers; infinities if there is none.
        values: distinct values as text, as long as there are at most `MAX_DISTINCT`.
        overflow: there are more.
    """

    filled: int = 0
    numeric: int = 0
    minimum: float = float("inf")
    maximum: float = float("-inf")
    values: set[str] = field(default_factory=set)
    overflow: bool = False

    def merge(self, other: TagCounts) -> None:
        """Adds the counts of other instances."""
        self.filled += other.filled
        self.numeric += other.numeric
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)
        self.overflow |= other.overflow
        self.take(other.values)

    def take(self, values: Iterable[str]) -> None:
        """Adds distinct values."""
        if not self.overflow:
            self.values |= set(values)
            self.overflow = len(self.values) > MAX_DISTINCT
        if self.overflow:
            self.values = set()

    @property
    def distinct(self) -> int:
        """Distinct values, counted up to `MAX_DISTINCT`."""
        return MAX_DISTINCT if self.overflow else len(self.values)


class Statistics:
    """Counts of all sources; adding rows and merging give the same in any order.

    Attributes:
        rows: instances counted.
        by_source: source → counts.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.by_source: dict[str, TagCounts] = {}

    def add(self, row: FlatRow, sources: Iterable[str] = ()) -> None:
        """Counts one flat row; `sources` are known from now on, even if no row ever has a value of them."""
        self.rows += 1
        for source in sources:
            self.by_source.setdefault(source, TagCounts())
        for source, value in row.items():
            counts = self.by_source.setdefault(source, TagCounts())
            counts.filled += 1
            if isinstance(value, float):
                counts.numeric += 1
                counts.minimum = min(counts.minimum, value)
                counts.maximum = max(counts.maximum, value)
            if not counts.overflow and as_text(value) not in counts.values:
                counts.take((as_text(value),))

    def merge(self, source: str, counts: TagCounts) -> None:
        """Adds one source's counts over other instances (their number is added to `rows` apart)."""
        self.by_source.setdefault(source, TagCounts()).merge(counts)


@dataclass(frozen=True)
class TagDecision:
    """Whether a source becomes a feature.

    Attributes:
        reason: the filter that took it out, one of `STEPS`; None if it is kept.
        kind: `continuous` or `categorical`.
        categories: of a kept categorical one, sorted.
        minimum, maximum: of a continuous one, over the training part.
    """

    source: str
    tag: str
    index: int
    fill_rate: float
    distinct_values: int
    reason: str | None
    kind: str
    categories: tuple[str, ...] = ()
    minimum: float = 0.0
    maximum: float = 0.0

    @property
    def kept(self) -> bool:
        """Whether it is a feature."""
        return self.reason is None


def select(
    statistics: Statistics, policy: TagPolicy, min_fill_rate: float, min_distinct: int, max_categories: int
) -> list[TagDecision]:
    """Decides on every source that occurs in the training part, in the order of the paper, appendix C.

    Returns:
        A decision a source, sorted by name.
    """
    origin = _origins(statistics.by_source, policy)
    decisions = []
    for source, counts in sorted(statistics.by_source.items()):
        tag, index = origin[source]
        fill = counts.filled / statistics.rows
        continuous = counts.numeric > 0 and counts.numeric / counts.filled >= policy.min_numeric_share
        failed = {policy.exclusion(tag)}
        failed |= {"fill_rate"} if fill < min_fill_rate else set()
        failed |= {"distinct_values"} if counts.distinct < min_distinct else set()
        failed |= {"too_many_categories"} if not continuous and counts.distinct > max_categories else set()
        reason = next((step for step in STEPS if step in failed), None)
        categories = () if continuous or reason else tuple(sorted(counts.values))
        low, high = (counts.minimum, counts.maximum) if continuous else (0.0, 0.0)
        decisions.append(
            TagDecision(source, tag, index, fill, counts.distinct, reason,
                        "continuous" if continuous else "categorical", categories, low, high)
        )  # fmt: skip
    return decisions


def kept_after(decisions: Sequence[TagDecision]) -> dict[str, int]:
    """How many sources are left after each filter, in their order; the first entry counts all."""
    left = {"all": len(decisions)}
    for position, step in enumerate(STEPS):
        out = STEPS[: position + 1]
        left[step] = sum(decision.reason not in out for decision in decisions)
    return left


def as_text(value: float | str) -> str:
    """A value as a category: numbers in their shortest form, without a negative zero."""
    return f"{value + 0.0:.12g}" if isinstance(value, float) else value


def _origins(sources: Mapping[str, TagCounts], policy: TagPolicy) -> dict[str, tuple[str, int]]:
    split = {source: (tag, index) for tag in policy.arrays for source, index in policy.sources(tag)}
    return {source: split.get(source) or (source, policy.sources(source)[0][1]) for source in sources}
