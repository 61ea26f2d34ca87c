"""Batches of a rank: shards disjoint and complete, order by seed and epoch, pixels as they are in the file."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from radnet_spark.errors import StageError
from radnet_spark.training.feed import ImageFeed

SIZE = 4


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    """Five files of 7 images; every pixel of image i is i."""
    paths = []
    for part in range(5):
        images = [bytes([part * 7 + row]) * SIZE**2 for row in range(7)]
        folder = tmp_path / "with space"
        folder.mkdir(exist_ok=True)
        paths.append(str(folder / f"part-{part}.parquet"))
        pq.write_table(pa.table({"image": images, "split": ["train"] * 7}), paths[-1])
    return tuple(paths)


def numbers(feed: ImageFeed, epoch: int = 0) -> list[int]:
    return [round(float(image[0, 0, 0]) * 255) for batch in feed(epoch) for image in batch]


@pytest.mark.parametrize("size", [1, 2, 5])
def test_shards_are_disjoint_and_complete(files: tuple[str, ...], size: int) -> None:
    shards = [numbers(ImageFeed(files, rank, size, 4, SIZE, seed=1)) for rank in range(size)]
    assert sorted(chain(*shards)) == list(range(35))


def test_order_is_that_of_seed_and_epoch(files: tuple[str, ...]) -> None:
    feed = ImageFeed(files, 0, 2, 4, SIZE, seed=1)
    assert numbers(feed, 0) == numbers(feed, 0)
    assert numbers(feed, 0) != numbers(feed, 1)
    assert sorted(numbers(feed, 0)) == sorted(numbers(feed, 1))
    assert numbers(ImageFeed(files, 0, 1, 4, SIZE, seed=None)) == list(range(35))


def test_batches_run_over_row_groups(files: tuple[str, ...]) -> None:
    batches = list(ImageFeed(files, 0, 1, 16, SIZE, seed=1)())
    assert [batch.shape for batch in batches] == [(16, 1, 4, 4), (16, 1, 4, 4), (3, 1, 4, 4)]
    assert {batch.dtype for batch in batches} == {np.dtype(np.float32)}
    assert np.unique(np.concatenate(batches) * 255).tolist() == pytest.approx(list(range(35)))


def test_rank_beyond_the_row_groups_gets_nothing(files: tuple[str, ...]) -> None:
    assert numbers(ImageFeed(files[:1], 0, 2, 4, SIZE, seed=None)) == list(range(7))
    assert numbers(ImageFeed(files[:1], 1, 2, 4, SIZE, seed=None)) == []


def test_another_image_size_is_named(files: tuple[str, ...]) -> None:
    with pytest.raises(StageError, match="16 bytes, expected 8 x 8"):
        next(ImageFeed(files, 0, 1, 4, 8, seed=None)())
