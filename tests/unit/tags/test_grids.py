"""The tag grids: how many cells, what they hold, and what fitting one of them gives."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from radnet_spark.config import load_config, load_rules
from radnet_spark.errors import UsageError
from radnet_spark.lake.cells import CellSkipped
from radnet_spark.tags.autoencoder import Options, TagAutoencoder, TrainingPlan, seeded, train
from radnet_spark.tags.fitting import fit_cell, fit_reduction
from radnet_spark.tags.grids import shapes, tag_cells
from radnet_spark.tags.reduction import load_reduction
from radnet_spark.tags.sample import EncodedSample, load_sample
from radnet_spark.training.loop import TrainingError

GRIDS = load_rules("tag_grids.yml")
RANDOM = np.random.default_rng(5)
DENSE = (RANDOM.random((120, 30)) * (RANDOM.random((120, 30)) < 0.2)).astype(np.float32)
SAMPLE = EncodedSample(csr_matrix(DENSE[:100]), csr_matrix(DENSE[100:]), np.array([f"1.{i}" for i in range(20)]))
SMALL = {"model": "ae", "layers": [20, 12, 8], "bottleneck": 3, "learning_rate": 0.01, "batch_size": 16, "epochs": 4,
         "patience_epochs": 5, "activation": "relu", "batch_norm": False, "dropout": 0.0}  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Small products gain nothing from more, and wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    torch.set_num_threads(before)


def _cells(*settings):
    return tag_cells(load_config([], settings).tags, ["code"])


def test_the_paper_s_shapes_are_counted_as_in_the_paper():
    block = GRIDS["paper"][0]
    assert len(shapes({name: block[name] for name in ("first", "second", "third")})) == 106
    assert len(shapes(block)) == 379
    assert all(list(sizes) == sorted(set(sizes), reverse=True) for sizes in shapes(block))


def test_the_grids_have_as_many_cells_as_they_say():
    assert len(_cells("tags.grid=paper")) == 379 * 3 + 15
    for name in ("default", "options"):
        assert len(_cells(f"tags.grid={name}")) == 12
    assert len(_cells()) == 1
    assert len({cell.cell_id for cell in _cells("tags.grid=paper")}) == 1152


def test_the_paper_s_choice_is_a_cell_of_each_grid():
    for name in ("default", "paper"):
        found = [cell.settings for cell in _cells(f"tags.grid={name}")]
        assert {"model": "pca", "components": 50, "solver": "arpack"} in found
        assert any(s["model"] == "ae" and s["bottleneck"] == 32 and s["learning_rate"] == 0.001 for s in found)


def test_a_cell_holds_all_that_decides_it():
    (cell,) = _cells("tags.autoencoder.epochs=7", "tags.seed=3")
    assert cell.seed == 3
    assert (cell.settings["epochs"], cell.settings["layers"], cell.settings["bottleneck"]) == (7, [300, 150, 75], 32)
    assert cell.cell_id != _cells("tags.seed=3")[0].cell_id
    assert _cells("tags.model=pca")[0].settings == {"model": "pca", "components": 50, "solver": "arpack"}


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ("x: [{model: ae, bottlneck: [3], seeds: [1]}]", "bottlneck"),
        ("x: [{model: vae, seeds: [1]}]", "found model vae"),
        ("y: []", "expected none or one of y"),
        ("", "file of NoneType"),
        ("x: [", "can't be read as YAML"),
        ("x: []", r"found x: \[\], expected a list of blocks"),
        ("x: {model: ae, seeds: [1]}", "expected a list of blocks"),
        ("x: [ae]", "found 'ae', expected a block"),
        ("x: [{model: ae}]", "found no seeds"),
        ("x: [{model: [ae], seeds: [1]}]", "expected one name"),
        ("x: [{model: ae, seeds: 1}]", "found seeds: 1, expected a list"),
        ("x: [{model: ae, seeds: [-1]}]", "expected integers from 0"),
        ("x: [{model: ae, bottleneck: 32, seeds: [1]}]", "found bottleneck: 32, expected a list"),
        ("x: [{model: ae, bottleneck: [], seeds: [1]}]", "at least one value"),
        ("x: [{model: ae, activation: [leakyrelu], seeds: [1]}]", "tags.autoencoder.activation: found 'leakyrelu'"),
        ("x: [{model: ae, epochs: [5, 0], seeds: [1]}]", "tags.autoencoder.epochs: found 0; input should be greater"),
        ("x: [{model: ae, learning_rate: [fast], seeds: [1]}]", "tags.autoencoder.learning_rate: found 'fast'"),
        ("x: [{model: ae, bottleneck: [90], seeds: [1]}]", "expected decreasing widths"),
        ("x: [{model: ae, first: [20], second: [30], seeds: [1]}]", r"first \[20\], second \[30\], bottleneck \[32\]"),
        ("x: [{model: ae, first: [wide], seeds: [1]}]", r"first: \['wide'\], expected integers"),
        ("x: [{model: pca, components: [-3], seeds: [1]}]", "tags.pca.components: found -3"),
        ("x: [{model: pca, first: [20], seeds: [1]}]", "found first"),
    ],
)
def test_a_wrong_grid_is_said(grid, message, tmp_path):
    (tmp_path / "grids.yml").write_text(grid)
    with pytest.raises(UsageError, match=message):
        _cells("tags.grid=x", f"tags.grids={tmp_path}/grids.yml")


def test_values_of_a_grid_are_read_as_settings_are(tmp_path):
    (tmp_path / "grids.yml").write_text(
        "x: [{model: ae, second: [70], third: [40], learning_rate: [1e-3], seeds: [1]}]"
    )
    (cell,) = _cells("tags.grid=x", f"tags.grids={tmp_path}/grids.yml")
    assert cell.settings["learning_rate"] == 0.001  # YAML takes 1e-3 for a word
    assert (cell.settings["layers"], cell.settings["bottleneck"]) == ([70, 40], 32)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_options_keep_the_shapes(activation, batch_norm, dropout):
    model = TagAutoencoder(30, [20, 12, 8], 3, Options(activation, batch_norm, dropout)).eval()
    kinds = [type(step) for step in model.encoder]
    between = [torch.nn.Linear]
    between += [torch.nn.BatchNorm1d] if batch_norm else []
    between += [torch.nn.LeakyReLU if activation == "leaky_relu" else torch.nn.ReLU]
    between += [torch.nn.Dropout] if dropout else []
    assert kinds == [*between * 3, torch.nn.Linear]
    rows = torch.rand(5, 30)
    assert model.encoder(rows).shape == (5, 3)
    out = model(rows)
    assert out.shape == rows.shape
    assert 0 <= float(out.detach().min()) <= float(out.detach().max()) <= 1


def test_sparse_and_dense_rows_train_to_the_same_weights():
    plan = TrainingPlan(0.01, 16, 2, 5, seed=1)
    models = [seeded(30, [20, 12, 8], 3, seed=1) for _ in range(2)]
    for model, (rows, watched) in zip(
        models, ((DENSE[:100], DENSE[100:]), (SAMPLE.train, SAMPLE.watched)), strict=True
    ):
        train(model, rows, watched, plan)
    for a, b in zip(*(model.state_dict().values() for model in models), strict=True):
        assert torch.equal(a, b)


def test_batch_normalisation_never_meets_one_row_alone():
    plan = TrainingPlan(0.01, 33, 1, 5, seed=1)  # 100 = 3 * 33 + 1
    model = seeded(30, [20, 12, 8], 3, 1, Options(batch_norm=True))
    assert np.isfinite(train(model, SAMPLE.train, SAMPLE.watched, plan).best_loss)
    with pytest.raises(TrainingError, match="two training rows"):
        train(seeded(30, [20, 12, 8], 3, 1, Options(batch_norm=True)), DENSE[:1], DENSE[:5], plan)


def test_a_cell_leaves_the_reduction_that_its_settings_give(tmp_path):
    SAMPLE.save(tmp_path)
    read = load_sample(str(tmp_path))
    assert (read.train != SAMPLE.train).nnz == (read.watched != SAMPLE.watched).nnz == 0
    assert read.watched_uids.tolist() == SAMPLE.watched_uids.tolist()
    asked = {"settings": SMALL, "seed": 2, "sample": str(tmp_path), "folder": str(tmp_path / "cells" / "c")}
    metrics = fit_cell(json.dumps(asked))
    fitted = fit_reduction(SMALL, 2, SAMPLE)
    assert metrics["loss"] == pytest.approx(fitted.metrics["loss"], rel=1e-4)
    found = load_reduction(tmp_path / "cells" / "c", 30)
    np.testing.assert_allclose(found.apply(DENSE), fitted.reduction.apply(DENSE), atol=1e-4)
    network = fitted.reduction.network
    restored = network(torch.from_numpy(DENSE[100:])).detach().numpy()
    assert metrics["loss"] == pytest.approx(float(((restored - DENSE[100:]) ** 2).mean()), rel=1e-3)


@pytest.mark.parametrize("solver", ["full", "arpack", "randomized"])
def test_a_pca_cell_is_scikit_learn_s(solver):
    settings = {"model": "pca", "components": 5, "solver": solver}
    fitted = fit_reduction(settings, 1, SAMPLE)
    theirs = PCA(5, svd_solver="full").fit(DENSE[:100])
    restored = theirs.inverse_transform(theirs.transform(DENSE[100:]))
    assert fitted.metrics["loss"] == pytest.approx(float(((restored - DENSE[100:]) ** 2).mean()), rel=1e-3)
    assert fitted.metrics["explained"] == pytest.approx(theirs.explained_variance_ratio_.sum(), rel=1e-4)


def test_more_components_than_there_can_be_are_skipped():
    with pytest.raises(CellSkipped, match="64 components: 100 rows of 30 values allow 30"):
        fit_reduction({"model": "pca", "components": 64, "solver": "full"}, 1, SAMPLE)
