"""A grid of text models: fitted, taken up again, judged by S, the best of each model as vectors."""

import json
import random
import shutil

import numpy as np
import pytest

from radnet_spark.clusters import stage_screen
from radnet_spark.config import load_config
from radnet_spark.errors import NothingToDoError
from radnet_spark.lake.fits import fit_folder
from radnet_spark.lake.grid import cell_folder
from radnet_spark.schemas import TABLES
from radnet_spark.text import stage_text
from radnet_spark.text.embedder import TextEmbedder

WORDS = {"CT": ["plućima", "infiltrat", "prsište", "pleura"], "MR": ["koljeno", "menisk", "ligament", "patela"]}
COMMON = ["uredno", "nalaz", "bez", "kontrola"]
GRID = """
small:
  - {model: pv_dbow, min_count: [2], vector_size: [8], epochs: [3], seeds: [1, 2]}
  - {model: tf_idf, tokens: [words], min_count: [1, 2, 9999], seeds: [1]}
"""


@pytest.fixture
def filled(context, spark):
    rng = random.Random(6)
    exams = {f"e{n:02}": ("CT", "MR")[n % 2] for n in range(60)}
    texts = [(exam, " ".join(rng.choices(WORDS[kind] + COMMON, k=25))) for exam, kind in exams.items()]
    split = {0: "test", 1: "validation", 2: "validation", 3: "validation"}
    cohort = [(f"{exam}.{i}", exam, kind, split.get(n % 10, "train"))
              for n, (exam, kind) in enumerate(exams.items()) for i in range(1 + n % 2)]  # fmt: skip
    tables = context().tables
    tables.overwrite("exams", spark.createDataFrame(texts, TABLES["exams"].ddl))
    tables.overwrite("cohort", spark.createDataFrame(cohort, TABLES["cohort"].ddl))
    columns = TABLES["body_parts"].columns
    parts = [{"sop_instance_uid": uid, "body_part": {"CT": "CHEST", "MR": "KNEE"}[kind]} for uid, _, kind, _ in cohort]
    rows = [tuple(row.get(name) for name in columns) for row in parts]
    tables.overwrite("body_parts", spark.createDataFrame(rows, TABLES["body_parts"].ddl))
    return tables, dict(texts), {row[0] for row in cohort}


def test_the_best_cell_of_each_model_by_s_is_embedded(filled, context, tmp_path):
    tables, texts, uids = filled
    (tmp_path / "grids.yml").write_text(GRID)
    config = load_config(["demo.yml"], [f"text.grids={tmp_path}/grids.yml", "text.grid=small", "cluster.k=[2,3]"])
    summary = stage_text.run(context(config=config))
    assert (summary.extra["cells"], summary.extra["model"]) == (5, "pv_dbow")
    assert any("min_count = 9999" in note for note in summary.notes)
    fitted = {row["cell_id"]: row for row in tables.read("grid_cells").where("stage = 'text'").collect()}
    done = sorted(key for key, row in fitted.items() if row["status"] == "done")
    assert len(done) == 4
    _is_taken_up_again(tables, context, config, done)

    summary = stage_screen.run(context(config=config, source="diagnosis"))
    cells = tables.read("grid_cells").where("stage = 'screen-diagnosis'").collect()
    assert (len(cells), summary.rows["embeddings"]) == (4, 2 * len(uids))
    for model in ("pv_dbow", "tf_idf"):
        of_model = [row for row in cells if json.loads(row["settings"])["model"] == model]
        (chosen,) = [row for row in of_model if row["chosen"]]
        assert chosen["metrics"]["S"] == max(row["metrics"]["S"] for row in of_model)
        vectors = tables.read("embeddings").where(f"model = '{model}'").collect()
        assert {row["sop_instance_uid"] for row in vectors} == uids
        (fit_id,) = {row["fit_id"] for row in vectors}
        embedder = TextEmbedder.load(fit_folder(tables, fit_id))
        assert (embedder.name, embedder.tokens) == (model, {"pv_dbow": "stems", "tf_idf": "words"}[model])
        assert ("plućima" in embedder.model.words) is (model == "tf_idf")  # no stem
        for row in vectors[:20]:
            expected = embedder.embed([texts[row["sop_instance_uid"].split(".")[0]]])[0][0]
            np.testing.assert_array_equal(np.array(row["vector"], "f4"), expected)
    assert max(row["metrics"]["S"] for row in cells) > 0.9  # the two kinds share half of their words


def _is_taken_up_again(tables, context, config, cell_ids):
    """Only the cell whose files are gone is fitted anew."""
    folders = [cell_folder(tables, "text", cell_id) for cell_id in cell_ids]
    before = {folder: folder.stat().st_mtime_ns for folder in folders}
    shutil.rmtree(folders[0])
    stage_text.run(context(config=config))
    assert [folder.stat().st_mtime_ns == before[folder] for folder in folders] == [False, True, True, True]


def test_without_a_grid_there_is_nothing_to_screen(context):
    with pytest.raises(NothingToDoError, match="no grid of diagnosis"):
        stage_screen.run(context(source="diagnosis"))
