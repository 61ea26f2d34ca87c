"""The networks by name. A further one needs an entry here and the members `encoder`, `encode` and `code_shape`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from radnet_spark.encoders.cae import ConvolutionalAutoencoder
from radnet_spark.errors import UsageError

_NETWORKS: dict[str, Callable[..., Any]] = {"cae": ConvolutionalAutoencoder}


def build_encoder(name: str, size: int, shape: dict[str, Any], seed: int | None = None) -> Any:
    """A network with fresh weights.

    Args:
        name: `cae`.
        size: side of the images in pixels.
        shape: the network's own arguments.
        seed: of the weights; None: they are about to be replaced.

    Raises:
        UsageError: no network has that name, or its shapes can't be.
    """
    if name not in _NETWORKS:
        raise UsageError(f"train.encoder: found {name}, expected one of {', '.join(sorted(_NETWORKS))}")
    with torch.random.fork_rng(devices=[]):
        if seed is not None:
            torch.manual_seed(seed)
        return _NETWORKS[name](size, **shape)
