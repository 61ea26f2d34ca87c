"""A cell of a text grid is judged from its folders alone."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from text_samples import tokenized

from radnet_spark.clusters import screened_cell
from radnet_spark.clusters.screened_cell import screen_cell
from radnet_spark.clusters.screening import Judges
from radnet_spark.config import load_config
from radnet_spark.text.bag_of_words import BagOfWords
from radnet_spark.text.sample import ExamInstances, TextSample

KINDS = ("CT", "MR")


def _text(kind, rng):
    return [f"{kind}{rng.randint(0, 3)}" for _ in range(12)]


@pytest.fixture
def judged(tmp_path):
    """40 exams of two kinds on each side, the even ones with two instances, and their bag of words."""
    exams = np.array([n for n in range(40) for _ in range(2 - n % 2)])
    rng = random.Random(8)
    train, watched = ([_text(KINDS[n % 2], rng) for n in range(40)] for _ in range(2))
    watched[0] = ["CT1"] * 12  # a model of CT0 alone knows nothing of it
    uids = np.array([f"i{n}" for n in range(len(exams))])
    made = tokenized(train, watched)
    sample = TextSample({"stems": made}, ExamInstances(2 - np.arange(40) % 2, uids, exams))
    for name in ("shared", "cell", "judges"):
        (tmp_path / name).mkdir()
    sample.save(tmp_path / "shared")
    BagOfWords(made.vocabulary.words).save(tmp_path / "cell")
    kinds = np.array(KINDS)[exams % 2]
    asked = {
        "source": "diagnosis", "ks": [2, 3, 4], "settings": {"model": "bow", "tokens": "stems"}, "seed": 1,
        "train": list(range(60)), "watched": list(range(60)),
        "cluster": load_config(["demo.yml"]).cluster.model_dump(mode="json"),
        **{name: str(tmp_path / name) for name in ("shared", "cell", "judges")},
    }  # fmt: skip
    return asked, kinds, tmp_path


def test_texts_that_tell_the_kinds_apart_have_a_perfect_score(judged):
    asked, kinds, folder = judged
    Judges({}, kinds, np.char.add(kinds, "-part")).save(folder / "judges")
    found = screen_cell(json.dumps({**asked, "ks": [2]}))
    assert (found["S"], found["k"]) == (pytest.approx(1), 2)
    assert "D" not in found


def test_the_cell_s_seed_is_that_of_the_clusters(judged, monkeypatch):
    asked, kinds, folder = judged
    Judges({}, kinds, kinds).save(folder / "judges")
    monkeypatch.setattr(screened_cell, "screened", lambda train, watched, judges, plan: {"seed": plan.seed})
    assert screen_cell(json.dumps({**asked, "seed": 7})) == {"seed": 7}


def test_a_model_that_knows_no_word_gains_nothing_by_leaving_texts_out(judged):
    asked, kinds, folder = judged
    Judges({}, kinds, np.char.add(kinds, "-part")).save(folder / "judges")
    BagOfWords(["CT0"]).save(folder / "cell")
    assert screen_cell(json.dumps({**asked, "ks": [2]}))["S"] < 1
