"""The annotator's diagnosis source, whatever model of texts was fitted."""

import numpy as np
import pytest
from text_samples import tokenized

from radnet_spark.annotator.embedders import Known, load_embedder
from radnet_spark.config import load_config
from radnet_spark.errors import StageError
from radnet_spark.text.embedder import TextEmbedder
from radnet_spark.text.fitting import fit_model
from radnet_spark.text.stemming import TextRules, stems
from radnet_spark.text.word_means import SparkOnly, WordMeans

TEXTS = ["Pluća bez infiltrata.", "Srce uredno, pluća čista.", "Prijelom kosti, srce uredno."]
ASKED = [Known(diagnosis=TEXTS[1]), Known(), Known(diagnosis="Nepoznato."), Known(diagnosis=TEXTS[0])]


def fitted(name):
    config = load_config([], [f"text.embedding={name}", "text.min_count=1", "text.vector_size=6", "text.epochs=2"])
    rules = TextRules.of(config.text)
    return TextEmbedder(rules, True, fit_model(tokenized([stems(text, rules) for text in TEXTS]), config.text))


def from_folder(embedder, folder):
    """Moved once more, as when a model is registered."""
    (folder / "fit").mkdir()
    (folder / "model").mkdir()
    embedder.save(folder / "fit")
    load_embedder("diagnosis", folder / "fit").save(folder / "model")
    return load_embedder("diagnosis", folder / "model")


@pytest.mark.parametrize("name", ["pv_dbow", "pv_dm", "bow", "tf_idf"])
def test_every_plain_model_works_from_its_folder(name, tmp_path):
    embedder = fitted(name)
    vectors, known = from_folder(embedder, tmp_path).embed(ASKED)
    assert known.tolist() == [True, False, False, True]
    expected, _ = embedder.embed([TEXTS[1], TEXTS[0]])
    np.testing.assert_array_equal(vectors[known], expected)
    assert not vectors[~known].any()
    assert len(np.unique(expected, axis=0)) == 2


def test_doc2vec_is_the_mean_of_words_unknown_ones_as_zeros(tmp_path):
    rules = TextRules.of(load_config().text)
    words = stems("pluća srce", rules)
    embedder = TextEmbedder(rules, True, WordMeans(words, np.array([[2, 4], [0, 6]], np.float32)))
    vectors, known = from_folder(embedder, tmp_path).embed([*ASKED, Known(diagnosis="pluća pluća srce kost")])
    assert known.tolist() == [True, False, False, True, True]
    np.testing.assert_allclose(vectors[known], [[2 / 4, 10 / 4], [2 / 3, 4 / 3], [4 / 4, 14 / 4]], rtol=1e-6)


def test_a_model_without_a_plain_form_leaves_the_source_out(tmp_path):
    embedder = TextEmbedder(TextRules.of(load_config().text), True, SparkOnly(5))
    vectors, known = from_folder(embedder, tmp_path).embed(ASKED)
    assert (vectors.shape, known.any()) == ((4, 5), False)


def test_an_unknown_model_is_named(tmp_path):
    embedder = fitted("bow")
    embedder.save(tmp_path)
    about = (tmp_path / "text.json").read_text(encoding="utf-8").replace('"bow"', '"lsa"')
    (tmp_path / "text.json").write_text(about, encoding="utf-8")
    with pytest.raises(StageError, match="found the text model lsa"):
        load_embedder("diagnosis", tmp_path)
