"""Which clustering is chosen: at the elbow, then the best model by the score that the paper uses for its source.

Image and text are chosen by S, tags by D, fusion by S and, where S is about equal, by D (arXiv 2308.08517). Where a
curve has no elbow, and what "about equal" is, are our own choice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from radnet_spark.clusters.knee import nearly_best

CHOSEN_BY_D = "tags"


@dataclass(frozen=True)
class Candidate:
    """A clustering with its scores on the split that decides.

    Attributes:
        clustering_id: its key.
        source: what was clustered.
        group: what has an elbow of its own: model, its fit, fusion, algorithm and distance.
        k: number of clusters.
        elbow: whether Kneedle put the elbow here.
        s: harmonic mean of HS and NMI, larger is better; NaN if unknown.
        d: harmonic mean of the cosine distances, smaller is better; NaN if unknown.
    """

    clustering_id: str
    source: str
    group: tuple[str, ...]
    k: int
    elbow: bool
    s: float
    d: float


@dataclass(frozen=True)
class Choice:
    """The chosen clustering and, in words for people, what was done where the rule did not apply."""

    clustering_id: str
    notes: tuple[str, ...]


def choose(candidates: Sequence[Candidate], near_best: float, tie: float) -> Choice:
    """Chooses among the clusterings of one source.

    Args:
        candidates: at least one, all of one source.
        near_best: relative tolerance of the score where there is no elbow.
        tie: difference of S within which D decides between fusions.
    """
    ordered = sorted(candidates, key=lambda c: (c.group, c.k, c.clustering_id))
    at_elbow, notes = [], []
    for _, members in groupby(ordered, key=lambda c: c.group):
        winner, note = _of_group(list(members), near_best)
        at_elbow.append(winner)
        notes += [note] if note else []
    return Choice(_best(at_elbow, tie).clustering_id, tuple(notes))


def _of_group(members: list[Candidate], near_best: float) -> tuple[Candidate, str | None]:
    elbow = next((c for c in members if c.elbow), None)
    if elbow is not None:
        return elbow, None
    if len(members) == 1:
        return members[0], None
    by_d, name = members[0].source == CHOSEN_BY_D, "".join(f"{model}: " for model in members[0].group[:1])
    scores = {c.k: (c.d if by_d else c.s) for c in members if not math.isnan(c.d if by_d else c.s)}
    if not scores:
        return members[0], f"{name}no elbow and no score: the smallest k = {members[0].k} was taken"
    k = nearly_best(scores, near_best, larger_is_better=not by_d)
    winner = next(c for c in members if c.k == k)
    return (
        winner,
        f"{name}no elbow: k = {k} is the smallest within {near_best:.0%} of the best {'D' if by_d else 'S'}",
    )


def _best(winners: list[Candidate], tie: float) -> Candidate:
    if winners[0].source == CHOSEN_BY_D:
        return min(winners, key=lambda c: (_worst_last(c.d, 1), *_settled(c)))
    best_s = max(-_worst_last(c.s, -1) for c in winners)
    equal = [c for c in winners if -_worst_last(c.s, -1) >= best_s - tie]
    if winners[0].source == "fusion":
        return min(equal, key=lambda c: (_worst_last(c.d, 1), *_settled(c)))
    return min(winners, key=lambda c: (_worst_last(c.s, -1), *_settled(c)))


def _settled(candidate: Candidate) -> tuple[int, tuple[str, ...], str]:
    """What decides between equals: the smaller k, then names; ids of fits and clusterings differ from run to run."""
    model, others = candidate.group[:1], candidate.group[2:]
    return candidate.k, model + others, candidate.clustering_id


def _worst_last(value: float, sign: int) -> float:
    return math.inf if math.isnan(value) else sign * value
