"""k-means by Spark MLlib.

Lloyd's algorithm over a cached DataFrame. MLlib's defaults are slow on dense vectors: the `block` solver multiplies
matrices where the default goes row by row, and random starts with several seeds end no worse than k-means‖ (Bahmani
et al., VLDB 2012), which is there as a setting. Equal rows (instances of one exam share its text) become one row with
a weight: the sum of squares is the same, and a random start can't take one point twice, which would give fewer than k
centres and makes the `block` solver of Spark 3.5 fail.
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


def weighted_rows(vectors: DataFrame) -> DataFrame:
    """Gives the distinct vectors in an order that depends on keys alone, since random starts draw by place.

    Vectors of two machines differ in their last bits, and would lie in other partitions if they were hashed.

    Args:
        vectors: `sop_instance_uid, vector array<float>`.

    Returns:
        `features, weight` (how often the vector occurs, double).
    """
    grouped = vectors.groupBy("vector").agg(
        F.count("*").cast("double").alias("weight"), F.min("sop_instance_uid").alias("first")
    )
    ordered = grouped.repartition("first").sortWithinPartitions("first")
    return ordered.select(array_to_vector(F.col("vector")).alias("features"), "weight")


def fit(rows: DataFrame, distinct: int, k: int, settings: Cluster) -> Fitted:
    """Fits k centres once a seed and keeps the cheapest.

    Args:
        rows: what `weighted_rows` gives; should be cached, it is read once an iteration.
        distinct: how many they are; no more centres than that are fitted.
        k: number of clusters, at least 1.
        settings: seeds, start, iterations and tolerance.
    """
    runs = [_fit_once(rows, min(k, distinct), seed, settings) for seed in settings.seeds]
    costs = tuple(cost for cost, _ in runs)
    best = int(np.argmin(costs))
    return Fitted(k, settings.seeds[best], costs[best], costs, runs[best][1])


def _fit_once(rows: DataFrame, k: int, seed: int, settings: Cluster) -> tuple[float, NDArray[np.float32]]:
    if k == 1:
        return _single_centre(rows)
    estimator = KMeans(
        k=k, seed=seed, initMode=settings.init_mode, maxIter=settings.max_iterations, tol=settings.tolerance,
        solver="block", weightCol="weight",
    )  # fmt: skip
    model = estimator.fit(rows)
    return float(model.summary.trainingCost), np.asarray(model.clusterCenters(), dtype=np.float32)


def _single_centre(rows: DataFrame) -> tuple[float, NDArray[np.float32]]:
    """The mean: MLlib takes k > 1 only."""
    summary = Summarizer.metrics("mean", "normL2").summary(F.col("features"), F.col("weight"))
    row = rows.agg(summary.alias("of"), F.sum("weight").alias("weight")).collect()[0]
    mean = row["of"]["mean"].toArray()
    squares = float((row["of"]["normL2"].toArray() ** 2).sum())
    return max(0.0, squares - row["weight"] * float(mean @ mean)), mean[None, :].astype(np.float32)
