"""The cells of text grids."""

import json

import pytest
from text_samples import TEXTS, sample_of

from radnet_spark.config import load_config, load_rules
from radnet_spark.errors import UsageError
from radnet_spark.text.embedder import load_model
from radnet_spark.text.fitting import fit_cell
from radnet_spark.text.grids import of_tokens, settings_of, text_cells, tries_many


def text_settings(*settings):
    return load_config([], list(settings)).text


def test_the_papers_grid_has_every_combination():
    cells = text_cells(text_settings("text.grid=paper"), [])
    by_model = {
        name: [c for c in cells if c.settings["model"] == name] for name in ("pv_dbow", "pv_dm", "bow", "tf_idf")
    }
    assert {name: len(found) for name, found in by_model.items()} == {
        "pv_dbow": 10 * 7 * 3, "pv_dm": 10 * 7 * 3 * 3, "bow": 10, "tf_idf": 10,
    }  # fmt: skip
    assert len({cell.cell_id for cell in cells}) == len(cells)
    assert {cell.settings["window"] for cell in by_model["pv_dm"]} == {5, 7, 10}
    assert all("window" not in cell.settings for cell in by_model["pv_dbow"])
    assert {cell.settings["min_count"] for cell in by_model["bow"]} == {
        5, 10, 50, 100, 500, 1000, 2000, 3500, 5000, 10000,
    }  # fmt: skip


def test_the_default_grid_is_small_and_has_several_seeds_where_chance_counts():
    cells = text_cells(text_settings("text.grid=default"), [])
    assert len(cells) == 10
    assert {c.seed for c in cells if c.settings["model"] == "pv_dbow"} == {1, 2}
    assert set(load_rules("text_grids.yml")) == {"default", "stems", "paper"}


@pytest.mark.parametrize("model", ["pv_dbow", "bow"])
def test_the_grid_of_stems_and_words_differs_in_nothing_else(model):
    cells = text_cells(text_settings("text.grid=stems", f"text.embedding={model}"), [])
    assert {cell.settings["model"] for cell in cells} == {model}
    assert [(cell.settings["tokens"], cell.seed) for cell in cells] == [
        (tokens, seed) for tokens in ("stems", "words") for seed in (1, 2, 3, 4, 5)
    ]
    assert len({json.dumps({**cell.settings, "tokens": None}) for cell in cells}) == 1


def test_without_a_grid_there_is_one_cell_of_the_settings():
    settings = text_settings("text.embedding=pv_dm", "text.window=7", "text.seed=4")
    (cell,) = text_cells(settings, [])
    assert (cell.settings["model"], cell.settings["window"], cell.seed) == ("pv_dm", 7, 4)
    section = settings.model_dump(mode="json")
    assert settings_of(cell.settings, cell.seed, section) == settings
    assert set(of_tokens(section)) >= {"fold_diacritics", "stop_words"}
    assert not set(of_tokens(section)) & {"min_count", "embedding", "grid", "epochs"}


@pytest.mark.parametrize(
    ("block", "found"),
    [
        ("{model: lsa, seeds: [1]}", "lsa"),
        ("{model: bow, window: [5], seeds: [1]}", "window"),
        ("{model: bow, min_count: 5, seeds: [1]}", "found min_count: 5, expected a list"),
        ("{model: pv_dm, epochs: [0], seeds: [1]}", "text.epochs: found 0"),
        ("{model: bow}", "found no seeds"),
        ("{model: bow, tokens: [letters], seeds: [1]}", "text.tokens: found 'letters'"),
    ],
)
def test_a_wrong_grid_is_named(block, found, tmp_path):
    (tmp_path / "grids.yml").write_text(f"mine: [{block}]")
    with pytest.raises(UsageError, match=found):
        text_cells(text_settings(f"text.grids={tmp_path}/grids.yml", "text.grid=mine"), [])
    with pytest.raises(UsageError, match="found nope"):
        text_cells(text_settings("text.grid=nope"), [])


def test_a_grid_of_one_model_of_spark_nlp_is_none_and_one_of_several_models_stays():
    assert not tries_many(text_settings("text.grid=stems", "text.embedding=spark_nlp_doc2vec"))
    assert tries_many(text_settings("text.grid=default", "text.embedding=spark_nlp_doc2vec"))
    assert tries_many(text_settings("text.grid=stems", "text.embedding=bow"))
    assert not tries_many(text_settings("text.embedding=bow"))


def test_a_cell_is_fitted_from_its_folder_alone(tmp_path):
    (tmp_path / "sample").mkdir()
    sample_of(stems=[["u"]] * 9, words=TEXTS).save(tmp_path / "sample")
    settings = text_settings("text.vector_size=6", "text.epochs=2", "text.embedding=pv_dm", "text.tokens=words")
    (cell,) = text_cells(settings, [])
    asked = {"settings": dict(cell.settings), "seed": 1, "section": settings.model_dump(mode="json"),
             "sample": str(tmp_path / "sample"), "folder": str(tmp_path / "cell")}  # fmt: skip
    metrics = fit_cell(json.dumps(asked))
    model = load_model("pv_dm", tmp_path / "cell")
    assert metrics == {"vocabulary": len(model.words), "dimensions": 6.0}
    assert "w1" in model.words
    assert model.schedule.window == 5
