"""Fits one model of texts on the stems or words of train: paragraph vectors by gensim, bags of words by counting."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from radnet_spark.config import Text
from radnet_spark.lake.cells import CellSkipped, publish
from radnet_spark.text.bag_of_words import TF_IDF, BagOfWords, Floats
from radnet_spark.text.embedder import TextModel
from radnet_spark.text.grids import settings_of
from radnet_spark.text.paragraph_vectors import PV_DBOW, PV_DM
from radnet_spark.text.sample import TokenizedTexts, Tokens, load_texts
from radnet_spark.text.vocabulary import Vocabulary


def fit_model(texts: TokenizedTexts, settings: Text) -> TextModel:
    """Fits the model of `text.embedding`.

    Args:
        texts: of `text.tokens`, with documents for TF-IDF.
        settings: the `text` section.

    Raises:
        CellSkipped: no word occurs often enough, or vectors would be longer than allowed or possible.
    """
    vocabulary = texts.vocabulary.frequent(settings.min_count)
    if not vocabulary.words:
        raise CellSkipped(f"no word of the train part occurs text.min_count = {settings.min_count} times")
    if settings.embedding in (PV_DBOW, PV_DM):
        from radnet_spark.text.doc2vec import fit_paragraph_vectors

        return fit_paragraph_vectors(texts.train, set(vocabulary.words), settings)
    return _fit_bag_of_words(texts.train, vocabulary, settings)


def fit_cell(payload: str) -> dict[str, float]:
    """Fits one cell of a grid from files and leaves its files.

    Args:
        payload: JSON of `settings, seed` (of the cell), `section` (`text`), `sample` (a folder) and `folder` (to be
            made, all at once).
    """
    from threadpoolctl import threadpool_limits

    asked = json.loads(payload)
    settings = settings_of(asked["settings"], asked["seed"], asked["section"])
    with threadpool_limits(1):  # one worker a core
        model = fit_model(load_texts(asked["sample"], settings.tokens), settings)
    publish(Path(asked["folder"]), model.save, anew=True)
    return {"vocabulary": float(len(model.words)), "dimensions": float(model.size)}


def inverse_document_frequencies(vocabulary: Vocabulary) -> Floats:
    """`ln((texts + 1) / (documents + 1))` of each word, (words,) float32, as Spark MLlib's IDF."""
    return np.log((vocabulary.texts + 1) / (vocabulary.documents + 1)).astype(np.float32)


def _fit_bag_of_words(train: Tokens, vocabulary: Vocabulary, settings: Text) -> BagOfWords:
    idf = inverse_document_frequencies(vocabulary) if settings.embedding == TF_IDF else None
    model, wanted = BagOfWords(vocabulary.words, idf), settings.svd_components
    if wanted is not None:
        return BagOfWords(vocabulary.words, idf, _components(model, train, wanted, settings.seed))
    if model.size > settings.most_dimensions:
        raise CellSkipped(
            f"{model.size} words: vectors of at most text.most_dimensions = {settings.most_dimensions} values are "
            "kept; text.svd_components makes them shorter, a larger text.min_count leaves words out"
        )
    return model


def _components(model: BagOfWords, train: Tokens, wanted: int, seed: int) -> Floats:
    """(words, wanted) right singular vectors of the training texts, which stay sparse."""
    from scipy.sparse import csr_matrix
    from sklearn.decomposition import TruncatedSVD

    possible = min(len(train), model.size) - 1
    if wanted > possible:
        raise CellSkipped(f"{wanted} components: {len(train)} texts of {model.size} words allow {possible}")
    matrix = csr_matrix(model.sparse(train), shape=(len(train), model.size))
    fitted = TruncatedSVD(wanted, random_state=seed).fit(matrix)
    return np.ascontiguousarray(fitted.components_.T, dtype=np.float32)
