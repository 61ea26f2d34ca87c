"""The cells of a tag grid: two at once on executors against one after the other on the driver, in one run.

Run: `python benchmarks/bench_tag_grid.py [rows] [epochs]`. Also what sparse rows cost a training, and sparse PCA beside
scikit-learn's on the same rows made dense.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import csr_matrix, hstack
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from radnet_spark.config import load_config
from radnet_spark.lake.grid import on_executor
from radnet_spark.lake.session import open_session
from radnet_spark.tags.fitting import fit_cell
from radnet_spark.tags.grids import tag_cells
from radnet_spark.tags.sample import EncodedSample, load_sample
from radnet_spark.training.pca import fit_pca

NUMBERS, CATEGORICAL, CATEGORIES = 45, 35, 8  # about what a hospital's archive leaves


def made_up(rows: int) -> csr_matrix:
    """(rows, 325) float32: correlated numbers in [0, 1] and one-hot blocks."""
    random = np.random.default_rng(1)
    hidden = random.normal(size=(rows, 6))
    numbers = 1 / (1 + np.exp(-hidden @ random.normal(size=(6, NUMBERS)))).astype(np.float32)
    blocks = [csr_matrix(numbers)]
    for _ in range(CATEGORICAL):
        chosen = (hidden @ random.normal(size=(6, CATEGORIES))).argmax(axis=1)
        blocks.append(csr_matrix((np.ones(rows, np.float32), (np.arange(rows), chosen)), shape=(rows, CATEGORIES)))
    return csr_matrix(hstack(blocks, format="csr"))


def payloads(folder: Path, epochs: int) -> list[str]:
    """Eight autoencoder cells of the default grid, all of the same number of epochs."""
    asked = ["tags.grid=default", f"tags.autoencoder.epochs={epochs}", f"tags.autoencoder.patience_epochs={epochs}"]
    cells = [cell for cell in tag_cells(load_config([], asked).tags, []) if cell.settings["model"] == "ae"]
    return [json.dumps({"settings": dict(c.settings), "seed": c.seed, "sample": str(folder),
                        "folder": str(folder / c.cell_id)}) for c in cells]  # fmt: skip


def timed(work) -> float:  # type: ignore[no-untyped-def]
    """Seconds of a call."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def pca(rows: csr_matrix) -> None:
    """Seconds of each solver, sparse and dense."""
    made_dense = rows.toarray()
    for solver in ("full", "arpack", "randomized"):
        ours = timed(lambda solver=solver: fit_pca(rows, 50, solver, 1))
        theirs = timed(lambda solver=solver: PCA(50, svd_solver=solver, random_state=1).fit(made_dense))
        print(f"PCA 50 {solver:10}: sparse {ours:6.2f} s, scikit-learn dense {theirs:6.2f} s, {theirs / ours:.2f} x")


def main() -> None:
    """Prints seconds and ratios."""
    count, epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 10000, int(sys.argv[2]) if len(sys.argv) > 2 else 3
    rows = made_up(count + count // 8)
    print(f"{count} rows of {rows.shape[1]} values, {rows.nnz / rows.shape[0] / rows.shape[1]:.0%} not zero")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        EncodedSample(rows[:count], rows[count:], np.array([], "U1")).save(folder)
        load_sample(str(folder))
        asked = payloads(folder, epochs)
        spark = open_session(load_config(["demo.yml"]).spark, master="local[2]")
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda text: on_executor(spark, fit_cell, text), asked[:2]))  # workers import torch
            tasks = timed(lambda: list(pool.map(lambda text: on_executor(spark, fit_cell, text), asked)))
        driver = timed(lambda: [fit_cell(text) for text in asked])
        torch.set_num_threads(2)
        threads = timed(lambda: [_with_threads(text) for text in asked])
        spark.stop()
    steps = len(asked) * epochs * -(-count // 32)
    print(
        f"{len(asked)} cells, two at once on executors:      {tasks:7.1f} s ({1000 * 2 * tasks / steps:.2f} ms a step)"
    )
    print(f"one after the other on the driver:      {driver:7.1f} s, {driver / tasks:.2f} x")
    print(f"the same with two threads of torch:     {threads:7.1f} s, {threads / tasks:.2f} x")
    with threadpool_limits(1):
        pca(rows)


def _with_threads(text: str) -> None:
    from radnet_spark.tags.fitting import fit_reduction

    asked = json.loads(text)
    fit_reduction(asked["settings"], asked["seed"], load_sample(asked["sample"]))


if __name__ == "__main__":
    main()
