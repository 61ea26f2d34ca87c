"""Embedding by files alone, against the network and scikit-learn's PCA called directly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from radnet_spark.encoders.embedder import EncoderDescription, ImageEmbedder
from radnet_spark.encoders.registry import build_encoder
from radnet_spark.errors import StageError
from radnet_spark.training.pca import fit_pca

DESCRIPTION = EncoderDescription("cae", 16, {"filters": [4, 8], "bottleneck": 3})
IMAGES = np.random.default_rng(2).integers(0, 256, (20, 16, 16), dtype=np.uint8)


@pytest.fixture
def network() -> torch.nn.Module:
    return build_encoder("cae", 16, DESCRIPTION.shape, seed=1)


def direct(network: torch.nn.Module) -> np.ndarray:
    with torch.inference_mode():
        return network.encode(torch.from_numpy(IMAGES[:, None]).float() / 255).reshape(20, -1).numpy()


def test_without_pca_it_is_the_flattened_code(network: torch.nn.Module, tmp_path: Path) -> None:
    ImageEmbedder(DESCRIPTION, network.encoder, None).save(tmp_path)
    loaded = ImageEmbedder.load(tmp_path, batch_size=7)
    np.testing.assert_allclose(loaded.embed(IMAGES), direct(network), atol=1e-6)
    assert loaded.embed(IMAGES).dtype == np.float32
    assert loaded.embed(IMAGES[:0]).shape == (0, 48)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["encoder.json", "encoder.safetensors"]


def test_with_pca_it_is_scikit_learns_projection(network: torch.nn.Module, tmp_path: Path) -> None:
    codes = direct(network)
    embedder = ImageEmbedder(DESCRIPTION, network.encoder, None)
    embedder.with_projection(fit_pca(codes, 5, "full", seed=1)).save(tmp_path)
    theirs = PCA(5, svd_solver="full").fit_transform(codes)
    np.testing.assert_allclose(np.abs(ImageEmbedder.load(tmp_path).embed(IMAGES)), np.abs(theirs), atol=1e-4)


def test_images_of_another_size_are_named(network: torch.nn.Module) -> None:
    with pytest.raises(StageError, match=r"\(8, 8\), expected \(16, 16\)"):
        ImageEmbedder(DESCRIPTION, network.encoder, None).embed(IMAGES[:, :8, :8])


def test_folder_without_encoder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="no readable image encoder"):
        ImageEmbedder.load(tmp_path)
