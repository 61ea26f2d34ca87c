"""Paragraph vectors, PV-DBOW and PV-DM: inference in NumPy, equal to gensim's from the same start.

Le, Mikolov: "Distributed Representations of Sentences and Documents" (2014), with negative sampling. A text's vector
is learned against the fixed output weights of the words: alone in PV-DBOW, averaged with the vectors of the words
around in PV-DM. All texts of a batch take one word at a time, so that a step is a few array operations; a text's
result does not depend on the others.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radnet_spark.arrays import save_arrays
from radnet_spark.text.gensim_numbers import (
    Ints,
    initial_vector,
    pass_states,
    reduced_windows,
    text_seed,
    word_numbers,
)

Floats = NDArray[np.float32]

# gensim's doc2vec_inner: a sigmoid table of 1000 steps over [-6, 6), addressed with whole-number division.
_MAX_EXP, _TABLE_SIZE = 6, 1000
_STEP = _TABLE_SIZE // _MAX_EXP // 2
_LINEAR = (np.arange(_TABLE_SIZE, dtype=np.float32) / np.float32(_TABLE_SIZE) * 2 - 1) * _MAX_EXP
_EXP = np.exp(_LINEAR.astype(np.float64)).astype(np.float32)
_SIGMOID: Floats = _EXP / (_EXP + np.float32(1))
_MAX_WORDS = 10_000  # of a text; gensim reads no further

_BATCH_VALUES = 1 << 17  # texts × dimensions that are learned together


PV_DBOW, PV_DM = "pv_dbow", "pv_dm"
FILES = ("paragraph_vectors.npz", "paragraph_vectors.json")


@dataclass(frozen=True)
class Schedule:
    """How a text's vector is learned.

    Attributes:
        epochs: passes over the text.
        alpha: learning rate of the first pass; it falls linearly.
        min_alpha: learning rate of the last pass.
        negative: negative samples a word.
        sample: threshold above which frequent words are skipped at random; 0: none.
        window: of PV-DM, words to each side at most; PV-DBOW has none.
    """

    epochs: int
    alpha: float
    min_alpha: float
    negative: int
    sample: float
    window: int = 0


class ParagraphVectors:
    """A fitted model.

    Args:
        words: the vocabulary, in the order of the arrays' rows.
        hidden: (words, size) float32: output weights.
        cumulative: (words,) uint32: cumulative noise distribution of the words.
        keep: (words,) uint32: a word stays if a random 32-bit number is not above this.
        schedule: how vectors are learned.
        contexts: (words, size) float32: the words' own vectors of PV-DM; None: PV-DBOW.
    """

    def __init__(
        self, words: Sequence[str], hidden: Floats, cumulative: NDArray[np.uint32], keep: NDArray[np.uint32],
        schedule: Schedule, contexts: Floats | None = None,
    ) -> None:  # fmt: skip
        self.words, self.hidden, self.cumulative, self.keep = list(words), hidden, cumulative, keep
        self.schedule, self.contexts = schedule, contexts

    @property
    def name(self) -> str:
        """`pv_dbow` or `pv_dm`."""
        return PV_DBOW if self.contexts is None else PV_DM

    @property
    def size(self) -> int:
        """Length of a vector."""
        return int(self.hidden.shape[1])

    @cached_property
    def index(self) -> dict[str, int]:
        """Word → row."""
        return {word: row for row, word in enumerate(self.words)}

    def infer(self, stems: Sequence[str]) -> Floats:
        """The vector of one text, (size,) float32; zeros if it has no known word."""
        return self.infer_all([stems])[0][0]

    def infer_all(self, texts: Sequence[Sequence[str]]) -> tuple[Floats, NDArray[np.bool_]]:
        """Vectors of texts.

        Args:
            texts: stems of each.

        Returns:
            (texts, size) float32, zeros where no word is known; (texts,) bool, whether one is.
        """
        rows = [np.array([self.index[w] for w in text if w in self.index], dtype=np.int64) for text in texts]
        known = np.array([len(row) > 0 for row in rows], dtype=bool)
        vectors = np.zeros((len(texts), self.size), dtype=np.float32)
        by_length = sorted(np.flatnonzero(known).tolist(), key=lambda i: len(rows[i]))
        batch = max(1, _BATCH_VALUES // self.size)
        for start in range(0, len(by_length), batch):
            chosen = by_length[start : start + batch]
            seeds = [text_seed(texts[i]) for i in chosen]
            vectors[chosen] = self._learn([rows[i] for i in chosen], seeds)
        return vectors, known

    def _learn(self, rows: list[Ints], seeds: list[int]) -> Floats:
        plan = self.schedule
        vectors = np.stack([initial_vector(seed, self.size) for seed in seeds])
        generators = [np.random.RandomState(seed) for seed in seeds]
        if self.contexts is None:
            states = pass_states(generators, plan.epochs)
        alpha, fall = plan.alpha, (plan.alpha - plan.min_alpha) / max(plan.epochs - 1, 1)
        batch = _Batch(rows)
        for epoch in range(plan.epochs):
            if self.contexts is None:
                words = self._targets(batch, states[:, epoch])
            else:  # gensim draws the windows between the passes' states
                words = self._targets(batch, pass_states(generators, 1)[:, 0])
                longest = words.targets.shape[1]
                words.reach = plan.window - reduced_windows(generators, plan.window, words.lengths, longest)
            order = np.argsort(-words.lengths, kind="stable")
            vectors[order] = self._pass(vectors[order], words.of(order), alpha)
            alpha -= fall
        return vectors

    def _targets(self, batch: _Batch, states: NDArray[np.uint64]) -> _Words:
        """The words of one pass after down-sampling, each with its negative samples."""
        drawn = np.zeros(len(states), dtype=np.int64)
        keep = np.ones(len(batch.flat), dtype=bool)
        if self.schedule.sample:
            numbers = word_numbers(states[batch.text], batch.place) >> np.uint64(16)
            keep = self.keep[batch.flat] >= numbers
            drawn, keep = batch.read_until_full(keep)
        text, word = batch.text[keep], batch.flat[keep]
        lengths = np.bincount(text, minlength=len(states))
        place = np.arange(len(text)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        negative = self.schedule.negative
        steps = (drawn[text] + place * negative)[:, None] + np.arange(negative)
        numbers = (word_numbers(states[text][:, None], steps) >> np.uint64(16)) % np.uint64(self.cumulative[-1])
        targets = np.zeros((len(states), int(lengths.max(initial=0)), 1 + negative), dtype=np.int64)
        targets[text, place, 0] = word
        targets[text, place, 1:] = np.searchsorted(self.cumulative, numbers.astype(np.uint32), side="left")
        skipped = targets == targets[:, :, :1]
        skipped[:, :, 0] = False
        return _Words(targets, skipped, lengths)

    def _pass(self, vectors: Floats, words: _Words, alpha: float) -> Floats:
        """One pass over texts in falling order of length, as gensim's `fast_document_dbow_neg` and `…_dm_neg`."""
        rate = np.float32(alpha)
        for step in range(words.targets.shape[1]):
            active = int(np.searchsorted(-words.lengths, -step, side="left"))
            weights = self.hidden[words.targets[:active, step]]
            inputs = vectors[:active] if self.contexts is None else self._mean(vectors[:active], words, step)
            products = np.einsum("tkd,td->tk", weights, inputs)
            inside = (products > -_MAX_EXP) & (products < _MAX_EXP) & ~words.skipped[:active, step]
            places = ((np.where(inside, products, 0).astype(np.float64) + _MAX_EXP) * _STEP).astype(np.int64)
            gains = -_SIGMOID[places]
            gains[:, 0] += np.float32(1)
            gains = np.where(inside, gains * rate, np.float32(0))
            vectors[:active] += np.einsum("tk,tkd->td", gains, weights)
        return vectors

    def _mean(self, vectors: Floats, words: _Words, step: int) -> Floats:
        """The mean of a text's vector and those of the words around one word (gensim's `dm_mean`)."""
        assert self.contexts is not None
        rows, near = words.around(step, len(vectors))
        total = np.einsum("tk,tkd->td", near.astype(np.float32), self.contexts[rows]) + vectors
        return total * (np.float32(1) / (near.sum(axis=1, dtype=np.float32) + np.float32(1)))[:, None]

    def save(self, folder: Path) -> None:
        """Writes `paragraph_vectors.npz` and `paragraph_vectors.json`."""
        arrays = {"hidden": self.hidden, "cumulative": self.cumulative, "keep": self.keep}
        if self.contexts is not None:
            arrays["contexts"] = self.contexts
        save_arrays(folder / FILES[0], **arrays)
        about = {"schedule": vars(self.schedule), "words": self.words}
        text = json.dumps(about, ensure_ascii=False, indent=0)
        (folder / FILES[1]).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> ParagraphVectors:
        """Reads what `save` wrote."""
        about: dict[str, Any] = json.loads((folder / FILES[1]).read_text(encoding="utf-8"))
        with np.load(folder / FILES[0], allow_pickle=False) as arrays:
            return cls(about["words"], schedule=Schedule(**about["schedule"]), **arrays)


@dataclass
class _Words:
    """The words of one pass.

    Attributes:
        targets: (texts, longest, 1 + negative) rows of `hidden`, the word itself first.
        skipped: same shape bool: not to be learned (a negative sample that is the word).
        lengths: (texts,) how many words each text keeps.
        reach: (texts, longest) words to each side that count, of PV-DM.
    """

    targets: Ints
    skipped: NDArray[np.bool_]
    lengths: Ints
    reach: Ints | None = None

    def of(self, order: Ints) -> _Words:
        """The same texts in another order."""
        reach = None if self.reach is None else self.reach[order]
        return _Words(self.targets[order], self.skipped[order], self.lengths[order], reach)

    def around(self, step: int, active: int) -> tuple[Ints, NDArray[np.bool_]]:
        """The words around the word at `step` of the first texts: (active, near) rows, and which of them count."""
        assert self.reach is not None
        reach = self.reach[:active, step, None]
        farthest = int(reach.max())
        places = np.arange(max(0, step - farthest), min(self.targets.shape[1], step + farthest + 1))
        near = (np.abs(places - step) <= reach) & (places != step) & (places < self.lengths[:active, None])
        return self.targets[:active, places, 0], near


class _Batch:
    """Texts as one flat array: `flat` (words,) rows, `text` (words,) which text, `place` (words,) where in it."""

    def __init__(self, rows: list[Ints]) -> None:
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        self.lengths = lengths
        self.flat = np.concatenate(rows)
        self.text = np.repeat(np.arange(len(rows)), lengths)
        self.place = np.arange(len(self.flat)) - np.repeat(np.cumsum(lengths) - lengths, lengths)

    def read_until_full(self, keep: NDArray[np.bool_]) -> tuple[Ints, NDArray[np.bool_]]:
        """How many words of each text are read until `_MAX_WORDS` are kept, and `keep` without those beyond."""
        if int(self.lengths.max()) <= _MAX_WORDS:
            return self.lengths, keep
        total = np.cumsum(keep)
        before: Ints = (total - keep)[np.cumsum(self.lengths) - self.lengths]
        read = total - keep - before[self.text] < _MAX_WORDS
        return np.bincount(self.text[read], minlength=len(self.lengths)), keep & read
