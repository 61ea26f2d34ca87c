"""cluster, evaluate and fuse on three small synthetic sources, against scikit-learn and SciPy."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pyspark.ml.clustering import KMeans as MLlibKMeans
from pyspark.ml.linalg import Vectors
from scipy.spatial.distance import cdist, pdist
from sklearn.cluster import KMeans
from sklearn.metrics import homogeneity_score, normalized_mutual_info_score

from radnet_spark.clusters import stage_cluster, stage_evaluate, stage_fuse
from radnet_spark.clusters.centres import load_centres
from radnet_spark.clusters.embedder import FusionCentres, blocks_from
from radnet_spark.clusters.fusion import Block
from radnet_spark.config import load_config
from radnet_spark.errors import NothingToDoError, UsageError
from radnet_spark.lake.fits import fit_folder
from radnet_spark.schemas import TABLES

CONFIG = load_config(["demo.yml"], ["cluster.k=[3,4]", "cluster.anomaly_below=2"])
SEVERAL = load_config(["demo.yml"], ["cluster.k=[2,3,4,5,6]", "cluster.seeds=[1,2]", "cluster.anomaly_below=2"])
FOUR = load_config(["demo.yml"], ["cluster.k=[4]", "cluster.anomaly_below=2"])
KINDS = [("CR", "HAND"), ("MR", "KNEE"), ("CT", "HEAD"), ("XA", "CAROTID")]
DIMS = {"image": 6, "diagnosis": 5, "tags": 3}
MODELS = {"image": "cae", "diagnosis": "pv_dbow", "tags": "ae"}


class Data:
    """240 instances of four kinds, two an exam; a fifth of them without a diagnosis."""

    def __init__(self) -> None:
        random = np.random.default_rng(7)
        self.kind = np.arange(240) // 2 % 4
        self.uids = [f"1.{i}" for i in range(240)]
        self.exams = [f"e{i // 2}" for i in range(240)]
        self.split = np.array(["train", "validation", "train", "test", "train"])[np.arange(240) // 8 % 5]
        centres = {s: random.normal(size=(4, n)) * 4 for s, n in DIMS.items()}
        self.vectors = {s: (centres[s][self.kind] + random.normal(size=(240, n))).astype("f4") for s, n in DIMS.items()}
        self.vectors["diagnosis"][1::2] = self.vectors["diagnosis"][::2]
        self.diagnosed = np.arange(240) // 2 % 5 != 0

    def write(self, tables: Any) -> None:
        cohort = [
            (u, e, KINDS[k][0], str(s)) for u, e, k, s in zip(self.uids, self.exams, self.kind, self.split, strict=True)
        ]
        parts = [
            (u, KINDS[k][1], KINDS[k][1], "original", KINDS[k][1]) for u, k in zip(self.uids, self.kind, strict=True)
        ]
        tables.overwrite("cohort", tables.spark.createDataFrame(cohort, TABLES["cohort"].ddl))
        tables.overwrite("body_parts", tables.spark.createDataFrame(parts, TABLES["body_parts"].ddl))
        embeddings = [
            (u, source, MODELS[source], f"fit-{source}", vectors[i].tolist())
            for source, vectors in self.vectors.items()
            for i, u in enumerate(self.uids)
            if source != "diagnosis" or self.diagnosed[i]
        ]
        tables.overwrite("embeddings", tables.spark.createDataFrame(embeddings, TABLES["embeddings"].ddl))


def labels_of(tables: Any, clustering_id: str) -> dict[str, tuple[int, float]]:
    rows = tables.read("labels").where(f"clustering_id = '{clustering_id}'").collect()
    return {row["sop_instance_uid"]: (row["label"], row["distance"]) for row in rows}


def scores_of(tables: Any, clustering_id: str, split: str) -> dict[str, float]:
    rows = tables.read("scores").where(f"clustering_id = '{clustering_id}' AND split = '{split}'").collect()
    return {row["score"]: row["value"] for row in rows}


def chosen(tables: Any, source: str) -> Any:
    (row,) = tables.read("clusterings").where(f"chosen AND source = '{source}'").collect()
    return row


def test_nothing_to_do_is_said(tables: Any, context: Callable[..., Any]) -> None:
    Data().write(tables)
    with pytest.raises(NothingToDoError, match="nothing to cluster"):
        stage_cluster.run(context(config=CONFIG, source="fusion"))
    with pytest.raises(NothingToDoError, match="not clustered"):
        stage_evaluate.run(context(config=CONFIG, source="image"))
    with pytest.raises(NothingToDoError, match="nothing to fuse"):
        stage_fuse.run(context(config=CONFIG))
    with pytest.raises(UsageError, match="found 500, expected at most 144"):
        stage_cluster.run(context(config=load_config(["demo.yml"], ["cluster.k=500"]), source="image"))
    assert not tables.exists("labels")


def test_the_way_from_embeddings_to_a_chosen_fusion(tables: Any, context: Callable[..., Any]) -> None:
    data = Data()
    data.write(tables)
    for source in ("image", "diagnosis", "tags"):
        tried = {"image": SEVERAL, "diagnosis": FOUR, "tags": CONFIG}[source]
        stage_cluster.run(context(config=tried, source=source))
        stage_evaluate.run(context(config=CONFIG, source=source))
    check_kmeans(tables, data)
    check_scores(tables, data)
    check_distances(tables, data)
    summary = stage_fuse.run(context(config=CONFIG))
    check_fusion(tables, data, summary)
    stage_cluster.run(context(config=FOUR, source="fusion"))
    stage_evaluate.run(context(config=CONFIG, source="fusion"))
    assert chosen(tables, "fusion")["fusion"] == "embeddings"
    assert {row["source"] for row in tables.read("scores").select("source").distinct().collect()} == {*DIMS, "fusion"}
    first = sorted(tables.read("scores").where("source = 'fusion'").collect())
    stage_cluster.run(context(config=FOUR, source="fusion"))
    stage_evaluate.run(context(config=CONFIG, source="fusion"))
    assert sorted(tables.read("scores").where("source = 'fusion'").collect()) == first


def check_kmeans(tables: Any, data: Data) -> None:
    train = data.vectors["image"][data.split == "train"]
    tried = tables.read("clusterings").where("source = 'image'").orderBy("k").collect()
    assert [row["k"] for row in tried] == [2, 3, 4, 5, 6]
    assert [row["k"] for row in tried if row["elbow"]] == [4]
    for row in tried:
        inertia = KMeans(row["k"], n_init=200, random_state=0).fit(train).inertia_  # as good as the best there is
        assert inertia * 0.999 < row["cost"] < inertia * 1.1
        assert row["cost"] == min(row["seed_costs"])
        assert len(row["seed_costs"]) == 2
    four = tried[2]
    centres = load_centres(str(fit_folder(tables, four["fit_id"])))[four["clustering_id"]]
    distances = cdist(data.vectors["image"], centres)
    found = labels_of(tables, four["clustering_id"])
    assert [found[u][0] for u in data.uids] == distances.argmin(axis=1).tolist()
    np.testing.assert_allclose([found[u][1] for u in data.uids], distances.min(axis=1), rtol=1e-5)
    clusters = tables.read("clusters").where(f"clustering_id = '{four['clustering_id']}'").orderBy("label").collect()
    np.testing.assert_allclose([row["centre"] for row in clusters], centres, rtol=1e-6)
    assert sorted(row["name"] for row in clusters) == sorted(f"{m} · {p}" for m, p in KINDS)
    assert sum(row["size"] for row in clusters) == 240


def check_scores(tables: Any, data: Data) -> None:
    for row in tables.read("clusterings").where("source = 'image'").collect():
        found = labels_of(tables, row["clustering_id"])
        here = np.flatnonzero(data.split == "validation")
        labels, kinds = [found[data.uids[i]][0] for i in here], data.kind[here]
        scores = scores_of(tables, row["clustering_id"], "validation")
        assert scores["HS_M"] == pytest.approx(homogeneity_score(kinds, labels))
        assert scores["NMI_B"] == pytest.approx(normalized_mutual_info_score(kinds, labels))
        assert bool(scores_of(tables, row["clustering_id"], "test")) == row["chosen"]
        assert row["chosen"] == row["elbow"]


def check_distances(tables: Any, data: Data) -> None:
    row = chosen(tables, "tags")
    found = labels_of(tables, row["clustering_id"])
    for split in ("validation", "test"):
        here = np.flatnonzero(data.split == split)
        labels = np.array([found[data.uids[i]][0] for i in here])
        scores = scores_of(tables, row["clustering_id"], split)
        means = {}
        for name, source, kept in (("D_image", "image", here > -1), ("D_diagnosis", "diagnosis", data.diagnosed[here])):
            members = [data.vectors[source][here[(labels == c) & kept]] for c in np.unique(labels)]
            means[name] = np.mean([pdist(m.astype(float), "cosine").mean() for m in members if len(m) > 1])
            assert scores[name] == pytest.approx(means[name], abs=1e-6)
        assert scores["D"] == pytest.approx(2 / (1 / means["D_image"] + 1 / means["D_diagnosis"]), abs=1e-6)
        assert scores["D_diagnosis_exams"] > scores["D_diagnosis"]


def check_fusion(tables: Any, data: Data, summary: Any) -> None:
    assert summary.rows == {"embeddings": 192, "dropped": 48}
    rows = tables.read("embeddings").where("source = 'fusion'").collect()
    assert {row["model"] for row in rows} == {"pv_dbow+ae+cae"}
    place = {uid: i for i, uid in enumerate(data.uids)}
    expected = np.concatenate([data.vectors[s] for s in ("diagnosis", "tags", "image")], axis=1)
    for row in rows:
        np.testing.assert_array_equal(np.float32(row["vector"]), expected[place[row["sop_instance_uid"]]])
    plan = (fit_folder(tables, rows[0]["fit_id"]) / "fusion.json").read_text()
    blocks = blocks_from(json.loads(plan))
    train = data.split == "train"
    kept = {"diagnosis": train & data.diagnosed, "tags": train, "image": train}
    variances = np.array([data.vectors[b.source][kept[b.source]].var(axis=0).sum() for b in blocks])
    np.testing.assert_allclose([b.variance_share for b in blocks], variances / variances.sum(), rtol=1e-4)


def test_a_single_row_and_an_empty_validation_part(tables: Any, context: Callable[..., Any]) -> None:
    spark = tables.spark
    tables.overwrite("cohort", spark.createDataFrame([("1", "e", "CT", "test")], TABLES["cohort"].ddl))
    row = ("1", "image", "cae", "f", [1.0, 2.0])
    tables.overwrite("embeddings", spark.createDataFrame([row], TABLES["embeddings"].ddl))
    config = load_config(["demo.yml"])
    clustered = stage_cluster.run(context(config=config, source="image"))
    assert clustered.rows == {"labels": 1, "clusters": 1, "clusterings": 1}
    assert any("k = 1 was taken instead" in note for note in clustered.notes)
    evaluated = stage_evaluate.run(context(config=config, source="image"))
    assert chosen(tables, "image")["k"] == 1
    assert any("one modality only" in note for note in evaluated.notes)
    assert any("no validation rows" in note for note in evaluated.notes)


def test_the_nearest_centre_is_the_one_that_mllib_predicts(spark: Any) -> None:
    vectors = np.random.default_rng(3).normal(size=(300, 5)).astype("f4")
    rows = spark.createDataFrame([(Vectors.dense(v.tolist()),) for v in vectors], ["features"]).coalesce(1)
    model = MLlibKMeans(k=7, seed=2).fit(rows)
    predicted = [row["prediction"] for row in model.transform(rows).collect()]
    ours = FusionCentres("c", (Block("image", "cae", 5),), np.asarray(model.clusterCenters(), dtype=np.float32))
    assert ours.annotate({"image": vectors}).labels.tolist() == predicted
