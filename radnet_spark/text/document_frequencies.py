"""In how many texts each word of a vocabulary is, counted by Spark MLlib."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pyspark.ml.feature import IDF, CountVectorizerModel
from pyspark.sql import DataFrame

from radnet_spark.text.vocabulary import Vocabulary


def with_documents(texts: DataFrame, column: str, vocabulary: Vocabulary) -> Vocabulary:
    """The same words with `documents`.

    Args:
        texts: the texts that the words were counted in.
        column: of their tokens, `array<string>`.
        vocabulary: at least one word.
    """
    counter = CountVectorizerModel.from_vocabulary(vocabulary.words, inputCol=column, outputCol="counts")
    fitted = IDF(inputCol="counts", outputCol="weights").fit(counter.transform(texts))
    return replace(vocabulary, documents=np.array(fitted.docFreq, dtype=np.int64), texts=int(fitted.numDocs))
