"""Puts a model's folder together from the fits of its sources and the chosen clustering."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from radnet_spark.annotator.model import CLUSTERING, Annotator, Description
from radnet_spark.clusters.embedder import FusionCentres


def assemble(
    target: Path, centres: FusionCentres, fits: Mapping[str, Path], settings: Mapping[str, Any]
) -> Annotator:
    """Writes a folder that needs nothing beside it, and loads it to see that it is whole.

    Args:
        target: an empty folder.
        centres: the chosen clustering with the descriptions of its clusters.
        fits: source → folder of its embedder's fit, for each block of `centres`.
        settings: what `inputs.sections_of` gives.

    Raises:
        StageError: a fit is no embedder.
    """
    for block in centres.blocks:
        ignored = shutil.ignore_patterns("history.json", "*.part", "checkpoint*")
        shutil.copytree(fits[block.source], target / block.source, ignore=ignored)
    (target / CLUSTERING).mkdir()
    centres.save(target / CLUSTERING)
    Description({b.source: fits[b.source].name for b in centres.blocks}, dict(settings)).save(target)
    return Annotator.load(target)
