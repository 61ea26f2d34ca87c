"""Puts a model's folder together from the fits of its sources and the chosen clustering."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from radnet_spark.annotator.embedders import load_embedder
from radnet_spark.annotator.model import CLUSTERING, Annotator, Description
from radnet_spark.clusters.embedder import FusionCentres


def assemble(target: Path, centres: FusionCentres, fits: Mapping[str, Path], settings: Mapping[str, Any]) -> Annotator:
    """Writes a folder that needs nothing beside it, and loads it to see that it is whole.

    Only what embedding needs is taken from a fit: what else lies there may hold words of single diagnoses.

    Args:
        target: an empty folder.
        centres: the chosen clustering with the descriptions of its clusters.
        fits: source → folder of its embedder's fit, for each block of `centres`.
        settings: what `inputs.sections_of` gives.

    Raises:
        StageError: a fit is no embedder.
    """
    for block in centres.blocks:
        (target / block.source).mkdir()
        load_embedder(block.source, fits[block.source]).save(target / block.source)
    (target / CLUSTERING).mkdir()
    centres.save(target / CLUSTERING)
    Description({b.source: fits[b.source].name for b in centres.blocks}, dict(settings)).save(target)
    return Annotator.load(target)
