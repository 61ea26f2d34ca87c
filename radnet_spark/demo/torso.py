"""Plain radiographs of chest, abdomen, pelvis, spine and skull, added up from what an X-ray meets.

Functions take the canvas and the case; `case.level` below 0.5 is the view from the front, above it from the side.
"""

from __future__ import annotations

import numpy as np

from radnet_spark.demo.bones import fracture, joint, long_bone
from radnet_spark.demo.phantoms import Canvas, Point
from radnet_spark.demo.tissues import Case


def _lungs(c: Canvas, case: Case, lateral: bool) -> None:
    rng, fields = case.rng, [(0.0, 0.12, 0.5, 0.68)] if lateral else [(-0.38, 0.0, 0.27, 0.62), (0.38, 0.0, 0.27, 0.62)]
    for x, y, rx, ry in fields:
        c.add(c.dome(x, y, rx, ry), -0.85)
        c.add(c.dome(x, y - 0.1, rx * 0.9, ry * 0.8), -0.2)
    lines = []
    for side in (-1, 1):
        for _ in range(16):
            a, reach = float(rng.uniform(-1.3, 1.4)), float(rng.uniform(0.2, 0.42))
            start = (side * 0.1, 0.02)
            middle = (side * (0.1 + 0.5 * reach * np.cos(a)), 0.02 + 0.6 * reach * np.sin(a))
            lines.append(([start, middle, (side * (0.1 + reach * np.cos(a)), 0.02 + 1.3 * reach * np.sin(a))], 0.014))
    c.image += 0.16 * c.strokes(lines)


def chest(c: Canvas, case: Case) -> None:
    """The chest: lungs, heart, diaphragm, ribs, spine, clavicles."""
    lateral, rng = case.level > 0.72, case.rng
    c.add(c.tube([(0, -1.4), (0, 1.4)], (0.62, 1.0) if not lateral else (0.7, 0.85)), 1.25)
    _lungs(c, case, lateral)
    heart = float(rng.uniform(0.9, 1.25))
    if lateral:
        c.add(c.dome(-0.22, 0.36, 0.3, 0.34, 0.4), 0.5)
        c.add(c.tube([(0.5, -1.2), (0.42, 0.0), (0.55, 1.2)], 0.12), 0.5)
        for k in range(9):
            c.add(c.tube([(0.5, -0.75 + 0.17 * k), (0.0, -0.6 + 0.2 * k), (-0.5, -0.3 + 0.19 * k)], 0.025), 0.16)
        c.add(c.dome(-0.1, 0.98, 0.7, 0.32), 0.7)
    else:
        c.add(c.tube([(0, -1.2), (0, 1.2)], 0.095), 0.55)
        for k in range(12):
            c.add(c.tube([(-0.08, -0.78 + 0.13 * k), (0.08, -0.78 + 0.13 * k)], 0.018), 0.25)
        c.add(c.dome(0.12 * heart, 0.3, 0.3 * heart, 0.27, 0.6), 0.75)
        c.add(c.dome(0.02, -0.12, 0.13, 0.26), 0.35)
        for side in (-1, 1):
            for k in range(9):
                y = -0.66 + 0.14 * k
                wide = 0.5 + 0.16 * np.sin(min(1.6, 0.5 + 0.16 * k))
                back = [(side * 0.1, y), (side * 0.4 * wide / 0.6, y - 0.05), (side * wide, y + 0.09)]
                c.add(c.tube([*back, (side * (wide + 0.02), y + 0.2)], 0.03, hollow=0.6), 0.2)
            c.add(c.tube([(side * 0.08, -0.7), (side * 0.34, -0.8), (side * 0.68, -0.84)], 0.04, hollow=0.7), 0.4)
            c.add(c.dome(side * 0.42, 0.88, 0.42, 0.34), 0.8 if side < 0 else 0.7)
    _chest_findings(c, case)


def _chest_findings(c: Canvas, case: Case) -> None:
    side, rng = float(case.rng.choice([-1, 1])), case.rng
    if case.pathology == "effusion":
        c.add(c.dome(side * 0.42, 0.62, 0.34, 0.32), 0.75)
    elif case.pathology == "lesion":
        c.add(c.dome(side * float(rng.uniform(0.3, 0.48)), float(rng.uniform(-0.35, 0.25)), 0.1, 0.09), 0.5)
    elif case.pathology == "inflammation":
        for _ in range(5):
            spot = (side * float(rng.normal(0.4, 0.08)), float(rng.normal(0.25, 0.12)))
            c.add(c.dome(*spot, 0.14, 0.12), 0.16)
    elif case.pathology == "implant":
        c.add(c.box(-0.5, -0.5, 0.11, 0.09), 1.1)
        c.image += 0.6 * c.strokes([([(-0.5, -0.5), (-0.2, -0.55), (-0.06, -0.2), (0.05, 0.4)], 0.02)])


def pelvis(c: Canvas, case: Case) -> None:
    """Both hips, or one of them when the part is HIP and the level below 0.6."""
    close = case.part == "HIP" and case.level < 0.6
    zoom, move = (1.7, -0.85) if close else (1.0, 0.0)

    def at(x: float, y: float) -> Point:
        return zoom * x + move, zoom * (y - 0.15 * close)

    c.add(c.tube([(0, -1.5), (0, 0.2), (0, 1.5)], (1.0 * zoom, 1.05 * zoom, 0.95 * zoom)), 0.8)
    for side in (-1, 1):
        wing = [at(side * 0.2, -0.25), at(side * 0.5, -0.55), at(side * 0.64, -0.42), at(side * 0.42, 0.05)]
        c.add(c.tube(wing, 0.12 * zoom, hollow=0.5), 0.55)
        c.add(c.dome(*at(side * 0.44, -0.32), 0.24 * zoom, 0.3 * zoom), 0.3)
        ring = [
            at(side * 0.38, 0.2),
            at(side * 0.08, 0.3),
            at(side * 0.1, 0.48),
            at(side * 0.32, 0.6),
            at(side * 0.4, 0.25),
        ]
        c.add(c.tube(ring, 0.06 * zoom, hollow=0.6), 0.55)
        c.add(c.dome(*at(side * 0.5, 0.18), 0.13 * zoom, 0.13 * zoom), 0.8)
        long_bone(c, [at(side * 0.5, 0.18), at(side * 0.68, 0.34)], 0.085 * zoom, flare=0.1)
        long_bone(c, [at(side * 0.7, 0.32), at(side * 0.64, 1.5)], 0.1 * zoom, flare=0.25)
    c.add(c.tube([at(0, -1.2), at(0, -0.3)], 0.15 * zoom), 0.4)
    c.add(c.dome(*at(0, -0.15), 0.22 * zoom, 0.3 * zoom), 0.5)
    fracture(c, case, at(0.6, 0.27), 0.12 * zoom)
    joint(c, case, at(0.5, 0.06), 0.14 * zoom)
    if case.pathology == "implant":
        c.add(c.dome(*at(0.5, 0.16), 0.13 * zoom, 0.13 * zoom), 1.3)
        c.add(c.band([at(0.52, 0.2), at(0.68, 0.36), at(0.65, 0.9)], 0.05 * zoom), 1.3)


def skull(c: Canvas, case: Case) -> None:
    """The skull from the front or from the side."""
    front = case.level < 0.5
    rx = 0.58 if front else 0.74
    c.add(c.dome(0, -0.15, rx + 0.06, 0.76), 0.3)
    c.add(c.dome(0, -0.15, rx, 0.7), 1.2)
    c.add(c.dome(0, -0.15, rx - 0.06, 0.63), -0.72)
    if front:
        for side in (-1, 1):
            c.add(c.dome(side * 0.25, 0.02, 0.18, 0.16), -0.32)
            c.add(c.tube([(side * 0.44, 0.0), (side * 0.36, 0.6), (side * 0.1, 0.85)], 0.1, hollow=0.5), 0.5)
            c.add(c.dome(side * 0.26, 0.3, 0.13, 0.16), -0.2)
        c.add(c.tube([(0, 0.1), (0, 0.4)], 0.07), -0.25)
        for k in range(7):
            c.add(c.tube([(-0.21 + 0.07 * k, 0.5), (-0.2 + 0.067 * k, 0.7)], 0.028), 0.5)
    else:
        c.add(c.tube([(-0.5, 0.12), (0.1, 0.3), (0.4, 0.32)], 0.08), 0.5)
        c.add(c.tube([(-0.02, 0.35), (-0.15, 0.75), (-0.65, 0.85)], 0.11, hollow=0.5), 0.55)
        c.add(c.dome(-0.55, 0.08, 0.13, 0.14), -0.2)
        c.add(c.dome(-0.5, 0.36, 0.16, 0.13), -0.15)
        for k in range(6):
            c.add(c.tube([(-0.68 + 0.07 * k, 0.5), (-0.68 + 0.07 * k, 0.72)], 0.03), 0.4)
        for k in range(4):
            c.add(c.box(0.18 + 0.01 * k, 0.55 + 0.2 * k, 0.13, 0.08), 0.45)
    fracture(c, case, (0.3, -0.45), 0.16)
    if case.pathology == "lesion":
        c.add(c.dome(0.2, -0.4, 0.1, 0.1), -0.4)


def spine(c: Canvas, case: Case) -> None:
    """The cervical or lumbar column from the front or from the side."""
    neck, front = case.part == "CSPINE", case.level < 0.45
    wide = 0.5 if neck else 1.0
    c.add(c.tube([(0, -1.5), (0, 0.4), (0, 1.5)], (wide, wide * 1.1, wide * 1.6)), 0.95)
    count, step = (8, 0.23) if neck else (6, 0.36)
    size, sick = (0.17, 3) if neck else (0.25, 2)
    for k in range(count):
        y = -0.9 + step * k + 0.08
        x = 0.0 if front else -0.16 * np.cos(1.5 * y)
        flat = 0.6 if case.pathology == "fracture" and k == sick else 1.0
        body = c.box(x, y, size, flat * 0.4 * step)
        c.add(body, 0.6)
        c.add(c.box(x, y, size - 0.03, flat * 0.4 * step - 0.03), -0.18)
        if front:
            c.add(c.dome(x, y, 0.05, 0.09), 0.3)
            for side in (-1, 1):
                c.add(c.tube([(side * size, y), (side * 1.8 * size, y - 0.04)], 0.05), 0.25)
                c.add(c.dome(side * 0.6 * size, y, 0.05, 0.06), 0.3)
        else:
            c.add(c.tube([(x + 1.2 * size, y), (x + 2.6 * size, y + 0.12)], 0.06), 0.4)
        if case.pathology == "arthrosis" and k == sick:
            c.add(c.tube([(x - 1.15 * size, y + 0.45 * step), (x + 1.15 * size, y + 0.45 * step)], 0.05), 0.5)
    if neck:
        c.add(c.dome(0.05, -1.15, 0.75, 0.4), 0.9)
        c.add(c.tube([(0.0 if front else -0.5, -0.7), (0.0 if front else -0.42, 1.3)], 0.09), -0.25)
    else:
        c.add(c.dome(0.0, 1.15, 0.75 if front else 0.5, 0.35), 0.5)
    if case.pathology == "implant":
        for k in (sick, sick + 1):
            y = -0.82 + step * k
            c.add(c.band([(-0.1, y), (0.3, y)], 0.03), 1.3)
        c.add(c.band([(0.3, -0.87 + step * sick), (0.3, -0.77 + step * (sick + 1))], 0.035), 1.3)


def abdomen(c: Canvas, case: Case) -> None:
    """The abdomen plain: lumbar spine, pelvis, gas in the bowel."""
    rng = case.rng
    c.add(c.tube([(0, -1.5), (0, 1.5)], (0.85, 0.92)), 1.05)
    for k in range(6):
        y = -0.85 + 0.26 * k
        c.add(c.box(0, y, 0.13, 0.1), 0.35)
        for side in (-1, 1):
            c.add(c.tube([(side * 0.12, y), (side * 0.28, y)], 0.03), 0.2)
    for side in (-1, 1):
        c.add(c.dome(side * 0.5, 0.75, 0.28, 0.34), 0.35)
        c.add(c.tube([(side * 0.15, -0.95), (side * 0.5, -0.75), (side * 0.7, -0.4)], 0.035), 0.2)
    for _ in range(int(rng.integers(10, 18))):
        x, y, r = float(rng.uniform(-0.6, 0.6)), float(rng.uniform(-0.6, 0.75)), float(rng.uniform(0.04, 0.12))
        c.add(c.dome(x, y, r, 0.7 * r, float(rng.uniform(0, 3))), -0.3)
    if case.pathology == "stone":
        c.add(c.dome(0.3, -0.2, 0.04, 0.03), 0.8)
    elif case.pathology in ("stenosis", "inflammation"):
        for k in range(5):
            c.add(c.dome(-0.35 + 0.17 * k, -0.15 + 0.1 * (k % 2), 0.16, 0.09), -0.35)
