"""Cross sections of the head for CT and MR."""

from __future__ import annotations

import numpy as np

from radnet_spark.demo.phantoms import Canvas
from radnet_spark.demo.slices import blob
from radnet_spark.demo.tissues import Case


def head_axial(c: Canvas, case: Case) -> None:
    """The head from the skull base (level 0) to the vertex (level 1)."""
    t, z = case.tissue, case.level
    size = 0.98 - 0.42 * max(0.0, z - 0.55)
    rx, ry = 0.63 * size, 0.8 * size
    c.paint(c.ellipse(0, 0, rx + 0.06, ry + 0.06), t["soft"])
    c.paint(c.ellipse(0, 0, rx + 0.045, ry + 0.045), t["fat"])
    c.paint(c.ellipse(0, 0, rx, ry), t["bone"])
    c.paint(c.ellipse(0, 0, rx - 0.03, ry - 0.03), t["marrow"], 0.5)
    c.paint(c.ellipse(0, 0, rx - 0.055, ry - 0.055), t["csf"])
    angle, radius = np.arctan2(c.y, c.x), np.hypot(c.x / (rx - 0.06), c.y / (ry - 0.06))
    ripple = np.sin(22 * angle + 3 * c.noise(7)) + 0.6 * c.noise(14)
    brain = np.clip((0.97 - 0.07 * (ripple > 0.75) - radius) * 30, 0, 1)
    c.image += brain * (t["grey"] - c.image)
    for side in (-1, 1):
        white = np.clip((0.8 - np.hypot((c.x - side * 0.24 * size) / (0.24 * size), c.y / (0.62 * size))) * 5, 0, 1)
        white = white * (0.7 + 0.3 * (ripple < 0.6))
        c.image += white * (t["white"] - c.image)
    c.paint(c.band([(0, -ry + 0.08), (0, ry - 0.08)], 0.008), t["csf"])
    if z < 0.35:
        _skull_base(c, case)
    elif z < 0.8:
        _ventricles(c, case)
    _head_findings(c, case, rx, ry)


def _skull_base(c: Canvas, case: Case) -> None:
    t = case.tissue
    for side in (-1, 1):
        c.paint(c.band([(side * 0.5, 0.16), (side * 0.13, -0.06)], (0.09, 0.035)), t["bone"])
        c.paint(c.ellipse(side * 0.45, 0.2, 0.06, 0.05), t["air"], 0.7)
        c.paint(c.ellipse(side * 0.27, -0.67, 0.15, 0.15), t["fat"])
        c.paint(c.ellipse(side * 0.27, -0.71, 0.105, 0.105), t["water"])
        c.paint(c.ellipse(side * 0.27, -0.79, 0.05, 0.03), t["soft"])
    c.paint(c.box(0, -0.62, 0.09, 0.17), t["bone"], 0.6)
    c.paint(c.box(0, -0.64, 0.07, 0.14), t["air"], 0.8)
    c.paint(c.ellipse(0, 0.06, 0.12, 0.1), t["white"])
    c.paint(c.ellipse(0, 0.2, 0.06, 0.04), t["csf"])


def _ventricles(c: Canvas, case: Case) -> None:
    t, wide = case.tissue, float(case.rng.uniform(0.028, 0.065))
    for side in (-1, 1):
        c.paint(c.ellipse(side * 0.17, 0.0, 0.07, 0.13), t["grey"], 0.8)
        c.paint(c.band([(side * 0.1, -0.28), (side * 0.06, -0.1)], wide), t["csf"])
        c.paint(c.band([(side * 0.06, 0.06), (side * 0.2, 0.3)], wide), t["csf"])
    c.paint(c.band([(0, -0.04), (0, 0.12)], 0.016), t["csf"])
    c.paint(c.ellipse(0, 0.2, 0.025, 0.02), t["bone"], 0.4)


def _head_findings(c: Canvas, case: Case, rx: float, ry: float) -> None:
    t, rng = case.tissue, case.rng
    side, spot = float(rng.choice([-1, 1])), (float(rng.uniform(0.2, 0.38)), float(rng.uniform(-0.35, 0.4)))
    if case.pathology == "bleeding":
        if rng.random() < 0.5:
            blob(c, case, (side * spot[0], spot[1]), 0.13, t["bleeding"])
        else:
            edge = [(side * (rx - 0.08) * np.cos(a), (ry - 0.08) * np.sin(a)) for a in np.linspace(-0.8, 0.8, 6)]
            c.paint(c.band(edge, 0.045), t["bleeding"])
    elif case.pathology == "ischaemia":
        blob(c, case, (side * (spot[0] + 0.06), spot[1]), 0.17, t["oedema"])
    elif case.pathology == "lesion":
        blob(c, case, (side * spot[0], spot[1]), 0.2, t["oedema"])
        blob(c, case, (side * spot[0], spot[1]), 0.09, t["lesion"])


def head_sagittal(c: Canvas, case: Case) -> None:
    """The head from the side, in or near the midline."""
    t = case.tissue
    c.paint(c.ellipse(-0.05, -0.15, 0.82, 0.74), t["fat"])
    c.paint(c.box(-0.42, 0.42, 0.33, 0.42, -0.2), t["soft"])
    c.paint(c.box(0.22, 0.72, 0.24, 0.5), t["muscle"])
    c.paint(c.ellipse(-0.05, -0.15, 0.77, 0.69), t["bone"])
    c.paint(c.ellipse(-0.05, -0.15, 0.72, 0.64), t["csf"])
    ripple = np.sin(26 * np.arctan2(c.y + 0.1, c.x + 0.05) + 3 * c.noise(6))
    radius = np.hypot((c.x + 0.05) / 0.71, (c.y + 0.18) / 0.6)
    cerebrum = np.clip((0.98 - 0.08 * (ripple > 0.8) - radius) * 25, 0, 1) * np.clip(
        (0.2 - c.y - 0.25 * c.x) * 15, 0, 1
    )
    c.image += cerebrum * (t["grey"] - c.image)
    c.paint(c.ellipse(-0.05, -0.2, 0.48, 0.36), t["white"], 0.55)
    arch = [(0.4 * np.cos(a) - 0.05, 0.22 * np.sin(a) - 0.1) for a in np.linspace(np.pi, 2 * np.pi, 8)]
    c.paint(c.band(arch, 0.04), t["white"])
    c.paint(c.ellipse(-0.05, -0.06, 0.22, 0.07), t["csf"], 0.7)
    c.paint(c.ellipse(0.36, 0.3, 0.22, 0.17), t["grey"])
    c.paint(c.band([(0.0, 0.02), (0.07, 0.2), (0.12, 0.42), (0.14, 1.2)], (0.08, 0.1, 0.06, 0.045)), t["white"])
    c.paint(c.ellipse(-0.6, 0.28, 0.13, 0.08), t["air"])
    c.paint(c.band([(-0.35, 0.42), (-0.12, 0.5), (-0.08, 1.2)], 0.04), t["air"])
    c.paint(c.ellipse(-0.42, 0.62, 0.22, 0.12), t["muscle"])
    for k in range(4):
        c.paint(c.box(0.03, 0.55 + 0.14 * k, 0.08, 0.055), t["marrow"])
    if case.pathology in ("lesion", "ischaemia", "bleeding"):
        value = {"lesion": "lesion", "ischaemia": "oedema", "bleeding": "bleeding"}[case.pathology]
        blob(c, case, (float(case.rng.uniform(-0.4, 0.3)), -0.4), 0.1, t[value])
