"""MissForest: its arrays against scikit-learn, its rounds against the same steps written with scikit-learn alone."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from radnet_spark.config import MissForestSettings, load_config
from radnet_spark.tags import forest as forests
from radnet_spark.tags import missforest_fit
from radnet_spark.tags.columns import MISSING, UNSEEN, Columns, Feature, FeatureSet
from radnet_spark.tags.forest import Forest
from radnet_spark.tags.imputation import MeanMode, imputations
from radnet_spark.tags.missforest import MissForest
from radnet_spark.tags.missforest_fit import Difference, difference, errors_on, fit_missforest

SETTINGS = MissForestSettings(trees=6, min_leaf_rows=5, max_features="sqrt", train_rows=100, rounds=2)


@cache
def table() -> tuple[Columns, Columns]:
    """A whole table whose columns depend on each other, and the same with a fifth of its values hidden."""
    random = np.random.default_rng(3)
    hidden = random.normal(size=400)
    numbers = np.stack([hidden, np.exp(hidden) * 1000, random.normal(size=400) + 0.01 * hidden], axis=1)
    codes = np.stack([np.digitize(hidden, [-0.7, 0.7]), random.integers(0, 2, 400)], axis=1).astype(np.int32)
    shares = np.array([0.1, 0.3, 0.2, 0.25, 0.0])
    absent = random.random((400, 5)) < shares
    return Columns(numbers, codes), Columns(
        np.where(absent[:, :3], np.nan, numbers), np.where(absent[:, 3:], MISSING, codes).astype(np.int32)
    )


@cache
def fitted() -> missforest_fit.MissForestFit:
    """The imputer of that table."""
    return fit_missforest(table()[1], SETTINGS, seed=1)


def _inputs(rows=500):
    """Few distinct values, so that many lie on a threshold, and neighbours among float32 numbers."""
    random = np.random.default_rng(5)
    matrix = random.integers(0, 40, (rows, 6)).astype(np.float32)
    matrix[:, 1] = np.nextafter(np.float32(1), np.float32(2)) ** random.integers(0, 2, rows)
    return matrix, matrix[:, 0] * matrix[:, 2] + 30 * (matrix[:, 1] > 1) + random.normal(size=rows)


def test_a_forest_of_numbers_predicts_what_scikit_learn_predicts():
    matrix, values = _inputs()
    model = RandomForestRegressor(12, min_samples_leaf=2, max_features="sqrt", random_state=1).fit(matrix, values)
    ours = Forest.of([tree.tree_ for tree in model.estimators_], np.arange(6))
    np.testing.assert_allclose(ours.predict(matrix)[:, 0], model.predict(matrix), rtol=1e-6)
    for found, expected in zip(ours.leaves(matrix).T, model.apply(matrix).T, strict=True):
        assert len(set(zip(found, expected, strict=True))) == len(set(found)) == len(set(expected))


def test_a_forest_of_categories_gives_scikit_learn_s_shares_on_any_columns():
    matrix, values = _inputs()
    classes = np.digitize(values, np.quantile(values, [0.2, 0.5, 0.9]))
    model = RandomForestClassifier(12, min_samples_leaf=3, random_state=1).fit(matrix[:, [4, 0, 2]], classes)
    ours = Forest.of([tree.tree_ for tree in model.estimators_], np.array([4, 0, 2]))
    np.testing.assert_allclose(ours.predict(matrix), model.predict_proba(matrix[:, [4, 0, 2]]), atol=1e-6)


def test_the_nodes_of_a_tree_that_is_one_leaf_and_infinite_inputs():
    model = RandomForestRegressor(2, min_samples_leaf=9).fit(np.zeros((9, 1)), np.full(9, 2.5))
    ours = Forest.of([tree.tree_ for tree in model.estimators_], np.arange(1))
    assert ours.feature.tolist() == [-1, -1]
    assert ours.predict(np.array([[np.inf], [-np.inf], [1e30]], np.float32)).tolist() == [[2.5]] * 3
    assert ours.predict(np.empty((0, 1), np.float32)).shape == (0, 1)


def test_how_rows_are_split_changes_no_bit(monkeypatch):
    whole = fitted().imputer.apply(table()[1])
    monkeypatch.setattr(forests, "_PAIRS", 7)
    for rows in ([slice(n, n + 1) for n in range(40)], [slice(0, 40)]):
        parts = [fitted().imputer.apply(Columns(table()[1].numbers[r], table()[1].codes[r])) for r in rows]
        np.testing.assert_array_equal(np.vstack([part.numbers for part in parts]), whole.numbers[:40])
        np.testing.assert_array_equal(np.vstack([part.codes for part in parts]), whole.codes[:40])


def test_the_rounds_are_the_paper_s_steps():
    """The same with scikit-learn alone: fewest gaps first, grown where there is a value, filled before the next."""
    columns = table()[1]
    missing = np.hstack([np.isnan(columns.numbers), columns.codes == MISSING])
    values = np.hstack([columns.numbers, np.where(columns.codes == MISSING, np.nan, columns.codes)])
    start = [*np.nanmean(columns.numbers, axis=0), *(np.bincount(c[c >= 0]).argmax() for c in columns.codes.T)]
    filled = np.where(missing, start, values)
    for _ in range(SETTINGS.rounds):
        for column in (4, 0, 2, 3, 1):
            others, there = np.delete(filled, column, axis=1), ~missing[:, column]
            kind = RandomForestClassifier if column > 2 else RandomForestRegressor
            model = kind(6, min_samples_leaf=5, max_features="sqrt", random_state=1)
            model.fit(others[there], values[there, column])
            if not there.all():
                filled[~there, column] = model.predict(others[~there])
    ours = fitted().imputer.apply(columns)
    same = np.isclose(ours.numbers, filled[:, :3], rtol=1e-5, atol=1e-5)
    assert same[missing[:, :3]].mean() > 0.98  # leaves as float32 may take a row to the other side of a split
    assert (ours.codes == filled[:, 3:])[missing[:, 3:]].mean() > 0.98
    assert (fitted().rounds, len(fitted().differences)) == (2, 2)


@pytest.mark.parametrize(
    ("before", "now", "stops"),
    [
        ((0.5, 0.5), (0.6, 0.6), True),  # both kinds rise
        ((0.5, 0.5), (0.6, 0.4), False),  # one still falls
        ((0.5, 0.5), (0.4, 0.6), False),
        ((0.5, None), (0.6, None), True),  # there is one kind only
        ((None, 0.5), (None, 0.4), False),
        ((0.5, 0.0), (0.6, 0.0), True),  # a difference that stays does not fall
        ((0.0, 0.0), (0.0, 0.0), True),
        ((None, None), (None, None), True),  # no gaps
    ],
)
def test_the_stopping_rule(before, now, stops):
    assert Difference(*now).rises(Difference(*before)) is stops


def test_a_round_s_difference_by_hand():
    before = Columns(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0], [1]], np.int32))
    after = Columns(np.array([[1.0, 5.0], [3.0, 4.0]]), np.array([[0], [0]], np.int32))
    missing = np.array([[False, True, True], [False, False, True]])
    assert difference(before, after, missing) == Difference(9 / (1 + 25 + 9 + 16), 0.5)
    assert difference(before, after, missing & [True, True, False]).categorical is None
    assert difference(before, after, missing & [False, False, True]).continuous is None


def test_the_round_before_the_rise_is_kept(monkeypatch):
    expected = fitted().imputer  # before its differences are made up
    falls = iter([Difference(0.5, 0.5), Difference(0.2, 0.6), Difference(0.3, 0.7), Difference(0.0, 0.0)])
    monkeypatch.setattr(missforest_fit, "difference", lambda *_: next(falls))
    more = SETTINGS.model_copy(update={"rounds": 9})
    found = fit_missforest(table()[1], more, seed=1)
    assert (found.rounds, len(found.differences), len(found.imputer.forests)) == (2, 3, 10)
    _same(found.imputer, expected)


def test_hidden_values_are_found_better_than_by_mean_and_mode():
    whole, gapped = table()
    absent = np.isnan(gapped.numbers[:, :2])
    found, simple = fitted().imputer.apply(gapped), MeanMode.fit(gapped).apply(gapped)
    for column in (0, 1):
        rows, scale = absent[:, column], whole.numbers[:, column].std()
        errors = [(np.abs(c.numbers - whole.numbers)[rows, column] / scale).mean() for c in (found, simple)]
        assert errors[0] < 0.5 * errors[1]
    wrong = [(c.codes != whole.codes)[:, 0].sum() for c in (found, simple)]
    assert wrong[0] < 0.5 * wrong[1]
    assert fitted().errors[0] < 0.5  # out of bag, the mean would have 1
    assert fitted().errors[2] == pytest.approx(1.0, abs=0.15)  # depends on nothing


def test_the_same_rows_give_the_same_bytes_and_arrays_are_the_imputer():
    _same(fit_missforest(table()[1], SETTINGS, seed=1).imputer, fitted().imputer)
    again = MissForest.from_arrays(fitted().imputer.arrays())
    _same(again, fitted().imputer)
    np.testing.assert_array_equal(again.apply(table()[1]).numbers, fitted().imputer.apply(table()[1]).numbers)
    assert all(array.dtype.kind in "if" for array in again.arrays().values())


def _same(one, other):
    one, other = one.arrays(), other.arrays()
    assert list(one) == list(other)
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name])


def test_an_unseen_category_stays_and_is_looked_at_as_the_most_frequent_one():
    numbers = np.array([[np.nan, np.nan, 0.0], [np.nan, np.nan, 0.0], [np.nan, 2.0, 0.0]])
    mode = int(fitted().imputer.start.modes[0])
    found = fitted().imputer.apply(Columns(numbers, np.array([[UNSEEN, 0], [mode, 0], [UNSEEN, UNSEEN]], np.int32)))
    assert found.codes.tolist() == [[UNSEEN, 0], [mode, 0], [UNSEEN, UNSEEN]]
    np.testing.assert_array_equal(found.numbers[0], found.numbers[1])


def test_a_column_without_any_value_and_one_without_gaps_in_training():
    gapped = table()[1]
    columns = Columns(
        np.hstack([gapped.numbers, np.full((400, 1), np.nan)]),
        np.hstack([gapped.codes, np.full((400, 1), MISSING, np.int32)]),
    )
    fit = fit_missforest(columns, SETTINGS, seed=1)
    found = fit.imputer.apply(columns)
    assert (found.numbers[:, 3] == 0).all()
    assert (found.codes[:, 2] == UNSEEN).all()
    assert sorted(fit.errors) == [0, 1, 2, 4, 5]
    assert fit.errors[0] < 0.5
    late = fit.imputer.apply(Columns(columns.numbers[:1], np.full((1, 3), MISSING, np.int32)))
    assert late.codes[0, 1] in (0, 1)  # whole in training, missing later


@pytest.mark.parametrize("kinds", [(2, 0), (0, 2), (1, 0), (0, 1)])
def test_tables_of_one_kind_without_rows_and_of_one_row(kinds):
    gapped = table()[1]
    columns = Columns(gapped.numbers[:60, : kinds[0]], gapped.codes[:60, : kinds[1]])
    imputer = fit_missforest(columns, SETTINGS, seed=1).imputer
    filled = MissForest.from_arrays(imputer.arrays()).apply(columns)
    assert np.isfinite(filled.numbers).all()
    assert (filled.codes >= 0).all()
    nothing = imputer.apply(Columns(columns.numbers[:0], columns.codes[:0]))
    assert (nothing.numbers.shape, nothing.codes.shape) == ((0, kinds[0]), (0, kinds[1]))
    one = fit_missforest(Columns(columns.numbers[:1], columns.codes[:1]), SETTINGS, seed=1).imputer.apply(columns)
    assert np.isfinite(one.numbers).all()


@pytest.mark.parametrize("kinds", [(1, 0), (0, 1)])
def test_a_column_alone_is_filled_by_its_mean_or_mode(kinds):
    columns = Columns(table()[1].numbers[:60, : kinds[0]], table()[1].codes[:60, : kinds[1]])
    fit = fit_missforest(columns, SETTINGS, seed=1)
    assert (len(fit.imputer.forests), fit.errors, fit.rounds) == (0, {}, 1)
    assert errors_on(fit.imputer, columns) == {}
    filled, simple = fit.imputer.apply(columns), MeanMode.fit(columns).apply(columns)
    assert filled.numbers.tolist() == simple.numbers.tolist()
    assert filled.codes.tolist() == simple.codes.tolist()


def test_without_any_value_there_is_no_forest():
    columns = Columns(np.full((3, 1), np.nan), np.full((3, 1), MISSING, np.int32))
    fit = fit_missforest(columns, SETTINGS, seed=1)
    assert (len(fit.imputer.forests), fit.errors) == (0, {})
    filled = MissForest.from_arrays(fit.imputer.arrays()).apply(columns)
    assert (filled.numbers.tolist(), filled.codes.tolist()) == ([[0.0]] * 3, [[UNSEEN]] * 3)


def test_infinite_and_huge_numbers():
    numbers = table()[1].numbers[:80].copy()
    numbers[0, :] = [np.inf, 1e30, -1e300]
    columns = Columns(numbers, table()[1].codes[:80])
    filled = fit_missforest(columns, SETTINGS, seed=1).imputer.apply(columns)
    assert np.isfinite(filled.numbers).all()
    assert filled.numbers[0, 1:].tolist() == [1e30, -1e300]
    assert np.isfinite(fitted().imputer.apply(columns).numbers).all()


def test_what_is_reported_of_each_feature_by_hand():
    features = FeatureSet(
        (Feature("KVP", "KVP", 0, (), 1.0, 3.0), Feature("EchoTime", "EchoTime", 0, (), 5.0, 5.0)),
        (Feature("PatientSex", "PatientSex", -1, ("F", "M"), 0.0, 0.0), Feature("Grid", "Grid", -1, ("A",), 0.0, 0.0)),
    )
    columns = Columns(
        np.array([[1.0, 5.0], [3.0, 5.0], [np.nan, 5.0], [2.0, np.nan]]),
        np.array([[0, MISSING], [1, MISSING], [1, MISSING], [1, MISSING]], np.int32),
    )
    assert [tuple(row) for row in imputations(columns, features, {0: 0.25, 1: 0.0, 2: 0.5}, {0: 0.3})] == [
        ("KVP", "continuous", 0.25, 0.25, 0.3, 1.0, 0.7),
        ("EchoTime", "continuous", 0.25, 0.0, None, 0.0, None),
        ("PatientSex", "categorical", 0.0, 0.5, None, 0.25, -1.0),
        ("Grid", "categorical", 1.0, None, None, None, None),
    ]
    assert all(row.oob_error is None for row in imputations(columns, features, {}, {}))


def test_errors_on_other_rows_are_those_of_predictions_without_the_value():
    whole, gapped = table()
    imputer = fitted().imputer
    found = errors_on(imputer, whole)
    assert sorted(found) == [0, 1, 2, 3, 4]
    last = {forest.column: forest for forest in imputer.forests}
    matrix = np.hstack([whole.numbers, whole.codes]).astype(np.float32)
    matrix[:, 3] = 9  # what a forest is asked for it does not look at
    assert found[3] == (last[3].predict(matrix) != whole.codes[:, 0]).mean()
    matrix[:, 3], matrix[:, 0] = whole.codes[:, 0], np.inf
    error = last[0].predict(matrix) - whole.numbers[:, 0]
    assert found[0] == pytest.approx(error.std() / whole.numbers[:, 0].std(), rel=0.02)
    assert errors_on(imputer, Columns(gapped.numbers[:0], gapped.codes[:0])) == {}
    assert 4 not in errors_on(imputer, Columns(gapped.numbers, np.full((400, 2), UNSEEN, np.int32)))


def test_of_equal_numbers_no_error_is_known():
    whole = table()[0]
    once = np.where(np.arange(400)[:, None] == 7, whole.numbers, np.nan)
    assert sorted(errors_on(fitted().imputer, Columns(once, whole.codes))) == [3, 4]
    equal = np.stack([np.full(400, 0.3), *whole.numbers.T[1:]], axis=1)
    assert sorted(errors_on(fitted().imputer, Columns(equal, whole.codes))) == [1, 2, 3, 4]


def test_applying_needs_no_scikit_learn():
    code = "import sys, radnet_spark.tags.missforest; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_authors_values_are_a_named_setting():
    tags = load_config(["missforest_authors.yml"]).tags
    assert (tags.imputation, tags.missforest.trees, tags.missforest.rounds, tags.seed) == ("missforest", 256, 10, 1)
