"""The training snapshot and the embeddings of images, as DataFrames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from radnet_spark.schemas import TABLES
from radnet_spark.training.images import decode_images


def seeded_order(seed: int, key: str = "sop_instance_uid") -> Column:
    """A number-like text that shuffles rows: the same for the same seed and key, wherever and whenever."""
    return F.sha2(F.concat_ws(":", F.lit(str(seed)), F.col(key)), 256)


def exported(cohort: DataFrame, images: DataFrame, split: str) -> DataFrame:
    """Keys of a part's instances that have an exported image: `sop_instance_uid, split`."""
    members = cohort.where(F.col("split") == split).select("sop_instance_uid", "split")
    return members.join(images.select("sop_instance_uid"), "sop_instance_uid", how="inner")


def snapshot(keys: DataFrame, images: DataFrame, files: int, seed: int) -> DataFrame:
    """The images of `keys`, shuffled, in `files` partitions of equal size, give or take one row.

    Args:
        keys: `sop_instance_uid, split`, at most one row an instance.
        images: the table `images`.
        files: Spark partitions of the result, and so files once it is written.
        seed: of the order.

    Returns:
        `sop_instance_uid, split, image, height, width`.
    """
    order = Window.partitionBy("split").orderBy(seeded_order(seed), "sop_instance_uid")
    placed = keys.withColumn("position", F.row_number().over(order) - 1)
    destination = F.array(*map(F.lit, partition_keys(files)))[F.col("position") % files]
    return (
        placed.join(images, "sop_instance_uid", how="inner")
        .repartition(files, destination)
        .sortWithinPartitions("position")
        .select("sop_instance_uid", "split", "image", "height", "width")
    )


def sample(keys: DataFrame, images: DataFrame, rows: int, seed: int) -> DataFrame:
    """At most `rows` images of `keys`, in seeded order: `sop_instance_uid, image`."""
    chosen = keys.orderBy(seeded_order(seed), "sop_instance_uid").limit(rows)
    joined = chosen.join(images, "sop_instance_uid", how="inner")
    return joined.orderBy("sop_instance_uid").select("sop_instance_uid", "image")


def embedded(images: DataFrame, folder: str, model: str, fit_id: str, batch_size: int) -> DataFrame:
    """The embedding of each image by the encoder in `folder`, as rows of the table `embeddings`.

    Args:
        images: `sop_instance_uid, image`.
        folder: an image encoder's files, which every executor reaches.
        model: name of the network.
        fit_id: identity of the folder.
        batch_size: images that go through the network at once.
    """
    embed = _embed_batches(folder, model, fit_id, batch_size)
    return images.select("sop_instance_uid", "image").mapInArrow(embed, TABLES["embeddings"].ddl)


def partition_keys(partitions: int) -> list[int]:
    """For each Spark partition the smallest number that `repartition(partitions, column)` sends there.

    Spark places a row by `pmod(murmur3(value, 42), partitions)`; other ways to say "this row into that partition"
    sample the data first and so may place rows differently the next time.
    """
    found: dict[int, int] = {}
    value = 0
    while len(found) < partitions:
        found.setdefault(_murmur3(value) % partitions, value)
        value += 1
    return [found[partition] for partition in range(partitions)]


def _murmur3(value: int) -> int:
    """Spark's hash of an int: MurmurHash3_x86_32 of its four bytes, seed 42, as a signed number."""
    mask = 0xFFFFFFFF

    def rotated(word: int, bits: int) -> int:
        return (word << bits | word >> (32 - bits)) & mask

    word = rotated(value * 0xCC9E2D51 & mask, 15) * 0x1B873593 & mask
    state = (rotated(42 ^ word, 13) * 5 + 0xE6546B64) & mask
    state ^= 4
    state = (state ^ state >> 16) * 0x85EBCA6B & mask
    state = (state ^ state >> 13) * 0xC2B2AE35 & mask
    state ^= state >> 16
    return state - (1 << 32) if state >> 31 else state


def _embed_batches(
    folder: str, model: str, fit_id: str, batch_size: int
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        embedder = _embedder(folder, batch_size)
        for batch in batches:
            if not batch.num_rows:
                continue
            images = decode_images(batch.column("image").to_pylist(), embedder.description.size)
            vectors = embedder.embed(images)
            constants = (pa.array([text] * len(vectors)) for text in ("image", model, fit_id))
            columns = [batch.column("sop_instance_uid"), *constants, _as_lists(vectors)]
            yield pa.RecordBatch.from_arrays(columns, names=list(TABLES["embeddings"].columns))

    return run


def _as_lists(vectors: np.ndarray) -> pa.Array:
    offsets = np.arange(0, vectors.size + 1, vectors.shape[1], dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(vectors.ravel(), pa.float32()))


@lru_cache(maxsize=2)
def _embedder(folder: str, batch_size: int):  # type: ignore[no-untyped-def]  # imported on executors only
    import torch

    from radnet_spark.encoders.embedder import ImageEmbedder

    torch.set_num_threads(1)  # each task slot has its own worker
    return ImageEmbedder.load(folder, batch_size)
