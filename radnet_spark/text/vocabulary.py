"""The words that models of texts know."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radnet_spark.arrays import save_arrays

_FILES = ("vocabulary.npz", "vocabulary.json")


@dataclass(frozen=True)
class Vocabulary:
    """Words by how often they occur in the texts of train, the most frequent first, ties in code point order.

    Attributes:
        words: (n,) stems, or words as they are written.
        occurrences: (n,) int64: in all; not documents, as in the paper.
        documents: (n,) int64: texts that have the word; empty where nobody asked for them.
        texts: number of texts.
    """

    words: list[str]
    occurrences: NDArray[np.int64]
    documents: NDArray[np.int64]
    texts: int

    @classmethod
    def of(cls, texts: Iterable[Sequence[str]], min_count: int = 1) -> Vocabulary:
        """Counts the words of texts and leaves out those that occur less than `min_count` times."""
        counts, total = Counter[str](), 0
        for text in texts:
            counts.update(text)
            total += 1
        kept = sorted(((word, n) for word, n in counts.items() if n >= min_count), key=lambda item: (-item[1], item[0]))
        occurrences = np.array([n for _, n in kept], dtype=np.int64)
        return cls([word for word, _ in kept], occurrences, np.array([], np.int64), total)

    def frequent(self, min_count: int) -> Vocabulary:
        """The words that occur at least `min_count` times."""
        n = int(np.searchsorted(-self.occurrences, -min_count, side="right"))
        return Vocabulary(self.words[:n], self.occurrences[:n], self.documents[:n], self.texts)

    def save(self, folder: Path) -> None:
        """Writes two files into an existing folder."""
        save_arrays(folder / _FILES[0], occurrences=self.occurrences, documents=self.documents)
        about = {"texts": self.texts, "words": self.words}
        (folder / _FILES[1]).write_text(json.dumps(about, ensure_ascii=False, indent=0), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Vocabulary:
        """Reads what `save` wrote."""
        about = json.loads((folder / _FILES[1]).read_text(encoding="utf-8"))
        with np.load(folder / _FILES[0], allow_pickle=False) as arrays:
            return cls(about["words"], arrays["occurrences"], arrays["documents"], about["texts"])
