"""The baseline that the pipeline must beat: raw pixels, PCA, k-means, in scikit-learn.

Shown beside the scores, so that a reader sees what the learned embeddings bought. Fitted on train rows, scored on
validation rows, as everything else.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import homogeneity_score, normalized_mutual_info_score

from radnet_spark.clusters.scores import harmonic_mean

SIDE = 32
_COMPONENTS = 50


def raw_pixels(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Shrinks each (h, w) image to SIDE × SIDE pixels and flattens it: (n, SIDE²) float32 in [0, 1]."""
    size = (SIDE, SIDE)
    small = [np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX)) for image in images]
    return np.stack(small).reshape(len(small), -1).astype(np.float32) / 255


def baseline_labels(
    train: NDArray[np.float32], validation: NDArray[np.float32], k: int, seed: int
) -> NDArray[np.integer]:
    """Clusters (n, d) train rows by PCA + k-means and assigns the (m, d) validation rows.

    Args:
        train: raw pixels; k and the number of components shrink to what its rows allow.
        validation: raw pixels.
        k: number of clusters.
        seed: of PCA and k-means.
    """
    components = min(_COMPONENTS, *train.shape)
    pca = PCA(components, svd_solver="randomized", random_state=seed).fit(train)
    model = KMeans(min(k, len(train)), n_init=3, random_state=seed).fit(pca.transform(train))
    labels: NDArray[np.integer] = model.predict(pca.transform(validation))
    return labels


def baseline_scores(
    labels: Sequence[int] | NDArray[np.integer], modalities: Sequence[str], body_parts: Sequence[str | None]
) -> dict[str, float]:
    """NMI, HS against modality and body part and their harmonic mean S, by scikit-learn.

    Args:
        labels: (n,) cluster of each row.
        modalities: (n,).
        body_parts: (n,); rows with None are out of the body-part scores. S is missing where no row has one.
    """
    scores = _against("M", modalities, labels)
    known = [i for i, part in enumerate(body_parts) if part is not None]
    if known:
        scores |= _against("B", [str(body_parts[i]) for i in known], [labels[i] for i in known])
        scores["S"] = harmonic_mean(list(scores.values()))
    return scores


def _against(letter: str, classes: Sequence[str], labels: Sequence[int] | NDArray[np.integer]) -> dict[str, float]:
    return {
        f"NMI_{letter}": float(normalized_mutual_info_score(classes, labels)),
        f"HS_{letter}": float(homogeneity_score(classes, labels)),
    }
