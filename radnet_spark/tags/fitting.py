"""Fits the tag branch on prepared training rows: imputer and encoder, then one reduction a cell of the grid."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from radnet_spark.config import Tags
from radnet_spark.lake.cells import CellSkipped, publish
from radnet_spark.tags.autoencoder import Options, TrainingPlan, dense, seeded, train
from radnet_spark.tags.columns import Columns, FeatureSet
from radnet_spark.tags.embedder import TagEmbedder
from radnet_spark.tags.encoding import Encoder
from radnet_spark.tags.imputation import Imputer, MeanMode, TagImputation, imputations
from radnet_spark.tags.missforest_fit import MissForestFit, errors_on, fit_missforest
from radnet_spark.tags.preparation import TagPolicy
from radnet_spark.tags.reduction import AutoencoderReduction, PcaReduction, Reduction
from radnet_spark.tags.sample import EncodedSample, load_sample
from radnet_spark.training.pca import fit_pca, possible_components

HISTORY = "history.json"
_CHUNK = 4096  # rows that are made dense together


@dataclass(frozen=True)
class TagFit:
    """What fitting leaves before vectors are made short.

    Attributes:
        policy: how tags are read.
        features: which ones.
        imputer: fills gaps.
        imputation: how well gaps are filled, a feature each.
        missforest: its rounds; None for mean and mode.
        sample: filled and encoded rows.
        notes: what was done instead of what was asked.
    """

    policy: TagPolicy
    features: FeatureSet
    imputer: Imputer
    imputation: list[TagImputation]
    missforest: MissForestFit | None
    sample: EncodedSample
    notes: list[str]

    def embedder(self, reduction: Reduction) -> TagEmbedder:
        """Tags in, vectors of this reduction out."""
        return TagEmbedder(self.policy, self.features, self.imputer, reduction)


@dataclass(frozen=True)
class Fitted:
    """A fitted reduction, its figures, and the validations of a training."""

    reduction: Reduction
    metrics: dict[str, float]
    history: list[dict[str, Any]]


def fit_tags(
    train_rows: Columns, validation_rows: Columns, features: FeatureSet, policy: TagPolicy, settings: Tags
) -> TagFit:
    """Fits imputer and encoder on the training rows, and encodes the sample that reductions are fitted on.

    Args:
        train_rows: a bounded sample of the training part, in an order that does not depend on partitions.
        validation_rows: likewise of the validation part; may be empty, then a tenth of the training rows stands in.
        features: at least one.
        policy: how they were read.
        settings: the `tags` section.
    """
    notes: list[str] = []
    order = np.random.default_rng(settings.seed).permutation(len(train_rows.numbers))
    imputer, filled, missforest = _imputer(train_rows, validation_rows, features, settings)
    encoder = Encoder(features)
    matrix = encoder.encode_sparse(imputer.apply(train_rows))
    if len(validation_rows.numbers):
        watched = encoder.encode_sparse(imputer.apply(validation_rows))
    else:
        held = max(1, matrix.shape[0] // 10)
        watched = matrix[np.sort(order[:held])]
        matrix = matrix[np.sort(order[held:])] if matrix.shape[0] > 1 else matrix
        notes.append(f"no validation rows: {held} training rows watched the tag vectors' fitting instead")
    sample = EncodedSample(matrix, watched, np.array([], "U1"))
    return TagFit(policy, features, imputer, filled, missforest, sample, notes)


def _imputer(
    rows: Columns, validation: Columns, features: FeatureSet, settings: Tags
) -> tuple[Imputer, list[TagImputation], MissForestFit | None]:
    if settings.imputation == "mean_mode":
        return MeanMode.fit(rows), imputations(rows, features, {}, {}), None
    sample, watched = (_some(part, settings.missforest.train_rows, settings.seed) for part in (rows, validation))
    fit = fit_missforest(sample, settings.missforest, settings.seed)
    return fit.imputer, imputations(sample, features, fit.errors, errors_on(fit.imputer, watched)), fit


def _some(rows: Columns, count: int, seed: int) -> Columns:
    """At most `count` rows, in their order."""
    some = np.sort(np.random.default_rng(seed).permutation(len(rows.numbers))[:count])
    return Columns(rows.numbers[some], rows.codes[some])


def fit_reduction(settings: Mapping[str, Any], seed: int, sample: EncodedSample) -> Fitted:
    """Fits one cell.

    Args:
        settings: of the cell: `model` and what `tags.autoencoder` or `tags.pca` hold.
        seed: of weights, order, dropout and iterative solvers.
        sample: encoded rows.

    Returns:
        With `loss`, the mean squared error of the reconstructed watched rows, among the metrics.

    Raises:
        CellSkipped: more components than the rows allow.
        TrainingError: the loss is not finite.
    """
    return _fit_pca(settings, seed, sample) if settings["model"] == "pca" else _fit_autoencoder(settings, seed, sample)


def fit_cell(payload: str) -> dict[str, float]:
    """Fits one cell from files and leaves its files; runs on an executor.

    Args:
        payload: JSON of `settings, seed, sample` (a folder) and `folder` (to be made, all at once).
    """
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)  # one worker a core, for torch and for the libraries behind NumPy
    asked = json.loads(payload)
    with threadpool_limits(1):
        fitted = fit_reduction(asked["settings"], asked["seed"], load_sample(asked["sample"]))

    def write(folder: Path) -> None:
        fitted.reduction.save(folder)
        (folder / HISTORY).write_text(json.dumps(fitted.history, indent=1), encoding="utf-8")

    publish(Path(asked["folder"]), write, anew=True)
    return fitted.metrics


def _fit_autoencoder(settings: Mapping[str, Any], seed: int, sample: EncodedSample) -> Fitted:
    options = Options(settings["activation"], settings["batch_norm"], settings["dropout"])
    layers = [*settings["layers"], settings["bottleneck"]]
    network = seeded(sample.width, layers[:-1], layers[-1], seed, options)
    plan = TrainingPlan(settings["learning_rate"], settings["batch_size"], settings["epochs"],
                        settings["patience_epochs"], seed)  # fmt: skip
    result = train(network, sample.train, sample.watched, plan)
    metrics = {"loss": result.best_loss, "epochs": float(result.epochs_run), "dimensions": float(layers[-1])}
    return Fitted(AutoencoderReduction(network, tuple(layers), options), metrics, result.history)


def _fit_pca(settings: Mapping[str, Any], seed: int, sample: EncodedSample) -> Fitted:
    wanted, possible = settings["components"], possible_components(*sample.train.shape)
    if settings["solver"] == "arpack":
        possible = min(possible, min(sample.train.shape) - 1)
    if wanted > possible:
        raise CellSkipped(
            f"{wanted} components: {sample.train.shape[0]} rows of {sample.width} values allow {max(possible, 0)}"
        )
    projection = fit_pca(sample.train, wanted, settings["solver"], seed)
    squares = 0.0
    for start in range(0, sample.watched.shape[0], _CHUNK):
        rows = dense(sample.watched[start : start + _CHUNK])
        squares += float(((projection.restore(projection.apply(rows)) - rows).astype(np.float64) ** 2).sum())
    loss = squares / (sample.watched.shape[0] * sample.width)
    metrics = {"loss": loss, "explained": float(projection.explained_ratio.sum()), "dimensions": float(wanted)}
    return Fitted(PcaReduction(projection), metrics, [])
