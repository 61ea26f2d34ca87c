"""The Spark NLP pipeline, saved and loaded whole: texts → words → stems.

It gives what `stemming` gives, for every text and every word, seen before or not. Spark NLP has no annotator for
Unicode NFC, short forms and Croatian stems: two stages of ours do that, by the same functions as the plain form.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.ml import Pipeline, Transformer
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable
from pyspark.sql import DataFrame
from sparknlp.annotator import Normalizer, StopWordsCleaner, Tokenizer
from sparknlp.base import DocumentAssembler, Finisher

from radnet_spark.text.stemming import TextRules, prepared, stem

Batches = Iterable[pa.RecordBatch]


class _ByRules(Transformer, DefaultParamsReadable, DefaultParamsWritable):
    """A stage with `TextRules` as its only parameter, kept as JSON."""

    rules = Param(Params._dummy(), "rules", "how a text becomes stems, as JSON", TypeConverters.toString)

    def __init__(self, rules: TextRules | None = None) -> None:
        super().__init__()
        if rules is not None:
            self._set(rules=json.dumps(asdict(rules), ensure_ascii=False, sort_keys=True))

    def _added(self, dataset: DataFrame, name: str, kind: str, function: Any) -> DataFrame:
        """The columns of `dataset` and one more, which `function` makes of Arrow batches and the rules."""
        columns = [f"`{field.name}` {field.dataType.simpleString()}" for field in dataset.schema if field.name != name]
        kept = dataset.drop(name)
        return kept.mapInArrow(
            partial(function, rules=self.getOrDefault("rules")), ", ".join([*columns, f"{name} {kind}"])
        )


class TextPreparer(_ByRules):
    """Adds `text`, which the annotators take: a diagnosis in lower case and NFC, short forms written out."""

    def _transform(self, dataset: DataFrame) -> DataFrame:
        return self._added(dataset, "text", "string", _prepare)


class CroatianStemmer(_ByRules):
    """Adds `stems array<string>` to the finished `words array<string>`, by the distinct words of each batch."""

    def _transform(self, dataset: DataFrame) -> DataFrame:
        return self._added(dataset, "stems", "array<string>", _add_stems)


def documents() -> DocumentAssembler:
    """From a column `text` to `document`."""
    return DocumentAssembler().setInputCol("text").setOutputCol("document")


def whole_runs() -> Tokenizer:
    """From `document` to `token`: the runs between white space, whole.

    The tokenizer's own prefix, infix and suffix rules would split at fixed characters, recurse on long runs and keep
    others together.
    """
    return (
        Tokenizer()
        .setInputCols(["document"])
        .setOutputCol("token")
        .setPrefixPattern(r"\A()")
        .setInfixPatterns(["(?s)(.+)"])
        .setSuffixPattern(r"()\z")
    )


def text_pipeline(rules: TextRules) -> Pipeline:
    """From a column `diagnosis string` to `words` and `stems`, both `array<string>`.

    Everything that is no word character splits a run. What that leaves (a mark at an end is no split) the normaliser
    removes; its default would remove digits.
    """
    special = f"[^{rules.word_characters}]"
    tokenizer = whole_runs().setSplitPattern(f"{special}+")
    normalizer = (
        Normalizer()
        .setInputCols(["token"])
        .setOutputCol("normalized")
        .setCleanupPatterns([special])
        .setLowercase(False)  # done before; the JVM's depends on its locale
        .setMaxLength(rules.max_word_length)
    )
    cleaner = (
        StopWordsCleaner()
        .setInputCols(["normalized"])
        .setOutputCol("cleaned")
        .setStopWords(list(rules.stop_words))
        .setCaseSensitive(True)
    )
    finisher = Finisher().setInputCols(["cleaned"]).setOutputCols(["words"]).setOutputAsArray(True)
    return Pipeline(
        stages=[
            TextPreparer(rules), documents(), tokenizer, normalizer, cleaner, finisher.setCleanAnnotations(True),
            CroatianStemmer(rules),
        ]
    )  # fmt: skip


def _prepare(batches: Batches, rules: str) -> Iterator[pa.RecordBatch]:
    by = TextRules.from_json(json.loads(rules))
    for batch in batches:
        texts = batch.column("diagnosis").to_pylist()
        yield _with(
            batch, "text", pa.array([None if text is None else prepared(text, by) for text in texts], pa.string())
        )


def _add_stems(batches: Batches, rules: str) -> Iterator[pa.RecordBatch]:
    by = TextRules.from_json(json.loads(rules))
    for batch in batches:
        words = batch.column("words")
        coded = words.flatten().dictionary_encode()
        distinct = pa.array([stem(word, by) for word in coded.dictionary.to_pylist()], pa.string())
        ends = np.cumsum(words.value_lengths().fill_null(0).to_numpy(zero_copy_only=False), dtype=np.int32)
        offsets = pa.array(np.concatenate([np.zeros(1, np.int32), ends]), pa.int32())
        yield _with(batch, "stems", pa.ListArray.from_arrays(offsets, distinct.take(coded.indices)))


def _with(batch: pa.RecordBatch, name: str, column: pa.Array) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([*batch.columns, column], names=[*batch.schema.names, name])
