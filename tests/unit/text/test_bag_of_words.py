"""Bags of words against scikit-learn."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize
from text_samples import TEXTS, sample_of, tokenized

from radnet_spark.config import load_config
from radnet_spark.lake.cells import CellSkipped
from radnet_spark.text.bag_of_words import BagOfWords
from radnet_spark.text.embedder import load_model
from radnet_spark.text.fitting import fit_model
from radnet_spark.text.sample import load_instances, load_texts
from radnet_spark.text.vocabulary import Vocabulary

ASKED = [*TEXTS, ["w1", "never", "w1"], [], ["never"]]


def settings_with(*settings):
    return load_config([], ["text.min_count=5", *settings]).text


def counts_of(words):
    counter = CountVectorizer(analyzer=lambda text: text, vocabulary=words)
    return counter.transform(ASKED)


def expected(name, words):
    counts = counts_of(words)
    if name == "bow":
        return (counts > 0).toarray().astype("f4")
    documents = (counts[: len(TEXTS)] > 0).sum(axis=0).A1
    return normalize(counts.multiply(np.log((len(TEXTS) + 1) / (documents + 1))).tocsr()).toarray()


@pytest.mark.parametrize("name", ["bow", "tf_idf"])
def test_vectors_are_those_of_scikit_learn_and_survive_the_disk(name, tmp_path):
    fit_model(tokenized(TEXTS), settings_with(f"text.embedding={name}")).save(tmp_path)
    model = load_model(name, tmp_path)
    occurrences = np.array(counts_of(model.words)[: len(TEXTS)].sum(axis=0)).ravel()
    assert (occurrences >= 5).all()
    assert set(model.words) == {word for text in TEXTS for word in text if sum(t.count(word) for t in TEXTS) >= 5}
    vectors, known = model.infer_all(ASKED)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, expected(name, model.words), atol=1e-6)
    np.testing.assert_array_equal(known, expected(name, model.words).any(axis=1))


@pytest.mark.parametrize("name", ["bow", "tf_idf"])
def test_a_truncated_svd_makes_them_short_and_a_text_has_one_vector(name):
    model = fit_model(tokenized(TEXTS), settings_with(f"text.embedding={name}", "text.svd_components=4"))
    assert (model.size, model.name) == (4, name)
    plain = BagOfWords(model.words, model.idf)
    values, columns, ends = plain.sparse(TEXTS)
    theirs = TruncatedSVD(4, random_state=1).fit(csr_matrix((values, columns, ends), (len(TEXTS), plain.size)))
    together, known = model.infer_all(ASKED)
    dense = plain.infer_all(ASKED)[0]
    np.testing.assert_allclose(together, theirs.transform(dense), atol=1e-5)
    assert known.tolist() == [*[True] * (len(TEXTS) + 1), False, False] if name == "bow" else known[0]
    for text, vector in zip(ASKED, together, strict=True):
        np.testing.assert_array_equal(model.infer_all([text])[0][0], vector)


def test_a_word_of_every_text_says_nothing_in_tf_idf():
    model = fit_model(tokenized(TEXTS), settings_with("text.embedding=tf_idf"))
    vectors, known = model.infer_all([["u"], ["u", "w1"]])
    assert known.tolist() == [False, True]
    assert not vectors[0].any()


def test_what_cannot_be_is_skipped_with_a_reason():
    sample = tokenized(TEXTS)
    for settings, reason in (
        (["text.embedding=bow", "text.most_dimensions=3"], "most_dimensions = 3"),
        (["text.embedding=bow", "text.svd_components=60"], "60 components"),
        (["text.min_count=9999"], "min_count = 9999"),
    ):
        with pytest.raises(CellSkipped, match=reason):
            fit_model(sample, settings_with(*settings))


def test_vocabulary_counts_occurrences():
    found = Vocabulary.of([["b", "b"], ["a"], ["a", "c"]])
    assert (found.words, found.occurrences.tolist(), found.texts) == (["a", "b", "c"], [2, 2, 1], 3)
    assert found.frequent(2).words == Vocabulary.of([["b", "b"], ["a"], ["a", "c"]], 2).words == ["a", "b"]
    assert found.frequent(3).words == []


def test_a_sample_survives_the_disk(tmp_path):
    sample_of(stems=TEXTS, words=TEXTS[::-1]).save(tmp_path)
    made, read = tokenized(TEXTS), load_texts(str(tmp_path), "stems")
    assert (read.train, read.watched) == (TEXTS, [])
    assert load_texts(str(tmp_path), "words").train == TEXTS[::-1]
    assert load_instances(tmp_path).train.tolist() == [1] * len(TEXTS)
    assert read.vocabulary.words == made.vocabulary.words
    np.testing.assert_array_equal(read.vocabulary.documents, made.vocabulary.documents)
