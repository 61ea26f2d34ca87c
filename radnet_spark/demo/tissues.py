"""Grey values of tissues: Hounsfield units for CT, relative signal for MR by weighting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

_NAMES = (
    *("air", "lung", "fat", "water", "csf", "muscle", "soft", "liver", "spleen", "kidney", "blood", "bowel", "white"),
    *("grey", "marrow", "bone", "disc", "cartilage", "cord", "bleeding", "oedema", "lesion", "stone", "metal", "urine"),
)


def _table(*values: float) -> dict[str, float]:
    return dict(zip(_NAMES, values, strict=True))


HOUNSFIELD = _table(
    -1000, -830, -95, 5, 10, 55, 40, 62, 52, 34, 44, 30, 27, 38, 260, 950, 85, 95, 40, 74, 16, 22, 620, 2600, 8
)
# Relative signal, 0 (none) to 1 (brightest).
WEIGHTINGS = {
    "T1": _table(
        0, 0.02, 0.9, 0.15, 0.14, 0.36, 0.4, 0.5, 0.34, 0.38, 0.1, 0.35, 0.66, 0.46, 0.68, 0.04, 0.34, 0.42, 0.5, 0.62,
        0.3, 0.28, 0.05, 0, 0.14,
    ),
    "T2": _table(
        0, 0.02, 0.62, 1, 1, 0.2, 0.34, 0.28, 0.5, 0.6, 0.08, 0.45, 0.34, 0.5, 0.45, 0.04, 0.55, 0.6, 0.36, 0.15,
        0.85, 0.78, 0.05, 0, 1,
    ),
    "FLAIR": _table(
        0, 0.02, 0.5, 0.2, 0.07, 0.25, 0.35, 0.3, 0.4, 0.5, 0.06, 0.4, 0.4, 0.56, 0.4, 0.04, 0.4, 0.5, 0.4, 0.3,
        0.92, 0.85, 0.05, 0, 0.1,
    ),
    "STIR": _table(
        0, 0.02, 0.1, 1, 1, 0.28, 0.4, 0.35, 0.6, 0.65, 0.1, 0.5, 0.42, 0.55, 0.14, 0.03, 0.5, 0.72, 0.4, 0.3, 0.95,
        0.85, 0.03, 0, 1,
    ),
}  # fmt: skip
_ENHANCING: dict[str, dict[str, float]] = {
    "CT": {"blood": 130, "kidney": 120, "liver": 45, "spleen": 60, "lesion": 40, "urine": 400},
    "MR": {"blood": 0.6, "kidney": 0.4, "liver": 0.15, "spleen": 0.3, "lesion": 0.5},
}


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be drawn: the part, what ails it, where along the body (0 to 1), and the grey values of tissues."""

    modality: str
    part: str
    pathology: str
    level: float
    tissue: Mapping[str, float]
    rng: np.random.Generator


def tissue_values(modality: str, weighting: str, enhanced: bool, rng: np.random.Generator) -> dict[str, float]:
    """Grey values for one patient: table values with a small personal deviation.

    Args:
        modality: CT, MR, or a projection modality (which has no tissue table of its own and takes CT's).
        weighting: For MR one of `WEIGHTINGS`.
        enhanced: Whether contrast medium raises vessels, kidneys and lesions.
        rng: Source of the deviation.
    """
    values = dict(WEIGHTINGS[weighting] if modality == "MR" else HOUNSFIELD)
    spread = 0.03 if modality == "MR" else 6.0
    for name in _NAMES:
        values[name] += float(rng.normal(0.0, spread)) * (name != "air")
    if enhanced and (modality != "MR" or weighting == "T1"):
        for name, rise in _ENHANCING["MR" if modality == "MR" else "CT"].items():
            values[name] += rise * float(rng.uniform(0.7, 1.2))
    return values
