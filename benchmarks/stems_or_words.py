"""Do stems make better clusters of diagnoses than words? S of both on demo hospitals, a seed each; no Spark.

Run: `python benchmarks/stems_or_words.py [EXAMS [SEEDS]]`, by default 1,500 exams and 5 seeds. Texts are masked and cut
into train (four fifths) and validation by exam; each model is fitted on train, clustered by k-means, and scored on
validation at the elbow, by the rules of `radnet screen`. Modality and body part are the true ones.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from statistics import fmean, stdev

import numpy as np

from radnet_spark.clusters.screening import Judges, ScreeningPlan, screened
from radnet_spark.config import Config, load_config
from radnet_spark.demo.exams import plan_exam
from radnet_spark.demo.findings import diagnoses
from radnet_spark.text.fitting import fit_model
from radnet_spark.text.masking import masked
from radnet_spark.text.sample import TokenizedTexts
from radnet_spark.text.stemming import TextRules, stems, words
from radnet_spark.text.vocabulary import Vocabulary

MODELS = ("pv_dbow", "tf_idf", "bow")
FORMS = {"stems": stems, "words": words}


def main() -> None:
    """Prints S by model and form, mean and spread over the seeds, and in how many seeds stems are ahead."""
    exams = int(sys.argv[1]) if len(sys.argv) > 1 else 1500
    seeds = range(1, 1 + (int(sys.argv[2]) if len(sys.argv) > 2 else 5))
    found: dict[tuple[str, str], list[float]] = {}
    known: dict[str, list[int]] = {name: [] for name in FORMS}
    for seed in seeds:
        planned = [plan_exam(seed, n, exams) for n in range(exams)]
        told = [(exam, masked(" ".join(text for _, text in diagnoses(exam)))) for exam in planned]
        kept = [(exam, text) for exam, text in told if len(text) >= load_config().diagnoses.min_length]
        for form, split in FORMS.items():
            for model in MODELS:
                config = load_config(["demo.yml"], [f"text.embedding={model}", f"text.seed={seed}"])
                rules = TextRules.of(config.text)
                made = [split(text, rules) for _, text in kept]
                s, vocabulary = _score(made, kept, config)
                found.setdefault((model, form), []).append(s)
            known[form].append(vocabulary)
        print(f"seed {seed}: {len(kept)} texts, words known: "
              + ", ".join(f"{known[form][-1]} {form}" for form in FORMS), flush=True)  # fmt: skip
    print(f"\n{'model':8} {'S, stems':>16} {'S, words':>16} {'difference':>16}   stems ahead")
    for model in MODELS:
        of_stems, of_words = found[model, "stems"], found[model, "words"]
        apart = [a - b for a, b in zip(of_stems, of_words, strict=True)]
        ahead = f"{sum(d > 0 for d in apart)} of {len(apart)}"
        print(f"{model:8} {_spread(of_stems):>16} {_spread(of_words):>16} {_spread(apart):>16}   {ahead}")


def _score(texts: Sequence[Sequence[str]], about: Sequence, config: Config) -> tuple[float, int]:
    train = [n for n in range(len(texts)) if n % 5]
    watched = [n for n in range(len(texts)) if n % 5 == 0]
    counted = Vocabulary.of(texts[n] for n in train)
    documents = _documents(counted.words, [texts[n] for n in train])
    vocabulary = Vocabulary(counted.words, counted.occurrences, documents, counted.texts)
    model = fit_model(TokenizedTexts(vocabulary, [texts[n] for n in train], []), config.text)
    judges = Judges(
        {}, np.array([about[n][0].modality for n in watched]), np.array([about[n][0].part for n in watched])
    )
    plan = ScreeningPlan("diagnosis", tuple(config.cluster.k_list), config.cluster, config.text.seed)
    vectors = (model.infer_all([texts[n] for n in part])[0] for part in (train, watched))
    return screened(*vectors, judges, plan)["S"], len(model.words)


def _documents(known: Sequence[str], texts: Sequence[Sequence[str]]) -> np.ndarray:
    place, counts = {word: n for n, word in enumerate(known)}, np.zeros(len(known), np.int64)
    for text in texts:
        counts[[place[word] for word in set(text)]] += 1
    return counts


def _spread(values: Sequence[float]) -> str:
    return f"{fmean(values):.3f} ± {stdev(values) if len(values) > 1 else 0:.3f}"


if __name__ == "__main__":
    main()
