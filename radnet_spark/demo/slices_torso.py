"""Cross sections of chest, abdomen and pelvis for CT and MR."""

from __future__ import annotations

import numpy as np

from radnet_spark.demo.phantoms import Canvas
from radnet_spark.demo.slices import blob, vertebra
from radnet_spark.demo.tissues import Case


def _trunk(c: Canvas, case: Case, rx: float, ry: float) -> None:
    """Skin, fat, the muscle wall and what it holds."""
    t, fat = case.tissue, float(case.rng.uniform(0.03, 0.11))
    c.paint(c.ellipse(0, 0, rx, ry), t["soft"])
    c.paint(c.ellipse(0, 0, rx - 0.012, ry - 0.012), t["fat"])
    c.paint(c.ellipse(0, 0, rx - fat, ry - fat), t["muscle"])
    c.paint(c.ellipse(0, -0.01, rx - fat - 0.06, ry - fat - 0.07), t["fat"])


def chest_axial(c: Canvas, case: Case) -> None:
    """The chest from the apex (level 0) to the diaphragm (level 1)."""
    t, z, rng = case.tissue, case.level, case.rng
    width = 0.86 + 0.06 * min(1.0, 2 * z)
    _trunk(c, case, width, 0.64)
    for side in (-1, 1):
        c.paint(c.ellipse(side * (0.44 - 0.05 * z), -0.02, 0.32, 0.42 - 0.1 * (z < 0.2)), t["lung"])
        for turn in np.linspace(-1.1, 1.2, 6):
            rib = [(side * 0.74 * np.cos(a), 0.5 * np.sin(a)) for a in (turn, turn + 0.16)]
            c.paint(c.band(rib, 0.025), t["bone"])
    lung = np.clip((0.3 - np.hypot(np.abs(c.x) - 0.44, 0.75 * c.y)) * 20, 0, 1)
    c.image += 0.5 * np.clip((c.noise(34) - 1.4) * 3, 0, 1) * lung * (t["blood"] - c.image)
    vertebra(c, case, 0.36, 0.11)
    if z < 0.35:
        c.paint(c.ellipse(0, 0.03, 0.17, 0.27), t["fat"])
        c.paint(c.ellipse(0.0, 0.14, 0.05, 0.05), t["air"])
        c.paint(c.band([(-0.12, -0.08), (0.1, 0.02), (0.13, 0.2)], 0.06), t["blood"])
    else:
        c.paint(c.ellipse(0.1, -0.08, 0.3, 0.25, 0.5), t["fat"])
        c.paint(c.ellipse(0.13, -0.08, 0.27 + 0.05 * rng.random(), 0.21, 0.5), t["muscle"])
        c.paint(c.ellipse(0.18, -0.06, 0.14, 0.1, 0.5), t["blood"])
        c.paint(c.ellipse(-0.04, -0.08, 0.1, 0.1), t["blood"])
    c.paint(c.ellipse(0.13, 0.27, 0.06, 0.06), t["blood"])
    if z > 0.8:
        c.paint(c.ellipse(-0.42, 0.0, 0.2, 0.26), t["liver"])
    ill = float(rng.choice([-1, 1]))
    if case.pathology == "effusion":
        c.paint(c.band([(ill * 0.22, 0.36), (ill * 0.45, 0.36), (ill * 0.66, 0.2)], 0.09), t["water"])
    elif case.pathology == "lesion":
        blob(c, case, (ill * float(rng.uniform(0.35, 0.55)), float(rng.uniform(-0.2, 0.2))), 0.07, t["lesion"])
    elif case.pathology == "inflammation":
        blob(c, case, (ill * 0.48, 0.15), 0.14, (t["lung"] + t["soft"]) / 2)


def abdomen_axial(c: Canvas, case: Case) -> None:
    """The abdomen from the dome of the liver (level 0) to below the kidneys (level 1)."""
    t, z, rng = case.tissue, case.level, case.rng
    _trunk(c, case, 0.88, 0.62)
    for _ in range(9):
        x, y = float(rng.uniform(-0.5, 0.55)), float(rng.uniform(-0.36, 0.1))
        loop = float(rng.uniform(0.06, 0.13))
        c.paint(c.ellipse(x, y, loop, 0.8 * loop), t["bowel"])
        c.paint(c.ellipse(x, y - 0.02, 0.6 * loop, 0.4 * loop), t["air"] if rng.random() < 0.4 else t["water"], 0.8)
    if z < 0.7:
        c.paint(c.ellipse(-0.38, -0.04, 0.36 * (1 - 0.5 * z), 0.4 * (1 - 0.4 * z), 0.15), t["liver"])
        c.paint(c.ellipse(-0.1, -0.2, 0.28 * (1 - z), 0.15, 0.2), t["liver"])
        vessels = c.strokes(
            [([(-0.2, 0.0), (-0.35, -0.1 + 0.1 * k), (-0.55, -0.2 + 0.16 * k)], 0.025) for k in range(3)]
        )
        c.image += vessels * (t["blood"] - c.image) * 0.6
    if z < 0.5:
        c.paint(c.ellipse(0.58, 0.12, 0.12, 0.22, -0.3), t["spleen"])
        c.paint(c.ellipse(0.3, -0.2, 0.2, 0.13, 0.4), t["bowel"])
        c.paint(c.ellipse(0.3, -0.24, 0.15, 0.06, 0.4), t["air"])
    c.paint(c.band([(-0.1, 0.0), (0.1, -0.04), (0.35, 0.06)], 0.045), t["soft"])
    vertebra(c, case, 0.2, 0.13)
    c.paint(c.ellipse(0.06, 0.04, 0.055, 0.055), t["blood"])
    c.paint(c.ellipse(-0.1, 0.05, 0.06, 0.045), t["blood"])
    if z > 0.2:
        _kidneys(c, case)
    side = float(rng.choice([-1, 1]))
    if case.pathology == "lesion":
        blob(c, case, (-0.4, -0.05) if rng.random() < 0.6 else (0.4, 0.1), 0.09, t["lesion"])
    elif case.pathology == "effusion":
        c.paint(c.band([(side * 0.55, -0.25), (side * 0.7, 0.0), (side * 0.6, 0.25)], 0.06), t["water"])
    elif case.pathology == "inflammation":
        blob(c, case, (0.15, -0.05), 0.14, t["oedema"])


def _kidneys(c: Canvas, case: Case) -> None:
    t = case.tissue
    stone = case.pathology == "stone"
    for side in (-1, 1):
        c.paint(c.ellipse(side * 0.42, 0.2, 0.15, 0.19, side * 0.4), t["fat"])
        c.paint(c.ellipse(side * 0.42, 0.2, 0.115, 0.155, side * 0.4), t["kidney"])
        c.paint(
            c.ellipse(side * 0.36, 0.17, 0.05 + 0.03 * stone, 0.06 + 0.03 * stone), t["urine"] if stone else t["fat"]
        )
    if stone:
        c.paint(c.ellipse(0.36, 0.18, 0.03, 0.025), t["stone"])


def pelvis_axial(c: Canvas, case: Case) -> None:
    """The pelvis from the iliac wings (level 0) to the femoral heads (level 1)."""
    t, z = case.tissue, case.level
    _trunk(c, case, 0.92, 0.56)
    for side in (-1, 1):
        c.paint(c.ellipse(side * 0.45, 0.34, 0.3, 0.16, side * -0.3), t["muscle"])
        if z < 0.5:
            c.paint(c.band([(side * 0.62, -0.14), (side * 0.5, 0.05), (side * 0.24, 0.24)], 0.055), t["bone"])
            c.paint(c.band([(side * 0.58, -0.1), (side * 0.3, 0.2)], 0.025), t["marrow"])
        else:
            c.paint(c.ellipse(side * 0.5, 0.02, 0.15, 0.15), t["bone"])
            c.paint(c.ellipse(side * 0.5, 0.02, 0.12, 0.12), t["marrow"])
            c.paint(c.band([(side * 0.36, -0.14), (side * 0.33, 0.05), (side * 0.4, 0.2)], 0.035), t["bone"])
            c.paint(c.band([(side * 0.55, 0.05), (side * 0.75, 0.12)], 0.07), t["bone"])
        c.paint(c.ellipse(side * 0.3, -0.26, 0.035, 0.035), t["blood"])
    if z < 0.5:
        c.paint(c.ellipse(0, 0.26, 0.24, 0.14), t["bone"])
        c.paint(c.ellipse(0, 0.26, 0.21, 0.11), t["marrow"])
        for x in (-0.25, 0.0, 0.2):
            c.paint(c.ellipse(x, -0.15, 0.11, 0.09), t["bowel"])
            c.paint(c.ellipse(x, -0.17, 0.07, 0.05), t["air"])
    else:
        c.paint(c.ellipse(0, -0.12, 0.22, 0.16), t["soft"])
        c.paint(c.ellipse(0, -0.12, 0.2, 0.14), t["urine"])
        c.paint(c.ellipse(0, 0.18, 0.1, 0.08), t["bowel"])
        c.paint(c.ellipse(0, 0.36, 0.05, 0.05), t["bone"])
    if case.pathology == "fracture":
        c.paint(c.band([(0.42, -0.12), (0.62, 0.12)], 0.014), t["bleeding"])
    elif case.pathology == "lesion":
        blob(c, case, (0.22, 0.0), 0.09, t["lesion"])
    elif case.pathology == "implant":
        c.paint(c.ellipse(0.5, 0.02, 0.13, 0.13), t["metal"])
