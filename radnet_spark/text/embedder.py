"""From a text to its vector, in plain Python and from one folder: what executors and the annotator use."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from radnet_spark.errors import StageError
from radnet_spark.text import bag_of_words, paragraph_vectors, word_means
from radnet_spark.text.bag_of_words import BagOfWords
from radnet_spark.text.masking import masked
from radnet_spark.text.paragraph_vectors import ParagraphVectors
from radnet_spark.text.stemming import TOKENS, TextRules
from radnet_spark.text.word_means import SparkOnly, WordMeans

_ABOUT = "text.json"


class TextModel(Protocol):
    """What makes vectors of tokens, which are stems or words, fitted on train."""

    words: list[str]

    @property
    def name(self) -> str:
        """As `text.embedding` and `embeddings.model` have it."""

    @property
    def size(self) -> int:
        """Length of a vector."""

    def infer_all(self, texts: Sequence[Sequence[str]]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """(texts, size) vectors of tokens, zeros where there is none, and (texts,) whether there is one.

        A text's vector is the same whatever other texts stand beside it.
        """

    def save(self, folder: Path) -> None:
        """Writes the model's files into an existing folder."""


_LOADERS: dict[str, Callable[[Path], TextModel]] = {
    bag_of_words.BOW: BagOfWords.load,
    bag_of_words.TF_IDF: BagOfWords.load,
    paragraph_vectors.PV_DBOW: ParagraphVectors.load,
    paragraph_vectors.PV_DM: ParagraphVectors.load,
    word_means.SPARK_NLP_DOC2VEC: WordMeans.load,
    word_means.SPARK_NLP_MODEL: SparkOnly.load,
}


def load_model(name: str, folder: Path) -> TextModel:
    """A model from its folder.

    Raises:
        StageError: there is no such model.
    """
    if name not in _LOADERS:
        raise StageError(f"{folder}: found the text model {name}, expected one of {', '.join(_LOADERS)}")
    return _LOADERS[name](folder)


class TextEmbedder:
    """Rules and a fitted model.

    Args:
        rules: how a text becomes words and stems.
        mask_persons: whether the texts that the model was fitted on had been masked; then new ones are as well.
        model: makes vectors of tokens.
        tokens: what it was fitted on, `stems` or `words`.
    """

    def __init__(self, rules: TextRules, mask_persons: bool, model: TextModel, tokens: str = "stems") -> None:
        self.rules, self.mask_persons, self.model, self.tokens = rules, mask_persons, model, tokens

    @property
    def name(self) -> str:
        """Of the model."""
        return self.model.name

    @property
    def size(self) -> int:
        """Length of a vector."""
        return self.model.size

    def embed(self, texts: Sequence[str | None]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Vectors of raw texts.

        Args:
            texts: as people wrote them; None: there is none.

        Returns:
            (texts, size) float32, zeros where there is no vector; (texts,) bool, whether there is one: a text
            without any known word has none.
        """
        return self.embed_tokens([None if text is None else self.tokens_of(text) for text in texts])

    def embed_tokens(self, texts: Sequence[Sequence[str] | None]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """As `embed`, from the column of the table `tokens` that the model was fitted on."""
        return self.model.infer_all([text or () for text in texts])

    def tokens_of(self, text: str) -> list[str]:
        """The stems or words of a raw text."""
        return TOKENS[self.tokens](masked(text) if self.mask_persons else text, self.rules)

    def save(self, folder: Path) -> None:
        """Writes `text.json` and the model's files."""
        about = {"model": self.name, "tokens": self.tokens, "mask_persons": self.mask_persons,
                 "rules": asdict(self.rules)}  # fmt: skip
        (folder / _ABOUT).write_text(json.dumps(about, ensure_ascii=False, indent=1), encoding="utf-8")
        self.model.save(folder)

    @classmethod
    def load(cls, folder: str | Path) -> TextEmbedder:
        """Reads what `save` wrote; nothing else is needed."""
        folder = Path(folder)
        about = _about(folder)
        model = load_model(about["model"], folder)
        return cls(TextRules.from_json(about["rules"]), about["mask_persons"], model, about["tokens"])


def fitted_on(folder: Path) -> str:
    """The column of the table `tokens` that the embedder in a folder takes."""
    return str(_about(folder)["tokens"])


@lru_cache(maxsize=2)
def embedder_of(folder: str) -> TextEmbedder:
    """The embedder in a folder, loaded once in a process."""
    return TextEmbedder.load(folder)


def _about(folder: Path) -> dict[str, Any]:
    about: dict[str, Any] = {"tokens": "stems", **json.loads((folder / _ABOUT).read_text(encoding="utf-8"))}
    return about
