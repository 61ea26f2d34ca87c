"""Small made-up texts of stems, and what models of texts are fitted on."""

import random

import numpy as np

from radnet_spark.text.sample import TextSample
from radnet_spark.text.vocabulary import Vocabulary

_RANDOM = random.Random(5)
TEXTS = [["u", *_RANDOM.choices([f"w{i}" for i in range(40)], k=_RANDOM.randint(1, 30))] for _ in range(60)]


def sample_of(texts):
    """With documents counted here, by hand; no part is watched."""
    counted = Vocabulary.of(texts)
    documents = np.array([sum(word in text for text in texts) for word in counted.words])
    full = Vocabulary(counted.words, counted.occurrences, documents, len(texts))
    none = np.array([], "i8")
    return TextSample(full, texts, np.ones(len(texts), "i8"), [], np.array([], "U1"), none)
