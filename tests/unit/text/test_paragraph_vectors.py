"""The NumPy form of paragraph vectors against gensim's own inference."""

import random
from functools import partial

import gensim.models.doc2vec
import numpy as np
import pytest

from radnet_spark.config import load_config
from radnet_spark.text.doc2vec import fit_paragraph_vectors, gensim_model, plain_form
from radnet_spark.text.embedder import TextEmbedder
from radnet_spark.text.gensim_numbers import stable_hash, text_seed
from radnet_spark.text.paragraph_vectors import ParagraphVectors
from radnet_spark.text.stemming import TextRules
from radnet_spark.text.vocabulary import Vocabulary

DM = "text.embedding=pv_dm"


def made_texts(count, seed=3, words=300):
    rng = random.Random(seed)
    names = [f"w{i}" for i in range(words)]
    return [rng.choices(names, [1 / (i + 1) for i in range(words)], k=rng.randint(3, 60)) for _ in range(count)]


def settings_with(*settings):
    return load_config([], ["text.min_count=2", "text.vector_size=12", "text.epochs=6", *settings]).text


def known_in(texts, min_count=2):
    return set(Vocabulary.of(texts, min_count).words)


def gensim_vectors(model, texts, monkeypatch):
    weak = partial(gensim.models.doc2vec.pseudorandom_weak_vector, hashfxn=stable_hash)
    monkeypatch.setattr(gensim.models.doc2vec, "pseudorandom_weak_vector", weak)
    vectors = []
    for text in texts:
        model.random = np.random.RandomState(text_seed(text))
        vectors.append(model.infer_vector(text))
    return np.array(vectors)


@pytest.mark.parametrize(
    "options",
    [
        (), ("text.sample=0",), ("text.negative=9", "text.alpha=0.1"), ("text.vector_size=50",), (DM,),
        (DM, "text.window=10", "text.sample=0"), (DM, "text.window=1", "text.alpha=0.1"),
    ],
)  # fmt: skip
def test_inference_equals_gensim(options, monkeypatch):
    settings, texts = settings_with(*options), made_texts(60)
    model = gensim_model(texts, known_in(texts), settings)
    asked = [*texts[:40], ["w1", "unknown", "w2"], ["w3"], texts[0] * 3]
    expected = gensim_vectors(model, asked, monkeypatch)
    found, known = plain_form(model, settings).infer_all(asked)
    assert known.all()
    most = 4e-5 if "text.alpha=0.1" in options else 1e-5  # of 32-bit sums in another order, by steps four times as long
    np.testing.assert_allclose(found, expected, rtol=0, atol=most)


@pytest.mark.parametrize("model", ["pv_dbow", "pv_dm"])
def test_long_training_differs_by_single_steps_of_the_sigmoid_table_only(model, monkeypatch):
    settings = settings_with("text.vector_size=32", "text.epochs=40", f"text.embedding={model}")
    texts = made_texts(80)
    model = gensim_model(texts, known_in(texts), settings)
    expected = gensim_vectors(model, texts, monkeypatch)
    found, _ = plain_form(model, settings).infer_all(texts)
    away = np.abs(found - expected).max(axis=1)
    assert np.median(away) < 1e-6
    assert away.max() < 2e-4


@pytest.mark.parametrize("model", ["pv_dbow", "pv_dm"])
def test_more_words_than_gensim_reads(model, monkeypatch):
    settings, texts = settings_with("text.epochs=1", f"text.embedding={model}"), made_texts(30)
    model = gensim_model(texts, known_in(texts), settings)
    rng = random.Random(1)
    long = [rng.choices(model.wv.index_to_key, k=12_500), ["w1", "w2"]]
    expected = gensim_vectors(model, long, monkeypatch)
    found, _ = plain_form(model, settings).infer_all(long)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("model", ["pv_dbow", "pv_dm"])
def test_a_text_has_one_vector_whatever_stands_beside_it(model):
    settings, texts = settings_with(f"text.embedding={model}"), made_texts(50)
    model = fit_paragraph_vectors(texts, known_in(texts), settings)
    together, known = model.infer_all([[], *texts, ["never", "seen"]])
    assert known.tolist() == [False, *[True] * 50, False]
    assert not together[0].any()
    assert not together[-1].any()
    for text, vector in zip(texts, together[1:], strict=False):
        np.testing.assert_array_equal(model.infer(text), vector)


@pytest.mark.parametrize("name", ["pv_dbow", "pv_dm"])
def test_fitting_is_reproducible_and_survives_the_disk(name, tmp_path):
    settings, texts = settings_with(f"text.embedding={name}"), made_texts(50)
    one, two = (fit_paragraph_vectors(texts, known_in(texts), settings) for _ in range(2))
    np.testing.assert_array_equal(one.hidden, two.hidden)
    one.save(tmp_path)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".npz"]
    loaded = ParagraphVectors.load(tmp_path)
    assert loaded.name == name
    np.testing.assert_array_equal(loaded.infer(texts[0]), two.infer(texts[0]))


def test_embedder_from_its_folder_alone(tmp_path):
    config = load_config([], ["text.min_count=1", "text.vector_size=8", "text.epochs=3"])
    rules = TextRules.of(config.text)
    texts = ["Pluća bez infiltrata.", "Srce uredno, pluća čista."]
    stems = [["pluc", "srce"], ["cist", "bez"]]
    made = TextEmbedder(rules, True, fit_paragraph_vectors(stems, known_in(stems, 1), config.text))
    made.save(tmp_path)
    embedder = TextEmbedder.load(tmp_path)
    vectors, known = embedder.embed([*texts, None, "", "qwx", f"{texts[0]} dr. Ivo Perić"])
    assert vectors.shape == (6, embedder.size)
    assert vectors.dtype == np.float32
    assert known.tolist() == [True, True, False, False, False, True]
    np.testing.assert_array_equal(vectors[:1], embedder.embed_tokens([embedder.tokens_of(texts[0])])[0])
    assert embedder.tokens_of(f"{texts[0]} dr. Ivo Perić") == [*embedder.tokens_of(texts[0]), "dr"]
