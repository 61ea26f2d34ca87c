"""PCA against scikit-learn and against a hand calculation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.decomposition import PCA

from radnet_spark.errors import StageError
from radnet_spark.training.pca import Projection, fit_pca, possible_components

ROWS = (np.random.default_rng(5).normal(size=(60, 8)) * np.arange(8, 0, -1)).astype(np.float32)


@pytest.mark.parametrize("solver", ["full", "arpack", "randomized"])
def test_equals_scikit_learn_up_to_sign(solver: str) -> None:
    theirs = PCA(4, svd_solver="full").fit(ROWS)
    ours = fit_pca(ROWS, 4, solver, seed=1)
    np.testing.assert_allclose(np.abs(ours.apply(ROWS)), np.abs(theirs.transform(ROWS)), atol=2e-3)
    np.testing.assert_allclose(ours.explained_ratio, theirs.explained_variance_ratio_, rtol=1e-4)


def test_two_points_by_hand() -> None:
    # the only direction of (0, 0) and (3, -4) is (3, -4) / 5, turned so that its greatest entry is positive
    fitted = fit_pca(np.array([[0, 0], [3, -4]], np.float32), 1, "full", seed=0)
    np.testing.assert_allclose(fitted.components, [[-0.6, 0.8]], atol=1e-6)
    np.testing.assert_allclose(fitted.apply(np.array([[3, -4], [1.5, -2]], np.float32)), [[-2.5], [0]], atol=1e-6)


@pytest.mark.parametrize("solver", ["full", "arpack", "randomized"])
def test_same_seed_same_signs_whatever_the_sample_order(solver: str) -> None:
    first, second = fit_pca(ROWS, 3, solver, seed=1), fit_pca(ROWS[::-1], 3, solver, seed=1)
    np.testing.assert_allclose(first.components, second.components, atol=1e-4)
    assert np.array_equal(first.components, fit_pca(ROWS, 3, solver, seed=1).components)


@pytest.mark.parametrize(
    ("shape", "solver", "expected"),
    [
        ((5, 8), "full", 4),
        ((60, 8), "full", 8),
        ((60, 8), "arpack", 7),
        ((5, 8), "arpack", 4),
        ((5, 8), "randomized", 4),
    ],
)
def test_components_are_clipped_to_what_the_sample_allows(shape: tuple[int, int], solver: str, expected: int) -> None:
    assert len(fit_pca(ROWS[: shape[0]], 500, solver, seed=1).components) == expected


def test_one_row_has_no_component() -> None:
    assert possible_components(1, 8) == 0
    with pytest.raises(StageError, match="too few"):
        fit_pca(ROWS[:1], 1, "full", seed=1)


def test_saved_and_loaded_is_the_same(tmp_path: Path) -> None:
    fitted = fit_pca(ROWS, 3, "full", seed=1)
    fitted.save(tmp_path / "pca.npz")
    assert np.array_equal(Projection.load(tmp_path / "pca.npz").apply(ROWS), fitted.apply(ROWS))
    with pytest.raises(StageError, match=r"expected \(n, 8\)"):
        fitted.apply(ROWS[:, :5])


SPARSE = (np.random.default_rng(6).random((80, 40)) * (np.random.default_rng(7).random((80, 40)) < 0.15)).astype("f4")


@pytest.mark.parametrize("solver", ["full", "arpack", "randomized"])
@pytest.mark.parametrize("shape", [(80, 40), (25, 40)])
def test_a_sparse_matrix_gives_what_the_dense_one_gives(solver: str, shape: tuple[int, int]) -> None:
    rows = SPARSE[: shape[0], : shape[1]]
    theirs = PCA(6, svd_solver="full").fit(rows)
    ours = fit_pca(csr_matrix(rows), 6, solver, seed=1)
    np.testing.assert_allclose(ours.mean, theirs.mean_, atol=1e-6)
    np.testing.assert_allclose(ours.explained_ratio, theirs.explained_variance_ratio_, rtol=2e-3)
    np.testing.assert_allclose(np.abs(ours.apply(rows)), np.abs(theirs.transform(rows)), atol=2e-2)
    np.testing.assert_allclose(ours.components @ ours.components.T, np.eye(6), atol=1e-5)


@pytest.mark.parametrize("solver", ["full", "arpack", "randomized"])
def test_a_wide_sparse_matrix_is_never_made_dense(solver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = csr_matrix(SPARSE)
    largest = []
    whole = csr_matrix.toarray

    def watched(matrix: csr_matrix, *args: object, **options: object) -> np.ndarray:
        largest.append(matrix.shape)
        return np.asarray(whole(matrix))

    monkeypatch.setattr(csr_matrix, "toarray", watched)
    monkeypatch.setattr(csr_matrix, "todense", None)
    fit_pca(wide, 6, solver, seed=1)
    assert all(shape == (40, 40) for shape in largest)  # the covariance of LAPACK


def test_restored_rows_are_those_of_scikit_learn() -> None:
    ours, theirs = fit_pca(ROWS, 3, "full", seed=1), PCA(3).fit(ROWS)
    np.testing.assert_allclose(
        ours.restore(ours.apply(ROWS)), theirs.inverse_transform(theirs.transform(ROWS)), atol=1e-4
    )
