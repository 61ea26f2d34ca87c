"""A rank's batches of images from the training snapshot: the one module that imports petastorm.

petastorm shards by row group: the row groups that a rank reads are the same in every epoch; their order, and the order
of rows within each, are drawn anew from seed and epoch. A reader can't resume inside an epoch: each epoch has its own.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it imports pkg_resources and names of pyarrow that are on their way out
    from petastorm import make_batch_reader
    from petastorm.reader import Reader

from radnet_spark.training.images import decode_images


@dataclass(frozen=True)
class ImageFeed:
    """One rank's shard of Parquet files that have a column `image` (size × size bytes).

    Attributes:
        files: paths; where they are fewer than the ranks, the last ranks get nothing.
        rank: this rank.
        size: number of ranks.
        batch_size: images of a batch; the last one of an epoch may be smaller.
        image_size: N, pixels.
        seed: of the order; None: as the files lie.
    """

    files: tuple[str, ...]
    rank: int
    size: int
    batch_size: int
    image_size: int
    seed: int | None

    def __call__(self, epoch: int = 0) -> Iterator[np.ndarray]:
        """The batches of an epoch: (n, 1, N, N) float32 in [0, 1]."""
        held = np.empty((0, self.image_size, self.image_size), np.uint8)
        for group in self._row_groups(epoch):
            held = np.concatenate([held, group])
            whole = len(held) - len(held) % self.batch_size
            for start in range(0, whole, self.batch_size):
                yield _as_input(held[start : start + self.batch_size])
            held = held[whole:]
        if len(held):
            yield _as_input(held)

    def _row_groups(self, epoch: int) -> Iterator[np.ndarray]:
        shards = min(self.size, len(self.files))
        if self.rank >= shards:
            return
        order = None if self.seed is None else np.random.default_rng([self.seed, epoch, self.rank])
        with _quiet():
            reader = self._open(shards, None if self.seed is None else self.seed + epoch)
        try:
            while (group := _next(reader)) is not None:
                images = decode_images(group.image, self.image_size)
                yield images if order is None else images[order.permutation(len(images))]
        finally:
            reader.stop()
            reader.join()

    def _open(self, shards: int, seed: int | None) -> Reader:
        """A reader that works in this thread.

        petastorm's thread pool may end before its last row group: seen in a third of the epochs with one thread.
        """
        return make_batch_reader(
            [f"file://{path}" for path in self.files], schema_fields=["image"], reader_pool_type="dummy",
            shuffle_row_groups=False, seed=seed, num_epochs=1, cur_shard=self.rank, shard_count=shards,
        )  # fmt: skip


def _next(reader: Reader) -> Any:
    with _quiet():
        return next(reader, None)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps what petastorm says about pyarrow's future out of the ranks' logs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def _as_input(images: np.ndarray) -> np.ndarray:
    return images[:, None].astype(np.float32) / np.float32(255)
