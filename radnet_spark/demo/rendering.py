"""From a drawn canvas to stored pixels: what the machine adds (noise, blur, field, polarity, bit depth, windows)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, uniform_filter

from radnet_spark.demo.anatomy import View
from radnet_spark.demo.phantoms import Canvas, FloatImage, Pose
from radnet_spark.demo.tissues import Case

_CT_WINDOWS = {
    "HEAD": ((40, 80), (600, 2800)),
    "CHEST": ((-600, 1500), (40, 400)),
    "LSPINE": ((450, 2000), (50, 350)),
    "CSPINE": ((450, 2000), (50, 350)),
}
_SIDES = {
    "CT": (128, 160, 192, 256),
    "MR": (128, 160, 192, 224),
    "CR": (224, 256, 288, 320),
    "XA": (160, 192, 224),
    "RF": (160, 192, 224),
}
_BITS = {"CT": (12, 16), "MR": (12, 12, 16), "CR": (10, 12, 12, 14), "XA": (8, 10, 12), "RF": (8, 8, 10)}


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels as a file stores them.

    Attributes:
        pixels: (frames, rows, columns) uint8, uint16 or int16.
        bits: Bits stored.
        slope: Rescale slope; null means that the file has no rescale values.
        intercept: Rescale intercept, in output units.
        photometric: MONOCHROME1 or MONOCHROME2.
        windows: (centre, width) pairs in output units, the machine's first.
        spacing: Millimetres between pixel centres.
    """

    pixels: NDArray[np.integer]
    bits: int
    slope: float | None
    intercept: float
    photometric: str
    windows: tuple[tuple[float, float], ...]
    spacing: float


@dataclass(frozen=True, slots=True)
class Look:
    """What one machine does to all pictures of one exam: longer side, noise, blur (pixels), polarity and so on."""

    side: int
    noise: float
    blur: float
    inverted: bool
    subtracted: bool
    round_field: bool
    bits: int
    signed: bool
    frames: int

    @classmethod
    def random(cls, modality: str, rng: np.random.Generator) -> Look:
        """Draws what is usual for the modality."""
        return cls(
            side=int(rng.choice(_SIDES[modality])),
            noise=float(rng.lognormal(0.0, 0.45)),
            blur=float(rng.uniform(0.4, 1.0)),
            inverted=bool(rng.random() < (0.4 if modality == "CR" else 0.25)),
            subtracted=modality == "XA" and bool(rng.random() < 0.6),
            round_field=modality in ("XA", "RF") and bool(rng.random() < 0.55),
            bits=int(rng.choice(_BITS[modality])),
            signed=modality == "CT" and bool(rng.random() < 0.5),
            frames=int(rng.integers(3, 7)) if modality == "XA" and rng.random() < 0.35 else 1,
        )


def render(view: View, case: Case, look: Look, pose: Pose) -> Picture:
    """Draws a case and turns it into stored pixels."""
    rows, cols = _size(view, look.side)
    canvas = Canvas(rows, cols, pose, case.rng)
    if case.modality == "CT":
        canvas.image[:] = case.tissue["air"]
    view.draw(canvas, case)
    spacing = {"CT": 420.0, "MR": 300.0}.get(case.modality, 360.0) / look.side * (2.4 - pose.scale)
    if case.part in ("HEAD", "SKULL", "CSPINE", "KNEE", "WRIST", "HAND", "FINGER", "ELBOW", "ANKLE", "FOOT"):
        spacing *= 0.6
    finish = {"CT": _finish_ct, "MR": _finish_mr, "CR": _finish_cr}.get(case.modality, _finish_fluoroscopy)
    return finish(canvas, case, look, round(spacing, 4))


def _size(view: View, side: int) -> tuple[int, int]:
    if view.aspect >= 1:
        return side, max(64, 2 * round(side / view.aspect / 2))
    return max(64, 2 * round(side * view.aspect / 2)), side


def _grain(canvas: Canvas, frames: int = 1) -> FloatImage:
    return canvas.rng.standard_normal((frames, canvas.rows, canvas.cols), dtype=np.float32)


def _finish_ct(canvas: Canvas, case: Case, look: Look, spacing: float) -> Picture:
    canvas.image += (3 if case.part == "HEAD" else 14) * canvas.noise(48) * (canvas.image > -300)
    grain = uniform_filter(_grain(canvas)[0], 2)
    hounsfield = gaussian_filter(canvas.image, look.blur) + (9 if case.part == "HEAD" else 22) * look.noise * grain
    table = np.clip((canvas.y - 0.72 - 0.1 * canvas.x**2) * 60, 0, 1) * (np.abs(canvas.x) < 0.7) * (canvas.y < 0.78)
    hounsfield = np.maximum(hounsfield, -1000 + 850 * table)
    intercept = 0.0 if look.signed else -1024.0
    low, high = (-1024, 3071) if look.bits == 12 or look.signed else (-1024, 8000)
    stored = np.rint(np.clip(hounsfield, low, high) - intercept)
    windows = [(c + float(canvas.rng.choice([-10, 0, 0, 10])), w) for c, w in _CT_WINDOWS.get(case.part, ((50, 400),))]
    return Picture(stored[None].astype(np.int16 if look.signed else np.uint16), 16 if look.signed else look.bits, 1.0,
                   intercept, "MONOCHROME2", tuple(windows), spacing)  # fmt: skip


def _finish_mr(canvas: Canvas, case: Case, look: Look, spacing: float) -> Picture:
    signal = gaussian_filter(canvas.image * (1 + 0.08 * canvas.noise(40)), look.blur)
    signal *= np.clip(1 + 0.22 * canvas.noise(3), 0.4, 1.8)
    grain = 0.025 * look.noise * _grain(canvas, 2)
    signal = np.hypot(np.maximum(signal, 0) + grain[0], grain[1])
    gain = float(canvas.rng.uniform(500, 1800)) * (1 if look.bits == 12 else 2)
    stored = np.clip(np.rint(signal * gain), 0, 2**look.bits - 1).astype(np.uint16)
    return Picture(stored[None], look.bits, None, 0.0, "MONOCHROME2", (_spread(canvas, stored, 0.5, 99.7),), spacing)


def _finish_cr(canvas: Canvas, case: Case, look: Look, spacing: float) -> Picture:
    rng, blurred = canvas.rng, gaussian_filter(canvas.image, look.blur)
    density = np.maximum(blurred * (1 + 0.02 * canvas.noise(60)), 0)
    density += 0.018 * look.noise * _grain(canvas)[0] * (0.4 + density)
    marker = _marker(canvas)
    density = np.where(marker > 0, 2.2, density)
    if rng.random() < 0.4:
        edge = [int(s * f) for s, f in zip((canvas.rows, canvas.cols), rng.uniform(0.01, 0.07, 2), strict=True)]
        density[: edge[0]] = density[canvas.rows - edge[0] :] = 0
        density[:, : edge[1]] = density[:, canvas.cols - edge[1] :] = 0
    share = np.clip(density / float(rng.uniform(1.8, 2.4)), 0, 1) ** float(rng.uniform(0.75, 1.1))
    top = 2**look.bits - 1
    stored = np.rint((1 - share if look.inverted else share) * top * 0.96).astype(np.uint16)
    photometric = "MONOCHROME1" if look.inverted else "MONOCHROME2"
    return Picture(stored[None], look.bits, None, 0.0, photometric, (_spread(canvas, stored, 1, 99.5),), spacing)


def _marker(canvas: Canvas) -> FloatImage:
    """A lead letter L in one upper corner, in most pictures."""
    if canvas.rng.random() < 0.35:
        return np.zeros((canvas.rows, canvas.cols), np.float32)
    mask = np.zeros((canvas.rows, canvas.cols), np.float32)
    row, col = int(0.06 * canvas.rows), int(canvas.cols * float(canvas.rng.choice([0.07, 0.88])))
    mask[row : row + 14, col : col + 3] = 1
    mask[row + 11 : row + 14, col : col + 9] = 1
    return mask


def _finish_fluoroscopy(canvas: Canvas, case: Case, look: Look, spacing: float) -> Picture:
    rng = canvas.rng
    body, medium = gaussian_filter(canvas.image, look.blur), gaussian_filter(canvas.contrast, 0.6 * look.blur)
    fill = np.clip(np.linspace(0.25, 1.2, look.frames), 0, 1) if look.frames > 1 else np.ones(1)
    strength = float(rng.uniform(0.7, 1.2))
    if look.subtracted:
        residue = gaussian_filter(body, 2.0) - body
        dark = 0.5 * strength * fill[:, None, None] * np.minimum(medium, 1.2)
        light = 0.72 + 0.06 * canvas.noise(3) + 0.22 * residue - dark
    else:
        light = np.exp(-0.62 * (body + 1.3 * strength * fill[:, None, None] * medium)) * (1 + 0.06 * canvas.noise(2))
        light = light / max(float(np.percentile(light, 98)), 0.05) * 0.9
    light = light + 0.018 * look.noise * _grain(canvas, look.frames)
    light = 1 - light if look.inverted else light
    if look.round_field:
        away = np.hypot(np.arange(canvas.cols) - canvas.cols / 2, (np.arange(canvas.rows) - canvas.rows / 2)[:, None])
        light = np.where(away < 0.5 * max(canvas.rows, canvas.cols), light, 0.0)
    top = 2**look.bits - 1
    stored = np.rint(np.clip(light, 0, 1) * top).astype(np.uint8 if look.bits == 8 else np.uint16)
    window = (2.0 ** (look.bits - 1), float(2**look.bits)) if rng.random() < 0.5 else _spread(canvas, stored, 1, 99)
    return Picture(stored, look.bits, None, 0.0, "MONOCHROME2", (window,), spacing)


def _spread(canvas: Canvas, stored: NDArray[np.integer], low: float, high: float) -> tuple[float, float]:
    """Window centre and width about what lies between two percentiles, as somebody has turned them by hand."""
    bottom, top = np.percentile(stored, [low, high])
    width = max(8.0, float(top - bottom))
    centre = float(bottom + top) / 2 + float(canvas.rng.normal(0.0, 0.1)) * width
    return float(round(centre)), float(round(width * float(canvas.rng.lognormal(0.05, 0.25))))
