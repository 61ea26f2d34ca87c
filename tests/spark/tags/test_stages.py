"""The tag stages on an instances table made here: what is written, and that Spark gives what plain Python gives."""

from __future__ import annotations

import json
import random
import shutil
from datetime import UTC, datetime

import numpy as np
import pytest

from radnet_spark.clusters import stage_cluster, stage_evaluate, stage_screen
from radnet_spark.config import load_config
from radnet_spark.errors import NothingToDoError, StageError
from radnet_spark.lake.fits import fit_folder
from radnet_spark.lake.grid import cell_folder
from radnet_spark.schemas import TABLES
from radnet_spark.tags import stage_body_parts, stage_tags
from radnet_spark.tags.embedder import TagEmbedder

_UID = "2.25.{}"
_COLUMNS = list(TABLES["instances"].columns)


def _tags(number: int) -> dict[str, str]:
    random_ = random.Random(number)
    modality = ("CT", "MR")[number % 2]
    tags = {
        "SOPInstanceUID": _UID.format(number), "Modality": modality, "BodyPartExamined": "HEAD",
        "StudyDate": f"202001{number % 28 + 1:02d}", "PatientName": "Nobody^At All", "StudyDescription": f"s {number}",
        "ImageType": "ORIGINAL\\PRIMARY\\" + random_.choice(["AXIAL", "LOCALIZER"]),
        "PatientAge": f"{20 + number % 60:03d}Y",
        "PatientSex": random_.choice("MFO"), "PixelSpacing": f"{random_.uniform(0.3, 1):.4f}\\0.5", "Rows": "512",
        "Manufacturer": random_.choice(["A", "B", "C"]), "RequestAttributesSequence": "[]", "RareTag": "1",
    }  # fmt: skip
    if modality == "CT":
        tags["KVP"] = random_.choice(["120", "100", "120 kV", "nan", "1e30", ""])
    else:
        tags["EchoTime"] = f"{random_.gauss(90, 10):.2f}"
    return tags


def _instance(number: int, tags: dict[str, str], **columns: str | None) -> tuple:
    row = dict.fromkeys(_COLUMNS)
    row |= {
        "sop_instance_uid": _UID.format(number),
        "exam_id": f"e{number}",
        "path": f"/a/{number}",
        "tags": tags,
        "modification_time": datetime(2020, 1, 1, tzinfo=UTC),
        "modality": tags.get("Modality"),
        **columns,
    }
    return tuple(row[name] for name in _COLUMNS)


@pytest.fixture
def archive(spark, tables):
    """Writes instances and a cohort; returns the tag maps by identifier."""

    def write(count: int, splits: tuple[str, ...] = ("train", "train", "train", "validation", "test"), tags=_tags,
              partitions=3):  # fmt: skip
        rows = [_instance(number, tags(number)) for number in range(count)]
        tables.overwrite("instances", spark.createDataFrame(rows, TABLES["instances"].ddl).repartition(partitions))
        cohort = [(_UID.format(n), f"e{n}", ("CT", "MR")[n % 2], splits[n % len(splits)]) for n in range(count)]
        tables.overwrite("cohort", spark.createDataFrame(cohort, TABLES["cohort"].ddl))
        return {_UID.format(number): tags(number) for number in range(count)}

    return write


def test_tags_are_selected_fitted_and_embedded(archive, tables, context):
    tag_maps = archive(200)
    here = context()
    with here.tracker.run("tags"):  # as a run of the pipeline does
        summary = stage_tags.run(here)
    decided = {row["tag"]: row for row in tables.read("tag_missingness").collect()}
    reasons = {tag: row["reason"] for tag, row in decided.items()}
    assert reasons["Rows"] == "distinct_values"
    assert reasons["SOPInstanceUID"] == "identifier"
    assert reasons["StudyDate"] == "date_time"
    assert reasons["PatientName"] == "distinct_values"
    assert reasons["StudyDescription"] == "natural_language"
    assert reasons["RequestAttributesSequence"] == "no_scalar"
    assert reasons["RareTag"] == "unknown_tag"
    assert reasons["Modality"] == "modality_tag"
    kept = {tag for tag, row in decided.items() if row["kept"]}
    assert kept == {"ImageType2", "PatientAge", "PatientSex", "PixelSpacing0", "Manufacturer", "KVP", "EchoTime"}
    train = [tags for number, tags in enumerate(tag_maps.values()) if number % 5 < 3]
    numbers = sum(tags.get("KVP") in ("100", "120", "120 kV") for tags in train)
    assert decided["KVP"]["fill_rate"] == pytest.approx(numbers / len(train))
    features = tables.read("tag_features").orderBy("position").collect()
    assert [row["position"] for row in features] == list(range(summary.extra["width"]))
    assert {row["category"] for row in features if row["tag"] == "PatientSex"} == {"F", "M", "O"}
    assert summary.rows["embeddings"] == 200
    filled = {row["tag"]: row for row in tables.read("tag_imputation").collect()}
    assert set(filled) == kept
    assert filled["KVP"]["missing"] == pytest.approx(1 - numbers / len(train))
    assert (filled["KVP"]["kind"], filled["KVP"]["mean_mode_error"]) == ("continuous", 1.0)
    assert all(row["oob_error"] is not None and row["validation_error"] is not None for row in filled.values())
    assert summary.extra["imputation"]["method"] == "MissForest"
    assert 1 <= summary.extra["imputation"]["rounds_kept"] <= 2
    assert list(summary.extra["kept_after"].values()) == sorted(summary.extra["kept_after"].values(), reverse=True)
    client = here.tracker.client
    (logged,) = client.search_runs([e.experiment_id for e in client.search_experiments()])
    assert logged.data.metrics["imputation.validation_nrmse"] == summary.extra["imputation"]["validation_nrmse"]
    assert not client.list_artifacts(logged.info.run_id, "grid")  # one cell is no grid
    _equals_plain_python(tables, tag_maps, summary.extra["fit_id"])


def _equals_plain_python(tables, tag_maps, fit_id):
    folder = fit_folder(tables, fit_id)
    assert (folder / "history.json").is_file()
    embedder = TagEmbedder.load(folder)
    vectors = {row["sop_instance_uid"]: row["vector"] for row in tables.read("embeddings").collect()}
    expected = embedder.embed(list(tag_maps.values()))
    found = np.array([vectors[uid] for uid in tag_maps], np.float32)
    assert found.shape == (200, 32)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_running_again_gives_the_same_however_rows_are_partitioned(archive, tables, context):
    archive(40)
    stage_tags.run(context())
    first = {row["sop_instance_uid"]: row["vector"] for row in tables.read("embeddings").collect()}
    archive(40, partitions=1)
    summary = stage_tags.run(context())
    assert any("training instances" in note for note in summary.notes)
    again = {row["sop_instance_uid"]: row["vector"] for row in tables.read("embeddings").collect()}
    assert again == first


GRID = """
small:
  - {model: ae, first: [20], second: [15], third: [10], bottleneck: [4, 6], seeds: [1]}
  - {model: pca, components: [3, 500], solver: [full], seeds: [1]}
"""


@pytest.fixture
def judged(archive, spark, tables):
    """An archive whose images and diagnoses tell the modalities apart."""
    tag_maps, random_ = archive(150), np.random.default_rng(3)
    centres = random_.normal(size=(2, 5)) * 3
    rows = [(uid, source, source, f"fit-{source}", [float(x) for x in centres[n % 2] + random_.normal(size=5)])
            for source in ("image", "diagnosis") for n, uid in enumerate(tag_maps)]  # fmt: skip
    tables.overwrite("embeddings", spark.createDataFrame(rows, TABLES["embeddings"].ddl))
    return tag_maps


def test_the_best_cell_of_each_model_by_d_is_embedded_and_d_chooses_among_them(judged, tables, context, tmp_path):
    (tmp_path / "grids.yml").write_text(GRID)
    small = load_config(["demo.yml"], ["tags.grid=small", f"tags.grids={tmp_path}/grids.yml", "cluster.k=[2,3,4]",
                                       "tags.autoencoder.epochs=2"])  # fmt: skip
    summary = stage_tags.run(context(config=small))
    assert summary.extra["cells"] == 4
    assert any("500 components" in note for note in summary.notes)
    fitted = {row["cell_id"]: row for row in tables.read("grid_cells").where("stage = 'tags'").collect()}
    done = {key: row["metrics"]["loss"] for key, row in fitted.items() if row["status"] == "done"}
    assert [row["cell_id"] for row in fitted.values() if row["chosen"]] == [min(done, key=lambda key: done[key])]
    _is_taken_up_again(tables, context, small, sorted(done))

    summary = stage_screen.run(context(config=small, source="tags"))
    assert (summary.extra["cells"], summary.rows["embeddings"]) == (3, 300)
    cells = tables.read("grid_cells").where("stage = 'screen-tags'").collect()
    for model in ("ae", "pca"):
        of_model = [row for row in cells if json.loads(row["settings"])["model"] == model]
        best = min(of_model, key=lambda row: row["metrics"]["D"])
        assert [row["cell_id"] for row in of_model if row["chosen"]] == [best["cell_id"]]
        vectors = tables.read("embeddings").where(f"source = 'tags' AND model = '{model}'").collect()
        (fit_id,) = {row["fit_id"] for row in vectors}
        embedder = TagEmbedder.load(fit_folder(tables, fit_id))
        asked = json.loads(best["settings"])
        assert embedder.dimensions == asked["bottleneck" if model == "ae" else "components"]
        expected = dict(zip(judged, embedder.embed(list(judged.values())), strict=True))
        for row in vectors[:20]:
            np.testing.assert_allclose(row["vector"], expected[row["sop_instance_uid"]], rtol=1e-3, atol=1e-4)

    stage_cluster.run(context(config=small, source="tags"))
    stage_evaluate.run(context(config=small, source="tags"))
    tried = tables.read("clusterings").where("source = 'tags'").collect()
    scores = tables.read("scores").where("score = 'D' AND split = 'validation'").collect()
    d = {row["clustering_id"]: row["value"] for row in scores}
    (chosen,) = [row for row in tried if row["chosen"]]
    others = [row for row in tried if row["model"] != chosen["model"]]
    others = [row for row in others if row["elbow"]] or others  # without an elbow one of them stands for the model
    assert {row["model"] for row in tried} == {"ae", "pca"}
    assert d[chosen["clustering_id"]] <= max(d[row["clustering_id"]] for row in others)


def _is_taken_up_again(tables, context, config, cell_ids):
    """Only the cell whose files are gone is fitted anew."""
    folders = [cell_folder(tables, "tags", cell_id) for cell_id in cell_ids]
    before = {folder: folder.stat().st_mtime_ns for folder in folders}
    shutil.rmtree(folders[0])
    stage_tags.run(context(config=config))
    assert [folder.stat().st_mtime_ns == before[folder] for folder in folders] == [False, True, True]


def test_without_a_grid_there_is_nothing_to_screen(context):
    with pytest.raises(NothingToDoError, match="no grid"):
        stage_screen.run(context(source="tags"))


def test_without_validation_rows_training_rows_stand_in(archive, context):
    archive(30, splits=("train",))
    assert any("watched" in note for note in stage_tags.run(context()).notes)


def test_without_a_usable_tag_there_is_no_tag_source(archive, spark, tables, context):
    earlier = [("tags", "old", 0, "{}", 1, "done", None, {}, 1.0, True)]
    tables.append("grid_cells", spark.createDataFrame(earlier, TABLES["grid_cells"].ddl))
    archive(20, tags=lambda number: {"Modality": "CT", "Rows": "5"})
    summary = stage_tags.run(context())
    assert any("no tag source" in note for note in summary.notes)
    assert tables.read("embeddings").count() == 0
    assert tables.read("grid_cells").count() == 0
    assert tables.read("tag_missingness").count() == 2


def test_without_training_rows_the_stage_says_so(archive, context):
    archive(5, splits=("test",))
    with pytest.raises(StageError, match="no training instance"):
        stage_tags.run(context())


def test_body_parts_are_written_with_their_rule(spark, tables, context):
    said = [("CHEST", "RTG toraksa"), ("", "RTG koljena"), (None, "?"), ("C_SPNE", None), ("HEAD", "constancy")]
    rows = [
        _instance(number, {"Modality": "CR"}, body_part_examined=original, study_description=text)
        for number, (original, text) in enumerate(said)
    ]
    tables.overwrite("instances", spark.createDataFrame(rows, TABLES["instances"].ddl))
    summary = stage_body_parts.run(context())
    found = {row["sop_instance_uid"]: tuple(row)[1:4] for row in tables.read("body_parts").collect()}
    assert [found[_UID.format(number)] for number in range(5)] == [
        ("CHEST", "CHEST", "original"),
        (None, "KNEE", "knee.hr"),
        (None, None, None),
        ("C_SPNE", "CSPINE", "value.CSPNE"),
        ("HEAD", "TEST", "constancy.en"),
    ]
    assert summary.rows == {"body_parts": 5}
    assert (summary.extra["fill_before"], summary.extra["fill_after"], summary.extra["unmatched"]) == (0.6, 0.8, 1)
    assert summary.extra["helper_fill"]["study_description"] == 0.8
