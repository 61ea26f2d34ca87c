"""Which cells of a screening are known from an earlier one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from radnet_spark.clusters.screened_grids import GRIDS
from radnet_spark.clusters.stage_screen import _cells, _too_few
from radnet_spark.config import load_config
from radnet_spark.lake.cells import Cell
from radnet_spark.lake.stage import StageContext

VERSIONS = {"grid_cells/stage=tags": 3, "embeddings/source=image": 5}


def identities(tmp_path, *settings, versions=VERSIONS, source="tags"):
    config, tables = load_config([], settings), SimpleNamespace(files=tmp_path)
    context = StageContext(None, config, tables, None, {"source": source}, input_versions=dict(versions))  # type: ignore[arg-type]
    return list(_cells(context, GRIDS[source], [Cell("a", {"model": "ae"}, 1), Cell("b", {"model": "pca"}, 1)]))


def test_the_grid_s_stage_may_run_again_and_what_does_not_judge_may_change(tmp_path):
    known = identities(tmp_path)
    assert len(set(known)) == 2
    assert identities(tmp_path, versions={**VERSIONS, "grid_cells/stage=tags": 4}) == known
    assert identities(tmp_path, "cluster.mixed_below=0.4", "cluster.anomaly_below=3") == known


@pytest.mark.parametrize("setting", ["cluster.k=[2,3]", "cluster.seeds=[9]", "cluster.screen_rows=7", "tags.seed=9"])
def test_what_judges_makes_other_cells(setting, tmp_path):
    assert not set(identities(tmp_path, setting)) & set(identities(tmp_path))


def test_other_embeddings_make_other_cells(tmp_path):
    again = identities(tmp_path, versions={**VERSIONS, "embeddings/source=image": 6})
    assert not set(again) & set(identities(tmp_path))


def test_why_there_is_nothing_to_screen():
    assert _too_few("tags", 0, 0) == _too_few("tags", 1, 1) == "nothing to screen: no grid of tags was fitted"
    assert "1 of 4 cells of the grid of tags could be fitted" in _too_few("tags", 4, 1)


def test_the_seed_is_that_of_the_source(tmp_path):
    of_texts = identities(tmp_path, source="diagnosis")
    assert identities(tmp_path, "tags.seed=9", source="diagnosis") == of_texts
    assert not set(identities(tmp_path, "text.seed=9", source="diagnosis")) & set(of_texts)
