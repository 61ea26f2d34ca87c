"""`radnet text`: stems of all exams, a model of texts fitted on train, one vector for every instance of the cohort."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from radnet_spark.config import Text
from radnet_spark.errors import NothingToDoError, StageError
from radnet_spark.lake.cells import Cell, varied
from radnet_spark.lake.dropped import dropped_rows
from radnet_spark.lake.fits import fit_folder, saving_fit
from radnet_spark.lake.stage import StageContext, StageSummary
from radnet_spark.text.bag_of_words import TF_IDF
from radnet_spark.text.embedder import TextEmbedder
from radnet_spark.text.frames import (
    exam_parts,
    exam_vectors,
    instance_vectors,
    text_losses,
)
from radnet_spark.text.grids import NO_GRID, text_cells, tries_many
from radnet_spark.text.models import FittedModel, cells_of, fit_models
from radnet_spark.text.sample import ExamInstances, TextSample, TokenizedTexts, Tokens, interned
from radnet_spark.text.stemming import TextRules
from radnet_spark.text.vocabulary import Vocabulary
from radnet_spark.text.word_means import SPARK_NLP_DOC2VEC, SPARK_NLP_MODEL, SparkOnly

READS = ("exams", "cohort")
WRITES = ("tokens", "embeddings/source=diagnosis", "dropped/stage=text", "fits/stage=text", "grid_cells/stage=text")
CONFIG = ("text", "diagnoses")
_PART = {"source": "diagnosis"}
_NO_INSTANCES = ExamInstances(np.array([], np.int64), np.array([], "U1"), np.array([], np.int64))  # nobody screens


def check(context: StageContext) -> None:
    """Raises `UsageError` for a grid that is not there or can't be read."""
    if not _by_spark_nlp(context.config.text):
        text_cells(context.config.text, [])


def run(context: StageContext) -> StageSummary:
    """Writes `tokens`, the diagnoses' part of `embeddings`, a row of `fits` and the stage's part of `dropped`.

    Raises:
        NothingToDoError: there are no diagnoses, or none of an exam of the cohort.
        NothingToDoError: train has no text, or no word that occurs often enough.
    """
    tables = context.tables
    cohort = context.cohort()
    exams = tables.read_or_empty("exams")
    try:
        return _text(context, exams, cohort)
    except NothingToDoError:
        _clear(context)
        raise


def _text(context: StageContext, exams: DataFrame, cohort: DataFrame) -> StageSummary:
    tables = context.tables
    if not exams.join(cohort, on="exam_id", how="left_semi").limit(1).count():
        raise NothingToDoError("no diagnosis of an exam of the cohort: there is no text to work on")
    rules = TextRules.of(context.config.text)
    settings = context.config.text
    with saving_fit(context, "text", "grid" if tries_many(settings) else settings.embedding) as (fit_id, folder):
        rows = {"tokens": _write_tokens(context, exams, rules, folder)}
        cells = [] if _by_spark_nlp(settings) else cells_of(context)
        kinds = sorted({cell.settings["tokens"] for cell in cells} or {settings.tokens})
        parts = exam_parts(tables.read("tokens"), cohort).select("exam_id", "split", *kinds).persist()
        vectors = _saved_model(context, parts, exams) if _by_spark_nlp(settings) == SPARK_NLP_MODEL else None
        fitted = _fit(context, parts, cells, folder) if vectors is None else _without_plain_form(vectors)
        embedder = TextEmbedder(rules, context.config.diagnoses.mask_persons, fitted.model, fitted.tokens)
        embedder.save(folder)
        if fitted.shared:  # where `radnet screen` takes the rules from
            embedder.save(fitted.shared)
    if vectors is None:
        vectors = exam_vectors(parts, fitted.tokens, fit_folder(tables, fit_id)).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        embeddings = instance_vectors(vectors, cohort, embedder.name, fit_id)
        rows["embeddings"] = tables.overwrite("embeddings", embeddings, _PART)
        lost = text_losses(tables.read("tokens"), vectors)
        rows["dropped"] = tables.overwrite("dropped", dropped_rows(lost, "text", "exam"), part={"stage": "text"})
        dropped = {row[0]: row[1] for row in lost.groupBy("reason").count().collect()}
    finally:
        vectors.unpersist()
        parts.unpersist()
    extra = {"fit_id": fit_id, "model": embedder.name, "cells": fitted.cells, "vocabulary": len(embedder.model.words),
             "vector_size": embedder.size}  # fmt: skip
    notes = [*_missing(exams, cohort), *fitted.notes]
    if settings.grid != NO_GRID and not tries_many(settings):
        notes.append(f"text.grid {settings.grid} has nothing to try: {settings.embedding} is made by Spark NLP, alone")
    facts = []
    if len(cells) > 1:
        own = [*varied([cell.settings for cell in cells]), "seed"]
        facts = [f"grid {settings.grid} of {len(cells)} cells, which decide {', '.join(own)}"]
    return StageSummary("text", rows, dict(sorted(dropped.items())), notes, extra=extra, facts=facts)


def _write_tokens(context: StageContext, exams: DataFrame, rules: TextRules, folder: Path) -> int:
    """Runs the Spark NLP pipeline over all exams and saves it in the fit's folder."""
    from radnet_spark.text.pipeline import text_pipeline

    model = text_pipeline(rules).fit(exams)
    model.write().overwrite().save(str(folder / "pipeline"))
    return context.tables.overwrite("tokens", model.transform(exams).select("exam_id", "stems", "words"))


def _by_spark_nlp(settings: Text) -> str | None:
    """Which of the models that Spark NLP fits or applies is asked for; None: another one, or a grid."""
    asked = settings.embedding in (SPARK_NLP_DOC2VEC, SPARK_NLP_MODEL) and not tries_many(settings)
    return settings.embedding if asked else None


def _saved_model(context: StageContext, parts: DataFrame, exams: DataFrame) -> DataFrame:
    """`exam_id, vector` of the exams in `parts` by the model that the settings name, from the texts as they are."""
    from radnet_spark.text.spark_nlp_vectors import saved_model_vectors

    texts = exams.join(parts, on="exam_id", how="left_semi").select("exam_id", F.col("diagnosis").alias("text"))
    made = saved_model_vectors(texts, str(context.config.text.spark_nlp_path))
    return made.persist(StorageLevel.MEMORY_AND_DISK)


def _without_plain_form(vectors: DataFrame) -> FittedModel:
    sizes = vectors.where(F.col("vector").isNotNull()).select(F.size("vector")).limit(1).collect()
    if not sizes:
        raise StageError("text: the model of text.spark_nlp_path gives no vector for any text")
    note = f"{SPARK_NLP_MODEL} works in Spark only: a registered model is without diagnoses, whatever text it is given"
    return FittedModel(SparkOnly(sizes[0][0]), "stems", notes=[note])  # which it never asks for


def _fit(context: StageContext, parts: DataFrame, cells: Sequence[Cell], folder: Path) -> FittedModel:
    """Fits the cells, or Spark NLP's Doc2Vec where there are none, on the texts of train."""
    settings = context.config.text
    if cells:
        return fit_models(context, cells, _sample(context, parts, cells))
    from radnet_spark.text.spark_nlp_vectors import fit_doc2vec

    train = parts.where(F.col("split") == "train")
    texts = _tokenized(parts, settings.tokens, settings.min_count, screened=False)
    _check_words([texts], settings.min_count)
    pipeline, model = fit_doc2vec(train, texts.vocabulary.words, settings)
    pipeline.write().overwrite().save(str(folder / "doc2vec"))
    return FittedModel(model, settings.tokens)


def _sample(context: StageContext, parts: DataFrame, cells: Sequence[Cell]) -> TextSample:
    """What cells are fitted on and, for a grid, the validation part that they are judged on."""
    texts, screened = dict[str, TokenizedTexts](), len(cells) > 1
    for kind in sorted({cell.settings["tokens"] for cell in cells}):
        of_kind = [cell.settings for cell in cells if cell.settings["tokens"] == kind]
        made = _tokenized(parts, kind, min(settings["min_count"] for settings in of_kind), screened)
        if made.vocabulary.words and any(settings["model"] == TF_IDF for settings in of_kind):
            from radnet_spark.text.document_frequencies import with_documents

            train = parts.where(F.col("split") == "train")
            made = replace(made, vocabulary=with_documents(train, kind, made.vocabulary))
        context.progress(f"{len(made.vocabulary.words)} different {kind} in {len(made.train)} texts")
        texts[kind] = made
    _check_words(texts.values(), min(cell.settings["min_count"] for cell in cells))
    return TextSample(texts, _instances(parts, context.cohort()) if screened else _NO_INSTANCES)


def _check_words(texts: Collection[TokenizedTexts], min_count: int) -> None:
    if not any(of.train for of in texts):
        raise NothingToDoError("text: no exam of the train part has a text")
    if not any(of.vocabulary.words for of in texts):
        raise NothingToDoError(f"text: no word of the train part occurs text.min_count = {min_count} times")


def _tokenized(parts: DataFrame, kind: str, min_count: int, screened: bool) -> TokenizedTexts:
    """Texts come to the driver: one an exam, in the order of their keys; those of validation if cells are screened."""
    train = _texts(parts, "train", kind)
    return TokenizedTexts(Vocabulary.of(train, min_count), train, _texts(parts, "validation", kind) if screened else [])


def _texts(parts: DataFrame, split: str, kind: str) -> Tokens:
    rows = parts.where(F.col("split") == split).select("exam_id", kind).orderBy("exam_id")
    return interned(row[kind] for row in rows.toLocalIterator())


def _instances(parts: DataFrame, cohort: DataFrame) -> ExamInstances:
    """Those of the exams of train and of validation, in the same order as their texts."""
    exams: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for row in parts.select("split", "exam_id").orderBy("exam_id").toLocalIterator():
        exams[row["split"]].append(row["exam_id"])
    counted = cohort.where(F.col("split") == "train").groupBy("exam_id").count().collect()
    instances = {row["exam_id"]: row["count"] for row in counted}
    place = {exam: row for row, exam in enumerate(exams["validation"])}
    rows = cohort.where(F.col("split") == "validation").select("sop_instance_uid", "exam_id").collect()
    found = sorted((row["sop_instance_uid"], place[row["exam_id"]]) for row in rows if row["exam_id"] in place)
    return ExamInstances(
        np.array([instances[exam] for exam in exams["train"]], np.int64), np.array([uid for uid, _ in found], "U"),
        np.array([exam for _, exam in found], np.int64),
    )  # fmt: skip


def _clear(context: StageContext) -> None:
    """Vectors of diagnoses that are no longer there must not be fused, nor their stems or losses be shown."""
    for name, part in (("embeddings", _PART), ("dropped", {"stage": "text"}), ("tokens", None)):
        context.tables.clear(name, part)


def _missing(exams: DataFrame, cohort: DataFrame) -> list[str]:
    without = cohort.join(exams, on="exam_id", how="left_anti").count()
    return [f"{without} instances of the cohort have no diagnosis"] if without else []
