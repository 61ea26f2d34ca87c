"""Paragraph vectors against gensim alone: training with what is around it, inference by the NumPy twin; two executors.

Run: `make bench`, or `python benchmarks/bench_text_inference.py [spark]`. With `spark`, inference is also timed on one
and on two executors, which must give the same vectors.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from gensim.models.doc2vec import Doc2Vec, TaggedDocument

from radnet_spark.config import Text, load_config
from radnet_spark.text.doc2vec import gensim_model, plain_form
from radnet_spark.text.embedder import TextEmbedder
from radnet_spark.text.fitting import fit_model
from radnet_spark.text.paragraph_vectors import ParagraphVectors
from radnet_spark.text.sample import TokenizedTexts, load_texts
from radnet_spark.text.stemming import TextRules
from radnet_spark.text.vocabulary import Vocabulary

TEXTS, WORDS, VOCABULARY, ROUNDS, TRAINED, INFERRED = 300, 60, 800, 3, 2000, 6000


def main() -> None:
    """Prints texts/s of both and their ratio, for PV-DBOW and PV-DM."""
    for name in ("pv_dbow", "pv_dm"):
        settings = load_config(["demo.yml"], [f"text.embedding={name}"]).text
        print(f"{name}: texts of {WORDS} words, {settings.vector_size} dimensions, {settings.epochs} epochs")
        _training(_texts(TRAINED), settings)
        twin = _inference(_texts(TEXTS), settings)
        if "spark" in sys.argv[1:] and name == "pv_dbow":
            _executors(_texts(INFERRED), twin)


def _texts(count: int) -> list[list[str]]:
    rng = np.random.default_rng(1)
    return [[f"w{i}" for i in rng.zipf(1.3, WORDS) % VOCABULARY] for _ in range(count)]


def _training(texts: list[list[str]], settings: Text) -> None:
    """Ours reads the sample from disk, counts, trains and saves; gensim trains on texts that it holds already."""
    sample = TokenizedTexts(Vocabulary.of(texts), texts, [])
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / settings.tokens
        kept.mkdir()
        sample.save(kept)
        for _ in range(ROUNDS):
            load_texts.cache_clear()
            begin = time.perf_counter()
            fit_model(load_texts(folder, settings.tokens), settings).save(Path(folder))
            middle = time.perf_counter()
            model = Doc2Vec(
                dm=int(settings.embedding == "pv_dm"), dbow_words=0, window=settings.window, hs=0,
                negative=settings.negative, vector_size=settings.vector_size, min_count=settings.min_count,
                sample=settings.sample, alpha=settings.alpha, min_alpha=settings.min_alpha, epochs=settings.epochs,
                workers=settings.workers, seed=settings.seed,
            )  # fmt: skip
            documents = [TaggedDocument(words, [n]) for n, words in enumerate(texts)]
            model.build_vocab(documents)
            model.train(documents, total_examples=model.corpus_count, epochs=model.epochs)
            ours.append(middle - begin)
            theirs.append(time.perf_counter() - middle)
    _report("training", len(texts), ours, theirs)


def _inference(texts: list[list[str]], settings: Text) -> ParagraphVectors:
    model = gensim_model(texts, set(Vocabulary.of(texts, settings.min_count).words), settings)
    twin = plain_form(model, settings)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        twin.infer_all(texts)
        middle = time.perf_counter()
        for text in texts:
            model.infer_vector(text)
        ours.append(middle - begin)
        theirs.append(time.perf_counter() - middle)
    _report("inference", len(texts), ours, theirs)
    return twin


def _executors(texts: list[list[str]], twin: ParagraphVectors) -> None:
    """The same texts on one and on two executors: sorted by key, the vectors must be equal bit by bit."""
    from radnet_spark.lake.session import open_session
    from radnet_spark.text.frames import exam_vectors

    config, times, vectors = load_config(["demo.yml"]), dict[int, list[float]](), dict[int, np.ndarray]()
    with tempfile.TemporaryDirectory() as folder:
        TextEmbedder(TextRules.of(config.text), True, twin).save(Path(folder))
        for cores in (1, 2, 1, 2):
            spark = open_session(config.spark, master=f"local[{cores}]")
            try:
                rows = [(f"e{n:06}", text) for n, text in enumerate(texts)]
                frame = (
                    spark.createDataFrame(rows, "exam_id string, stems array<string>").repartition(cores * 2).persist()
                )
                frame.count()
                few = frame.where("exam_id < 'e000200'")  # some of each partition: the workers of all cores start
                exam_vectors(few, "stems", Path(folder)).write.format("noop").mode("overwrite").save()
                begin = time.perf_counter()
                exam_vectors(frame, "stems", Path(folder)).write.format("noop").mode("overwrite").save()
                times.setdefault(cores, []).append(time.perf_counter() - begin)
                found = exam_vectors(frame, "stems", Path(folder)).orderBy("exam_id").limit(500).collect()
                vectors[cores] = np.array([row["vector"] for row in found], np.float32)
            finally:
                spark.stop()
    same = "the same" if np.array_equal(vectors[1], vectors[2]) else "OTHER"
    one, two = min(times[1]), min(times[2])
    rates = f"{len(texts) / one:.0f} and {len(texts) / two:.0f} texts/s"
    print(f" two executors: {one / two:.2f} x one ({rates}), {same} vectors")


def _report(what: str, texts: int, ours: list[float], theirs: list[float]) -> None:
    ratios = sorted(b / a for a, b in zip(ours, theirs, strict=True))
    print(f"{what:>10}: ours {texts / median(ours):8.1f} texts/s, gensim {texts / median(theirs):8.1f} texts/s, "
          f"ratio {median(ratios):.2f} (from {ratios[0]:.2f} to {ratios[-1]:.2f})", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
