from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from radnet_spark.clusters.embedder import FusionCentres
from radnet_spark.clusters.fusion import concatenate, fit_blocks
from radnet_spark.errors import StageError

RANDOM = np.random.default_rng(1)
ROWS = {"tags": RANDOM.normal(size=(20, 3)).astype(np.float32), "image": RANDOM.normal(size=(20, 5)).astype(np.float32)}
BLOCKS = fit_blocks(
    [("tags", "ae"), ("image", "cae")], [3, 5], [float(v.var(axis=0).sum()) for v in ROWS.values()], "unit_variance"
)
CENTRES = RANDOM.normal(size=(4, 8)).astype(np.float32)
MODEL = FusionCentres("c1", BLOCKS, CENTRES, tuple({"label": i, "name": f"cluster {i}"} for i in range(4)))


def test_complete_rows_get_the_nearest_centre() -> None:
    distances = cdist(concatenate(BLOCKS, ROWS), CENTRES)
    ordered = np.sort(distances, axis=1)
    found = MODEL.annotate(ROWS)
    np.testing.assert_array_equal(found.labels, distances.argmin(axis=1))
    np.testing.assert_allclose(found.distances, ordered[:, 0], rtol=1e-5)
    np.testing.assert_allclose(found.confidences, (ordered[:, 1] - ordered[:, 0]) / ordered[:, 1], rtol=1e-4)
    assert found.sources == ("tags", "image")


def test_a_missing_block_rescales_by_its_share_of_variance() -> None:
    found = MODEL.annotate({"image": ROWS["image"], "diagnosis": np.zeros((20, 2))})
    expected = cdist(BLOCKS[1].apply(ROWS["image"]), CENTRES[:, 3:]) / np.sqrt(0.5)
    np.testing.assert_allclose(found.distances, expected.min(axis=1), rtol=1e-5)
    assert found.sources == ("image",)


def test_one_cluster_and_two_equal_ones_give_no_confidence() -> None:
    one = FusionCentres("c", BLOCKS, CENTRES[:1])
    np.testing.assert_array_equal(one.annotate(ROWS).confidences, 0.0)
    twins = FusionCentres("c", BLOCKS, CENTRES[[0, 0]])
    np.testing.assert_array_equal(twins.annotate(ROWS).confidences, 0.0)


def test_folder_round_trip(tmp_path: Path) -> None:
    MODEL.save(tmp_path)
    loaded = FusionCentres.load(tmp_path)
    assert (loaded.clustering_id, loaded.blocks, loaded.clusters) == (MODEL.clustering_id, MODEL.blocks, MODEL.clusters)
    np.testing.assert_array_equal(loaded.centres, CENTRES)


def test_errors_say_what_was_found(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"found centres of shape \(4, 7\), expected \(clusters, 8\)"):
        FusionCentres("c", BLOCKS, CENTRES[:, :7])
    with pytest.raises(StageError, match=r"tags: found vectors of shape \(20, 2\)"):
        MODEL.annotate({"tags": ROWS["tags"][:, :2]})
    with pytest.raises(StageError, match="no source to annotate by"):
        MODEL.annotate({})
    with pytest.raises(StageError, match=r"clustering\.json"):
        FusionCentres.load(tmp_path)
