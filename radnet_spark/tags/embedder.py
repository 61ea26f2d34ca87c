"""Tags in, vectors out: everything that was fitted, in one folder, applied without Spark.

The stage's executors and the annotator call the same `embed`. The folder holds `tags.json` (policy, features),
`imputer.npz`, `reduction.json`, and `autoencoder.safetensors` or `pca.npz`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from radnet_spark.arrays import save_compressed
from radnet_spark.tags.columns import FeatureSet
from radnet_spark.tags.encoding import Encoder
from radnet_spark.tags.imputation import Imputer, MeanMode
from radnet_spark.tags.missforest import MissForest
from radnet_spark.tags.preparation import TagPolicy
from radnet_spark.tags.reduction import Reduction, load_reduction

_CHUNK = 4096  # rows that are encoded together
_IMPUTERS: dict[str, type[MeanMode] | type[MissForest]] = {"MeanMode": MeanMode, "MissForest": MissForest}


class TagEmbedder:
    """The fitted tag branch.

    Args:
        policy: how tags are read.
        features: which ones.
        imputer: fills gaps.
        reduction: makes encoded rows short.
    """

    def __init__(self, policy: TagPolicy, features: FeatureSet, imputer: Imputer, reduction: Reduction) -> None:
        self.policy, self.features, self.imputer, self.reduction = policy, features, imputer, reduction
        self.encoder = Encoder(features)

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self.reduction.dimensions

    def encode(self, tag_maps: Sequence[Mapping[str, str]]) -> np.ndarray:
        """(n, width) float32 in [0, 1]: prepared, filled and encoded tags of n instances."""
        return self.encoder.encode(self.imputer.apply(self.features.columns(tag_maps, self.policy)))

    def embed(self, tag_maps: Sequence[Mapping[str, str]]) -> np.ndarray:
        """Vectors of n instances.

        Args:
            tag_maps: keyword → value as in the file, several values joined by a backslash; any may be missing.

        Returns:
            (n, dimensions) float32, finite.
        """
        starts = range(0, len(tag_maps), _CHUNK)
        chunks = [self.reduction.apply(self.encode(tag_maps[at : at + _CHUNK])) for at in starts]
        return np.vstack(chunks) if chunks else np.empty((0, self.dimensions), np.float32)

    def save(self, folder: Path) -> None:
        """Writes all files into an existing folder."""
        policy = {**asdict(self.policy), "numeric_vr": sorted(self.policy.numeric_vr)}
        about = {"policy": policy, "features": self.features.to_json(), "imputer": type(self.imputer).__name__}
        (folder / "tags.json").write_text(json.dumps(about, ensure_ascii=False, indent=1), encoding="utf-8")
        save_compressed(folder / "imputer.npz", **self.imputer.arrays())
        self.reduction.save(folder)

    @classmethod
    def load(cls, folder: str | Path, reduction: Path | None = None) -> TagEmbedder:
        """Reads a folder that `save` wrote.

        Args:
            folder: of a fit.
            reduction: the folder of another reduction of the same encoded rows, such as a grid's cell; None: its own.
        """
        folder = Path(folder)
        about = json.loads((folder / "tags.json").read_text(encoding="utf-8"))
        features = FeatureSet.from_json(about["features"])
        with np.load(folder / "imputer.npz", allow_pickle=False) as arrays:
            imputer = _IMPUTERS[about["imputer"]].from_arrays(dict(arrays))
        fitted = load_reduction(reduction or folder, Encoder(features).width)
        return cls(_policy(about["policy"]), features, imputer, fitted)


@lru_cache(maxsize=2)
def loaded(folder: str) -> TagEmbedder:
    """The embedder of a folder, read once a process."""
    return TagEmbedder.load(folder)


def _policy(data: Mapping[str, Any]) -> TagPolicy:
    return TagPolicy(**{**data, "numeric_vr": frozenset(data["numeric_vr"]),
                        "language_endings": tuple(data["language_endings"])})  # fmt: skip
