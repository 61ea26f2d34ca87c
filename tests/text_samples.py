"""Small made-up texts of stems, and what models of texts are fitted on."""

import random

import numpy as np

from radnet_spark.text.sample import ExamInstances, TextSample, TokenizedTexts
from radnet_spark.text.vocabulary import Vocabulary

_RANDOM = random.Random(5)
TEXTS = [["u", *_RANDOM.choices([f"w{i}" for i in range(40)], k=_RANDOM.randint(1, 30))] for _ in range(60)]


def tokenized(texts, watched=()):
    """With documents counted here, by hand."""
    counted = Vocabulary.of(texts)
    documents = np.array([sum(word in text for text in texts) for word in counted.words])
    full = Vocabulary(counted.words, counted.occurrences, documents, len(texts))
    return TokenizedTexts(full, texts, list(watched))


def sample_of(**kinds):
    """Stems, words or both, one instance a text, no part watched."""
    made = {kind: tokenized(texts) for kind, texts in kinds.items()}
    instances = np.ones(len(next(iter(kinds.values()))), "i8")
    return TextSample(made, ExamInstances(instances, np.array([], "U1"), np.array([], "i8")))
