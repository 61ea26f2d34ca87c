"""Cross sections of spine, knee and shoulder for CT and MR."""

from __future__ import annotations

from radnet_spark.demo.phantoms import Canvas
from radnet_spark.demo.slices import blob, vertebra
from radnet_spark.demo.tissues import Case


def spine_axial(c: Canvas, case: Case) -> None:
    """One vertebra filling the picture, cervical or lumbar."""
    t, neck = case.tissue, case.part == "CSPINE"
    c.paint(c.ellipse(0, 0.0, 1.3 if not neck else 0.85, 0.95 if not neck else 0.8), t["muscle"])
    for side in (-1, 1):
        beside = c.ellipse(side * 0.4, -0.25, 0.14, 0.2) if neck else c.ellipse(side * 0.62, -0.1, 0.3, 0.36)
        c.paint(beside, t["muscle"])
        c.paint(c.ellipse(side * 0.45, -0.3, 0.06, 0.06), t["blood"])
    c.paint(c.ellipse(0, -0.62, 0.75, 0.22), t["fat"])
    if neck:
        c.paint(c.ellipse(0, -0.5, 0.09, 0.08), t["air"])
    else:
        c.paint(c.ellipse(0.05, -0.52, 0.12, 0.11), t["blood"])
    size = 0.24 if neck else 0.36
    vertebra(c, case, -0.12, size)
    if case.level > 0.5:
        c.paint(c.ellipse(0, -0.12, size, 0.8 * size), t["disc"])
    if case.pathology == "arthrosis":
        c.paint(c.ellipse(0.3 * size, 0.62 * size - 0.12, 0.45 * size, 0.25 * size), t["disc"])
    elif case.pathology == "fracture":
        c.paint(c.band([(-size, -0.2), (0.1, -0.1), (0.6 * size, 0.1)], 0.016), t["soft"])
    elif case.pathology == "lesion":
        blob(c, case, (0.05, -0.12), 0.11, t["lesion"])


def spine_sagittal(c: Canvas, case: Case) -> None:
    """The cervical or lumbar column from the side."""
    t, rng, neck = case.tissue, case.rng, case.part == "CSPINE"
    c.paint(c.box(0.05 if neck else 0.1, 0, 0.62 if neck else 0.8, 1.4), t["muscle"])
    behind = 0.48 if neck else 0.57
    c.paint(c.band([(behind + 0.06, -1.2), (behind, 0), (behind + 0.14, 1.2)], 0.12), t["fat"])
    count, height = (7, 0.2) if neck else (5, 0.32)
    top, bend = (-0.62, 0.1) if neck else (-0.95, 0.14)
    sick = int(rng.integers(1, count - 1))
    canal = []
    for k in range(count + 1):
        y = top + k * (height + 0.06)
        lean = bend * (1 - ((y + 0.1) / 0.9) ** 2) * -1
        x, deep = -0.12 + lean, (0.13 if neck else 0.2)
        flat = 0.62 if case.pathology == "fracture" and k == sick else 1.0
        bulge = 0.06 if case.pathology == "arthrosis" and k in (sick, sick + 1) else 0.0
        dried = t["cartilage"] * 0.5 if bulge and t["water"] < 3 else t["disc"]
        c.paint(c.box(x + bulge / 2, y - height / 2 - 0.03, deep + bulge / 2, 0.06), dried)
        c.paint(c.box(x, y, deep, flat * height / 2), t["bone"])
        marrow = t["lesion"] if case.pathology == "lesion" and k == sick else t["marrow"]
        c.paint(c.box(x, y, deep - 0.018, flat * height / 2 - 0.018), marrow)
        c.paint(c.band([(x + deep + 0.2, y + 0.05), (x + deep + 0.38, y + 0.16)], 0.04), t["bone"])
        canal.append((x + deep + 0.08, y))
    canal = [(canal[0][0] - 0.02, -1.4), *canal, (canal[-1][0] + 0.25, canal[-1][1] + 0.45)]
    c.paint(c.band(canal, 0.075), t["csf"])
    c.paint(c.band(canal if neck else canal[:4], 0.042), t["cord"])
    if neck:
        c.paint(c.ellipse(0.15, -1.0, 0.36, 0.24), t["grey"])
        c.paint(c.band([(-0.5, -0.8), (-0.42, 0.0), (-0.36, 1.2)], 0.05), t["air"])
    else:
        c.paint(c.box(0.12, 0.9, 0.13, 0.32, -0.7), t["marrow"])
        c.paint(c.band([(-0.5, -1.2), (-0.56, 0.5)], 0.07), t["blood"])
        c.paint(c.box(-0.85, 0, 0.2, 1.2), t["fat"])


def knee_slice(c: Canvas, case: Case) -> None:
    """The knee from the front (level below 0.5) or from the side."""
    t, side_view = case.tissue, case.level >= 0.5
    c.paint(c.band([(0, -1.3), (0, 1.3)], 0.52), t["fat"])
    c.paint(c.band([(0.12, -1.3), (0.12, 1.3)], 0.36), t["muscle"])
    c.paint(c.band([(0, -1.3), (0, -0.4)], 0.2), t["bone"])
    c.paint(c.band([(0, -1.3), (0, -0.4)], 0.175), t["marrow"])
    condyles = [(-0.05, -0.18, 0.34, 0.28)] if side_view else [(-0.2, -0.16, 0.21, 0.24), (0.2, -0.16, 0.21, 0.24)]
    for value, grow in (("water", 0.045), ("cartilage", 0.028), ("bone", 0.0), ("marrow", -0.022)):
        for x, y, rx, ry in condyles:
            c.paint(c.ellipse(x, y, rx + grow, ry + grow), t[value])
        c.paint(c.box(0, 0.36, 0.37 + 0.5 * grow, 0.2 + grow), t[value])
        c.paint(c.band([(0, 0.4), (0, 1.3)], 0.17 + grow * (grow < 0)), t["marrow" if grow < 0 else "bone"])
    for side in (-1, 1):
        c.paint(c.band([(side * 0.36, 0.12), (side * 0.16, 0.125)], (0.04, 0.008)), t["bone"])
    if side_view:
        c.paint(c.ellipse(-0.5, -0.26, 0.08, 0.17), t["marrow"])
        c.paint(c.band([(-0.5, -0.1), (-0.38, 0.4)], 0.03), t["bone"])
        c.paint(c.band([(-0.5, -0.42), (-0.4, -1.2)], 0.035), t["bone"])
    c.paint(c.band([(0.12, -0.06), (-0.08, 0.2)], 0.03), t["bone"])
    if case.pathology == "effusion":
        c.paint(c.ellipse(-0.38, -0.5, 0.09, 0.25, 0.2), t["water"])
    elif case.pathology == "fracture":
        c.paint(c.band([(-0.3, 0.5), (0.05, 0.25)], 0.015), t["bleeding"])
        blob(c, case, (-0.1, 0.4), 0.13, t["oedema"])
    elif case.pathology == "arthrosis":
        blob(c, case, (0.22, 0.0), 0.07, t["oedema"])
        c.paint(c.ellipse(0.36, 0.1, 0.06, 0.08), t["marrow"])
    elif case.pathology == "lesion":
        blob(c, case, (0.0, -0.45), 0.1, t["lesion"])


def shoulder_slice(c: Canvas, case: Case) -> None:
    """The shoulder from the front: humeral head, glenoid, acromion and the cuff between them."""
    t = case.tissue
    c.paint(c.band([(-1.3, 0.0), (-0.1, -0.2), (0.3, 0.1), (0.42, 1.3)], (1.0, 0.56, 0.42, 0.36)), t["fat"])
    c.paint(c.band([(-1.2, 0.2), (-0.1, -0.05), (0.28, 0.2), (0.36, 1.3)], (0.7, 0.46, 0.36, 0.29)), t["muscle"])
    c.paint(c.ellipse(-0.9, 0.55, 0.36, 0.5), t["lung"])
    c.paint(c.band([(0.2, 0.1), (0.32, 1.3)], (0.19, 0.14)), t["bone"])
    c.paint(c.band([(0.2, 0.1), (0.32, 1.3)], (0.165, 0.11)), t["marrow"])
    for value, grow in (("water", 0.03), ("cartilage", 0.02), ("bone", 0.0), ("marrow", -0.02)):
        c.paint(c.ellipse(0.12, -0.04, 0.27 + grow, 0.28 + grow), t[value])
    c.paint(c.band([(-0.26, -0.2), (-0.24, 0.16)], 0.07), t["bone"])
    c.paint(c.band([(-0.3, 0.0), (-0.75, 0.1)], (0.13, 0.05)), t["marrow"])
    c.paint(c.band([(-0.7, -0.42), (-0.1, -0.52), (0.3, -0.46)], 0.065), t["bone"])
    c.paint(c.band([(-0.7, -0.42), (-0.1, -0.52), (0.3, -0.46)], 0.04), t["marrow"])
    c.paint(c.band([(-0.7, -0.25), (-0.05, -0.36), (0.36, -0.14)], (0.11, 0.05, 0.025)), t["muscle"])
    if case.pathology == "effusion":
        c.paint(c.band([(-0.1, -0.42), (0.36, -0.34), (0.46, -0.05)], 0.035), t["water"])
    elif case.pathology == "arthrosis":
        c.paint(c.ellipse(0.3, -0.22, 0.06, 0.05), t["water"])
    elif case.pathology == "fracture":
        c.paint(c.band([(-0.05, 0.22), (0.4, 0.1)], 0.02), t["bleeding"])
        blob(c, case, (0.2, 0.1), 0.12, t["oedema"])
    elif case.pathology == "lesion":
        blob(c, case, (0.15, 0.0), 0.1, t["lesion"])
