"""The random numbers that gensim draws while it infers, for many texts at once; a text alone decides its own."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_MULTIPLIER, _INCREMENT, _MASK = 25214903917, 11, np.uint64(2**48 - 1)  # of gensim's generator, as java.util.Random's


def text_seed(stems: Sequence[str]) -> int:
    """32 bits that depend on the text alone: what its random numbers start from."""
    return stable_hash(" ".join(stems)) & 0xFFFFFFFF


def stable_hash(text: str) -> int:
    """A hash that is the same in every process, unlike Python's."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def initial_vector(seed: int, size: int) -> NDArray[np.float32]:
    """As gensim's `pseudorandom_weak_vector`: small uniform numbers, (size,) float32."""
    generator = np.random.Generator(np.random.SFC64(seed))
    return (generator.random(size).astype(np.float32) - np.float32(0.5)) / np.float32(size)


def pass_states(generators: Sequence[np.random.RandomState], passes: int) -> NDArray[np.uint64]:
    """The state of the word generator at the start of each pass, (texts, passes) uint64."""
    drawn = np.array([g.randint(0, 2**24, size=(passes, 2)) for g in generators], dtype=np.uint64)
    return drawn[:, :, 0] * np.uint64(2**24) + drawn[:, :, 1]


def reduced_windows(
    generators: Sequence[np.random.RandomState], window: int, lengths: Ints, longest: int
) -> Ints:  # fmt: skip
    """By how much the window at each word is smaller in one pass, (texts, longest); 0 beyond a text's end."""
    reduced = np.zeros((len(generators), longest), dtype=np.int64)
    for row, (generator, length) in enumerate(zip(generators, lengths.tolist(), strict=True)):
        reduced[row, :length] = generator.randint(0, window, length)
    return reduced


def word_numbers(states: NDArray[np.uint64], steps: Ints) -> NDArray[np.uint64]:
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
