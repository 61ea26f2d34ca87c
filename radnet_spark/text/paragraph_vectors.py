"""PV-DBOW paragraph vectors: inference in NumPy, equal to gensim's from the same start.

Le, Mikolov: "Distributed Representations of Sentences and Documents" (2014), with negative sampling. A text's vector
is learned against the fixed output weights of the words. All texts of a batch take one word at a time, so that a step
is a few array operations; a text's result does not depend on the others.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radnet_spark.arrays import save_arrays

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

# gensim's doc2vec_inner: a sigmoid table of 1000 steps over [-6, 6), addressed with whole-number division.
_MAX_EXP, _TABLE_SIZE = 6, 1000
_STEP = _TABLE_SIZE // _MAX_EXP // 2
_LINEAR = (np.arange(_TABLE_SIZE, dtype=np.float32) / np.float32(_TABLE_SIZE) * 2 - 1) * _MAX_EXP
_EXP = np.exp(_LINEAR.astype(np.float64)).astype(np.float32)
_SIGMOID: Floats = _EXP / (_EXP + np.float32(1))
_MAX_WORDS = 10_000  # of a text; gensim reads no further

_MULTIPLIER, _INCREMENT, _MASK = 25214903917, 11, np.uint64(2**48 - 1)  # of gensim's generator, as java.util.Random's
_BATCH_VALUES = 1 << 17  # texts × dimensions that are learned together


@dataclass(frozen=True)
class Schedule:
    """How a text's vector is learned.

    Attributes:
        epochs: passes over the text.
        alpha: learning rate of the first pass; it falls linearly.
        min_alpha: learning rate of the last pass.
        negative: negative samples a word.
        sample: threshold above which frequent words are skipped at random; 0: none.
    """

    epochs: int
    alpha: float
    min_alpha: float
    negative: int
    sample: float


class ParagraphVectors:
    """A fitted model.

    Args:
        words: the vocabulary, in the order of the arrays' rows.
        hidden: (words, size) float32: output weights.
        cumulative: (words,) uint32: cumulative noise distribution of the words.
        keep: (words,) uint32: a word stays if a random 32-bit number is not above this.
        schedule: how vectors are learned.
    """

    def __init__(
        self, words: Sequence[str], hidden: Floats, cumulative: NDArray[np.uint32], keep: NDArray[np.uint32],
        schedule: Schedule,
    ) -> None:  # fmt: skip
        self.words, self.hidden, self.cumulative, self.keep = list(words), hidden, cumulative, keep
        self.schedule = schedule

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
        starts = np.stack([_starts(seed, plan.epochs) for seed in seeds])
        alpha, fall = plan.alpha, (plan.alpha - plan.min_alpha) / max(plan.epochs - 1, 1)
        batch = _Batch(rows)
        for epoch in range(plan.epochs):
            targets, skipped, lengths = self._targets(batch, starts[:, epoch])
            order = np.argsort(-lengths, kind="stable")
            vectors[order] = self._pass(vectors[order], targets[order], skipped[order], lengths[order], alpha)
            alpha -= fall
        return vectors

    def _targets(self, batch: _Batch, states: NDArray[np.uint64]) -> tuple[Ints, NDArray[np.bool_], Ints]:
        """The words of one pass after down-sampling, each with its negative samples.

        Returns:
            (texts, longest, 1 + negative) rows of `hidden`, the word itself first; same shape bool: not to be learned
            (a negative sample that is the word); (texts,) how many words each text keeps.
        """
        drawn = np.zeros(len(states), dtype=np.int64)
        keep = np.ones(len(batch.flat), dtype=bool)
        if self.schedule.sample:
            numbers = _random(states[batch.text], batch.place) >> np.uint64(16)
            keep = self.keep[batch.flat] >= numbers
            drawn, keep = batch.read_until_full(keep)
        text, word = batch.text[keep], batch.flat[keep]
        lengths = np.bincount(text, minlength=len(states))
        place = np.arange(len(text)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        negative = self.schedule.negative
        steps = (drawn[text] + place * negative)[:, None] + np.arange(negative)
        numbers = (_random(states[text][:, None], steps) >> np.uint64(16)) % np.uint64(self.cumulative[-1])
        targets = np.zeros((len(states), int(lengths.max(initial=0)), 1 + negative), dtype=np.int64)
        targets[text, place, 0] = word
        targets[text, place, 1:] = np.searchsorted(self.cumulative, numbers.astype(np.uint32), side="left")
        skipped = targets == targets[:, :, :1]
        skipped[:, :, 0] = False
        return targets, skipped, lengths

    def _pass(self, vectors: Floats, targets: Ints, skipped: NDArray[np.bool_], lengths: Ints, alpha: float) -> Floats:
        """One pass over texts in falling order of `lengths`: gensim's `fast_document_dbow_neg`, word after word."""
        rate = np.float32(alpha)
        for step in range(targets.shape[1]):
            active = int(np.searchsorted(-lengths, -step, side="left"))
            weights = self.hidden[targets[:active, step]]
            products = np.einsum("tkd,td->tk", weights, vectors[:active])
            inside = (products > -_MAX_EXP) & (products < _MAX_EXP) & ~skipped[:active, step]
            places = ((np.where(inside, products, 0).astype(np.float64) + _MAX_EXP) * _STEP).astype(np.int64)
            gains = -_SIGMOID[places]
            gains[:, 0] += np.float32(1)
            gains = np.where(inside, gains * rate, np.float32(0))
            vectors[:active] += np.einsum("tk,tkd->td", gains, weights)
        return vectors

    def save(self, folder: Path) -> None:
        """Writes `paragraph_vectors.npz` and `paragraph_vectors.json`."""
        arrays = {"hidden": self.hidden, "cumulative": self.cumulative, "keep": self.keep}
        save_arrays(folder / "paragraph_vectors.npz", **arrays)
        about = {"schedule": vars(self.schedule), "words": self.words}
        text = json.dumps(about, ensure_ascii=False, indent=0)
        (folder / "paragraph_vectors.json").write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> ParagraphVectors:
        """Reads what `save` wrote."""
        about: dict[str, Any] = json.loads((folder / "paragraph_vectors.json").read_text(encoding="utf-8"))
        with np.load(folder / "paragraph_vectors.npz", allow_pickle=False) as arrays:
            named = {name: arrays[name] for name in ("hidden", "cumulative", "keep")}
        return cls(about["words"], schedule=Schedule(**about["schedule"]), **named)


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


def text_seed(stems: Sequence[str]) -> int:
    """32 bits that depend on the text alone: what its random numbers start from."""
    return stable_hash(" ".join(stems)) & 0xFFFFFFFF


def stable_hash(text: str) -> int:
    """A hash that is the same in every process, unlike Python's."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def initial_vector(seed: int, size: int) -> Floats:
    """As gensim's `pseudorandom_weak_vector`: small uniform numbers, (size,) float32."""
    generator = np.random.Generator(np.random.SFC64(seed))
    return (generator.random(size).astype(np.float32) - np.float32(0.5)) / np.float32(size)


def _starts(seed: int, epochs: int) -> NDArray[np.uint64]:
    """The state of the word generator at the start of each pass, (epochs,) uint64."""
    pairs = np.random.RandomState(seed).randint(0, 2**24, size=(epochs, 2)).astype(np.uint64)
    return pairs[:, 0] * np.uint64(2**24) + pairs[:, 1]


def _random(states: NDArray[np.uint64], steps: Ints) -> NDArray[np.uint64]:
    """The linear congruential generator's states after `steps` steps, without taking them one by one."""
    powers, sums = _jumps(1 << int(steps.max(initial=0) + 1).bit_length())
    return (powers[steps] * states + sums[steps]) & _MASK


_JUMPS: dict[int, tuple[NDArray[np.uint64], NDArray[np.uint64]]] = {}


def _jumps(count: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Factors and summands of 0 to `count - 1` steps; products wrap at 2^64, a multiple of the modulus 2^48."""
    if count not in _JUMPS:
        factors = np.full(count, _MULTIPLIER, dtype=np.uint64)
        factors[0] = 1
        powers = np.multiply.accumulate(factors)
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(powers[:-1], dtype=np.uint64)]) * np.uint64(_INCREMENT)
        _JUMPS[count] = (powers, sums)
    return _JUMPS[count]
