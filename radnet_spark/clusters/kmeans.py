"""k-means by Spark MLlib.

Lloyd's algorithm over a cached DataFrame. MLlib's defaults are slow on dense vectors: the `block` solver multiplies
matrices where the default goes row by row, and random starts with several seeds end no worse than k-means‖ (Bahmani
et al., VLDB 2012), which is there as a setting.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyspark.ml.clustering import KMeans
from pyspark.ml.functions import array_to_vector
from pyspark.ml.stat import Summarizer
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from radnet_spark.config import Cluster

ALGORITHM = "kmeans"
DISTANCE = "euclidean"


@dataclass(frozen=True)
class Fitted:
    """The best of several runs with one number of clusters.

    Attributes:
        k: number of clusters that was asked for.
        seed: of the best run; the first of equals.
        cost: sum of squared distances to the nearest centre over the fitted rows, of the best run.
        seed_costs: the same for every seed, in the order of the settings.
        centres: (k or fewer, dims) float32; fewer where there are fewer distinct rows than k.
    """

    k: int
    seed: int
    cost: float
    seed_costs: tuple[float, ...]
    centres: NDArray[np.float32]


def features(vectors: DataFrame) -> DataFrame:
    """Gives the column `features` that MLlib takes, from `vector array<float>`."""
    return vectors.select(array_to_vector(F.col("vector")).alias("features"))


def fit(rows: DataFrame, k: int, settings: Cluster) -> Fitted:
    """Fits k centres once a seed and keeps the cheapest.

    Args:
        rows: what `features` gives; should be cached, it is read once an iteration.
        k: number of clusters, at least 1, at most the number of rows.
        settings: seeds, start, iterations and tolerance.
    """
    runs = [_fit_once(rows, k, seed, settings) for seed in settings.seeds]
    costs = tuple(cost for cost, _ in runs)
    best = int(np.argmin(costs))
    return Fitted(k, settings.seeds[best], costs[best], costs, runs[best][1])


def _fit_once(rows: DataFrame, k: int, seed: int, settings: Cluster) -> tuple[float, NDArray[np.float32]]:
    if k == 1:
        return _single_centre(rows)
    estimator = KMeans(
        k=k, seed=seed, initMode=settings.init_mode, maxIter=settings.max_iterations, tol=settings.tolerance,
        solver="block",
    )  # fmt: skip
    model = estimator.fit(rows)
    return float(model.summary.trainingCost), np.asarray(model.clusterCenters(), dtype=np.float32)


def _single_centre(rows: DataFrame) -> tuple[float, NDArray[np.float32]]:
    """The mean: MLlib takes k > 1 only."""
    summary = Summarizer.metrics("mean", "normL2", "count").summary(F.col("features"))
    row = rows.select(summary.alias("of")).collect()[0]["of"]
    mean = row["mean"].toArray()
    squares = float((row["normL2"].toArray() ** 2).sum())
    return max(0.0, squares - row["count"] * float(mean @ mean)), mean[None, :].astype(np.float32)
