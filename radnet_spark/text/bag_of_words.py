"""Bags of words: presence (BOW) or TF-IDF of the words of a vocabulary, as they are or in fewer dimensions.

TF-IDF is `occurrences in the text * ln((texts + 1) / (texts with the word + 1))`, as in Spark MLlib (Salton, McGill:
"Introduction to Modern Information Retrieval", 1983), each text's vector of length 1. Texts stay sparse; they become
dense as vectors only, or never, where a truncated SVD (Deerwester et al., 1990) makes them short.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radnet_spark.arrays import save_arrays

Floats = NDArray[np.float32]

BOW, TF_IDF = "bow", "tf_idf"
FILES = ("bag_of_words.npz", "bag_of_words.json")


class BagOfWords:
    """A fitted model.

    Args:
        words: the vocabulary, in the order of the columns.
        idf: (words,) float32: inverse document frequencies of TF-IDF; None: presence of words.
        components: (words, size) float32: right singular vectors; None: a vector has one value a word.
    """

    def __init__(self, words: Sequence[str], idf: Floats | None = None, components: Floats | None = None) -> None:
        self.words, self.idf, self.components = list(words), idf, components

    @property
    def name(self) -> str:
        """`bow` or `tf_idf`."""
        return BOW if self.idf is None else TF_IDF

    @property
    def size(self) -> int:
        """Length of a vector."""
        return len(self.words) if self.components is None else int(self.components.shape[1])

    @cached_property
    def index(self) -> dict[str, int]:
        """Word → column."""
        return {word: column for column, word in enumerate(self.words)}

    def sparse(self, texts: Sequence[Sequence[str]]) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
        """The texts as rows of a sparse matrix with a column a word.

        Returns:
            Values, columns (increasing within a row), and the (texts + 1,) places where rows begin and end (CSR).
        """
        columns, values, ends = list[NDArray[np.int64]](), list[Floats](), [0]
        for text in texts:
            found, counts = np.unique([self.index[w] for w in text if w in self.index], return_counts=True)
            found = found.astype(np.int64)
            row = np.ones(len(found), np.float32)
            if self.idf is not None and len(found):
                row = counts.astype(np.float32) * self.idf[found]
                length = np.sqrt(np.square(row, dtype=np.float64).sum())
                row = (row / length).astype(np.float32) if length else row
            columns.append(found)
            values.append(row)
            ends.append(ends[-1] + len(found))
        none = np.zeros(0)
        return (np.concatenate([none.astype(np.float32), *values]), np.concatenate([none.astype(np.int64), *columns]),
                np.array(ends, np.int64))  # fmt: skip

    def infer_all(self, texts: Sequence[Sequence[str]]) -> tuple[Floats, NDArray[np.bool_]]:
        """Vectors of texts.

        Args:
            texts: stems of each.

        Returns:
            (texts, size) float32, zeros where no word is known; (texts,) bool, whether one is that tells anything: a
            word of every text has no weight in TF-IDF.
        """
        values, columns, ends = self.sparse(texts)
        lengths = np.diff(ends)
        row = np.repeat(np.arange(len(texts)), lengths)
        vectors = np.zeros((len(texts), self.size), np.float32)
        if self.components is None:
            vectors[row, columns] = values
        else:
            for n, (start, end) in enumerate(pairwise(ends)):
                vectors[n] = (values[start:end, None] * self.components[columns[start:end]]).sum(axis=0)
        return vectors, np.bincount(row, weights=values != 0, minlength=len(texts)) > 0

    def save(self, folder: Path) -> None:
        """Writes `bag_of_words.npz` and `bag_of_words.json`."""
        arrays = {"idf": self.idf, "components": self.components}
        save_arrays(folder / FILES[0], **{name: array for name, array in arrays.items() if array is not None})
        (folder / FILES[1]).write_text(json.dumps(self.words, ensure_ascii=False, indent=0), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> BagOfWords:
        """Reads what `save` wrote."""
        with np.load(folder / FILES[0], allow_pickle=False) as arrays:
            return cls(json.loads((folder / FILES[1]).read_text(encoding="utf-8")), **arrays)
