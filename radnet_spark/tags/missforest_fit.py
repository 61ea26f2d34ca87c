"""Fits MissForest on training rows, step by step as in its paper (Stekhoven and Bühlmann 2012, algorithm 1).

Bioinformatics 28(1), doi:10.1093/bioinformatics/btr597. scikit-learn grows the forests: squared error for continuous
columns, Gini for categorical ones. Ours (O): what stays are the forests, since the paper's result is one filled table;
and columns without gaps get forests, too, since later rows may lack them.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from radnet_spark.config import MissForestSettings
from radnet_spark.tags.columns import Columns
from radnet_spark.tags.forest import Forest
from radnet_spark.tags.imputation import MeanMode, gaps
from radnet_spark.tags.missforest import LIMIT, MissForest, TagForest, as_matrix, fill


@dataclass(frozen=True)
class Difference:
    """How much a round changed what the round before had filled in; None: no gap of this kind.

    Attributes:
        continuous: sum of squared changes over the sum of squares, all continuous columns (the paper's Δ_N).
        categorical: changed values over gaps, all categorical columns (the paper's Δ_F).
    """

    continuous: float | None
    categorical: float | None

    def rises(self, before: Difference) -> bool:
        """Whether no kind's difference falls any more: the paper's stop, once both kinds have risen.

        As in the authors' R package a difference that stays equal has stopped falling.
        """
        pairs = ((self.continuous, before.continuous), (self.categorical, before.categorical))
        return not any(new < old for new, old in pairs if new is not None and old is not None)


@dataclass(frozen=True)
class MissForestFit:
    """What fitting leaves.

    Attributes:
        imputer: the fitted one.
        errors: column → out-of-bag error of its forest, without columns that have none.
        differences: of every round that was run.
        rounds: the one whose forests are kept; one less than were run if the difference rose.
    """

    imputer: MissForest
    errors: Mapping[int, float]
    differences: Sequence[Difference]
    rounds: int


def fit_missforest(columns: Columns, settings: MissForestSettings, seed: int) -> MissForestFit:
    """Learns from training rows; the same rows in the same order give the same bytes.

    Args:
        columns: (n, …) training rows with their gaps, n ≥ 1.
        settings: the section `tags.missforest`.
        seed: of every forest, the same in each round (C), so that rounds differ by the data alone.
    """
    missing, numbers = gaps(columns), np.clip(columns.numbers, -LIMIT, LIMIT)
    known = Columns(np.where(missing[:, : numbers.shape[1]], np.nan, numbers), columns.codes)
    table = _Table(known, missing, settings, seed)
    kept: list[dict[int, tuple[TagForest, float]]] = []
    differences: list[Difference] = []
    while len(kept) < settings.rounds:
        before = Columns(table.filled.numbers.copy(), table.filled.codes.copy())
        grown = table.round()
        differences.append(difference(before, table.filled, missing))
        if kept and differences[-1].rises(differences[-2]):
            break
        kept.append(grown)
    forests = [forest for grown in kept for forest, _ in grown.values()]
    errors = {column: error for column, (_, error) in kept[-1].items()}
    return MissForestFit(MissForest(table.start, forests), errors, differences, len(kept))


def errors_on(imputer: MissForest, rows: Columns) -> dict[int, float]:
    """Errors of the last round's forests on known values of other rows: of exams that the fit did not see, if possible.

    Out-of-bag errors look too good where rows are alike, as images of an exam are: a tree that left a row out has seen
    its neighbours.

    Returns:
        Column → error as in `MissForestFit`, without columns of which no row has a value that training had, and without
        continuous ones of which all values are equal: an NRMSE needs their variance.
    """
    filled, missing = imputer.apply(rows), gaps(rows)
    matrix, continuous = as_matrix(filled, imputer.start), rows.numbers.shape[1]
    known = np.hstack([~missing[:, :continuous], rows.codes >= 0])
    found = {}
    for column, forest in {forest.column: forest for forest in imputer.forests}.items():
        there = np.flatnonzero(known[:, column])
        values = (*filled.numbers.T, *filled.codes.T)[column][there]
        if len(there) and (column >= continuous or values.min() < values.max()):
            predicted = forest.predict(matrix[there])
            found[column] = nrmse(predicted, values) if column < continuous else float((predicted != values).mean())
    return found


def difference(before: Columns, after: Columns, missing: np.ndarray) -> Difference:
    """What a round changed.

    Args:
        before: the filled columns when it began.
        after: when it ended.
        missing: (n, continuous + categorical) bool: where there was a gap.
    """
    continuous = before.numbers.shape[1]
    size, changed = float(np.square(after.numbers).sum()), float(np.square(after.numbers - before.numbers).sum())
    codes = int(missing[:, continuous:].sum())
    return Difference(
        changed / (size or 1.0) if missing[:, :continuous].any() else None,
        int((after.codes != before.codes).sum()) / codes if codes else None,
    )


class _Table:
    """The training rows, filled: what the rounds change."""

    def __init__(self, known: Columns, missing: np.ndarray, settings: MissForestSettings, seed: int) -> None:
        self.known, self.missing, self.settings, self.seed = known, missing, settings, seed
        self.continuous = known.numbers.shape[1]
        self.start = MeanMode.fit(known)
        self.filled = self.start.apply(known)
        self.matrix = as_matrix(self.filled, self.start)
        self.targets = np.hstack([~missing[:, : self.continuous], known.codes >= 0])
        by_gaps = np.argsort(missing.sum(axis=0), kind="stable") if missing.shape[1] > 1 else ()
        self.in_order = [int(column) for column in by_gaps if self.targets[:, column].any()]  # one alone: mean or mode

    def round(self) -> dict[int, tuple[TagForest, float]]:
        """Grows each column's forest and fills the column's gaps by it before the next; column → what was grown."""
        grown = {}
        for column in self.in_order:
            grown[column] = self.grow(column)
            rows = np.flatnonzero(self.missing[:, column])
            if len(rows):
                fill(self.filled, self.matrix, column, rows, grown[column][0].predict(self.matrix[rows]))
        return grown

    def grow(self, column: int) -> tuple[TagForest, float]:
        """A forest on the rows in which the column has a value, and its out-of-bag error."""
        rows = np.flatnonzero(self.targets[:, column])
        others = np.delete(np.arange(self.matrix.shape[1]), column)
        options: dict[str, Any] = {
            "n_estimators": self.settings.trees, "min_samples_leaf": self.settings.min_leaf_rows,
            "max_features": self.settings.max_features, "oob_score": True, "random_state": self.seed, "n_jobs": -1,
        }  # fmt: skip
        inputs = self.matrix[np.ix_(rows, others)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of rows that no tree left out: the mean or mode stands in
            if column < self.continuous:
                values = self.known.numbers[rows, column]
                centre, classes = float(values.mean()), np.empty(0, np.int32)
                model = RandomForestRegressor(**options).fit(inputs, values - centre)
                error = nrmse(model.oob_prediction_ + centre, values)
            else:
                codes = self.known.codes[rows, column - self.continuous]
                model = RandomForestClassifier(**options).fit(inputs, codes)
                centre, classes = 0.0, model.classes_.astype(np.int32)
                error = _falsely_classified(model.oob_decision_function_, codes, classes)
        forest = Forest.of([tree.tree_ for tree in model.estimators_], others)
        return TagForest(column, centre, classes, forest), error


def nrmse(predicted: np.ndarray, values: np.ndarray) -> float:
    """The root of the mean squared error over the variance: 1 is what the mean reaches; 0 for a constant met."""
    error, variance = float(((predicted - values) ** 2).mean()), float(values.var())
    return float(np.sqrt(error / variance)) if variance > 0 else float(error > 0)


def _falsely_classified(shares: np.ndarray, codes: np.ndarray, classes: np.ndarray) -> float:
    """The share of wrong classes; for a row that no tree left out, the most frequent class stands in."""
    guess = np.bincount(codes).argmax()
    unseen = ~(np.nan_to_num(shares).sum(axis=1) > 0)
    return float((np.where(unseen, guess, classes[shares.argmax(axis=1)]) != codes).mean())
