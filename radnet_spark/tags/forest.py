"""A random forest as plain arrays: many trees walked together, level by level, by NumPy alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

_PAIRS = 1 << 16  # (row, tree) pairs that are walked together: what they touch stays in the processor's cache


class FittedTree(Protocol):
    """What a fitted decision tree of scikit-learn tells (`DecisionTree….tree_`)."""

    feature: np.ndarray
    threshold: np.ndarray
    children_left: np.ndarray
    children_right: np.ndarray
    value: np.ndarray


@dataclass(frozen=True)
class Forest:
    """Trees whose nodes lie one tree after the other, each tree by level, the two children of a node side by side.

    Attributes:
        roots: (trees,) int32: where each tree begins.
        feature: (nodes,) int16: the column that a node looks at; -1: a leaf.
        threshold: (nodes,) float32: rows with a value at or below it go left; 0 in a leaf.
        value: (leaves, outputs) float32: the mean of a number, or the share of each class.
    """

    roots: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    value: np.ndarray

    @cached_property
    def next(self) -> np.ndarray:
        """(nodes,) int32: the left child, the right one comes next; in a leaf its row of `value`.

        By level, the children of a tree's first inner node are its nodes 1 and 2, those of the second one 3 and 4, ….
        """
        inner = self.feature >= 0
        before: np.ndarray = np.cumsum(inner) - inner
        sizes = np.diff([*self.roots, len(inner)])
        left = np.repeat(self.roots - 2 * before[self.roots], sizes) + 2 * before + 1
        return np.where(inner, left, np.cumsum(~inner) - 1).astype(np.int32)

    @classmethod
    def of(cls, trees: Sequence[FittedTree], columns: np.ndarray) -> Forest:
        """The arrays of fitted trees.

        Args:
            trees: as scikit-learn fitted them, on float32 columns.
            columns: (features,) the column of the matrix given to `predict` that each of the trees' features is.
        """
        parts = [_by_level(tree) for tree in trees]
        feature, threshold, value = (np.concatenate(part) for part in zip(*parts, strict=True))
        sizes = np.array([len(part[0]) for part in parts])
        named = np.where(feature >= 0, columns[feature], -1).astype(np.int16)
        return cls((np.cumsum(sizes) - sizes).astype(np.int32), named, threshold, value)

    def leaves(self, matrix: np.ndarray) -> np.ndarray:
        """(n, trees) int32: the row of `value` that each row of the matrix comes to in each tree.

        Args:
            matrix: (n, columns) float32, C-contiguous, without NaN; infinities are allowed.
        """
        found = np.empty((len(matrix), len(self.roots)), np.int32)
        step = max(1, _PAIRS // len(self.roots))
        for start in range(0, len(matrix), step):
            block = matrix[start : start + step]
            found[start : start + step] = self._walk(block).reshape(len(block), -1)
        return found

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """(n, outputs) float64: the mean over the trees, summed tree after tree, so that no split of rows changes it.

        Args:
            matrix: as in `leaves`.
        """
        leaves = self.leaves(matrix)
        total = np.zeros((len(matrix), self.value.shape[1]))
        for tree in range(len(self.roots)):
            total += self.value.take(leaves[:, tree], axis=0)
        return total / len(self.roots)

    def _walk(self, block: np.ndarray) -> np.ndarray:
        """(rows x trees,) the leaf of each pair; pairs that have arrived are left out of the next step."""
        rows, width = block.shape
        flat = block.ravel()
        node = np.tile(self.roots.astype(np.intp), rows)
        offset = np.repeat(np.arange(rows, dtype=np.intp) * width, len(self.roots))
        pair = np.arange(len(node))
        found = np.empty(len(node), np.int32)
        while len(pair):
            feature = self.feature.take(node)
            inner = np.flatnonzero(feature >= 0)
            if len(inner) < len(node):
                arrived = np.flatnonzero(feature < 0)
                found[pair.take(arrived)] = self.next.take(node.take(arrived))
                pair, node, offset, feature = (part.take(inner) for part in (pair, node, offset, feature))
            right = flat.take(offset + feature) > self.threshold.take(node)
            node = (self.next.take(node) + right).astype(np.intp)
        return found


def _by_level(tree: FittedTree) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, thresholds and the leaves' values of one tree, its nodes by level."""
    left, right = tree.children_left, tree.children_right
    levels = [np.zeros(1, np.int64)]
    while len(inner := levels[-1][left[levels[-1]] >= 0]):
        levels.append(np.stack([left[inner], right[inner]], axis=1).ravel())
    order = np.concatenate(levels)
    leaf = left[order] < 0
    value = tree.value[order[leaf], 0, :]
    if value.shape[1] > 1:  # scikit-learn before 1.3 keeps counts of classes
        value = value / value.sum(axis=1, keepdims=True)
    threshold = np.where(leaf, 0.0, _rounded_down(tree.threshold[order])).astype(np.float32)
    return np.where(leaf, -1, tree.feature[order]), threshold, value.astype(np.float32)


def _rounded_down(values: np.ndarray) -> np.ndarray:
    """The largest float32 at or below each value: it parts float32 numbers as the value itself does."""
    near = values.astype(np.float32)
    return np.where(near > values, np.nextafter(near, np.float32(-np.inf)), near)
