"""Plain radiographs of arms and legs, added up from what an X-ray meets.

Functions take the canvas and the case; `case.level` below 0.5 is the view from the front, above it from the side.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from radnet_spark.demo.bones import fracture, implant, joint, long_bone
from radnet_spark.demo.phantoms import Canvas, Point
from radnet_spark.demo.tissues import Case


def _ray(c: Canvas, base: Point, angle: float, lengths: Sequence[float], radius: float) -> None:
    """One finger or toe: its bones in a row from the base, each shorter and thinner."""
    x, y = base
    for k, length in enumerate(lengths):
        end = (x + length * np.sin(angle), y - length * np.cos(angle))
        gap = 0.1 * length
        stop = (end[0] - gap * np.sin(angle), end[1] + gap * np.cos(angle))
        long_bone(c, [(x, y), stop], radius * (0.94**k), 0.95, 0.55)
        x, y = end


_FINGERS = ((-0.3, 0.22, -0.65, 0.8), (-0.17, 0.08, -0.14, 1.0), (0.0, 0.05, -0.02, 1.08), (0.14, 0.08, 0.1, 1.0),
            (0.26, 0.14, 0.24, 0.82))  # fmt: skip


def _carpus(c: Canvas, y: float, size: float) -> None:
    for x, dy in (
        (-0.2, -0.06),
        (-0.07, -0.09),
        (0.08, -0.08),
        (0.2, -0.05),
        (-0.17, 0.09),
        (-0.03, 0.1),
        (0.12, 0.08),
    ):
        c.add(c.dome(size * x, y + size * dy, 0.1 * size, 0.095 * size), 0.7)
        c.add(c.dome(size * x, y + size * dy, 0.075 * size, 0.07 * size), -0.2)


def hand(c: Canvas, case: Case) -> None:
    """The whole hand from the back: carpus, metacarpals, fingers."""
    spread = float(case.rng.uniform(0.7, 1.35))
    c.add(c.tube([(0, 1.3), (0, 0.75), (0, 0.4)], (0.26, 0.3, 0.36)), 0.3)
    c.add(c.dome(0, 0.25, 0.42, 0.45), 0.25)
    long_bone(c, [(-0.1, 0.82), (-0.1, 1.5)], 0.11)
    long_bone(c, [(0.14, 0.86), (0.13, 1.5)], 0.075)
    _carpus(c, 0.66, 0.95)
    for x, lift, angle, size in _FINGERS:
        start = (x * 0.8, 0.5 + 0.3 * lift * (angle < -0.5))
        lean = angle * spread
        c.add(c.tube([start, (start[0] + 1.3 * size * np.sin(lean), start[1] - 1.3 * size * np.cos(lean))], 0.1), 0.26)
        lengths = (
            (0.4 * size, 0.32 * size, 0.24 * size) if angle < -0.5 else (0.46, 0.37 * size, 0.25 * size, 0.19 * size)
        )
        _ray(c, start, lean, lengths, 0.058)
    fracture(c, case, (0.24, 0.3), 0.08)
    joint(c, case, (-0.2, 0.46), 0.09)
    implant(c, case, [(0.02, 0.4), (0.0, 0.1)], 0.02)


def finger(c: Canvas, case: Case) -> None:
    """One finger, large, with the head of its metacarpal."""
    c.add(c.tube([(0, 1.4), (0, -0.72)], (0.32, 0.22)), 0.5)
    if case.level < 0.5:
        c.add(c.tube([(0.5, 1.4), (0.46, 0.3)], 0.2), 0.4)
        _ray(c, (0.5, 1.5), 0.0, (0.75, 0.8), 0.12)
    _ray(c, (0.0, 1.45), 0.0, (0.75, 0.78, 0.5, 0.36), 0.135)
    fracture(c, case, (0.0, 0.2), 0.16)
    joint(c, case, (0.0, -0.1), 0.15)
    implant(c, case, [(0.0, 0.5), (0.0, 0.0)], 0.025)


def wrist(c: Canvas, case: Case) -> None:
    """The wrist: distal radius and ulna, carpus, bases of the metacarpals."""
    c.add(c.tube([(0, 1.4), (0, 0.2), (0, -1.3)], (0.4, 0.46, 0.6)), 0.5)
    if case.level < 0.5:
        long_bone(c, [(-0.14, 0.25), (-0.12, 1.7)], 0.2, flare=0.5)
        long_bone(c, [(0.24, 0.32), (0.2, 1.7)], 0.12)
        _carpus(c, -0.04, 1.6)
        for x, lift, angle, _ in _FINGERS:
            start = (1.35 * x, -0.32 + 0.3 * lift)
            long_bone(c, [start, (start[0] + 0.9 * np.sin(angle), start[1] - 0.9)], 0.09)
    else:
        long_bone(c, [(-0.02, 0.25), (-0.06, 1.7)], 0.2)
        long_bone(c, [(0.12, 0.28), (0.12, 1.7)], 0.12)
        for x, y in ((0.0, 0.0), (0.12, -0.1), (-0.08, -0.16), (0.06, -0.24)):
            c.add(c.dome(x, y, 0.16, 0.14), 0.6)
        for x in (-0.06, 0.02, 0.1):
            long_bone(c, [(x, -0.35), (x - 0.05, -1.3)], 0.09, 0.7)
    fracture(c, case, (-0.14, 0.5), 0.24)
    joint(c, case, (-0.2, 0.16), 0.2)
    implant(c, case, [(-0.14, 0.3), (-0.13, 0.9)], 0.04)


def elbow(c: Canvas, case: Case) -> None:
    """The elbow, straight from the front or bent from the side."""
    bent = case.level >= 0.5
    fore = (-1.3, 0.35) if bent else (0.0, 1.5)
    c.add(c.tube([(0.1, -1.4), (0.1, 0.1), fore], (0.36, 0.38, 0.3)), 0.5)
    long_bone(c, [(0.1, -1.5), (0.1, -0.1)], 0.17, flare=0.5)
    if bent:
        c.add(c.dome(0.06, 0.06, 0.17, 0.17), 0.8)
        long_bone(c, [(0.24, 0.2), (-1.4, 0.5)], 0.13)
        long_bone(c, [(-0.16, 0.06), (-1.4, 0.24)], 0.1)
        c.add(c.tube([(0.3, -0.05), (0.25, 0.3)], 0.12), 0.6)
    else:
        for x in (-0.12, 0.3):
            c.add(c.dome(x, 0.0, 0.2, 0.16), 0.6)
        long_bone(c, [(0.22, 0.22), (0.1, 1.6)], 0.14)
        long_bone(c, [(-0.14, 0.24), (-0.12, 1.6)], 0.11)
        c.add(c.dome(0.18, -0.02, 0.12, 0.18), 0.5)
    fracture(c, case, (0.1, -0.2), 0.2)
    joint(c, case, (0.06, 0.15), 0.2)
    implant(c, case, [(0.1, -0.5), (0.12, 0.1)], 0.035)


def shoulder(c: Canvas, case: Case) -> None:
    """The shoulder from the front: humerus, scapula, clavicle, upper ribs."""
    c.add(c.tube([(-1.4, 0.3), (0.0, 0.0), (0.35, 0.3), (0.5, 1.5)], (0.95, 0.62, 0.42, 0.34)), 0.75)
    c.add(c.dome(-0.95, 0.7, 0.5, 0.75), -0.4)
    for k in range(5):
        c.add(c.tube([(-1.3, -0.25 + 0.3 * k), (-0.6, -0.15 + 0.3 * k), (-0.35, 0.2 + 0.3 * k)], 0.05, hollow=0.6), 0.3)
    c.add(c.tube([(-0.15, -0.05), (-0.5, 0.2), (-0.55, 1.0)], (0.2, 0.16, 0.06)), 0.35)
    c.add(c.tube([(-0.12, -0.22), (-0.14, 0.22)], 0.09), 0.55)
    long_bone(c, [(0.26, 0.05), (0.44, 1.6)], 0.17, flare=0.2)
    c.add(c.dome(0.16, -0.05, 0.28, 0.29), 0.85)
    long_bone(c, [(-1.3, -0.5), (-0.6, -0.66), (-0.02, -0.5)], 0.075, 0.7)
    c.add(c.tube([(-0.1, -0.42), (0.3, -0.4)], 0.09), 0.5)
    fracture(c, case, (0.28, 0.3), 0.2)
    joint(c, case, (0.02, -0.05), 0.2)
    implant(c, case, [(0.3, -0.1), (0.42, 0.7)], 0.04)


def knee(c: Canvas, case: Case) -> None:
    """The knee: femur, tibia, fibula, patella."""
    front = case.level < 0.5
    c.add(c.tube([(0, -1.5), (0, 0), (0.02, 1.5)], (0.54, 0.46, 0.42)), 0.7)
    long_bone(c, [(0, -1.6), (0, -0.24)], 0.19, flare=0.4)
    if front:
        for side in (-1, 1):
            c.add(c.dome(side * 0.17, -0.16, 0.2, 0.19), 0.75)
        c.add(c.dome(0, -0.3, 0.15, 0.17), 0.3)
        long_bone(c, [(0, 0.18), (0, 1.6)], 0.23, flare=0.5)
        c.add(c.tube([(-0.34, 0.13), (0.34, 0.13)], 0.05), 0.35)
        long_bone(c, [(0.33, 0.36), (0.28, 1.6)], 0.075)
    else:
        c.add(c.dome(0.07, -0.14, 0.27, 0.22), 0.85)
        c.add(c.dome(-0.36, -0.26, 0.09, 0.17), 0.6)
        long_bone(c, [(0.02, 0.2), (0.04, 1.6)], 0.22, flare=0.4)
        c.add(c.tube([(-0.2, 0.14), (0.28, 0.14)], 0.05), 0.3)
        long_bone(c, [(0.24, 0.36), (0.2, 1.6)], 0.075)
    fracture(c, case, (0.08, 0.36), 0.24)
    joint(c, case, (0.0, 0.06), 0.28)
    implant(c, case, [(-0.16, 0.2), (-0.14, 0.85)], 0.045)


def leg(c: Canvas, case: Case) -> None:
    """The lower leg: tibia and fibula along the picture."""
    c.add(c.tube([(0, -1.5), (0.02, -0.3), (0, 1.5)], (0.42, 0.44, 0.24)), 0.75)
    long_bone(c, [(-0.06, -1.05), (-0.04, 1.0)], 0.14)
    long_bone(c, [(0.2, -0.95), (0.12, 1.02)], 0.065)
    c.add(c.dome(0.0, 1.14, 0.17, 0.12), 0.7)
    fracture(c, case, (0.0, 0.3), 0.16)
    implant(c, case, [(-0.05, -0.6), (-0.05, 0.8)], 0.04)


def ankle(c: Canvas, case: Case) -> None:
    """The ankle from the front (mortise) or from the side, with the heel."""
    if case.level < 0.5:
        c.add(c.tube([(0, -1.5), (0, 0.2), (0, 1.2)], (0.42, 0.42, 0.46)), 0.65)
        long_bone(c, [(-0.06, -1.6), (-0.06, 0.05)], 0.2, flare=0.35)
        long_bone(c, [(0.27, -1.6), (0.28, 0.3)], 0.085)
        c.add(c.tube([(-0.28, 0.05), (-0.27, 0.24)], 0.09), 0.6)
        c.add(c.box(0.0, 0.3, 0.22, 0.15), 0.7)
        c.add(c.dome(0.04, 0.62, 0.26, 0.24), 0.55)
    else:
        c.add(c.tube([(0.1, -1.5), (0.1, 0.2)], (0.36, 0.34)), 0.6)
        c.add(c.tube([(0.45, 0.5), (-1.2, 0.75)], (0.36, 0.26)), 0.6)
        long_bone(c, [(0.08, -1.6), (0.06, 0.0)], 0.19, flare=0.35)
        long_bone(c, [(0.16, -1.6), (0.14, 0.12)], 0.08)
        c.add(c.dome(0.0, 0.22, 0.26, 0.16), 0.75)
        c.add(c.tube([(0.0, 0.42), (0.5, 0.58)], (0.15, 0.2), hollow=0.6), 0.75)
        for x, y, radius in ((-0.3, 0.36, 0.13), (-0.32, 0.55, 0.11), (-0.52, 0.45, 0.11)):
            c.add(c.dome(x, y, radius, radius), 0.55)
        for k in range(3):
            long_bone(c, [(-0.62, 0.45 + 0.09 * k), (-1.3, 0.68 + 0.07 * k)], 0.06)
    fracture(c, case, (0.2, 0.05), 0.16)
    joint(c, case, (0.0, 0.13), 0.2)
    implant(c, case, [(0.24, -0.5), (0.26, 0.2)], 0.035)


def foot(c: Canvas, case: Case) -> None:
    """The foot from above or from the side."""
    if case.level >= 0.6:
        ankle(c, case)
        return
    c.add(c.tube([(0.0, 1.0), (0.0, 0.0), (0.05, -0.9)], (0.3, 0.4, 0.44)), 0.45)
    c.add(c.dome(0.02, 0.95, 0.2, 0.3), 0.8)
    c.add(c.dome(0.05, 0.62, 0.2, 0.18), 0.7)
    for x, y in ((-0.17, 0.42), (-0.04, 0.38), (0.09, 0.4), (0.22, 0.46), (-0.08, 0.54)):
        c.add(c.dome(x, y, 0.1, 0.1), 0.6)
    for k, (x, size) in enumerate(((-0.26, 1.1), (-0.11, 1.06), (0.03, 1.0), (0.16, 0.92), (0.28, 0.82))):
        angle = 0.12 * (k - 1.5)
        lengths = (0.52 * size, 0.3, 0.24) if k == 0 else (0.55 * size, 0.2, 0.1, 0.09)
        _ray(c, (x, 0.3 + 0.03 * k), angle, lengths, 0.085 if k == 0 else 0.05)
    fracture(c, case, (0.3, 0.0), 0.08)
    joint(c, case, (-0.3, -0.26), 0.12)
    implant(c, case, [(-0.28, 0.2), (-0.3, -0.2)], 0.02)
