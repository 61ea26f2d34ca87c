"""A canvas in body coordinates, on which anatomy is drawn from ellipses and tubes.

Body coordinates: x to the right, y down, the longer image side spans about -1 to 1. A random pose and a smooth warp
lie between them and the pixels, so that the same calls give another person each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

FloatImage = NDArray[np.float32]
Window = tuple[slice, slice]
Shape = tuple[Window, FloatImage]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Pose:
    """How the body lies in the picture: factor, radians, shift in half-sides, mirrored or not, warp in half-sides."""

    scale: float
    angle: float
    shift: Point
    mirror: bool
    warp: float

    @classmethod
    def random(cls, rng: np.random.Generator, tilt: float, mirror: bool) -> Pose:
        """Draws a pose; `tilt` is the standard deviation of the rotation in radians."""
        return cls(
            scale=float(rng.uniform(0.7, 1.25)),
            angle=float(rng.normal(0.0, tilt)),
            shift=(float(rng.normal(0.0, 0.1)), float(rng.normal(0.0, 0.1))),
            mirror=mirror,
            warp=float(rng.uniform(0.01, 0.05)),
        )


def smooth_noise(rng: np.random.Generator, rows: int, cols: int, cells: int) -> FloatImage:
    """A smooth random field, (rows, cols) float32, of mean 0 and deviation about 1; `cells` along the longer side."""
    longer = max(rows, cols)
    coarse = rng.standard_normal((max(2, cells * rows // longer), max(2, cells * cols // longer))).astype(np.float32)
    return np.asarray(Image.fromarray(coarse).resize((cols, rows), Image.Resampling.BICUBIC), dtype=np.float32)


class Canvas:
    """Two layers of one picture: `image` (tissue) and `contrast` (contrast medium), each (rows, cols) float32."""

    def __init__(self, rows: int, cols: int, pose: Pose, rng: np.random.Generator) -> None:
        self.rows, self.cols, self.pose, self.rng = rows, cols, pose, rng
        self.half = max(rows, cols) / 2.0
        self.image = np.zeros((rows, cols), np.float32)
        self.contrast = np.zeros((rows, cols), np.float32)
        self.pixel = 1.0 / (self.half * pose.scale)
        self.x, self.y = self._body_coordinates()

    def _body_coordinates(self) -> tuple[FloatImage, FloatImage]:
        pose, rng = self.pose, self.rng
        across = (np.arange(self.cols, dtype=np.float32) - (self.cols - 1) / 2) / self.half - pose.shift[0]
        down = (np.arange(self.rows, dtype=np.float32) - (self.rows - 1) / 2) / self.half - pose.shift[1]
        cos, sin = np.cos(pose.angle) / pose.scale, np.sin(pose.angle) / pose.scale
        x = cos * across[None, :] + sin * down[:, None]
        y = -sin * across[None, :] + cos * down[:, None]
        if pose.mirror:
            x = -x
        phase, pitch = rng.uniform(0, 2 * np.pi, 4), rng.uniform(1.5, 3.5, 4)
        warped_x = x + pose.warp * (np.sin(pitch[0] * y + phase[0]) + 0.5 * np.sin(pitch[1] * x + phase[1]))
        warped_y = y + pose.warp * (np.sin(pitch[2] * x + phase[2]) + 0.5 * np.sin(pitch[3] * y + phase[3]))
        return warped_x.astype(np.float32), warped_y.astype(np.float32)

    def to_pixel(self, x: float, y: float) -> Point:
        """Column and row of a body point, the warp left out."""
        pose = self.pose
        x = -x if pose.mirror else x
        cos, sin = np.cos(pose.angle) * pose.scale, np.sin(pose.angle) * pose.scale
        across, down = cos * x - sin * y + pose.shift[0], sin * x + cos * y + pose.shift[1]
        return across * self.half + (self.cols - 1) / 2, down * self.half + (self.rows - 1) / 2

    def _window(self, points: Sequence[Point], reach: float) -> Window:
        pixels = np.array([self.to_pixel(*point) for point in points])
        margin = (reach + 1.6 * self.pose.warp) * self.half * self.pose.scale + 3
        low, high = pixels.min(axis=0) - margin, pixels.max(axis=0) + margin
        rows = slice(int(np.clip(low[1], 0, self.rows)), int(np.clip(high[1] + 1, 0, self.rows)))
        return rows, slice(int(np.clip(low[0], 0, self.cols)), int(np.clip(high[0] + 1, 0, self.cols)))

    def _quotient(self, centre: Point, radii: Point, angle: float, power: float) -> tuple[Window, FloatImage]:
        window = self._window([centre], max(radii) * (1.0 if power == 2 else 1.3))
        x, y = self.x[window] - centre[0], self.y[window] - centre[1]
        if angle:
            cos, sin = np.cos(angle), np.sin(angle)
            x, y = cos * x + sin * y, -sin * x + cos * y
        x, y = x / radii[0], y / radii[1]
        if power == 2:
            return window, np.sqrt(x * x + y * y)
        x, y = x * x, y * y
        return window, np.sqrt(np.sqrt(x * x + y * y))

    def ellipse(self, cx: float, cy: float, rx: float, ry: float, angle: float = 0.0) -> Shape:
        """A filled ellipse with a soft edge, 0 to 1."""
        window, quotient = self._quotient((cx, cy), (rx, ry), angle, 2)
        return window, self._soft(quotient, min(rx, ry))

    def box(self, cx: float, cy: float, rx: float, ry: float, angle: float = 0.0) -> Shape:
        """A rectangle with round corners (superellipse of power 4), 0 to 1."""
        window, quotient = self._quotient((cx, cy), (rx, ry), angle, 4)
        return window, self._soft(quotient, min(rx, ry))

    def dome(self, cx: float, cy: float, rx: float, ry: float, angle: float = 0.0) -> Shape:
        """The thickness of an ellipsoid as a ray meets it, 0 to 1."""
        window, quotient = self._quotient((cx, cy), (rx, ry), angle, 2)
        return window, np.sqrt(np.maximum(1 - quotient * quotient, 0))

    def _soft(self, quotient: FloatImage, radius: float) -> FloatImage:
        return np.clip((1 - quotient) * (radius / (1.5 * self.pixel)) + 0.5, 0, 1)

    def _along(self, points: Sequence[Point], radii: Sequence[float], flare: float) -> tuple[Window, FloatImage]:
        """Distance to a line of points over the radius there; `flare` widens both ends, as long bones do."""
        window = self._window(points, max(radii) * (1 + flare))
        x, y = self.x[window], self.y[window]
        nearest = np.full(x.shape, 9.0, np.float32)
        for (ax, ay), (bx, by), ra, rb in zip(points, points[1:], radii, radii[1:], strict=False):
            dx, dy = bx - ax, by - ay
            t = np.clip(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy + 1e-9), 0, 1)
            radius = ra + (rb - ra) * t
            if flare:
                radius = radius * (1 + flare * (2 * t - 1) ** 4)
            off_x, off_y = x - ax - t * dx, y - ay - t * dy
            np.minimum(nearest, np.sqrt(off_x * off_x + off_y * off_y) / radius, out=nearest)
        return window, nearest

    def band(self, points: Sequence[Point], radius: float | Sequence[float]) -> Shape:
        """A filled line of the given half-width with a soft edge, 0 to 1."""
        radii = [radius] * len(points) if isinstance(radius, float) else radius
        window, quotient = self._along(points, radii, 0.0)
        return window, self._soft(quotient, min(radii))

    def tube(
        self, points: Sequence[Point], radius: float | Sequence[float], hollow: float = 0.0, flare: float = 0.0
    ) -> Shape:
        """The thickness of a tube as a ray meets it, 0 to 1; `hollow` (0 to 1) is the marrow's share of the radius."""
        radii = [radius] * len(points) if isinstance(radius, float) else radius
        window, quotient = self._along(points, radii, flare)
        square = quotient * quotient
        wall = np.sqrt(np.maximum(1 - square, 0))
        return window, wall - 0.75 * np.sqrt(np.maximum(hollow * hollow - square, 0)) if hollow else wall

    def strokes(self, lines: Sequence[tuple[Sequence[Point], float]]) -> FloatImage:
        """Many thin lines at once, (rows, cols) float32 in 0 to 1; each is its points and its width in body units."""
        picture = Image.new("L", (2 * self.cols, 2 * self.rows))
        draw = ImageDraw.Draw(picture)
        for points, width in lines:
            pixels = [(2 * column, 2 * row) for column, row in (self.to_pixel(*point) for point in points)]
            draw.line(pixels, fill=255, width=max(1, round(2 * width / self.pixel)), joint="curve")
        small = picture.resize((self.cols, self.rows), Image.Resampling.BOX)
        return np.asarray(small, dtype=np.float32) / 255.0

    def paint(self, shape: Shape, value: float, opacity: float = 1.0) -> None:
        """Replaces what lies under the shape by `value`, as one tissue replaces another in a slice."""
        window, mask = shape
        mask = mask * opacity if opacity != 1.0 else mask
        self.image[window] += mask * (value - self.image[window])

    def add(self, shape: Shape, value: float) -> None:
        """Adds to what is there, as tissues along one ray do in a projection."""
        window, thickness = shape
        self.image[window] += value * thickness

    def inject(self, shape: Shape, value: float) -> None:
        """Puts contrast medium there; where shapes overlap the thicker one counts."""
        window, thickness = shape
        np.maximum(self.contrast[window], value * thickness, out=self.contrast[window])

    def noise(self, cells: int) -> FloatImage:
        """Smooth random texture over the whole canvas; see `smooth_noise`."""
        return smooth_noise(self.rng, self.rows, self.cols, cells)
