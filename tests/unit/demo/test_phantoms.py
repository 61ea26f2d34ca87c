"""Drawing primitives against hand calculation, and every view against an empty picture."""

from __future__ import annotations

import numpy as np
import pytest

from radnet_spark.demo.anatomy import VIEWS
from radnet_spark.demo.phantoms import Canvas, Pose
from radnet_spark.demo.rendering import Look, render
from radnet_spark.demo.tissues import Case, tissue_values

UPRIGHT = Pose(scale=1.0, angle=0.0, shift=(0.0, 0.0), mirror=False, warp=0.0)


def _canvas(pose: Pose = UPRIGHT, rows: int = 100, cols: int = 100) -> Canvas:
    return Canvas(rows, cols, pose, np.random.default_rng(0))


def test_ellipse_covers_its_area():
    canvas = _canvas()
    canvas.paint(canvas.ellipse(0.1, -0.2, 0.5, 0.3), 1.0)
    assert canvas.image.sum() == pytest.approx(np.pi * 25 * 15, rel=0.02)


def test_dome_holds_the_volume_of_half_an_ellipsoid():
    canvas = _canvas()
    canvas.add(canvas.dome(0.0, 0.0, 0.4, 0.4), 1.0)
    assert canvas.image.sum() == pytest.approx(2 / 3 * np.pi * 20 * 20, rel=0.02)


def test_hollow_tube_is_densest_at_its_walls():
    canvas = _canvas()
    canvas.add(canvas.tube([(0.0, -1.0), (0.0, 1.0)], 0.4, hollow=0.75), 1.0)
    row = canvas.image[50, 50:72]
    assert row.argmax() == pytest.approx(0.75 * 20, abs=2)
    assert row[0] < row.max()


@pytest.mark.parametrize("mirror", [False, True])
def test_pose_moves_what_is_drawn_to_where_to_pixel_says(mirror):
    canvas = _canvas(Pose(0.8, 0.7, (0.1, -0.1), mirror, 0.0), 120, 80)
    canvas.paint(canvas.ellipse(0.3, 0.2, 0.05, 0.05), 1.0)
    row, col = np.unravel_index(canvas.image.argmax(), canvas.image.shape)
    expected_col, expected_row = canvas.to_pixel(0.3, 0.2)
    assert (col, row) == (pytest.approx(expected_col, abs=3), pytest.approx(expected_row, abs=3))


def test_shapes_off_the_canvas_draw_nothing():
    canvas = _canvas()
    canvas.add(canvas.dome(5.0, 5.0, 0.1, 0.1), 1.0)
    canvas.paint(canvas.band([(-4.0, 0.0), (-3.0, 0.0)], 0.1), 1.0)
    assert not canvas.image.any()


@pytest.mark.parametrize(("modality", "part"), list(VIEWS), ids="-".join)
def test_every_view_is_a_picture_within_its_bits(modality, part):
    for number, view in enumerate(VIEWS[modality, part]):
        rng = np.random.default_rng(number)
        look = Look.random(modality, rng)
        tissue = tissue_values(modality, "T2", True, rng)
        case = Case(modality, part, "normal", float(np.mean(view.levels)), tissue, rng)
        picture = render(view, case, look, UPRIGHT)
        assert picture.pixels.ndim == 3
        assert max(picture.pixels.shape[1:]) == look.side
        assert picture.pixels.max() < 2**picture.bits
        assert picture.photometric in ("MONOCHROME1", "MONOCHROME2")
        assert all(width > 0 for _, width in picture.windows)
        inner = picture.pixels[-1, 20:-20, 20:-20].astype(float)
        assert inner.std() > 0.01 * np.ptp(inner) > 0
