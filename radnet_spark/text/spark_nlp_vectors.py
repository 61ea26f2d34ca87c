"""Vectors of texts by Spark NLP: its Doc2Vec, fitted on train, and any saved model of sentence embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.util import DefaultParamsReader
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from sparknlp.annotator import Doc2VecApproach

from radnet_spark.config import Text
from radnet_spark.errors import StageError
from radnet_spark.text.pipeline import documents, whole_runs
from radnet_spark.text.word_means import WordMeans

_FOUND = "sentence_embeddings"  # kind of annotation


def fit_doc2vec(train: DataFrame, words: Sequence[str], settings: Text) -> tuple[PipelineModel, WordMeans]:
    """Fits Spark NLP's Doc2Vec, which is Spark ML's skip-gram Word2Vec, averaged over the words of a text.

    Args:
        train: `exam_id` and the tokens that `text.tokens` names; read in the order of the keys by one task, so that one
            seed gives one model.
        words: those that occur often enough.
        settings: the `text` section.

    Returns:
        The pipeline, from a column `text` of tokens with blanks between them, and its plain form.
    """
    ordered = train.orderBy("exam_id").select(F.array_join(settings.tokens, " ").alias("text")).coalesce(1)
    doc2vec = (
        Doc2VecApproach()
        .setInputCols(["token"])
        .setOutputCol("vectors")
        .setVectorSize(settings.vector_size)
        .setWindowSize(settings.window)
        .setMinCount(settings.min_count)
        .setMaxIter(settings.epochs)
        .setStepSize(settings.alpha)
        .setNumPartitions(1)
        .setSeed(settings.seed)
    )
    fitted = Pipeline(stages=[documents(), whole_runs(), doc2vec]).fit(ordered)
    each = train.sparkSession.createDataFrame([(word, word) for word in words], "exam_id string, text string")
    rows = _sentence_means(fitted.transform(each), "vectors").where("vector IS NOT NULL").collect()
    found = {row["exam_id"]: row["vector"] for row in rows}  # a text of one word has this word's vector
    known = [word for word in words if word in found]
    return fitted, WordMeans(known, np.array([found[word] for word in known], np.float32))


def saved_model_vectors(texts: DataFrame, path: str) -> DataFrame:
    """Vectors by a saved model: a pipeline from a column `text`, or one annotator that takes documents or tokens.

    Args:
        texts: `exam_id, text`.
        path: folder or URI that Spark reads.

    Returns:
        `exam_id, vector array<float>`: the mean over a text's sentences; null where the model gives none.

    Raises:
        StageError: there is no such model, or it gives no sentence embeddings.
    """
    try:
        saved: Any = DefaultParamsReader.loadParamsInstance(path, texts.sparkSession.sparkContext)
        model = saved if isinstance(saved, PipelineModel) else _around(saved).fit(texts)
        made = model.transform(texts)
    except (Py4JError, PySparkException, AttributeError, ImportError, ValueError) as error:
        raise StageError(
            f"text.spark_nlp_path: found {path}, which can't be used ({type(error).__name__}); expected a saved "
            "Spark NLP pipeline from a column `text`, or an annotator of documents or tokens"
        ) from error
    columns = [field.name for field in made.schema if field.metadata.get("annotatorType") == _FOUND]
    if not columns:
        raise StageError(f"text.spark_nlp_path: {path} gives no column of the kind {_FOUND}")
    return _sentence_means(made, columns[-1])


def _sentence_means(made: DataFrame, column: str) -> DataFrame:
    return made.select("exam_id", _mean(F.col(f"{column}.embeddings")).alias("vector"))


def _around(annotator: Any) -> Pipeline:
    """A pipeline from `text` to one annotator's output."""
    kinds = [str(kind) for kind in annotator.inputAnnotatorTypes]
    annotator.setInputCols(kinds).setOutputCol("vectors")
    return Pipeline(stages=[documents(), *([whole_runs()] if "token" in kinds else []), annotator])


def _mean(vectors: Column) -> Column:
    """The mean of an array of arrays, null where all is zero or nothing."""
    first = F.transform(vectors[0], lambda value: value.cast("double"))
    rest = F.slice(vectors, 2, F.greatest(F.size(vectors) - 1, F.lit(0)))
    total = F.aggregate(rest, first, lambda total, one: F.zip_with(total, one, lambda a, b: a + b))
    mean = F.transform(total, lambda value: (value / F.size(vectors)).cast("float"))
    return F.when((F.size(vectors) > 0) & F.exists(vectors, lambda one: F.exists(one, lambda x: x != 0)), mean)
