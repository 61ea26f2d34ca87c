"""MissForest (Stekhoven and Bühlmann 2012) as an imputer: the forests of its last round, applied by NumPy alone.

The paper fills one table. For later rows the forests of all rounds are kept: gaps start at mean and mode, then each
round's forests go over them in the order of the fit, so that every forest sees what it was grown on. The last
round's forests alone, three times over, would be a third of the size, but their errors are up to 18 % larger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from radnet_spark.tags.columns import UNSEEN, Columns
from radnet_spark.tags.forest import Forest
from radnet_spark.tags.imputation import MeanMode, gaps

LIMIT = 1e37  # forests see no larger number, so that float32 does not overflow


@dataclass(frozen=True)
class TagForest:
    """What predicts one column from all others.

    Attributes:
        column: which one: continuous ones are counted first, then categorical ones.
        centre: what is added to the forest's answer, of a continuous one; 0 of a categorical one.
        classes: (outputs,) int32: the codes whose shares the forest gives; empty of a continuous one.
        forest: on the matrix of `as_matrix`.
    """

    column: int
    centre: float
    classes: np.ndarray
    forest: Forest

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """(n,) float64: numbers, or codes (of equally probable ones the first)."""
        found = self.forest.predict(matrix)
        return self.classes[found.argmax(axis=1)].astype(np.float64) if len(self.classes) else found[:, 0] + self.centre


@dataclass(frozen=True)
class MissForest:
    """The fitted imputer.

    Attributes:
        start: fills gaps before the first pass, and for good in a column of which no training row had a value.
        forests: in the order in which they are applied: round after round, in each the columns with the fewest gaps in
            training first.
    """

    start: MeanMode
    forests: Sequence[TagForest]

    def apply(self, columns: Columns) -> Columns:
        """New columns without gaps. A row's values depend on that row alone; values that are there stay as they are."""
        missing, filled = gaps(columns), self.start.apply(columns)
        matrix = as_matrix(filled, self.start)
        rows = [np.flatnonzero(column) for column in missing.T]
        for forest in self.forests:
            wanted = rows[forest.column]
            if len(wanted):
                fill(filled, matrix, forest.column, wanted, forest.predict(matrix[wanted]))
        return filled

    def arrays(self) -> dict[str, np.ndarray]:
        """The fitted state: the forests one after the other, and how long each part is."""
        parts = [forest.forest for forest in self.forests]
        return {
            **self.start.arrays(),
            "columns": np.array([forest.column for forest in self.forests], np.int32),
            "centres": np.array([forest.centre for forest in self.forests], np.float64),
            "sizes": np.array([[len(f.classes), len(p.roots), len(p.feature), *p.value.shape]
                               for f, p in zip(self.forests, parts, strict=True)], np.int64).reshape(-1, 5),
            "classes": _joined([forest.classes for forest in self.forests], np.int32),
            "roots": _joined([part.roots for part in parts], np.int32),
            "feature": _joined([part.feature for part in parts], np.int16),
            "threshold": _joined([part.threshold for part in parts], np.float32),
            "value": _joined([part.value.ravel() for part in parts], np.float32),
        }  # fmt: skip

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> MissForest:
        """The imputer whose state `arrays` gave."""
        sizes = arrays["sizes"]
        lengths = {"classes": sizes[:, 0], "roots": sizes[:, 1], "feature": sizes[:, 2], "threshold": sizes[:, 2],
                   "value": sizes[:, 3] * sizes[:, 4]}  # fmt: skip
        parts = {name: np.split(arrays[name], np.cumsum(length)[:-1]) for name, length in lengths.items()}
        forests = []
        for at, (column, centre) in enumerate(zip(arrays["columns"], arrays["centres"], strict=True)):
            value = parts["value"][at].reshape(sizes[at, 3], sizes[at, 4])
            forest = Forest(parts["roots"][at], parts["feature"][at], parts["threshold"][at], value)
            forests.append(TagForest(int(column), float(centre), parts["classes"][at], forest))
        return cls(MeanMode.from_arrays(arrays), forests)


def as_matrix(filled: Columns, start: MeanMode) -> np.ndarray:
    """(n, continuous + categorical) float32: numbers, then codes as numbers.

    A category that training did not have is looked at as the most frequent one, a size beyond `LIMIT` as that.
    """
    codes = np.where(filled.codes == UNSEEN, start.modes, filled.codes)
    return np.hstack([np.clip(filled.numbers, -LIMIT, LIMIT), codes]).astype(np.float32)


def fill(filled: Columns, matrix: np.ndarray, column: int, rows: np.ndarray, values: np.ndarray) -> None:
    """Puts predicted values of one column into both forms of the same rows, in place."""
    matrix[rows, column] = values
    continuous = filled.numbers.shape[1]
    if column < continuous:
        filled.numbers[rows, column] = values
    else:
        filled.codes[rows, column - continuous] = values


def _joined(parts: Sequence[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate([np.empty(0, dtype), *parts]).astype(dtype)
