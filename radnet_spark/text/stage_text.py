"""`radnet text`: stems of all exams, paragraph vectors fitted on train, one vector for every instance of the cohort."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from radnet_spark.errors import NothingToDoError
from radnet_spark.lake.dropped import dropped_rows
from radnet_spark.lake.fits import fit_folder, saving_fit
from radnet_spark.lake.stage import StageContext, StageSummary
from radnet_spark.text.embedder import MODEL, TextEmbedder
from radnet_spark.text.frames import (
    exam_parts,
    exam_vectors,
    instance_vectors,
    text_losses,
)
from radnet_spark.text.stemming import TextRules

READS = ("exams", "cohort")
WRITES = ("tokens", "embeddings/source=diagnosis", "dropped/stage=text")
CONFIG = ("text", "diagnoses")
_PART = {"source": "diagnosis"}


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
    with saving_fit(context, "text", MODEL) as (fit_id, folder):
        rows = {"tokens": _write_tokens(context, exams, rules, folder)}
        parts = exam_parts(tables.read("tokens"), cohort).persist()
        context.progress("paragraph vectors")
        embedder = _fit(context, parts, rules)
        embedder.save(folder)
    vectors = exam_vectors(parts, fit_folder(tables, fit_id)).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        rows["embeddings"] = tables.overwrite("embeddings", instance_vectors(vectors, cohort, MODEL, fit_id), _PART)
        lost = text_losses(tables.read("tokens"), vectors)
        rows["dropped"] = tables.overwrite("dropped", dropped_rows(lost, "text", "exam"), part={"stage": "text"})
        dropped = {row[0]: row[1] for row in lost.groupBy("reason").count().collect()}
    finally:
        vectors.unpersist()
        parts.unpersist()
    extra = {"fit_id": fit_id, "vocabulary": len(embedder.model.words), "vector_size": embedder.size}
    return StageSummary("text", rows, dict(sorted(dropped.items())), _missing(exams, cohort), extra)


def _write_tokens(context: StageContext, exams: DataFrame, rules: TextRules, folder: Path) -> int:
    """Runs the Spark NLP pipeline over all exams and saves it in the fit's folder."""
    from radnet_spark.text.pipeline import text_pipeline

    model = text_pipeline(rules).fit(exams)
    model.write().overwrite().save(str(folder / "pipeline"))
    return context.tables.overwrite("tokens", model.transform(exams).select("exam_id", "stems"))


def _fit(context: StageContext, parts: DataFrame, rules: TextRules) -> TextEmbedder:
    from radnet_spark.text.doc2vec import fit_pv_dbow

    config = context.config
    train = parts.where(F.col("split") == "train").select("exam_id", "stems").orderBy("exam_id")
    texts = [row["stems"] for row in train.toLocalIterator()]
    if not texts:
        raise NothingToDoError("text: no exam of the train part has a text")
    return TextEmbedder(rules, config.diagnoses.mask_persons, fit_pv_dbow(texts, config.text))


def _clear(context: StageContext) -> None:
    """Vectors of diagnoses that are no longer there must not be fused, nor their stems or losses be shown."""
    for name, part in (("embeddings", _PART), ("dropped", {"stage": "text"}), ("tokens", None)):
        context.tables.clear(name, part)


def _missing(exams: DataFrame, cohort: DataFrame) -> list[str]:
    without = cohort.join(exams, on="exam_id", how="left_anti").count()
    return [f"{without} instances of the cohort have no diagnosis"] if without else []
