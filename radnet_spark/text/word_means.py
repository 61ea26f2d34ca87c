"""The mean of a text's word vectors, as Spark NLP's Doc2Vec makes it, and the place of models without a plain form."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radnet_spark.arrays import save_arrays

Floats = NDArray[np.float32]

SPARK_NLP_DOC2VEC, SPARK_NLP_MODEL = "spark_nlp_doc2vec", "spark_nlp_model"
_MEANS, _OUTSIDE = ("word_means.npz", "word_means.json"), "spark_nlp_model.json"


class WordMeans:
    """A fitted model.

    Args:
        words: the vocabulary, in the order of the rows.
        vectors: (words, size) float32.
    """

    name = SPARK_NLP_DOC2VEC

    def __init__(self, words: Sequence[str], vectors: Floats) -> None:
        self.words, self.vectors = list(words), vectors

    @property
    def size(self) -> int:
        """Length of a vector."""
        return int(self.vectors.shape[1])

    @cached_property
    def index(self) -> dict[str, int]:
        """Word → row."""
        return {word: row for row, word in enumerate(self.words)}

    def infer_all(self, texts: Sequence[Sequence[str]]) -> tuple[Floats, NDArray[np.bool_]]:
        """(texts, size) float32, zeros where no word is known; (texts,) bool, whether one is.

        Unknown words count as zeros, as in Spark NLP: a text of few known words has a short vector.
        """
        made, known = np.zeros((len(texts), self.size), np.float32), np.zeros(len(texts), bool)
        for n, text in enumerate(texts):
            rows = [self.index[word] for word in text if word in self.index]
            if rows:
                made[n], known[n] = self.vectors[rows].sum(axis=0) / np.float32(len(text)), True
        return made, known

    def save(self, folder: Path) -> None:
        """Writes `word_means.npz` and `word_means.json`."""
        save_arrays(folder / _MEANS[0], vectors=self.vectors)
        (folder / _MEANS[1]).write_text(json.dumps(self.words, ensure_ascii=False, indent=0), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> WordMeans:
        """Reads what `save` wrote."""
        with np.load(folder / _MEANS[0], allow_pickle=False) as arrays:
            return cls(json.loads((folder / _MEANS[1]).read_text(encoding="utf-8")), arrays["vectors"])


class SparkOnly:
    """Stands for a saved Spark NLP model where there is no Spark: no text has a vector there.

    Args:
        size: length of the model's vectors.
    """

    name = SPARK_NLP_MODEL

    def __init__(self, size: int) -> None:
        self.size, self.words = size, list[str]()

    def infer_all(self, texts: Sequence[Sequence[str]]) -> tuple[Floats, NDArray[np.bool_]]:
        """(texts, size) zeros and (texts,) False."""
        return np.zeros((len(texts), self.size), np.float32), np.zeros(len(texts), bool)

    def save(self, folder: Path) -> None:
        """Writes `spark_nlp_model.json`."""
        (folder / _OUTSIDE).write_text(json.dumps({"size": self.size}), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> SparkOnly:
        """Reads what `save` wrote."""
        return cls(json.loads((folder / _OUTSIDE).read_text(encoding="utf-8"))["size"])
