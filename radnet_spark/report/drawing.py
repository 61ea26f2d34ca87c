"""Which figures the facts give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from radnet_spark.report import figures
from radnet_spark.report.comparison import SOURCES
from radnet_spark.report.facts import Facts
from radnet_spark.report.page import Pictures

_COLUMNS = 6  # images in a row of a card
_SIDE = 80  # pixels of an image there


def draw(facts: Facts, samples: Mapping[int, Sequence[np.ndarray]]) -> Pictures:
    """Draws what there is something to draw of.

    Args:
        facts: what was gathered.
        samples: label → (h, w) uint8 images.
    """
    single: dict[str, bytes] = {}
    if facts.contents:
        single["contents"] = figures.heat_map(facts.contents)
    if facts.tags.gaps:
        single["gaps"] = figures.gap_map({pair: (g.strength, g.significant) for pair, g in facts.tags.gaps.items()})
    winners = _winners(facts)
    if winners:
        single["winners"] = figures.bars(winners, "S", top=1.0)
    if len(facts.clusters) > 1:
        names = [f"{cluster.name} ({cluster.label})" for cluster in facts.clusters]
        single["sizes"] = figures.cluster_sizes(names, [cluster.size for cluster in facts.clusters])
    losses = {name: figures.loss_curve(history) for name, history in facts.histories.items()}
    montages = {label: figures.montage(images, _COLUMNS, _SIDE) for label, images in samples.items() if images}
    return Pictures(single, _elbows(facts), losses, montages)


def _winners(facts: Facts) -> dict[str, dict[str, float]]:
    """Part → source → S of its chosen clustering; parts without any are left out."""
    parts: dict[str, dict[str, float]] = {}
    for split in ("validation", "test"):
        for source in SOURCES:
            clustering = facts.chosen.get(source)
            found = facts.scores.get((clustering.clustering_id, split), {}).get("S") if clustering else None
            if found:
                parts.setdefault(split, {})[SOURCES[source]] = found[0]
    return parts


def _elbows(facts: Facts) -> dict[str, bytes]:
    """Source → its cost curves, where more than one k was tried."""
    drawn = {}
    for source in SOURCES:
        curves: dict[str, list[figures.ElbowPoint]] = {}
        for c in facts.clusterings:
            if c.source == source:
                curves.setdefault(c.model, []).append(figures.ElbowPoint(c.k, c.cost, c.elbow, c.chosen))
        if any(len({point.k for point in points}) > 1 for points in curves.values()):
            drawn[source] = figures.elbow(curves)
    return drawn
