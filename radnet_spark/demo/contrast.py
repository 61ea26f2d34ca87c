"""Examinations with contrast medium (XA, RF): the body behind in `canvas.image`, the medium in `canvas.contrast`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from radnet_spark.demo import limbs, torso
from radnet_spark.demo.phantoms import Canvas, Point
from radnet_spark.demo.tissues import Case

Line = tuple[list[Point], float]


def _branch(
    rng: np.random.Generator, start: Point, heading: float, width: float, reach: float, depth: int
) -> list[Line]:
    """A vessel that winds on and forks `depth` times; widths fall by the cube law of branching vessels."""
    points, (x, y), angle = [start], start, heading
    for _ in range(4):
        angle += float(rng.normal(0.0, 0.22))
        x, y = x + 0.25 * reach * np.cos(angle), y + 0.25 * reach * np.sin(angle)
        points.append((x, y))
    lines: list[Line] = [(points, width)]
    if depth:
        for turn in (-1, 1):
            fork = angle + turn * float(rng.uniform(0.25, 0.7))
            lines += _branch(rng, (x, y), fork, width * 0.78, reach * float(rng.uniform(0.6, 0.85)), depth - 1)
    return lines


def _fill(c: Canvas, lines: Sequence[Line], value: float = 1.0) -> None:
    """Thicker vessels take up more X-rays."""
    widest = max(width for _, width in lines)
    for low, high in ((0.0, 0.35), (0.35, 0.6), (0.6, 1.01)):
        group = [line for line in lines if low <= line[1] / widest < high]
        if group:
            np.maximum(c.contrast, value * (0.35 + 0.65 * high) * c.strokes(group), out=c.contrast)


def _narrow(c: Canvas, case: Case, at: Point, width: float) -> None:
    """Takes the medium away from both sides of a vessel or gut."""
    if case.pathology == "stenosis":
        for side in (-1, 1):
            window, mask = c.ellipse(at[0] + side * width, at[1], 0.8 * width, 1.1 * width)
            c.contrast[window] *= 1 - 0.9 * mask


def _catheter(c: Canvas, points: Sequence[Point]) -> None:
    c.image += 0.35 * c.strokes([(points, 0.016)])


def cerebral_vessels(c: Canvas, case: Case) -> None:
    """Arteries of the brain after injection into the internal carotid."""
    torso.skull(c, case)
    rng, lines = case.rng, [([(0.0, 1.2), (0.03, 0.7), (-0.06, 0.45), (0.05, 0.3), (0.0, 0.12)], 0.05)]
    for heading in (-0.5, -1.2, -1.9, -2.6) if case.level >= 0.5 else (-0.2, -0.9, -1.6):
        lines += _branch(rng, (0.0, 0.12), heading + float(rng.normal(0, 0.12)), 0.032, 0.42, 3)
    _fill(c, lines)
    if case.pathology == "bleeding":
        c.inject(c.dome(float(rng.uniform(-0.1, 0.1)), 0.08, 0.07, 0.06), 1.1)
    elif case.pathology == "lesion":
        c.inject(c.dome(0.3, -0.35, 0.16, 0.14), 0.45)
    _narrow(c, case, (0.01, 0.65), 0.04)


def carotid_vessels(c: Canvas, case: Case) -> None:
    """The carotid bifurcation in the neck, jaw and spine behind."""
    rng, fork = case.rng, float(case.rng.uniform(0.1, 0.3))
    c.add(c.tube([(0, -1.4), (0, 1.4)], (0.62, 0.75)), 0.9)
    for k in range(8):
        c.add(c.box(0.26, -0.85 + 0.26 * k, 0.17, 0.1), 0.4)
    c.add(c.tube([(0.1, -0.75), (-0.15, -0.5), (-0.75, -0.35)], 0.12, hollow=0.5), 0.5)
    lines = [([(0.02, 1.3), (0.0, fork + 0.3), (0.0, fork)], 0.12)]
    lines.append(([(0.0, fork), (0.12, fork - 0.25), (0.08, -0.6), (0.12, -1.2)], 0.085))
    lines += _branch(rng, (0.0, fork), -1.95, 0.065, 0.5, 2)
    _fill(c, lines)
    c.inject(c.dome(0.06, fork - 0.08, 0.09, 0.13), 1.0)
    _narrow(c, case, (0.1, fork - 0.2), 0.06)


def coronary_vessels(c: Canvas, case: Case) -> None:
    """Coronary arteries on the beating heart, ribs and diaphragm behind, the catheter from the aorta."""
    rng, left = case.rng, case.level < 0.6
    c.add(c.dome(0, 0, 1.3, 1.2), 0.7)
    c.add(c.dome(0.1, 0.25, 0.75, 0.6, 0.5), 0.35)
    for k in range(5):
        c.add(c.tube([(-1.2, -0.8 + 0.4 * k), (0, -0.6 + 0.42 * k), (1.2, -0.95 + 0.4 * k)], 0.06, hollow=0.6), 0.2)
    c.add(c.tube([(-0.75, -1.2), (-0.8, 1.2)], 0.22), 0.4)
    _catheter(c, [(-0.6, 1.2), (-0.55, -0.6), (-0.35, -0.8), (-0.25, -0.45)])
    if left:
        lines = _branch(rng, (-0.25, -0.45), 0.75, 0.06, 0.6, 3) + _branch(rng, (-0.2, -0.4), 1.35, 0.05, 0.5, 2)
    else:
        curve = [(0.55 * np.cos(a), 0.55 * np.sin(a)) for a in np.linspace(-2.2, -4.6, 9)]
        lines = [(curve, 0.06), *_branch(rng, curve[-1], 0.2, 0.045, 0.4, 2)]
        lines += _branch(rng, curve[4], 0.8, 0.03, 0.35, 1)
    _fill(c, lines)
    middle = lines[0][0][2]
    _narrow(c, case, middle, 0.03)
    if case.pathology == "implant":
        c.image += 0.5 * c.strokes([(lines[0][0][1:3], 0.07)])


def organ_vessels(c: Canvas, case: Case) -> None:
    """Renal or hepatic arteries from a catheter in the aorta, the organ blushing."""
    rng, side = case.rng, float(case.rng.choice([-1, 1]))
    torso.abdomen(c, case)
    _catheter(c, [(0.12, 1.2), (0.08, 0.2), (0.0, -0.2), (side * 0.12, -0.22)])
    heading = 0.15 if side > 0 else np.pi - 0.15
    _fill(c, _branch(rng, (side * 0.12, -0.2), heading, 0.055, 0.4, 4))
    radii = (0.2, 0.34) if case.level < 0.6 else (0.4, 0.3)
    c.inject(c.dome(side * 0.5, -0.15, *radii), 0.3)
    if case.pathology == "lesion":
        c.inject(c.dome(side * 0.55, -0.05, 0.13, 0.12), 0.75)
    _narrow(c, case, (side * 0.2, -0.2), 0.05)


def leg_vessels(c: Canvas, case: Case) -> None:
    """Arteries of the thigh or the lower leg beside the bones."""
    rng = case.rng
    (limbs.leg if case.level < 0.6 else limbs.knee)(c, case)
    lines: list[Line] = [([(0.18, -1.3), (0.22, -0.5), (0.1, 0.0), (0.06, 0.3)], 0.07)]
    lines += [([(0.06, 0.3), (x, 0.6), (x + float(rng.normal(0, 0.03)), 1.3)], 0.045) for x in (-0.16, 0.06, 0.24)]
    lines += _branch(rng, (0.2, -0.8), 2.0, 0.03, 0.4, 2) + _branch(rng, (0.12, -0.2), 1.2, 0.025, 0.3, 2)
    _fill(c, lines)
    _narrow(c, case, (0.2, -0.4), 0.045)


def gullet(c: Canvas, case: Case) -> None:
    """Barium in the oesophagus, chest behind."""
    torso.chest(c, case)
    path = [(0.05, -1.1), (0.03, -0.5), (0.1, 0.0), (0.06, 0.45), (0.16, 0.8)]
    c.inject(c.tube(path, (0.06, 0.08, 0.09, 0.07, 0.05)), 1.3)
    c.inject(c.dome(0.32, 0.98, 0.3, 0.2), 1.2)
    _narrow(c, case, (0.08, 0.3), 0.07)


def stomach(c: Canvas, case: Case) -> None:
    """Barium in stomach and duodenum."""
    torso.abdomen(c, case)
    c.inject(
        c.tube([(0.4, -0.75), (0.42, -0.3), (0.25, 0.1), (0.0, 0.14), (-0.16, 0.0)], (0.2, 0.19, 0.17, 0.11, 0.07)), 1.3
    )
    c.inject(c.tube([(-0.2, -0.02), (-0.36, 0.05), (-0.34, 0.4), (-0.05, 0.45)], 0.06), 0.9)
    folds = np.sin(40 * c.x + 4 * c.noise(6)) * 0.16 * (c.contrast > 0.3)
    c.contrast += folds.astype(np.float32)
    if case.pathology == "lesion":
        window, mask = c.ellipse(0.36, 0.05, 0.09, 0.08)
        c.contrast[window] *= 1 - 0.85 * mask
    _narrow(c, case, (-0.06, 0.12), 0.07)


def colon(c: Canvas, case: Case) -> None:
    """Barium in the large bowel, with its haustra."""
    torso.abdomen(c, case)
    frame = [(-0.55, 0.6), (-0.6, 0.2), (-0.58, -0.4), (-0.2, -0.3), (0.2, -0.34), (0.6, -0.5), (0.62, 0.2)]
    frame += [(0.4, 0.55), (0.1, 0.5), (0.0, 0.9)]
    wide = float(case.rng.uniform(0.08, 0.12))
    for (ax, ay), (bx, by) in pairwise(frame):
        for share in (0.0, 0.33, 0.67):
            c.inject(c.dome(ax + share * (bx - ax), ay + share * (by - ay), wide, wide), 1.15)
    _narrow(c, case, (0.61, -0.1), 0.08)
    if case.pathology == "lesion":
        window, mask = c.ellipse(-0.56, 0.05, 0.06, 0.06)
        c.contrast[window] *= 1 - 0.8 * mask


def bile_ducts(c: Canvas, case: Case) -> None:
    """Bile ducts through an endoscope (ERCP)."""
    torso.abdomen(c, case)
    c.image += 1.2 * c.strokes([([(0.3, -1.2), (0.34, -0.4), (0.1, 0.1), (-0.18, 0.2), (-0.14, 0.05)], 0.11)])
    lines: list[Line] = [([(-0.12, 0.08), (-0.18, -0.2), (-0.16, -0.45)], 0.075)]
    for heading in (-0.9, -1.6, -2.3):
        lines += _branch(case.rng, (-0.16, -0.45), heading, 0.045, 0.28, 2)
    _fill(c, lines, 1.1)
    if case.pathology == "stone":
        window, mask = c.ellipse(-0.16, -0.1, 0.035, 0.035)
        c.contrast[window] *= 1 - 0.9 * mask
    _narrow(c, case, (-0.14, -0.02), 0.04)


def urinary_tract(c: Canvas, case: Case) -> None:
    """Kidney calices, ureters and bladder filled with medium."""
    torso.abdomen(c, case)
    filling = float(case.rng.uniform(0.2, 0.34))
    c.inject(c.dome(0.0, 0.72, filling, 0.75 * filling), 1.2)
    if case.level < 0.7:
        lines: list[Line] = []
        for side in (-1, 1):
            lines.append(([(side * 0.34, -0.2), (side * 0.22, 0.1), (side * 0.24, 0.45), (side * 0.1, 0.7)], 0.035))
            for heading in (-0.5, 0.1, 0.7):
                end = (side * (0.34 + 0.16 * np.cos(heading)), -0.24 + 0.2 * np.sin(heading))
                lines.append(([(side * 0.33, -0.22), end], 0.06))
        _fill(c, lines, 0.9)
    if case.pathology == "stone":
        c.contrast *= 1 - 0.9 * c.strokes([([(0.24, 0.3), (0.24, 0.34)], 0.06)])
    elif case.pathology == "lesion":
        window, mask = c.ellipse(0.1, 0.78, 0.09, 0.08)
        c.contrast[window] *= 1 - 0.85 * mask


def pain_injection(c: Canvas, case: Case) -> None:
    """Spine or joint under fluoroscopy with needle and a little medium."""
    (torso.pelvis if case.part == "HIP" else torso.spine)(c, case)
    spot = (float(case.rng.normal(0.0, 0.08)), float(case.rng.normal(0.0, 0.12)))
    c.image += 1.0 * c.strokes([([(spot[0] + 0.7, spot[1] - 0.9), spot], 0.014)])
    c.inject(c.dome(*spot, 0.1, 0.06, float(case.rng.uniform(0, 3))), 0.8)
