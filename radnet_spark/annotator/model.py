"""The chosen pipeline in plain Python: what is known of an instance in, a label with its confidence out.

No Spark and no Java: executors, the registered MLflow model and the tests call the same class. It reads one folder that
holds all it needs, and returns no identifier of any person.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radnet_spark.annotator.embedders import Embedder, Known, load_embedder
from radnet_spark.clusters.embedder import FusionCentres
from radnet_spark.errors import StageError

DESCRIPTION = "annotator.json"
CLUSTERING = "clustering"
NO_SOURCE = "no_source"
TEXTS = ("modality", "body_part", "name", "sources", "error")
"""The members of an `Annotation` that are texts."""


@dataclass(frozen=True)
class Annotation:
    """What the annotator says of one instance.

    Attributes:
        label: the cluster; None if nothing could be said.
        distance: Euclidean distance to its centre, rescaled where a source is missing.
        confidence: margin `(d2 - d1) / d2` in [0, 1].
        modality: what the cluster stands for.
        body_part: what the cluster stands for; None if no instance of it had a known one.
        name: of the cluster.
        sources: those used, joined by `+`, in the order of the blocks.
        error: a reason if there is no label, else None.
    """

    label: int | None = None
    distance: float | None = None
    confidence: float | None = None
    modality: str | None = None
    body_part: str | None = None
    name: str | None = None
    sources: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class Description:
    """The plain part of the model's folder, `annotator.json`.

    Attributes:
        fits: source → fit_id of its embedder, in the order of the blocks.
        settings: the sections of the configuration that decide how a file becomes sources.
    """

    fits: Mapping[str, str]
    settings: Mapping[str, Any]

    def save(self, folder: Path) -> None:
        """Writes what `load` reads."""
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
        (folder / DESCRIPTION).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Description:
        """Reads `annotator.json`.

        Raises:
            StageError: it is not there or can't be read.
        """
        try:
            return cls(**json.loads((folder / DESCRIPTION).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise StageError(f"{folder}: found no readable {DESCRIPTION} ({type(error).__name__})") from error


class Annotator:
    """The embedders of the sources, and the centres that their vectors are compared with.

    Args:
        description: settings and provenance.
        embedders: source → embedder, for each block of `centres`.
        centres: the chosen clustering.
    """

    def __init__(self, description: Description, embedders: Mapping[str, Embedder], centres: FusionCentres) -> None:
        self.description = description
        self.centres = centres
        self._embedders = embedders
        self._clusters = {int(cluster["label"]): cluster for cluster in centres.clusters}

    @classmethod
    def load(cls, folder: str | Path) -> Annotator:
        """Reads a model's folder: `annotator.json`, `clustering/`, and a folder for each source.

        Raises:
            StageError: a part is missing or can't be read.
        """
        folder = Path(folder)
        centres = FusionCentres.load(folder / CLUSTERING)
        embedders = {block.source: load_embedder(block.source, folder / block.source) for block in centres.blocks}
        return cls(Description.load(folder), embedders, centres)

    def annotate(self, known: Sequence[Known]) -> list[Annotation]:
        """Annotates instances, in order; one of which no source is known gives a row with its error."""
        vectors: dict[str, NDArray[np.float32]] = {}
        present: dict[str, NDArray[np.bool_]] = {}
        for source, embedder in self._embedders.items():
            vectors[source], present[source] = embedder.embed(known)
        annotations = [Annotation(error=row.error or NO_SOURCE) for row in known]
        for sources, rows in _by_sources(present).items():
            found = self.centres.annotate({source: vectors[source][rows] for source in sources})
            for index, row in enumerate(rows):
                annotations[row] = self._annotation(
                    int(found.labels[index]), float(found.distances[index]), float(found.confidences[index]), sources
                )
        return annotations

    def _annotation(self, label: int, distance: float, confidence: float, sources: tuple[str, ...]) -> Annotation:
        about = self._clusters.get(label, {})
        return Annotation(
            label, distance, confidence, about.get("modality"), about.get("body_part"), about.get("name"),
            "+".join(sources),
        )  # fmt: skip


def _by_sources(present: Mapping[str, NDArray[np.bool_]]) -> dict[tuple[str, ...], NDArray[np.intp]]:
    """Groups rows by the sources that are there; rows without any are in no group."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for row, mask in enumerate(zip(*present.values(), strict=True)):
        sources = tuple(source for source, there in zip(present, mask, strict=True) if there)
        if sources:
            groups.setdefault(sources, []).append(row)
    return {sources: np.array(rows) for sources, rows in groups.items()}
