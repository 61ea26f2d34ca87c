"""The report of small tables, of an empty root, and the frames behind it."""

from __future__ import annotations

import json
import math
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from radnet_spark.lake.tables import Tables
from radnet_spark.report import frames, stage_report
from radnet_spark.schemas import TABLES

PARTS = {"CT": "CHEST", "MR": "KNEE"}
STEMS = {0: ["pluć", "sjen", "uredn"], 1: ["koljen", "menisk", "uredn"]}


def add(tables: Tables, name: str, rows: list[dict[str, Any]]) -> None:
    full = [tuple(row.get(column) for column in TABLES[name].columns) for row in rows]
    tables.append(name, tables.spark.createDataFrame(full, TABLES[name].ddl))


@pytest.fixture
def filled(tables: Tables) -> Tables:
    """Forty instances of two clusters: even ones CT of the chest, odd ones MR of the knee; number 0 shows a name."""
    number = range(40)
    about = [(f"i{n:02}", f"e{n // 2 % 10}{n % 2}", ("CT", "MR")[n % 2], n % 2) for n in number]
    rng = np.random.default_rng(1)
    add(tables, "instances", [
        {"sop_instance_uid": uid, "exam_id": exam, "modality": modality, "path": uid, "tags": {},
         "burned_in_annotation": "YES" if uid == "i00" else None}
        for uid, exam, modality, _ in about
    ])  # fmt: skip
    add(tables, "body_parts", [
        {"sop_instance_uid": uid, "body_part": PARTS[modality]} for uid, _, modality, _ in about if uid != "i39"
    ])  # fmt: skip
    add(tables, "images", [
        {"sop_instance_uid": uid, "height": 8, "width": 8,
         "image": bytearray(rng.integers(label * 120, label * 120 + 60, 64, np.uint8).tobytes())}
        for uid, _, _, label in about
    ])  # fmt: skip
    splits = ("train", "train", "validation", "test")
    add(tables, "cohort", [
        {"sop_instance_uid": uid, "exam_id": exam, "modality": modality, "split": splits[n // 2 % 4]}
        for n, (uid, exam, modality, _) in enumerate(about)
    ])  # fmt: skip
    exams = sorted({(exam, label) for _, exam, _, label in about})
    add(tables, "tokens", [{"exam_id": exam, "stems": STEMS[label]} for exam, label in exams])
    add(tables, "exams", [{"exam_id": exam, "diagnosis": "…"} for exam, _ in exams])
    add(tables, "clusterings", [
        {"clustering_id": f"image-{k}", "source": "image", "model": "cae", "algorithm": "kmeans", "k": k, "seed": 1,
         "distance": "euclidean", "cost": 100.0 / k, "elbow": k == 2, "chosen": k == 2}
        for k in (1, 2, 3)
    ])  # fmt: skip
    add(tables, "clusters", [
        {"clustering_id": "image-2", "label": label, "size": 20, "modality": modality, "body_part": part, "purity": 1.0,
         "name": f"{modality} · {part}"}
        for label, (modality, part) in enumerate(PARTS.items())
    ])  # fmt: skip
    add(tables, "labels", [
        {"clustering_id": "image-2", "source": "image", "sop_instance_uid": uid, "label": label}
        for uid, _, _, label in about
    ])  # fmt: skip
    add(tables, "scores", [
        {"clustering_id": "image-2", "source": "image", "split": split, "score": "S", "value": 0.5}
        for split in ("validation", "test")
    ])  # fmt: skip
    add(tables, "quarantine", [{"path": "x", "reason": "not_dicom"}, {"path": "y", "reason": "not_dicom"}])
    add(tables, "dropped", [{"stage": "images", "key": "k", "key_type": "instance", "reason": "no_window"}])
    add(tables, "annotations", [
        {"path": uid, "label": label, "clustering_id": "image-2", "sources": "image"} for uid, _, _, label in about
    ])  # fmt: skip
    summary = json.dumps({"rows": {"instances": 40}, "dropped": {"no_window": 1}, "notes": ["a note"]})
    add(tables, "runs", [
        {"run_id": str(n), "stage": "ingest", "status": "done", "started": datetime(2026, 1, n + 1, tzinfo=UTC),
         "seconds": 1.5, "summary": summary} for n in range(2)
    ])  # fmt: skip
    add(tables, "fits", [{"fit_id": "fit1", "stage": "train", "name": "cae"}])
    folder = tables.files / "models" / "fit1"
    folder.mkdir(parents=True)
    losses = [{"train_loss": 0.5, "validation_loss": 0.4}, {"train_loss": 0.3, "validation_loss": 0.35}]
    (folder / "history.json").write_text(json.dumps(losses))
    return tables


def test_whole_report(filled: Tables, context: Any) -> None:
    summary = stage_report.run(context())
    folder = filled.files / "report"
    page = (folder / "index.html").read_text()
    plain = json.loads((folder / "summary.json").read_text())
    assert "CT · CHEST" in page
    assert "a note" in page
    assert plain["counts"]["instances"] == 40
    assert plain["quarantine"] == {"not_dicom": 2}
    assert plain["dropped"] == [{"stage": "images", "key_type": "instance", "reason": "no_window", "count": 1}]
    assert [run["stage"] for run in plain["stages"]] == ["ingest"]
    first = plain["clusters"][0]
    assert first["modalities"] == [["CT", 1.0]]
    assert first["annotated"] == 20
    assert plain["clusters"][1]["body_parts"] == [["KNEE", 0.95], ["unknown", 0.05]]
    assert plain["baseline"]["S"] == pytest.approx(1.0), "dark and bright images are told apart by their pixels"
    assert summary.extra["clusters"] == 2
    names = {path.stem for path in (folder / "figures").iterdir()}
    assert names >= {"contents", "winners", "sizes", "elbow-image", "loss-image-encoder", "cluster-0", "cluster-1"}
    words = {cluster["label"]: cluster["words"][:2] for cluster in plain["clusters"]}
    assert words == {0: ["pluć", "sjen"], 1: ["koljen", "menisk"]}


def test_empty_root(tables: Tables, context: Any) -> None:
    stage_report.run(context())
    assert "Nothing here yet" in (tables.files / "report" / "index.html").read_text()


def test_images_with_burned_in_text_are_never_sampled(filled: Tables) -> None:
    labels, images = filled.read("labels"), filled.read("images")
    rows = frames.sample_images(labels, filled.read("instances"), images, 100, 1).collect()
    assert Counter(row["label"] for row in rows) == {0: 19, 1: 20}
    hidden = images.where("sop_instance_uid = 'i00'").first()["image"]
    assert hidden not in [row["image"] for row in rows]
    few = frames.sample_images(labels, filled.read("instances"), images, 3, 1).collect()
    assert Counter(row["label"] for row in few) == {0: 3, 1: 3}


def test_tags_are_those_of_one_image_an_exam_and_cluster(spark: Any) -> None:
    rows = [("b", 0, "x", {"KVP": "2"}), ("a", 0, "x", {"KVP": "1"}), ("c", 1, "x", {"KVP": "3"}), ("d", 0, "y", {})]
    labels = spark.createDataFrame([(uid, label) for uid, label, *_ in rows], "sop_instance_uid string, label int")
    instances = spark.createDataFrame([(uid, exam, tags) for uid, _, exam, tags in rows],
                                      "sop_instance_uid string, exam_id string, tags map<string, string>")  # fmt: skip
    found = frames.tags_of_clusters(labels, instances).collect()
    assert sorted((row["label"], row["tags"].get("KVP", "")) for row in found) == [(0, ""), (0, "1"), (1, "3")]


def test_words_by_hand(spark: Any) -> None:
    labels = spark.createDataFrame([("a", 0), ("b", 0), ("c", 1)], "sop_instance_uid string, label int")
    instances = spark.createDataFrame([("a", "x"), ("b", "x"), ("c", "y")], "sop_instance_uid string, exam_id string")
    tokens = spark.createDataFrame([("x", ["p", "p", "u"]), ("y", ["k"])], "exam_id string, stems array<string>")
    rows = frames.typical_words(labels, instances, tokens, 1, 1, []).collect()
    scores = {(row["label"], row["stem"]): row["score"] for row in rows}
    # two clusters of 3 and 1 words: A = 2; an exam with two images counts once
    assert scores == pytest.approx({(0, "p"): 2 / 3 * math.log(1 + 2 / 2), (1, "k"): math.log(1 + 2 / 1)})
    assert frames.typical_words(labels, instances, tokens, 1, 2, []).isEmpty()  # no word is in two exams
