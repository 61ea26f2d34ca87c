"""The annotator in plain Python: files and texts in, labels out."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from annotator_parts import DIMS, SIZE, centres, make_annotator, make_fits, small
from pydicom.data import get_testdata_file

from radnet_spark.annotator.assembly import assemble
from radnet_spark.annotator.embedders import Known
from radnet_spark.annotator.inputs import file_rules, read_bytes, read_path, sections_of, usable_text
from radnet_spark.annotator.model import Annotator, Description
from radnet_spark.clusters.embedder import FusionCentres
from radnet_spark.config import Config
from radnet_spark.errors import StageError

TEXT = "Na plućima nema sjena, srce je uredno. Nalaz bez izljeva."


@pytest.fixture(scope="module")
def settings(config: Config) -> Config:
    return small(config)


@pytest.fixture(scope="module")
def annotator(settings: Config, tmp_path_factory: pytest.TempPathFactory) -> Annotator:
    return make_annotator(tmp_path_factory.mktemp("annotator"), settings, "diagnosis", "tags", "image")


@pytest.fixture(scope="module")
def ct() -> bytes:
    return Path(get_testdata_file("CT_small.dcm")).read_bytes()


class Fixed:
    """An embedder that gives vectors known beforehand; NaN rows are missing."""

    def __init__(self, vectors: list[list[float]]) -> None:
        self.vectors = np.array(vectors, np.float32)

    def embed(self, known: list[Known]) -> tuple[np.ndarray, np.ndarray]:
        return self.vectors, ~np.isnan(self.vectors).any(axis=1)

    def save(self, folder: Path) -> None:
        raise NotImplementedError


def test_label_distance_and_confidence_by_hand() -> None:
    from radnet_spark.clusters.fusion import Block

    two = FusionCentres(
        "c", (Block("tags", "ae", 2),), np.array([[0, 0], [6, 8]], np.float32), ({"label": 0, "name": "a"},)
    )
    model = Annotator(Description({"tags": "t"}, {}), {"tags": Fixed([[3, 4], [0, 1], [float("nan")] * 2])}, two)
    half_way, near, nothing = model.annotate([Known(), Known(), Known()])
    assert (half_way.label, half_way.distance, half_way.confidence) == (0, 5.0, 0.0)
    second = np.hypot(6, 7)
    assert near.confidence == pytest.approx((second - 1) / second)
    assert (near.name, near.sources, near.error) == ("a", "tags", None)
    assert (nothing.label, nothing.error) == (None, "no_source")


def test_all_sources_of_a_real_file(annotator: Annotator, settings: Config, ct: bytes) -> None:
    known = read_bytes(ct, TEXT, file_rules(sections_of(settings))).known
    found = annotator.annotate([known])[0]
    assert found.error is None
    assert found.sources == "diagnosis+tags+image"
    assert found.label in (0, 1, 2)
    assert 0 <= found.confidence <= 1
    assert known.image.shape == (SIZE, SIZE)


def test_distance_is_that_of_the_vectors_side_by_side(annotator: Annotator, settings: Config, ct: bytes) -> None:
    known = read_bytes(ct, TEXT, file_rules(sections_of(settings))).known
    parts = [annotator._embedders[source].embed([known])[0][0] for source in DIMS]
    distances = np.linalg.norm(np.concatenate(parts) - centres(*DIMS).centres, axis=1)
    found = annotator.annotate([known])[0]
    assert found.label == distances.argmin()
    assert found.distance == pytest.approx(distances.min(), rel=1e-5)


def test_a_missing_source_is_said_and_nothing_is_invented(annotator: Annotator, settings: Config, ct: bytes) -> None:
    rules = file_rules(sections_of(settings))
    no_text = read_bytes(ct, None, rules).known
    dataset = pydicom.dcmread(io.BytesIO(ct))
    del dataset.PixelData
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    no_image = read_bytes(buffer.getvalue(), TEXT, rules).known
    unknown_words = read_bytes(ct, "xyzzy " * 10, rules).known
    rows = annotator.annotate([no_text, no_image, unknown_words])
    assert [row.sources for row in rows] == ["tags+image", "diagnosis+tags", "tags+image"]
    assert all(row.label is not None for row in rows)


def test_result_of_a_row_does_not_depend_on_the_others(annotator: Annotator, settings: Config, ct: bytes) -> None:
    rules = file_rules(sections_of(settings))
    mr = Path(get_testdata_file("MR_small.dcm")).read_bytes()
    rows = [read_bytes(ct, TEXT, rules).known, read_bytes(mr, None, rules).known, Known(error="empty")]
    together, alone = annotator.annotate(rows), [annotator.annotate([row])[0] for row in rows]
    for a, b in zip(together, alone, strict=True):
        assert (a.label, a.sources, a.error) == (b.label, b.sources, b.error)
        assert a.distance == (b.distance if b.distance is None else pytest.approx(b.distance, rel=1e-5))


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"not a dicom file" * 100, "not_dicom"), (b"\0" * 128 + b"DICM", "truncated")],
)
def test_a_bad_file_is_a_row_with_a_reason(annotator: Annotator, settings: Config, content: bytes, reason: str) -> None:
    found = annotator.annotate([read_bytes(content, TEXT, file_rules(sections_of(settings))).known])[0]
    assert (found.label, found.error) == (None, reason)


def test_a_missing_file_is_a_row_with_a_reason(settings: Config, tmp_path: Path) -> None:
    assert read_path(str(tmp_path / "none.dcm"), None, file_rules(sections_of(settings))).known.error == "unreadable"


def test_features_do_not_depend_on_the_key(annotator: Annotator, settings: Config, ct: bytes) -> None:
    rules = file_rules(sections_of(settings))
    plain = file_rules({**sections_of(settings), "deidentify": {**settings.section("deidentify"), "enabled": False}})
    ways = [rules, rules.with_key(b"another key of 32 bytes, secret!"), plain]
    embedder = annotator._embedders["tags"]
    vectors = [embedder.embed([read_bytes(ct, None, way).known])[0] for way in ways]
    np.testing.assert_array_equal(vectors[0], vectors[1])
    np.testing.assert_array_equal(vectors[0], vectors[2])


def test_known_tags_hold_no_name(settings: Config, ct: bytes) -> None:
    dataset = pydicom.dcmread(io.BytesIO(ct))
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName = "Horvatinović^Ivka"
    dataset.StudyDescription = "CT Horvatinović"
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    known = read_bytes(buffer.getvalue(), None, file_rules(sections_of(settings))).known
    assert "horvatin" not in str(dict(known.tags)).lower()


def test_texts_that_the_table_would_not_hold_are_none(settings: Config) -> None:
    rules = file_rules(sections_of(settings))
    assert usable_text("  kratko ", rules) is None
    assert usable_text(None, rules) is None
    assert usable_text(f"  {TEXT}\0 ", rules) == TEXT


def test_a_folder_that_is_no_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="can't be read"):
        Annotator.load(tmp_path)


def test_folder_holds_what_embedding_needs_and_nothing_else(settings: Config, tmp_path: Path) -> None:
    fits = make_fits(tmp_path, settings)
    (fits["diagnosis"] / "words_of_patients.txt").write_text("Horvatinović")
    (tmp_path / "model").mkdir()
    assemble(tmp_path / "model", centres(*DIMS), fits, sections_of(settings))
    assert not list((tmp_path / "model").rglob("words_of_patients.txt"))


def test_nothing_in_nothing_out(annotator: Annotator) -> None:
    assert annotator.annotate([]) == []


def test_loads_and_labels_without_spark_and_java(annotator: Annotator, settings: Config, tmp_path: Path) -> None:
    make_annotator(tmp_path, settings, "diagnosis", "tags", "image")
    program = f"""
import sys
for name in ("pyspark", "gensim", "sparknlp", "delta", "petastorm", "horovod", "mlflow"):
    sys.modules[name] = None
from radnet_spark.annotator.inputs import file_rules, read_path
from radnet_spark.annotator.model import Annotator
model = Annotator.load({str(tmp_path / "model")!r})
known = read_path({get_testdata_file("CT_small.dcm")!r}, {TEXT!r}, file_rules(model.description.settings)).known
print(model.annotate([known])[0].label)
"""
    environment = {"PATH": "/nonexistent", "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    rules = file_rules(sections_of(settings))
    known = read_path(get_testdata_file("CT_small.dcm"), TEXT, rules).known
    assert int(done.stdout) == annotator.annotate([known])[0].label
