"""Fits the tag branch on prepared training rows: imputer, encoder, autoencoder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from radnet_spark.config import Tags
from radnet_spark.tags.autoencoder import TrainingPlan, seeded, train
from radnet_spark.tags.columns import Columns, FeatureSet
from radnet_spark.tags.embedder import TagEmbedder
from radnet_spark.tags.encoding import Encoder
from radnet_spark.tags.imputation import Imputer, MeanMode, TagImputation, imputations
from radnet_spark.tags.missforest_fit import MissForestFit, errors_on, fit_missforest
from radnet_spark.tags.preparation import TagPolicy
from radnet_spark.training.loop import TrainingResult


@dataclass(frozen=True)
class TagFit:
    """What fitting leaves.

    Attributes:
        embedder: everything that is applied.
        training: of the autoencoder.
        imputation: how well gaps are filled, a feature each.
        missforest: its rounds; None for mean and mode.
        notes: what people should know.
    """

    embedder: TagEmbedder
    training: TrainingResult
    imputation: list[TagImputation]
    missforest: MissForestFit | None
    notes: list[str]


def fit_tags(
    train_rows: Columns, validation_rows: Columns, features: FeatureSet, policy: TagPolicy, settings: Tags
) -> TagFit:
    """Fits everything on the training rows; the validation rows only stop the autoencoder.

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
    matrix = encoder.encode(imputer.apply(train_rows))
    if len(validation_rows.numbers):
        watched = encoder.encode(imputer.apply(validation_rows))
    else:
        held = max(1, len(matrix) // 10)
        watched = matrix[np.sort(order[:held])]
        matrix = matrix[np.sort(order[held:])] if len(matrix) > 1 else matrix
        notes.append(f"no validation rows: {held} training rows watched the tag autoencoder instead")
    model = seeded(encoder.width, settings.autoencoder.layers, settings.autoencoder.bottleneck, settings.seed)
    result = train(model, matrix, watched, _plan(settings))
    layers = [*settings.autoencoder.layers, settings.autoencoder.bottleneck]
    embedder = TagEmbedder(policy, features, imputer, model, layers)
    return TagFit(embedder, result, filled, missforest, notes)


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


def _plan(settings: Tags) -> TrainingPlan:
    chosen = settings.autoencoder
    return TrainingPlan(chosen.learning_rate, chosen.batch_size, chosen.epochs, chosen.patience_epochs, settings.seed)
