"""What radiographs of all bones share: shafts, fractures, metal, worn joints; X-ray density in about 0 to 2.5 units."""

from __future__ import annotations

from collections.abc import Sequence

from radnet_spark.demo.phantoms import Canvas, Point
from radnet_spark.demo.tissues import Case

_SHELL = 0.72


def long_bone(c: Canvas, points: Sequence[Point], radius: float, dense: float = 0.9, flare: float = 0.45) -> None:
    """A shaft with a dense wall, a marrow and wider ends."""
    c.add(c.tube(points, radius, hollow=_SHELL, flare=flare), dense)


def fracture(c: Canvas, case: Case, at: Point, width: float) -> None:
    """A dark crooked line with a thin dense rim."""
    if case.pathology != "fracture":
        return
    tilt = float(case.rng.uniform(-0.6, 0.6)) * width
    line = [(at[0] - width, at[1] - tilt), (at[0], at[1] + 0.25 * width), (at[0] + width, at[1] + tilt)]
    c.add(c.band(line, 0.02), -0.55)
    c.add(c.band([(x, y + 0.03) for x, y in line], 0.012), 0.25)


def implant(c: Canvas, case: Case, points: Sequence[Point], radius: float) -> None:
    """A metal plate or nail with screws across it."""
    if case.pathology != "implant":
        return
    c.add(c.band(points, radius), 1.6)
    (ax, ay), (bx, by) = points[0], points[-1]
    for share in (0.15, 0.38, 0.62, 0.85):
        x, y = ax + share * (bx - ax), ay + share * (by - ay)
        c.add(c.band([(x - 3.5 * radius, y), (x + 1.5 * radius, y)], 0.4 * radius), 0.9)


def joint(c: Canvas, case: Case, at: Point, size: float) -> None:
    """Sclerosis and osteophytes of arthrosis, or the hole of a lesion."""
    if case.pathology == "arthrosis":
        c.add(c.band([(at[0] - size, at[1]), (at[0] + size, at[1])], 0.16 * size), 0.55)
        for side in (-1, 1):
            c.add(c.dome(at[0] + side * 1.1 * size, at[1], 0.25 * size, 0.18 * size), 0.6)
    elif case.pathology == "lesion":
        c.add(c.dome(at[0] + 0.4 * size, at[1] + 0.7 * size, 0.45 * size, 0.4 * size), -0.5)
        c.add(c.dome(at[0] + 0.4 * size, at[1] + 0.7 * size, 0.5 * size, 0.45 * size), 0.15)
    elif case.pathology in ("effusion", "inflammation"):
        c.add(c.dome(at[0] - 1.2 * size, at[1] - size, 0.8 * size, 1.4 * size), 0.16)
