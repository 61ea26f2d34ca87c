"""Fitting paragraph vectors with gensim; what is kept are plain arrays (`paragraph_vectors`)."""

from __future__ import annotations

from collections.abc import Sequence, Set

import numpy as np
from gensim.models.doc2vec import Doc2Vec, TaggedDocument

from radnet_spark.config import Text
from radnet_spark.text.gensim_numbers import stable_hash
from radnet_spark.text.paragraph_vectors import PV_DM, ParagraphVectors, Schedule


def fit_paragraph_vectors(texts: Sequence[Sequence[str]], known: Set[str], settings: Text) -> ParagraphVectors:
    """Learns the words' weights from texts.

    Args:
        texts: stems, one text an exam, of the train part, in an order that does not change.
        known: the words to learn; at least one.
        settings: the `text` section; `embedding` says which of the two models.
    """
    return plain_form(gensim_model(texts, known, settings), settings)


def gensim_model(texts: Sequence[Sequence[str]], known: Set[str], settings: Text) -> Doc2Vec:
    """The trained gensim model, of the words in `known` only."""
    model = Doc2Vec(
        dm=int(settings.embedding == PV_DM), dm_mean=1, dbow_words=0, window=settings.window, hs=0,
        negative=settings.negative, vector_size=settings.vector_size, min_count=1, sample=settings.sample,
        alpha=settings.alpha, min_alpha=settings.min_alpha, epochs=settings.epochs, workers=settings.workers,
        seed=settings.seed, hashfxn=stable_hash,
    )  # fmt: skip
    kept = ([word for word in text if word in known] for text in texts)
    documents = [TaggedDocument(words, [n]) for n, words in enumerate(words for words in kept if words)]
    model.build_vocab(documents)
    model.train(documents, total_examples=model.corpus_count, epochs=model.epochs)
    return model


def plain_form(model: Doc2Vec, settings: Text) -> ParagraphVectors:
    """The arrays of a gensim model."""
    is_dm = settings.embedding == PV_DM
    schedule = Schedule(
        settings.inference_epochs or settings.epochs, settings.alpha, settings.min_alpha, settings.negative,
        settings.sample, settings.window if is_dm else 0,
    )  # fmt: skip
    return ParagraphVectors(
        model.wv.index_to_key,
        np.array(model.syn1neg, dtype=np.float32),
        np.array(model.cum_table, dtype=np.uint32),
        np.array(model.wv.expandos["sample_int"], dtype=np.uint32),
        schedule,
        np.array(model.wv.vectors, dtype=np.float32) if is_dm else None,
    )
