"""Shapes of the convolutional autoencoder: (arguments, shape in, shape of the code)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch

from radnet_spark.encoders.cae import ConvolutionalAutoencoder
from radnet_spark.encoders.registry import build_encoder
from radnet_spark.errors import UsageError

PAPER = {"filters": [32, 64, 128, 256], "bottleneck": 256}
SMALL = {"filters": [4, 8], "bottleneck": 3}


@pytest.mark.parametrize(
    ("size", "shape", "code"),
    [
        (128, PAPER, (256, 8, 8)),
        (256, PAPER, (256, 16, 16)),
        (16, SMALL, (3, 4, 4)),
        (4, SMALL, (3, 1, 1)),
        (8, {"filters": [5], "bottleneck": 1}, (1, 4, 4)),
    ],
)
def test_shapes(size: int, shape: dict[str, Any], code: tuple[int, int, int]) -> None:
    network = ConvolutionalAutoencoder(size, **shape)
    images = torch.rand(2, 1, size, size)
    with torch.inference_mode():
        assert network.encode(images).shape == (2, *code) == (2, *network.code_shape)
        rebuilt = network(images)
    assert rebuilt.shape == images.shape
    assert bool(((rebuilt >= 0) & (rebuilt <= 1)).all())


def test_paper_layout_has_the_parameters_counted_by_hand() -> None:
    encoder = ConvolutionalAutoencoder(128, **PAPER).encoder
    channels = [1, 32, 64, 128, 256, 256]
    by_hand = sum(9 * a * b + b for a, b in pairwise(channels))
    assert sum(parameter.numel() for parameter in encoder.parameters()) == by_hand


@pytest.mark.parametrize(
    ("size", "shape", "message"),
    [
        (100, PAPER, "multiple of 16"),
        (8, PAPER, "multiple of 16"),
        (16, {"filters": [], "bottleneck": 3}, "1 or more"),
        (16, {"filters": [4], "bottleneck": 0}, "1 or more"),
    ],
)
def test_shapes_that_can_not_be_fail_at_once(size: int, shape: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ConvolutionalAutoencoder(size, **shape)


def test_weights_follow_the_seed_and_leave_the_generator_alone() -> None:
    torch.manual_seed(9)
    expected = torch.rand(1)
    torch.manual_seed(9)
    first, second = (build_encoder("cae", 16, SMALL, seed=4).state_dict() for _ in range(2))
    assert torch.equal(torch.rand(1), expected)
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    other = build_encoder("cae", 16, SMALL, seed=5).state_dict()
    assert not torch.equal(first["encoder.steps.0.weight"], other["encoder.steps.0.weight"])


def test_unknown_network_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="found vgg, expected one of cae"):
        build_encoder("vgg", 16, SMALL)
