"""`radnet embed`: the image embedding of every instance of the cohort."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pyspark.sql import functions as F

from radnet_spark.config import Embed
from radnet_spark.encoders.embedder import ImageEmbedder
from radnet_spark.encoders.frames import embedded, exported, sample
from radnet_spark.errors import MissingTableError, StageError
from radnet_spark.lake.fits import existing_fit, fit_folder, saving_fit
from radnet_spark.lake.stage import StageContext, StageSummary
from radnet_spark.lake.tables import Tables
from radnet_spark.training.images import decode_images
from radnet_spark.training.pca import Projection, fit_pca, possible_components

READS = ("images", "cohort", "fits/stage=train")
WRITES = ("embeddings/source=image", "fits/stage=embed")
CONFIG = ("embed", "train", "images")


def run(context: StageContext) -> StageSummary:
    """Fits the PCA on a sample of train images and writes the part `image` of `embeddings`.

    Raises:
        MissingTableError: no encoder was trained.
        StageError: no train image.
    """
    tables, settings, model = context.tables, context.config.embed, context.config.train.encoder
    images, cohort = tables.read("images"), context.cohort()
    encoder = ImageEmbedder.load(trained_encoder(tables, model), settings.batch_size)
    chosen = sample(exported(cohort, images, "train"), images, settings.pca_train_rows, settings.seed).toPandas()
    pictures = decode_images(list(chosen["image"]), encoder.description.size)
    projection, notes = fit_projection(encoder, pictures, settings)
    with saving_fit(context, "embed", model) as (fit_id, folder):
        encoder.with_projection(projection).save(folder)
    members = images.join(cohort.select("sop_instance_uid"), "sop_instance_uid", how="left_semi")
    frame = embedded(members, str(fit_folder(tables, fit_id)), model, fit_id, settings.batch_size)
    written = tables.overwrite("embeddings", frame, part={"source": "image", "model": model})
    extra = {"fit_id": fit_id, "dimension": None if projection is None else len(projection.components)}
    return StageSummary("embed", rows={"embeddings": written}, notes=notes, extra=extra)


def trained_encoder(tables: Tables, model: str) -> Path:
    """The folder of the encoder that was trained last.

    Raises:
        MissingTableError: there is none.
    """
    listed = tables.read_or_empty("fits").where((F.col("stage") == "train") & (F.col("name") == model)).first()
    if listed is None:
        raise MissingTableError(f"encoder {model} is not there yet; `radnet train` makes it")
    return existing_fit(tables, listed["fit_id"])


def fit_projection(encoder: ImageEmbedder, images: np.ndarray, settings: Embed) -> tuple[Projection | None, list[str]]:
    """The PCA behind an encoder, and what was done instead of what the settings say.

    Args:
        encoder: without projection.
        images: (n, N, N) uint8, the train sample.
        settings: wanted components (None: no PCA), solver, seed.

    Raises:
        StageError: no image.
    """
    if not len(images):
        raise StageError("embed: found no exported image in the cohort's train part to fit the PCA on")
    if settings.pca_components is None:
        return None, []
    codes = encoder.codes(images)
    if possible_components(*codes.shape) < 2:
        return None, [f"no PCA: {len(images)} train image(s) are too few"]
    projection = fit_pca(codes, settings.pca_components, settings.pca_solver, settings.seed)
    kept = len(projection.components)
    if kept < settings.pca_components:
        why = f"{len(images)} train images of {codes.shape[1]} values allow no more"
        return projection, [f"PCA with {kept} components instead of {settings.pca_components}: {why}"]
    return projection, []
