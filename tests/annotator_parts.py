"""Small embedders with fixed weights, from which tests put an annotator together."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from radnet_spark.annotator.assembly import assemble
from radnet_spark.annotator.inputs import sections_of
from radnet_spark.annotator.model import Annotator
from radnet_spark.clusters.embedder import FusionCentres
from radnet_spark.clusters.fusion import Block
from radnet_spark.config import Config
from radnet_spark.encoders.embedder import EncoderDescription, ImageEmbedder
from radnet_spark.encoders.registry import build_encoder
from radnet_spark.tags.autoencoder import TagAutoencoder
from radnet_spark.tags.columns import Feature, FeatureSet
from radnet_spark.tags.embedder import TagEmbedder
from radnet_spark.tags.encoding import Encoder
from radnet_spark.tags.imputation import MeanMode
from radnet_spark.tags.preparation import TagPolicy
from radnet_spark.tags.reduction import AutoencoderReduction
from radnet_spark.text.embedder import TextEmbedder
from radnet_spark.text.paragraph_vectors import ParagraphVectors, Schedule
from radnet_spark.text.stemming import TextRules, stems

SIZE = 32
DIMS = {"diagnosis": 6, "tags": 3, "image": 16}
WORDS = "pluća srce koljeno prijelom izljev uredan nalaz sjena"
CARDS = (
    {"label": 0, "name": "CT · CHEST", "modality": "CT", "body_part": "CHEST", "size": 7, "purity": 0.9},
    {"label": 1, "name": "MR · KNEE", "modality": "MR", "body_part": "KNEE", "size": 5, "purity": 0.8},
    {"label": 2, "name": "mixed", "modality": "CR", "body_part": None, "size": 3, "purity": 0.4},
)


def small(config: Config) -> Config:
    """The settings with images of SIZE pixels."""
    return config.model_copy(update={"images": config.images.model_copy(update={"size": SIZE})})


def make_fits(models: Path, config: Config) -> dict[str, Path]:
    """Folders of an embedder for each source."""
    fits = {source: models / f"fit-{source}" for source in DIMS}
    for folder in fits.values():
        folder.mkdir(parents=True)
    shape = {"filters": [4, 4, 4, 4], "bottleneck": 4}
    network = build_encoder("cae", SIZE, shape, seed=1)
    ImageEmbedder(EncoderDescription("cae", SIZE, shape), network.encoder, None).save(fits["image"])
    _tags().save(fits["tags"])
    _text(config).save(fits["diagnosis"])
    for source, folder in fits.items():
        (folder / "fit.json").write_text(json.dumps({"fit_id": folder.name, "stage": source}), encoding="utf-8")
    return fits


def blocks(*sources: str) -> tuple[Block, ...]:
    """Blocks of equal variance."""
    return tuple(Block(s, f"{s}-model", DIMS[s], variance_share=1 / len(sources)) for s in sources)


def centres(*sources: str) -> FusionCentres:
    """Three fixed centres over the blocks of some sources."""
    dims = sum(DIMS[source] for source in sources)
    values = np.random.default_rng(3).normal(size=(len(CARDS), dims)).astype(np.float32)
    return FusionCentres("clustering-1", blocks(*sources), values, CARDS)


def make_annotator(root: Path, config: Config, *sources: str) -> Annotator:
    """An annotator whose folder is `root / "model"`."""
    (root / "model").mkdir(parents=True)
    return assemble(root / "model", centres(*sources), make_fits(root, config), sections_of(config))


def _tags() -> TagEmbedder:
    features = FeatureSet(
        (Feature("KVP", "KVP", -1, (), 80.0, 140.0), Feature("SliceThickness", "SliceThickness", -1, (), 0.0, 10.0)),
        (Feature("Manufacturer", "Manufacturer", -1, ("GE MEDICAL SYSTEMS", "TOSHIBA_MEC"), 0.0, 0.0),),
    )
    imputer = MeanMode(np.array([120.0, 5.0]), np.array([0], np.int32))
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        model = TagAutoencoder(Encoder(features).width, [6, 5, 4], DIMS["tags"])
    reduction = AutoencoderReduction(model, (6, 5, 4, DIMS["tags"]))
    return TagEmbedder(TagPolicy.load(include_modality_tags=False), features, imputer, reduction)


def _text(config: Config) -> TextEmbedder:
    rules = TextRules.of(config.text)
    vocabulary = sorted(set(stems(WORDS, rules)))
    random = np.random.default_rng(4)
    hidden = random.normal(size=(len(vocabulary), DIMS["diagnosis"])).astype(np.float32)
    cumulative = (np.arange(1, len(vocabulary) + 1) * (2**31 - 1) // len(vocabulary)).astype(np.uint32)
    keep = np.full(len(vocabulary), 2**32 - 1, np.uint32)
    model = ParagraphVectors(vocabulary, hidden, cumulative, keep, Schedule(5, 0.025, 0.0001, 2, 0.0))
    return TextEmbedder(rules, config.diagnoses.mask_persons, model)
