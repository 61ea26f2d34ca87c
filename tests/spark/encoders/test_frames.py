"""The snapshot's layout and the embeddings from executors."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import functions as F

from radnet_spark.encoders.embedder import EncoderDescription, ImageEmbedder
from radnet_spark.encoders.frames import embedded, exported, partition_keys, sample, snapshot
from radnet_spark.encoders.registry import build_encoder
from radnet_spark.training.pca import fit_pca

SIZE = 16
COUNT = 41
IMAGES = np.random.default_rng(3).integers(0, 256, (COUNT, SIZE, SIZE), dtype=np.uint8)


@pytest.fixture(scope="module")
def images(spark: Any) -> Any:
    rows = [(f"1.2.{i}", image.tobytes(), SIZE, SIZE) for i, image in enumerate(IMAGES)]
    return spark.createDataFrame(rows, "sop_instance_uid string, image binary, height int, width int")


@pytest.fixture(scope="module")
def cohort(spark: Any) -> Any:
    """Every image, one in ten of them for validation, and one instance that was never exported."""
    rows = [(f"1.2.{i}", "e", "CT", "validation" if i % 10 == 0 else "train") for i in range(COUNT)]
    return spark.createDataFrame(
        [*rows, ("1.2.999", "e", "CT", "train")],
        "sop_instance_uid string, exam_id string, modality string, split string",
    )


@pytest.mark.parametrize("partitions", [1, 2, 7, 64])
def test_each_key_goes_to_its_own_partition(spark: Any, partitions: int) -> None:
    rows = [(position, key) for position, key in enumerate(partition_keys(partitions))]
    frame = spark.createDataFrame(rows, "position int, key int").repartition(partitions, "key")
    placed = frame.select("position", F.spark_partition_id().alias("partition")).collect()
    assert all(row["position"] == row["partition"] for row in placed)
    assert len(placed) == partitions


def test_snapshot_is_shuffled_once_and_cut_evenly(images: Any, cohort: Any) -> None:
    frame = snapshot(exported(cohort, images, "train"), images, 4, seed=1)
    rows = frame.select("sop_instance_uid", "split", F.spark_partition_id().alias("file")).collect()
    assert Counter(row["file"] for row in rows) == {0: 9, 1: 9, 2: 9, 3: 9}
    assert {row["split"] for row in rows} == {"train"}
    names = [f"1.2.{i}" for i in range(COUNT) if i % 10]
    by_hand = sorted(names, key=lambda name: hashlib.sha256(f"1:{name}".encode()).hexdigest())
    assert [row["sop_instance_uid"] for row in rows] == [name for file in range(4) for name in by_hand[file::4]]


def test_sample_is_bounded_and_seeded(images: Any, cohort: Any) -> None:
    keys = exported(cohort, images, "train")
    first = [row[0] for row in sample(keys, images, 5, seed=1).collect()]
    assert first == [row[0] for row in sample(keys.repartition(3), images, 5, seed=1).collect()]
    assert first != [row[0] for row in sample(keys, images, 5, seed=2).collect()]
    assert len(first) == 5


def test_executors_embed_as_the_driver_does(images: Any, tmp_path: Path) -> None:
    description = EncoderDescription("cae", SIZE, {"filters": [4, 8], "bottleneck": 3})
    plain = ImageEmbedder(description, build_encoder("cae", SIZE, description.shape, seed=1).encoder, None)
    embedder = plain.with_projection(fit_pca(plain.codes(IMAGES), 6, "full", seed=1))
    embedder.save(tmp_path)
    rows = embedded(images.repartition(3), str(tmp_path), "cae", "f1", batch_size=4).collect()
    found = {row["sop_instance_uid"]: row["vector"] for row in rows}
    assert {(row["source"], row["model"], row["fit_id"]) for row in rows} == {("image", "cae", "f1")}
    np.testing.assert_allclose([found[f"1.2.{i}"] for i in range(COUNT)], embedder.embed(IMAGES), atol=1e-4)
