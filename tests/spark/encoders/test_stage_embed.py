"""`embed` by itself, behind an encoder that was put there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from radnet_spark.config import Config
from radnet_spark.encoders import stage_embed
from radnet_spark.encoders.embedder import EncoderDescription, ImageEmbedder
from radnet_spark.encoders.registry import build_encoder
from radnet_spark.errors import MissingTableError
from radnet_spark.lake.fits import fit_folder, saving_fit
from radnet_spark.schemas import TABLES

SIZE = 16
IMAGES = np.random.default_rng(3).integers(0, 256, (30, SIZE, SIZE), dtype=np.uint8)


@pytest.fixture
def small(config: Config) -> Config:
    embed = config.embed.model_copy(update={"pca_components": 500, "pca_train_rows": 20})
    return config.model_copy(update={"embed": embed})


@pytest.fixture
def filled(spark: Any, tables: Any) -> Any:
    images = [(f"1.2.{i}", image.tobytes(), SIZE, SIZE, 0, None, None) for i, image in enumerate(IMAGES)]
    cohort = [(f"1.2.{i}", "e", "CT", "train" if i < 25 else "test") for i in range(28)]
    tables.overwrite("images", spark.createDataFrame(images, TABLES["images"].ddl))
    tables.overwrite("cohort", spark.createDataFrame(cohort, TABLES["cohort"].ddl))
    return tables


def test_embeds_the_cohort_and_clips_the_components(filled: Any, context: Callable[..., Any], small: Config) -> None:
    made = context(config=small)
    with pytest.raises(MissingTableError, match="radnet train"):
        stage_embed.run(made)
    description = EncoderDescription("cae", SIZE, {"filters": [4, 8], "bottleneck": 3})
    with saving_fit(made, "train", "cae") as (_, folder):
        ImageEmbedder(description, build_encoder("cae", SIZE, description.shape, seed=1).encoder, None).save(folder)
    for _ in range(2):  # the second run replaces the first one's rows
        summary = stage_embed.run(made)
    assert summary.rows == {"embeddings": 28}
    assert any("19 components instead of 500" in note for note in summary.notes)
    rows = filled.read("embeddings").collect()
    assert {row["sop_instance_uid"] for row in rows} == {f"1.2.{i}" for i in range(28)}
    own = ImageEmbedder.load(fit_folder(filled, summary.extra["fit_id"]))
    vectors = {row["sop_instance_uid"]: row["vector"] for row in rows}
    np.testing.assert_allclose([vectors[f"1.2.{i}"] for i in range(28)], own.embed(IMAGES[:28]), atol=1e-4)
