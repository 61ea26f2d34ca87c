"""The raw-pixel baseline finds what is plain to see."""

from __future__ import annotations

import numpy as np
import pytest

from radnet_spark.report.baseline import SIDE, baseline_labels, baseline_scores, raw_pixels


def bright(corner: int, rng: np.random.Generator) -> np.ndarray:
    image = rng.integers(0, 30, (64, 64)).astype(np.uint8)
    row, column = divmod(corner, 2)
    image[row * 32 : row * 32 + 32, column * 32 : column * 32 + 32] += 200
    return image


def test_four_corners_are_four_clusters() -> None:
    rng = np.random.default_rng(0)
    corners = [i % 4 for i in range(80)]
    pixels = raw_pixels([bright(corner, rng) for corner in corners])
    assert pixels.shape == (80, SIDE * SIDE)
    labels = baseline_labels(pixels[:60], pixels[60:], k=4, seed=1)
    scores = baseline_scores(labels, [str(c) for c in corners[60:]], [str(c) for c in corners[60:]])
    assert scores == pytest.approx(dict.fromkeys(("NMI_M", "HS_M", "NMI_B", "HS_B", "S"), 1.0))


def test_fewer_rows_than_clusters() -> None:
    pixels = raw_pixels([bright(i, np.random.default_rng(i)) for i in range(3)])
    assert baseline_labels(pixels, pixels, k=10, seed=1).max() <= 2


def test_unknown_body_parts_are_left_out() -> None:
    labels, modalities = [0, 0, 1, 1], ["CT", "CT", "MR", "MR"]
    assert baseline_scores(labels, modalities, [None] * 4) == {"NMI_M": 1.0, "HS_M": 1.0}
    partly = baseline_scores(labels, modalities, ["KNEE", None, "HEAD", None])
    assert partly["NMI_B"] == pytest.approx(1.0)
