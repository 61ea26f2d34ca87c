"""What cross sections for CT and MR share. Sections are painted tissue by tissue, from the outside in."""

from __future__ import annotations

from radnet_spark.demo.phantoms import Canvas
from radnet_spark.demo.tissues import Case


def blob(c: Canvas, case: Case, centre: tuple[float, float], size: float, value: float) -> None:
    """An irregular focus of three overlapping ellipses."""
    rng = case.rng
    for _ in range(3):
        offset = rng.normal(0.0, 0.35 * size, 2)
        radii = size * rng.uniform(0.6, 1.1, 2)
        shape = c.ellipse(centre[0] + offset[0], centre[1] + offset[1], radii[0], radii[1], float(rng.uniform(0, 3)))
        c.paint(shape, value, 0.85)


def vertebra(c: Canvas, case: Case, y: float, size: float) -> None:
    """A vertebra from above: body, arch, canal with the cord, processes and the muscles behind."""
    t = case.tissue
    for side in (-1, 1):
        c.paint(c.ellipse(side * size * 1.2, y + size * 1.6, size * 1.1, size * 0.9), t["muscle"])
        c.paint(
            c.band([(side * 0.5 * size, y + 0.9 * size), (side * 1.7 * size, y + 1.2 * size)], 0.2 * size), t["bone"]
        )
        c.paint(c.band([(side * 0.6 * size, y + 0.9 * size), (0, y + 1.8 * size)], 0.18 * size), t["bone"])
    c.paint(c.band([(0, y + 1.7 * size), (0, y + 2.6 * size)], 0.16 * size), t["bone"])
    c.paint(c.ellipse(0, y, size, 0.8 * size), t["bone"])
    c.paint(c.ellipse(0, y, 0.86 * size, 0.67 * size), t["marrow"])
    c.paint(c.ellipse(0, y + 1.15 * size, 0.5 * size, 0.38 * size), t["csf"])
    c.paint(c.ellipse(0, y + 1.15 * size, 0.3 * size, 0.22 * size), t["cord"])
