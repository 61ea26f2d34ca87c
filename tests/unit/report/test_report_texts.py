"""The page's section on diagnoses."""

from __future__ import annotations

import json

import pytest
from report_facts import made_up_facts

from radnet_spark.config import load_config
from radnet_spark.report.facts import Facts
from radnet_spark.report.grid_facts import screened_models, stems_or_words
from radnet_spark.report.page import Pictures, render, summary


def page(facts: Facts) -> str:
    text = render(facts, [], [], Pictures(), load_config().model_dump(mode="json", by_alias=True))
    start = text.index('<section id="texts">')
    return text[start : text.index("</section>", start)]


def test_lengths_words_losses_and_the_grid_are_told():
    facts = made_up_facts()
    section = page(facts)
    for expected in ("47.3", "1\u202f290", "4\u202f321", "95%", "2\u202f345", "vector_size 100, seed 2", "0.612"):
        assert expected in section
    assert "min_count &lt;50&gt;" in section
    for expected in ("0.530 ± 0.052", "0.505 ± 0.047", "+0.025 ± 0.031", "4 of 5", ">-0.100<", "0 of 1"):
        assert expected in section
    assert summary(facts, [], [])["texts"]["frequent"][1]["words"] == 2345


def test_a_grid_of_tag_vectors_is_told_by_its_distance():
    text = render(made_up_facts(), [], [], Pictures(), load_config().model_dump(mode="json", by_alias=True))
    section = text[text.index('<section id="tags">') : text.index('<section id="texts">')]
    for expected in ("Which tag vectors tell most", "bottleneck 32, seed 1", "0.301", "lower is better"):
        assert expected in section


def test_a_run_without_diagnoses_says_so():
    assert "No diagnosis was looked at yet" in page(made_up_facts(sources=("image", "tags")))
    assert "No diagnosis was looked at yet" in page(Facts())


def test_the_chosen_cell_of_each_model_with_what_the_grid_varied():
    def cell(model, chosen, s, seed=1, **own):
        return {"settings": json.dumps({"model": model, **own}), "chosen": chosen, "seed": seed,
                "metrics": {"S": s, "k": 5.0}}  # fmt: skip

    rows = [cell("bow", True, 0.4, min_count=5), cell("bow", False, 0.3, min_count=50), cell("tf_idf", True, 0.6, x=1)]
    best, second = screened_models(rows, "S")
    assert (best.model, best.cells, best.settings, best.score, best.k) == ("tf_idf", 1, "seed 1", 0.6, 5)
    assert (second.model, second.cells, second.settings) == ("bow", 2, "min_count 5, seed 1")
    distances = [{**row, "metrics": {"D": row["metrics"]["S"], "k": 5.0}} for row in rows]
    assert [model.model for model in screened_models(distances, "D")] == ["bow", "tf_idf"]  # the nearer, the better


def test_stems_are_compared_with_words_of_the_same_settings_and_seed():
    def cell(tokens, s, seed=1, model="bow", size=5):
        settings = {"model": model, "tokens": tokens, "min_count": size}
        return {"settings": json.dumps(settings), "seed": seed, "metrics": {} if s is None else {"S": s}}

    rows = [
        cell("stems", 0.5), cell("stems", 0.7, seed=2), cell("stems", 0.9, seed=3), cell("stems", 0.6, size=50),
        cell("words", 0.4), cell("words", 0.8, seed=2), cell("words", None, seed=3), cell("words", 0.1, size=9),
        cell("stems", 0.3, model="pv_dm"),
    ]  # fmt: skip
    (found,) = stems_or_words(rows)
    assert (found.model, found.pairs, found.ahead) == ("bow", 2, 1)
    assert found.stems == pytest.approx((0.6, 0.02**0.5))  # of 0.5 and 0.7, by hand
    assert found.words == pytest.approx((0.6, 0.08**0.5))
    assert found.gain == pytest.approx((0.0, 0.02**0.5))
