"""The convolutional autoencoder of the paper (section 2.2.2).

Four convolutions with ReLU and 2×2 max pooling, then one convolution to the bottleneck; the decoder mirrors it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from radnet_spark.errors import UsageError


class ConvolutionalEncoder(nn.Module):
    """(n, 1, size, size) → (n, bottleneck, size / 2^f, size / 2^f) for f filters."""

    def __init__(self, filters: Sequence[int], bottleneck: int) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        for inside, outside in pairwise([1, *filters]):
            steps += [nn.Conv2d(inside, outside, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2)]
        self.steps = nn.Sequential(*steps, nn.Conv2d(filters[-1], bottleneck, 3, padding=1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The code of images."""
        return self.steps(images)


class ConvolutionalDecoder(nn.Module):
    """The encoder's mirror: a convolution from the bottleneck, then doubling and convolving down to one channel."""

    def __init__(self, filters: Sequence[int], bottleneck: int) -> None:
        super().__init__()
        steps: list[nn.Module] = [nn.Conv2d(bottleneck, filters[-1], 3, padding=1), nn.ReLU(inplace=True)]
        for inside, outside in pairwise([*reversed(filters), 1]):
            steps += [nn.Upsample(scale_factor=2), nn.Conv2d(inside, outside, 3, padding=1), nn.ReLU(inplace=True)]
        self.steps = nn.Sequential(*steps[:-1], nn.Sigmoid())

    def forward(self, code: torch.Tensor) -> torch.Tensor:
        """The images that a code stands for."""
        return self.steps(code)


class ConvolutionalAutoencoder(nn.Module):
    """Encoder and decoder, each usable alone.

    Args:
        size: N, side of the images in pixels; divisible by 2 once a filter.
        filters: channels after each of the encoder's convolutions (P: four of them; O: 32, 64, 128, 256).
        bottleneck: channels of the code (O: 256, so 256 × 8 × 8 values at N = 128).

    Attributes:
        code_shape: (channels, height, width) of the code.

    Raises:
        UsageError: the shapes can't be.
    """

    def __init__(self, size: int, filters: Sequence[int], bottleneck: int) -> None:
        super().__init__()
        if not filters or min(filters) < 1 or bottleneck < 1:
            raise UsageError(f"cae: found filters {list(filters)} and bottleneck {bottleneck}, expected 1 or more each")
        factor = 2 ** len(filters)
        if size < factor or size % factor:
            raise UsageError(
                f"cae: found images of {size} pixels, expected a multiple of {factor} for {len(filters)} poolings"
            )
        self.encoder = ConvolutionalEncoder(filters, bottleneck)
        self.decoder = ConvolutionalDecoder(filters, bottleneck)
        self.code_shape = (bottleneck, size // factor, size // factor)

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """(n, 1, N, N) in [0, 1] → (n, *code_shape)."""
        return self.encoder(images)

    def decode(self, code: torch.Tensor) -> torch.Tensor:
        """(n, *code_shape) → (n, 1, N, N) in [0, 1]."""
        return self.decoder(code)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The reconstruction of images."""
        return self.decode(self.encode(images))
