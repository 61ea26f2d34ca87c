"""PV-DBOW inference: the NumPy twin that executors and the annotator use, against gensim's own; one process.

Run: `make bench`, or `python benchmarks/bench_text_inference.py`.
"""

from __future__ import annotations

import time
from statistics import median

import numpy as np

from radnet_spark.config import load_config
from radnet_spark.text.doc2vec import gensim_model, plain_form
from radnet_spark.text.vocabulary import Vocabulary

TEXTS, WORDS, VOCABULARY, ROUNDS = 300, 60, 800, 3


def main() -> None:
    """Prints texts/s of both and their ratio."""
    rng = np.random.default_rng(1)
    texts = [[f"w{i}" for i in rng.zipf(1.3, WORDS) % VOCABULARY] for _ in range(TEXTS)]
    settings = load_config(["demo.yml"]).text
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
    ratios = sorted(b / a for a, b in zip(ours, theirs, strict=True))
    print(f"texts: {TEXTS} of {WORDS} words, {settings.vector_size} dimensions, {settings.epochs} epochs")
    print(f"NumPy twin: {TEXTS / median(ours):8.1f} texts/s")
    print(f"gensim:     {TEXTS / median(theirs):8.1f} texts/s")
    print(f"ratio: {median(ratios):.2f} (from {ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    main()
