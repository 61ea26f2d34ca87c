"""The texts that every cell of a grid reads, in one folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
Tokens = Sequence[Sequence[str]]


@dataclass(frozen=True)
class TokenizedTexts:
    """Texts of exams as stems, or as words.

    Attributes:
        vocabulary: of `train`.
        train: tokens of each exam of the training part that has words, in an order that does not change.
        watched: tokens of exams of the validation part; empty where nobody screens.
    """

    vocabulary: Vocabulary
    train: Tokens
    watched: Tokens

    def save(self, folder: Path) -> None:
        """Writes its files into an existing folder."""
        for name, texts in ((_TRAIN, self.train), (_WATCHED, self.watched)):
            pq.write_table(pa.table({"tokens": pa.array(texts, pa.list_(pa.string()))}), folder / name)
        self.vocabulary.save(folder)


@dataclass(frozen=True)
class ExamInstances:
    """The instances that texts of exams stand for.

    Attributes:
        train: (exams of train,) int64: instances of each.
        watched_uids: (m,) str: sop_instance_uid of validation instances whose exam is among the watched.
        watched_exams: (m,) int64: place of the exam of each among the watched.
    """

    train: NDArray[np.int64]
    watched_uids: NDArray[np.str_]
    watched_exams: NDArray[np.int64]

    def save(self, folder: Path) -> None:
        """Writes one file into an existing folder."""
        save_arrays(folder / _ROWS, train=self.train, watched_uids=self.watched_uids.astype("U"),
                    watched_exams=self.watched_exams)  # fmt: skip


@dataclass(frozen=True)
class TextSample:
    """What the cells of a grid are fitted and judged on.

    Attributes:
        texts: `stems`, `words` or both → the same texts as such.
        instances: of their exams.
    """

    texts: Mapping[str, TokenizedTexts]
    instances: ExamInstances

    def save(self, folder: Path) -> None:
        """Writes its files into an existing folder."""
        for kind, texts in self.texts.items():
            (folder / kind).mkdir()
            texts.save(folder / kind)
        self.instances.save(folder)


def interned(texts: Iterable[Sequence[str]]) -> list[list[str]]:
    """The same texts, where a token that comes again is the same object: a text costs its length, not its letters."""
    once = dict[str, str]()
    return [[once.setdefault(token, token) for token in text] for text in texts]


@lru_cache(maxsize=1)
def load_texts(folder: str, kind: str) -> TokenizedTexts:
    """The stems or words of a `TextSample` that was saved; read once a process while the same are asked for."""
    of_kind = Path(folder) / kind
    train, watched = (interned(_texts(of_kind / name)) for name in (_TRAIN, _WATCHED))
    return TokenizedTexts(Vocabulary.load(of_kind), train, watched)


def _texts(path: Path) -> Iterator[list[str]]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(10_000):
            yield from batch.column("tokens").to_pylist()


def load_instances(folder: str | Path) -> ExamInstances:
    """The instances of a `TextSample` that was saved."""
    with np.load(Path(folder) / _ROWS, allow_pickle=False) as arrays:
        return ExamInstances(arrays["train"], arrays["watched_uids"], arrays["watched_exams"])
