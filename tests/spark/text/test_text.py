"""The Spark NLP pipeline against its plain Python form, and the stage."""

import random

import numpy as np
import pytest
from pyspark.ml import PipelineModel
from pyspark.ml.feature import IDF, CountVectorizerModel
from pyspark.sql import functions as F

from radnet_spark.config import load_config
from radnet_spark.demo.exams import plan_exam
from radnet_spark.demo.findings import diagnoses
from radnet_spark.errors import NothingToDoError, StageError
from radnet_spark.lake.fits import existing_fit
from radnet_spark.schemas import TABLES
from radnet_spark.text import stage_text
from radnet_spark.text.document_frequencies import with_documents
from radnet_spark.text.embedder import TextEmbedder
from radnet_spark.text.fitting import inverse_document_frequencies
from radnet_spark.text.pipeline import text_pipeline
from radnet_spark.text.spark_nlp_vectors import saved_model_vectors
from radnet_spark.text.stemming import TextRules, prepared, stems
from radnet_spark.text.stemming import words as words_of
from radnet_spark.text.vocabulary import Vocabulary

ODD = [
    "", "   ", "...", "( ? : ) + ↇↈ", "Pluća (RTG: 12x3,5 mm)...", "don't i.e. U.S.A. 10% e-mail@x.hr",
    "a\u00a0b\u2028c\x1cd",
    "Ǆep ǅep ǆep ǈubav Ǌega İstanbul ı ſ ß", "čc\u030c x\u030c\u0301", "😀srce😀\0pluća\0", "je " * 3,
    "x" * 60 + ")", "x" * 61, "x" * 100_000, "abc," * 25_000, "plućima, kralježnice; zglobova/šake",
]  # fmt: skip
ALPHABET = (
    "abcčćžšđABČĆŽŠĐ0123456789.,;:!?()-+*/\\\"'%$#@&[]{}^|~`_=<>\t\n\r "
    "\u00a0\u200b\u2003\u0301\u030c\ufeffǄǅǆǇǈǉǋßµ²½ΣςЖжﬁ😀ↇↈ\0\x1cİıſ"
)
WORDS = ["pluća", "plućima", "srce", "infiltrat", "infiltrata", "prijelom", "kosti", "šaka", "šake", "uredno", "zglob"]


def fuzz(count):
    rng = random.Random(1)
    return ["".join(rng.choices(ALPHABET, k=rng.randint(0, 80))) for _ in range(count)]


@pytest.fixture(scope="module")
def texts():
    rng = random.Random(2)
    return {f"e{i}": " ".join(rng.choices(WORDS, k=rng.randint(5, 30))) for i in range(40)}


def fill(context, spark, exams, cohort):
    tables = context.tables
    tables.overwrite("exams", spark.createDataFrame(list(exams.items()), TABLES["exams"].ddl))
    tables.overwrite("cohort", spark.createDataFrame(cohort, TABLES["cohort"].ddl))


def cohort_of(exams):
    splits = {0: "test", 1: "validation"}
    return [(f"{exam}.{i}", exam, "CT", splits.get(n % 10, "train")) for n, exam in enumerate(exams) for i in (1, 2)]


def test_stage_gives_stems_and_vectors_of_the_plain_form(context, spark, texts):
    config = load_config(
        ["demo.yml"],
        ["text.grid=none", "text.vector_size=8", "text.epochs=3", "text.min_count=2", "text.stop_words=[je]"],
    )
    odd = {f"odd{i}": text for i, text in enumerate([*ODD, *fuzz(150)])}
    exams = {**texts, **odd, "unknown": "nepoznanica", "empty": "?!"}
    run_context = context(config=config)
    fill(run_context, spark, exams, cohort_of([*texts, "unknown", "empty", "undiagnosed"]))
    summary = stage_text.run(run_context)

    rules = TextRules.of(config.text)
    tokens = {row["exam_id"]: row["stems"] for row in run_context.tables.read("tokens").collect()}
    assert tokens == {exam: stems(text, rules) for exam, text in exams.items()}
    as_written = {row["exam_id"]: row["words"] for row in run_context.tables.read("tokens").collect()}
    assert as_written == {exam: words_of(text, rules) for exam, text in exams.items()}

    folder = existing_fit(run_context.tables, summary.extra["fit_id"])
    embedder = TextEmbedder.load(folder)
    rows = run_context.tables.read("embeddings").collect()
    assert {row["sop_instance_uid"] for row in rows} == {f"{exam}.{i}" for exam in texts for i in (1, 2)}
    for row in rows:
        expected = embedder.embed([texts[row["sop_instance_uid"].split(".")[0]]])[0][0]
        np.testing.assert_array_equal(np.array(row["vector"], dtype=np.float32), expected)
    assert {(row["source"], row["model"], row["fit_id"]) for row in rows} == {
        ("diagnosis", "pv_dbow", summary.extra["fit_id"])
    }

    dropped = {row["key"]: row["reason"] for row in run_context.tables.read("dropped").collect()}
    no_words = {exam for exam, found in tokens.items() if not found}
    assert dropped == {**dict.fromkeys(no_words, "no_words"), "unknown": "no_known_words"}
    assert summary.rows == {"tokens": len(exams), "embeddings": 80, "dropped": len(no_words) + 1}
    assert summary.notes == ["2 instances of the cohort have no diagnosis"]

    train = {exam for n, exam in enumerate(texts) if n % 10 > 1}
    assert set(embedder.model.words) <= {word for exam in train for word in tokens[exam]}

    saved = PipelineModel.load(str(folder / "pipeline"))
    assert [type(stage).__name__ for stage in saved.stages] == [
        "TextPreparer", "DocumentAssembler", "TokenizerModel", "NormalizerModel", "StopWordsCleaner", "Finisher",
        "CroatianStemmer",
    ]  # fmt: skip
    new = {**texts, "new": "Nikad viđenim riječima nefrolitijazama, st. p. fract. 3x4 cm; žvakonoscima je zglobova."}
    frame = spark.createDataFrame(list(new.items()), TABLES["exams"].ddl)
    again = saved.transform(frame).select("exam_id", "stems").collect()
    assert {row["exam_id"]: row["stems"] for row in again} == {exam: stems(text, rules) for exam, text in new.items()}
    found = {row["exam_id"]: row["stems"] for row in again}["new"]
    assert stems("nefrolitijaza", rules)[0] in found
    assert "je" not in found


def test_the_plain_form_gives_what_spark_nlp_gives(spark):
    """On all texts of a hospital and on thousands of made ones, in one pass."""
    rules = TextRules.of(load_config([], ["text.stop_word_list=croatian"]).text)
    hospital = [text for n in range(310) for _, text in diagnoses(plan_exam(1, n, 310))]
    words = sorted({word for text in hospital for word in text.split()})
    rng = random.Random(3)
    signs = [
        *"ǄǅǆǇǈǉǊǋǌ",
        "\u030c",
        "\u0301",
        "😀",
        "\0",
        "12 mm",
        "3x4 cm",
        "st. p.",
        "l. dex.",
        "L4/5",
        "\u2028",
        "-",
        ".",
    ]
    mixed = [
        "".join(rng.choice([" ", ""]) + rng.choice(rng.choice((words, signs))) for _ in range(30)) for _ in range(1500)
    ]
    long = [
        " ".join(rng.choices(words, k=16_000))[:100_000],
        "dž" * 50_000,
        "č" * 100_000,
        "a. " * 33_333,
        "1x" * 50_000,
    ]
    texts = [*hospital, *mixed, *long, *ODD, *fuzz(1500)]
    frame = spark.createDataFrame([(n, text) for n, text in enumerate(texts)], "n int, diagnosis string")
    made = text_pipeline(rules).fit(frame).transform(frame.repartition(2)).select("n", "stems").collect()
    assert len(made) == len(texts)
    assert [row["n"] for row in made if row["stems"] != stems(texts[row["n"]], rules)] == []


@pytest.mark.parametrize("name", ["pv_dm", "bow", "tf_idf", "spark_nlp_doc2vec"])
def test_every_model_gives_the_vectors_of_its_plain_form(context, spark, texts, name):
    config = load_config(
        ["demo.yml"],
        ["text.grid=none", "text.vector_size=8", "text.epochs=2", "text.min_count=2", f"text.embedding={name}"],
    )
    run_context = context(config=config)
    fill(run_context, spark, texts, cohort_of(texts))
    summary = stage_text.run(run_context)
    embedder = TextEmbedder.load(existing_fit(run_context.tables, summary.extra["fit_id"]))
    rows = run_context.tables.read("embeddings").collect()
    assert {(row["model"], len(row["vector"])) for row in rows} == {(name, embedder.size)}
    for row in rows:
        expected = embedder.embed([texts[row["sop_instance_uid"].split(".")[0]]])[0][0]
        np.testing.assert_array_equal(np.array(row["vector"], dtype=np.float32), expected)
    if name == "tf_idf":
        tokens = [row["stems"] for row in run_context.tables.read("tokens").collect()]
        train = spark.createDataFrame([(stems,) for stems in tokens], "stems array<string>")
        counted = with_documents(train, "stems", Vocabulary.of(tokens, 2))
        assert counted.documents.tolist() == [sum(word in text for text in tokens) for word in counted.words]
        assert counted.texts == len(tokens)
        weights = IDF(inputCol="counts", outputCol="w").fit(
            CountVectorizerModel.from_vocabulary(counted.words, "stems", "counts").transform(train)
        )
        np.testing.assert_allclose(inverse_document_frequencies(counted), weights.idf.toArray(), rtol=1e-6)
    if name == "spark_nlp_doc2vec":
        folder = existing_fit(run_context.tables, summary.extra["fit_id"]) / "doc2vec"
        _is_what_spark_nlp_makes(spark, embedder, folder)
        _can_be_used_by_path(context, config, spark, texts, folder)


def _is_what_spark_nlp_makes(spark, embedder, folder):
    """Of words that it knows and does not know."""
    asked = [[*embedder.model.words[:3], "never"], ["never"], embedder.model.words[1:2] * 2]
    frame = spark.createDataFrame([(n, " ".join(words)) for n, words in enumerate(asked)], "exam_id int, text string")
    rows = saved_model_vectors(frame, str(folder)).collect()
    theirs = {row["exam_id"]: row["vector"] for row in rows}
    ours, known = embedder.embed_tokens(asked)
    assert known.tolist() == [theirs[n] is not None for n in range(3)] == [True, False, True]
    for n in (0, 2):
        np.testing.assert_allclose(ours[n], theirs[n], rtol=1e-5, atol=1e-6)


def _can_be_used_by_path(context, config, spark, texts, folder):
    """A saved annotator alone, on raw texts; outside Spark it gives nothing."""
    one = next((folder / "stages").glob("2_*"))
    named = {"embedding": "spark_nlp_model", "spark_nlp_path": str(one), "grid": "stems"}
    config = config.model_copy(update={"text": config.text.model_copy(update=named)})
    run_context = context(config=config)
    summary = stage_text.run(run_context)
    rows = run_context.tables.read("embeddings").collect()
    expected = {row["exam_id"]: row["vector"] for row in saved_model_vectors(
        spark.createDataFrame(list(texts.items()), "exam_id string, text string"), str(folder)).collect()}  # fmt: skip
    assert {row["model"] for row in rows} == {"spark_nlp_model"}
    assert {row["sop_instance_uid"].split(".")[0] for row in rows} == {exam for exam, v in expected.items() if v}
    for row in rows:
        np.testing.assert_allclose(row["vector"], expected[row["sop_instance_uid"].split(".")[0]], rtol=1e-5)
    for said in ("works in Spark only", "text.grid stems has nothing to try"):
        assert any(said in note for note in summary.notes)
    embedder = TextEmbedder.load(existing_fit(run_context.tables, summary.extra["fit_id"]))
    assert embedder.size == 8
    assert not embedder.embed(list(texts.values()))[1].any()
    with pytest.raises(StageError, match="spark_nlp_path"):
        saved_model_vectors(spark.createDataFrame([("a", "b")], "exam_id string, text string"), str(folder / "no"))


def test_without_diagnoses_there_is_nothing_to_do_and_old_vectors_go(context, spark):
    run_context = context()
    tables = run_context.tables
    tables.overwrite("cohort", spark.createDataFrame(cohort_of(["a"]), TABLES["cohort"].ddl))
    rows = [("a.1", source, "m", "f", [1.0]) for source in ("image", "diagnosis")]
    tables.overwrite("embeddings", spark.createDataFrame(rows, TABLES["embeddings"].ddl))
    with pytest.raises(NothingToDoError, match="no diagnosis"):
        stage_text.run(run_context)
    assert [row["source"] for row in tables.read("embeddings").select("source").collect()] == ["image"]
    assert not tables.exists("tokens")


def test_the_jvm_lowers_and_normalises_nothing_that_python_left(spark):
    rules = TextRules.of(load_config(["demo.yml"]).text)
    every = [chr(code) for code in range(1, 0x2000)]
    frame = spark.createDataFrame([(prepared(c, rules),) for c in every if prepared(c, rules).strip()], "text string")
    kept = frame.where(F.col("text").rlike(f"^[{rules.word_characters}]+$"))
    assert kept.where(F.lower("text") != F.col("text")).count() == 0
