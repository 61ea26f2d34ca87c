"""The Spark NLP pipeline: document → tokens → normalised words → stems; the one module that imports sparknlp.

It gives what `stemming` gives, for every text. Texts come prepared (`stemming.prepared`: lower case and NFC, which
Spark NLP has no annotator for). Stems come from a dictionary of the distinct words, so that stemming costs by distinct
words; it is made anew from the words of the texts at hand, so none is without its stem.
"""

from __future__ import annotations

from pathlib import Path

from pyspark.ml import Pipeline, PipelineModel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from sparknlp.annotator import Lemmatizer, Normalizer, StopWordsCleaner, Tokenizer
from sparknlp.base import DocumentAssembler, Finisher

from radnet_spark.text.stemming import TextRules


def word_pipeline(rules: TextRules) -> Pipeline:
    """From a column `text` to `words`: annotations of the words that `stemming.words` gives.

    The tokenizer's own prefix, infix and suffix rules would split at fixed characters, recurse on long runs and keep
    others together, so one rule takes the whole run between white space, and everything that is no word character
    splits it. What it leaves (a mark at an end is no split) the normaliser removes; its default would remove digits.
    """
    special = f"[^{rules.word_characters}]"
    tokenizer = (
        Tokenizer()
        .setInputCols(["document"])
        .setOutputCol("token")
        .setPrefixPattern(r"\A()")
        .setInfixPatterns(["(?s)(.+)"])
        .setSuffixPattern(r"()\z")
        .setSplitPattern(f"{special}+")
    )
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
        .setOutputCol("words")
        .setStopWords(list(rules.stop_words))
        .setCaseSensitive(True)
    )
    assembler = DocumentAssembler().setInputCol("text").setOutputCol("document")
    return Pipeline(stages=[assembler, tokenizer, normalizer, cleaner])


def stem_pipeline(dictionary: str) -> Pipeline:
    """From the annotations `words` to `stems array<string>`, by the files that `write_dictionary` wrote."""
    lemmatizer = Lemmatizer().setInputCols(["words"]).setOutputCol("stem").setDictionary(dictionary, "\t", " ")
    finisher = (
        Finisher().setInputCols(["stem"]).setOutputCols(["stems"]).setOutputAsArray(True).setCleanAnnotations(True)
    )
    return Pipeline(stages=[lemmatizer, finisher])


def distinct_words(annotated: DataFrame) -> DataFrame:
    """The distinct words of annotated texts, in a column `word`."""
    return annotated.select(F.explode("words.result").alias("word")).distinct()


def write_dictionary(stems: DataFrame, folder: Path) -> None:
    """Writes `word, stem` as the lines that the lemmatizer reads: stem, tab, word."""
    lines = stems.select(F.concat_ws("\t", "stem", "word").alias("value"))
    lines.coalesce(1).write.mode("overwrite").text(str(folder))


def save_pipeline(words: PipelineModel, stems: PipelineModel, folder: Path) -> None:
    """Saves both as one PipelineModel, from prepared `text` to `stems`."""
    PipelineModel(stages=[*words.stages, *stems.stages]).write().overwrite().save(str(folder))
