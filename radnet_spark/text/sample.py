"""The texts that every cell of a grid reads, in one folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from radnet_spark.arrays import save_arrays
from radnet_spark.text.vocabulary import Vocabulary

_ROWS, _TRAIN, _WATCHED = "rows.npz", "train.parquet", "watched.parquet"
Stems = Sequence[Sequence[str]]


@dataclass(frozen=True)
class TextSample:
    """Stems of exams, and the instances that they stand for.

    Attributes:
        vocabulary: of `train`.
        train: stems of each exam of the training part that has words, in an order that does not change.
        train_instances: (exams of train,) int64: instances of each.
        watched: stems of exams of the validation part; empty where nobody screens.
        watched_uids: (m,) str: sop_instance_uid of validation instances whose exam is in `watched`.
        watched_exams: (m,) int64: place of the exam of each in `watched`.
    """

    vocabulary: Vocabulary
    train: Stems
    train_instances: NDArray[np.int64]
    watched: Stems
    watched_uids: NDArray[np.str_]
    watched_exams: NDArray[np.int64]

    def save(self, folder: Path) -> None:
        """Writes its files into an existing folder."""
        for name, texts in ((_TRAIN, self.train), (_WATCHED, self.watched)):
            table = pa.table({"stems": pa.array(texts, pa.list_(pa.string()))})
            pq.write_table(table, folder / name)
        self.vocabulary.save(folder)
        save_arrays(folder / _ROWS, train_instances=self.train_instances, watched_uids=self.watched_uids.astype("U"),
                    watched_exams=self.watched_exams)  # fmt: skip


@lru_cache(maxsize=1)
def load_text_sample(folder: str) -> TextSample:
    """Reads what `TextSample.save` wrote, once a process for one folder."""
    train, watched = (pq.read_table(Path(folder) / name)["stems"].to_pylist() for name in (_TRAIN, _WATCHED))
    with np.load(Path(folder) / _ROWS, allow_pickle=False) as arrays:
        return TextSample(Vocabulary.load(Path(folder)), train, arrays["train_instances"], watched,
                          arrays["watched_uids"], arrays["watched_exams"])  # fmt: skip
