"""From a text to its vector, in plain Python and from one folder: what executors and the annotator use."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radnet_spark.text.masking import masked
from radnet_spark.text.paragraph_vectors import ParagraphVectors
from radnet_spark.text.stemming import TextRules, stems

MODEL = "pv_dbow"


class TextEmbedder:
    """Rules and a fitted model.

    Args:
        rules: how a text becomes stems.
        mask_persons: whether the texts that the model was fitted on had been masked; then new ones are as well.
        model: the paragraph vectors.
    """

    name = MODEL

    def __init__(self, rules: TextRules, mask_persons: bool, model: ParagraphVectors) -> None:
        self.rules, self.mask_persons, self.model = rules, mask_persons, model

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
        return self.embed_stems([None if text is None else self.stems(text) for text in texts])

    def embed_stems(self, texts: Sequence[Sequence[str] | None]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """As `embed`, from the stems of the table `tokens`."""
        return self.model.infer_all([text or () for text in texts])

    def stems(self, text: str) -> list[str]:
        """The stems of a raw text."""
        return stems(masked(text) if self.mask_persons else text, self.rules)

    def save(self, folder: Path) -> None:
        """Writes `text.json` and the model's files."""
        about = {"model": self.name, "mask_persons": self.mask_persons, "rules": asdict(self.rules)}
        (folder / "text.json").write_text(json.dumps(about, ensure_ascii=False, indent=1), encoding="utf-8")
        self.model.save(folder)

    @classmethod
    def load(cls, folder: str | Path) -> TextEmbedder:
        """Reads what `save` wrote; nothing else is needed."""
        folder = Path(folder)
        about = json.loads((folder / "text.json").read_text(encoding="utf-8"))
        return cls(TextRules.from_json(about["rules"]), about["mask_persons"], ParagraphVectors.load(folder))


@lru_cache(maxsize=2)
def embedder_of(folder: str) -> TextEmbedder:
    """The embedder in a folder, loaded once in a process."""
    return TextEmbedder.load(folder)
