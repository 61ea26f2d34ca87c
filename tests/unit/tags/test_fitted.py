"""Imputation and encoding against scikit-learn, the autoencoder and the embedder."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder

from radnet_spark.config import load_config
from radnet_spark.errors import UsageError
from radnet_spark.tags.autoencoder import TagAutoencoder, seeded
from radnet_spark.tags.columns import MISSING, UNSEEN, Columns, Feature, FeatureSet
from radnet_spark.tags.embedder import TagEmbedder
from radnet_spark.tags.encoding import Encoder
from radnet_spark.tags.fitting import fit_reduction, fit_tags
from radnet_spark.tags.grids import tag_cells
from radnet_spark.tags.imputation import MeanMode
from radnet_spark.tags.missforest import MissForest
from radnet_spark.tags.preparation import TagPolicy, flatten
from radnet_spark.tags.selection import Statistics, select

POLICY = TagPolicy.load(include_modality_tags=False)
RANDOM = np.random.default_rng(7)
TRAIN = [
    {"KVP": str(RANDOM.choice([80, 100, 120])), "EchoTime": f"{RANDOM.normal(50, 9):.3f}",
     "Manufacturer": str(RANDOM.choice(["A", "B", "C"])), "PatientSex": str(RANDOM.choice(["M", "F"]))}
    for _ in range(60)
]  # fmt: skip
for number in RANDOM.choice(60, 20, replace=False):
    TRAIN[number].pop(RANDOM.choice(["KVP", "EchoTime", "Manufacturer"]))


def _features(rows):
    statistics = Statistics()
    for tags in rows:
        statistics.add(flatten(tags, POLICY))
    return FeatureSet.of(select(statistics, POLICY, 0.2, 2, 50))


FEATURES = _features(TRAIN)
COLUMNS = FEATURES.columns(TRAIN, POLICY)


def test_columns_hold_numbers_and_codes():
    assert [f.source for f in FEATURES.continuous] == ["EchoTime", "KVP"]
    assert [f.categories for f in FEATURES.categorical] == [("A", "B", "C"), ("F", "M")]
    read = FEATURES.columns([{"KVP": "x", "Manufacturer": "Z"}, {"KVP": "90", "PatientSex": "M"}], POLICY)
    np.testing.assert_array_equal(read.numbers, [[np.nan, np.nan], [np.nan, 90.0]])
    np.testing.assert_array_equal(read.codes, [[UNSEEN, MISSING], [MISSING, 1]])


def test_mean_and_mode_are_those_of_scikit_learn():
    filled = MeanMode.fit(COLUMNS).apply(COLUMNS)
    np.testing.assert_allclose(filled.numbers, SimpleImputer(strategy="mean").fit_transform(COLUMNS.numbers))
    modes = SimpleImputer(strategy="most_frequent", missing_values=MISSING).fit_transform(COLUMNS.codes)
    np.testing.assert_array_equal(filled.codes, modes)


def test_an_imputer_is_its_arrays_and_survives_empty_columns():
    empty = Columns(np.full((3, 1), np.nan), np.full((3, 1), MISSING, np.int32))
    imputer = MeanMode.from_arrays(MeanMode.fit(empty).arrays())
    np.testing.assert_array_equal(imputer.apply(empty).numbers, np.zeros((3, 1)))
    np.testing.assert_array_equal(imputer.apply(empty).codes, np.full((3, 1), UNSEEN))


def test_encoding_is_that_of_scikit_learn():
    filled = MeanMode.fit(COLUMNS).apply(COLUMNS)
    scaler = MinMaxScaler(clip=True).fit(filled.numbers)
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(filled.codes)
    new = Columns(np.array([[1e6, -5.0], [50.0, 100.0]]), np.array([[UNSEEN, 1], [2, 0]], np.int32))
    for columns in (filled, new):
        expected = np.hstack([scaler.transform(columns.numbers), one_hot.transform(columns.codes)])
        np.testing.assert_allclose(Encoder(FEATURES).encode(columns), expected, atol=1e-6)


def test_decoding_is_the_inverse_and_the_layout_names_each_column():
    filled, encoder = MeanMode.fit(COLUMNS).apply(COLUMNS), Encoder(FEATURES)
    back = encoder.decode(encoder.encode(filled))
    np.testing.assert_allclose(back.numbers, filled.numbers, atol=1e-3)
    np.testing.assert_array_equal(back.codes, filled.codes)
    layout = encoder.layout()
    assert [item.feature for item in layout][:3] == ["EchoTime", "KVP", "Manufacturer=A"]
    assert [item.position for item in layout] == list(range(encoder.width))


def test_a_constant_is_encoded_as_zero():
    constant = FeatureSet((Feature("KVP", "KVP", 0, (), 5.0, 5.0),), ())
    columns = Columns(np.array([[5.0], [9.0]]), np.empty((2, 0), np.int32))
    assert Encoder(constant).encode(columns).tolist() == [[0], [0]]


def test_the_autoencoder_has_the_paper_s_shape():
    model = TagAutoencoder(90, [300, 150, 75], 32)
    assert [tuple(p.shape) for n, p in model.encoder.named_parameters() if n.endswith("weight")] == [
        (300, 90), (150, 300), (75, 150), (32, 75)]  # fmt: skip
    out = model(torch.rand(5, 90))
    assert out.shape == (5, 90)
    assert float(out.detach().min()) >= 0
    assert float(out.detach().max()) <= 1
    with pytest.raises(UsageError, match="decreasing"):
        TagAutoencoder(90, [100, 150, 75], 32)
    with pytest.raises(UsageError, match="decreasing"):
        TagAutoencoder(90, [300, 150, 75], 75)


def test_first_weights_are_the_seed_s():
    a, b = (seeded(5, [4, 3, 2], 1, 9).state_dict() for _ in range(2))
    assert all(torch.equal(a[name], b[name]) for name in a)


def _fit(rows, *settings):
    """A whole fit without Spark: (embedder, history, notes)."""
    chosen = load_config(["demo.yml"], settings).tags
    nothing = Columns(np.empty((0, 2)), np.empty((0, 2), np.int32))
    fit = fit_tags(rows, nothing, FEATURES, POLICY, chosen)
    (cell,) = tag_cells(chosen, [])
    fitted = fit_reduction(cell.settings, cell.seed, fit.sample)
    return fit.embedder(fitted.reduction), fitted, fit.notes


@pytest.fixture(scope="module")
def fitted():
    return _fit(COLUMNS, "tags.autoencoder.epochs=3")


def test_training_lowers_the_loss_and_says_what_stood_in_for_validation(fitted):
    _, reduced, notes = fitted
    losses = [entry["validation_loss"] for entry in reduced.history]
    assert min(losses) == reduced.metrics["loss"] < losses[0] or len(losses) == 1
    assert any("no validation rows" in note for note in notes)


BAD = [
    {}, {"KVP": ""}, {"KVP": "nan", "EchoTime": "inf"}, {"KVP": "1e30"}, {"EchoTime": "-1e30"}, {"KVP": "text"},
    {"Modality": "ZZ", "Manufacturer": "never seen"}, {"KVP": "\\\\"}, {"PatientSex": "\x00"}, {"New": "1"},
]  # fmt: skip


def test_bad_values_become_finite_vectors(fitted):
    vectors = fitted[0].embed(BAD)
    assert vectors.shape == (len(BAD), 32)
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(vectors[[1, 2, 3, 4, 5, 7, 8, 9]], np.tile(vectors[0], (8, 1)), atol=1e-6)
    assert not np.allclose(vectors[6], vectors[0])


@pytest.mark.parametrize("model", ["ae", "pca"])
def test_a_saved_embedder_gives_the_same(model, tmp_path):
    embedder, _, _ = _fit(
        COLUMNS, f"tags.model={model}", "tags.pca.components=4", "tags.autoencoder.epochs=1",
        "tags.autoencoder.batch_norm=true", "tags.autoencoder.activation=leaky_relu", "tags.autoencoder.dropout=0.5",
    )  # fmt: skip
    embedder.save(tmp_path)
    loaded = TagEmbedder.load(tmp_path)
    assert isinstance(loaded.imputer, MissForest)
    np.testing.assert_array_equal(loaded.embed(TRAIN), embedder.embed(TRAIN))
    assert loaded.policy == POLICY
    assert loaded.features == FEATURES
    assert loaded.dimensions == {"ae": 32, "pca": 4}[model]
    assert loaded.embed([]).shape == (0, loaded.dimensions)
    weights = {"ae": "autoencoder.safetensors", "pca": "pca.npz"}[model]
    assert {path.name for path in tmp_path.iterdir()} == {weights, "imputer.npz", "reduction.json", "tags.json"}


def test_mean_and_mode_are_a_setting(tmp_path):
    embedder, _, _ = _fit(COLUMNS, "tags.autoencoder.epochs=1", "tags.imputation=mean_mode")
    embedder.save(tmp_path)
    loaded = TagEmbedder.load(tmp_path)
    assert isinstance(loaded.imputer, MeanMode)
    np.testing.assert_array_equal(loaded.encode(TRAIN), embedder.encode(TRAIN))
    settings = load_config(["demo.yml"], ["tags.imputation=mean_mode"]).tags
    fit = fit_tags(COLUMNS, COLUMNS, FEATURES, POLICY, settings)
    assert fit.missforest is None
    assert [row.tag for row in fit.imputation] == ["EchoTime", "KVP", "Manufacturer", "PatientSex"]


def test_one_row_is_enough():
    one = Columns(COLUMNS.numbers[:1], COLUMNS.codes[:1])
    assert np.isfinite(_fit(one, "tags.autoencoder.epochs=1")[0].embed(TRAIN[:2])).all()
