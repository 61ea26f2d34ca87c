"""The report's figures, drawn by matplotlib without a display.

Every function returns the bytes of a PNG. Colours: Okabe and Ito's palette, told apart by colour-blind people too.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from PIL import Image

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#8C6D1F", "#000000")
_DPI = 130
_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False,
    "axes.edgecolor": "#9aa3ad", "axes.labelcolor": "#333a42", "axes.titlesize": 11, "axes.titleweight": "bold",
    "axes.titlelocation": "left", "xtick.color": "#555e68", "ytick.color": "#555e68", "axes.grid": True,
    "axes.axisbelow": True, "grid.color": "#e6e9ed", "legend.frameon": False, "figure.facecolor": "white",
}  # fmt: skip


@dataclass(frozen=True)
class ElbowPoint:
    """One clustering of an elbow curve.

    Attributes:
        k: number of clusters.
        cost: sum of squared distances (or of distances for k-medoids) on train.
        elbow: Kneedle put the elbow here.
        chosen: this clustering was chosen.
    """

    k: int
    cost: float
    elbow: bool
    chosen: bool


def elbow(curves: Mapping[str, Sequence[ElbowPoint]]) -> bytes:
    """Cost over k, one line a model (the best seed of each k), with elbow and choice marked."""
    figure, axes = _canvas(6.0, 3.6)
    for colour, (name, points) in zip(_colours(len(curves)), curves.items(), strict=True):
        best = _best_by_k(points)
        axes.plot([p.k for p in best], [p.cost for p in best], "-o", color=colour, ms=4, lw=1.6, label=name)
        for point in points:
            if point.elbow:
                axes.axvline(point.k, color=colour, lw=1, ls=":")
            if point.chosen:
                axes.plot(point.k, point.cost, "D", ms=9, mfc="none", mec="#D55E00", mew=2, label="chosen")
    axes.set_xlabel("number of clusters k (dotted: elbow)")
    axes.set_ylabel("cost on train")
    axes.set_ylim(bottom=0)
    axes.legend()
    return _png(figure)


def heat_map(counts: Mapping[tuple[str, str], int]) -> bytes:
    """Instances by modality (rows) and body part (columns), parts with the most instances first.

    Args:
        counts: (modality, body part) → instances; not empty.
    """
    modalities = sorted({m for m, _ in counts})
    totals: dict[str, int] = {}
    for (_, part), n in counts.items():
        totals[part] = totals.get(part, 0) + n
    parts = sorted(totals, key=lambda part: (-totals[part], part))
    grid = np.array([[counts.get((m, p), 0) for p in parts] for m in modalities])
    figure, axes = _canvas(max(5.0, 0.42 * len(parts) + 1.2), 0.42 * len(modalities) + 1.9)
    axes.imshow(np.log1p(grid), cmap="Blues", aspect="auto", vmin=0)
    axes.set_xticks(range(len(parts)), parts, rotation=55, ha="right")
    axes.set_yticks(range(len(modalities)), modalities)
    axes.grid(visible=False)
    dark = np.log1p(grid.max()) * 0.6
    for (row, column), n in np.ndenumerate(grid):
        if n:
            colour = "white" if np.log1p(n) > dark else "#333a42"
            axes.text(column, row, _short(int(n)), ha="center", va="center", fontsize=8, color=colour)
    return _png(figure)


def gap_map(gaps: Mapping[tuple[str, str], tuple[float, bool]], most: int = 30) -> bytes:
    """How much each tag's gaps (rows) have to do with other tags (columns); a dot marks what is significant.

    Args:
        gaps: (tag with gaps, other tag) → (strength from 0 to 1, significant); not empty. Pairs that were not tested
            are grey.
        most: rows and columns at most: those with the strongest significant dependences.
    """
    weights = {pair: strength + significant for pair, (strength, significant) in gaps.items()}
    rows, columns = (_strongest(weights, side, most) for side in (0, 1))
    grid = np.full((len(rows), len(columns)), np.nan)
    for (tag, other), (strength, _) in gaps.items():
        if tag in rows and other in columns:
            grid[rows.index(tag), columns.index(other)] = strength
    figure, axes = _canvas(0.27 * len(columns) + 3.6, 0.25 * len(rows) + 2.6)
    colours = mpl.colormaps["Blues"].with_extremes(bad="#dcdfe3")
    shown = axes.imshow(grid, cmap=colours, aspect="auto", vmin=0, vmax=max(0.3, float(np.nanmax(grid))))
    marked = [(columns.index(o), rows.index(t)) for (t, o), (_, yes) in gaps.items()
              if yes and t in rows and o in columns]  # fmt: skip
    if marked:
        across, down = zip(*marked, strict=True)
        axes.scatter(across, down, s=9, color="#D55E00")
    axes.set_xticks(range(len(columns)), columns, rotation=60, ha="right", rotation_mode="anchor", fontsize=8)
    axes.set_yticks(range(len(rows)), rows, fontsize=8)
    axes.set_xlabel("differs where that tag is missing")
    axes.set_ylabel("tag with gaps")
    axes.grid(visible=False)
    figure.colorbar(shown, ax=axes, label="effect size", fraction=0.03, pad=0.02)
    return _png(figure)


def bars(series: Mapping[str, Mapping[str, float]], ylabel: str, top: float | None = None) -> bytes:
    """Grouped bars: series name → category → value; all categories of the first series in its order.

    Args:
        series: at least one; a category that another series lacks has no bar there.
        ylabel: what the height means.
        top: upper limit of the axis.
    """
    categories = list(dict.fromkeys(name for values in series.values() for name in values))
    figure, axes = _canvas(max(5.0, 0.9 * len(categories) + 1.5), 3.4)
    width = 0.8 / len(series)
    for index, (colour, (name, values)) in enumerate(zip(_colours(len(series)), series.items(), strict=True)):
        places = [i for i, category in enumerate(categories) if category in values]
        heights = [values[categories[i]] for i in places]
        offset = (index - (len(series) - 1) / 2) * width
        drawn = axes.bar([i + offset for i in places], heights, width * 0.92, color=colour, label=name)
        axes.bar_label(drawn, fmt="%.2f", fontsize=7, padding=1, color="#333a42")
    axes.set_xticks(range(len(categories)), categories)
    axes.set_ylabel(ylabel)
    axes.set_ylim(0, top)
    axes.grid(visible=False, axis="x")
    axes.legend(ncols=4, loc="lower left", bbox_to_anchor=(0, 1.0))
    return _png(figure)


def cluster_sizes(names: Sequence[str], sizes: Sequence[int]) -> bytes:
    """Horizontal bars of cluster sizes, the largest first; beyond 60 clusters the rest is one bar."""
    order = sorted(range(len(sizes)), key=lambda i: (-sizes[i], names[i]))
    shown, rest = order[:60], order[60:]
    labels = [names[i] for i in shown] + ([f"{len(rest)} more"] if rest else [])
    values = [sizes[i] for i in shown] + ([sum(sizes[i] for i in rest)] if rest else [])
    figure, axes = _canvas(6.5, 0.23 * len(values) + 0.9)
    drawn = axes.barh(range(len(values)), values, color=PALETTE[0], height=0.75)
    axes.bar_label(drawn, [_short(value) for value in values], fontsize=8, padding=2, color="#333a42")
    axes.set_yticks(range(len(values)), labels, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("instances")
    axes.grid(visible=False, axis="y")
    return _png(figure)


def loss_curve(history: Sequence[Mapping[str, float]]) -> bytes:
    """Losses over the validations of a training (`train_loss`, `validation_loss`); the best one is marked."""
    steps = list(range(1, len(history) + 1))
    train, validation = ([float(row[key]) for row in history] for key in ("train_loss", "validation_loss"))
    best = int(np.nanargmin(validation))
    figure, axes = _canvas(5.4, 3.2)
    axes.plot(steps, train, "-", color=PALETTE[5], lw=1.6, label="train")
    axes.plot(steps, validation, "-o", color=PALETTE[0], ms=3.5, lw=1.6, label="validation")
    axes.plot(steps[best], validation[best], "D", ms=9, mfc="none", mec="#D55E00", mew=2, label="kept")
    positive = min(train + validation) > 0
    if positive and max(train + validation) > 20 * min(train + validation):
        axes.set_yscale("log")
    axes.set_xlabel("validation")
    axes.set_ylabel("mean squared error")
    axes.legend()
    return _png(figure)


def montage(images: Sequence[np.ndarray], columns: int, side: int) -> bytes:
    """Images side by side on black, row by row.

    Args:
        images: (h, w) uint8 each, at least one.
        columns: images in a row.
        side: pixels of the square that an image is fitted into.
    """
    rows = -(-len(images) // columns)
    sheet = Image.new("L", (columns * side + (columns - 1) * 2, rows * side + (rows - 1) * 2), 255)
    for index, pixels in enumerate(images):
        tile = Image.new("L", (side, side), 0)
        picture = Image.fromarray(pixels)
        picture.thumbnail((side, side), Image.Resampling.BILINEAR)
        tile.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
        sheet.paste(tile, (index % columns * (side + 2), index // columns * (side + 2)))
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _strongest(weights: Mapping[tuple[str, str], float], side: int, most: int) -> list[str]:
    """The names on one side of the pairs with the largest weights, the largest first."""
    sums: dict[str, float] = {}
    for pair, weight in weights.items():
        sums[pair[side]] = max(sums.get(pair[side], 0.0), weight)
    return sorted(sums, key=lambda name: (-sums[name], name))[:most]


def _best_by_k(points: Sequence[ElbowPoint]) -> list[ElbowPoint]:
    best: dict[int, ElbowPoint] = {}
    for point in sorted(points, key=lambda p: (p.k, p.cost)):
        best.setdefault(point.k, point)
    return list(best.values())


def _canvas(width: float, height: float) -> tuple[Figure, Axes]:
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=(width, height), layout="constrained")
    return figure, axes


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    plt.close(figure)
    return buffer.getvalue()


def _colours(n: int) -> list[str]:
    return [PALETTE[i % len(PALETTE)] for i in range(n)]


def _short(n: int) -> str:
    if n >= 1_000_000:
        return f"{n / 1_000_000:.1f}M"
    return f"{n / 1000:.1f}k" if n >= 10_000 else str(n)
