"""Judges one cell of a grid from files; what an executor runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from radnet_spark.clusters.screening import Floats, Judges, ScreeningPlan, screened
from radnet_spark.config import Cluster


def screen_cell(payload: str) -> dict[str, float]:
    """Scores a cell.

    Args:
        payload: JSON of `source, ks, cluster` (the section), `judges`, `shared` and `cell` (folders), `settings` and
            `seed` (of the cell), `train` and `watched` (rows of the shared sample).
    """
    from threadpoolctl import threadpool_limits

    asked = json.loads(payload)
    plan = ScreeningPlan(asked["source"], tuple(asked["ks"]), Cluster(**asked["cluster"]), asked["seed"])
    with threadpool_limits(1):  # one worker a core
        train, watched = _VECTORS[asked["source"]](asked)
        return screened(train, watched, Judges.load(Path(asked["judges"])), plan)


def _tag_vectors(asked: Mapping[str, Any]) -> tuple[Floats, Floats]:
    import torch

    from radnet_spark.tags.autoencoder import dense
    from radnet_spark.tags.reduction import load_reduction
    from radnet_spark.tags.sample import load_sample

    torch.set_num_threads(1)
    sample = load_sample(asked["shared"])
    reduction = load_reduction(Path(asked["cell"]), sample.width)
    train, watched = (
        reduction.apply(dense(matrix[rows]))
        for matrix, rows in ((sample.train, asked["train"]), (sample.watched, asked["watched"]))
    )
    return np.asarray(train), np.asarray(watched)


def _text_vectors(asked: Mapping[str, Any]) -> tuple[Floats, Floats]:
    """Of instances: those of one exam share a text. One without a known word counts as zeros: no cell gains by it."""
    from radnet_spark.text.embedder import load_model
    from radnet_spark.text.sample import load_instances, load_texts

    settings = asked["settings"]
    sample, instances = load_texts(asked["shared"], settings["tokens"]), load_instances(asked["shared"])
    model = load_model(settings["model"], Path(asked["cell"]))
    exams = np.repeat(np.arange(len(sample.train)), instances.train)
    made, watched = [], instances.watched_exams[asked["watched"]]
    for texts, wanted in ((sample.train, exams[asked["train"]]), (sample.watched, watched)):
        distinct, place = np.unique(wanted, return_inverse=True)
        made.append(model.infer_all([texts[exam] for exam in distinct])[0][place])
    return made[0], made[1]


_VECTORS = {"tags": _tag_vectors, "diagnosis": _text_vectors}
