"""The annotator in the MLflow registry: a version for each different model, an alias for the one in use."""

from __future__ import annotations

import contextlib
import inspect
import io
import logging
import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

import radnet_spark
from radnet_spark.annotator.model import TEXTS
from radnet_spark.config import Register, conf_file
from radnet_spark.errors import StageError
from radnet_spark.lake.tracking import Tracker

logger = logging.getLogger(__name__)
_REQUIRED = (
    "mlflow", "numpy", "pandas", "torch", "pydicom", "pylibjpeg", "pylibjpeg-libjpeg", "pylibjpeg-openjpeg",
    "pylibjpeg-rle", "pillow", "safetensors", "pyyaml", "pydantic", "croatian-stemmer",
)  # fmt: skip
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "conf")
_FIT, _CLUSTERING = "fit_id", "clustering_id"
SIGNATURE = ModelSignature(
    inputs=Schema([
        ColSpec(DataType.binary, "content", required=False),
        ColSpec(DataType.string, "path", required=False),
        ColSpec(DataType.string, "text", required=False),
    ]),
    outputs=Schema([
        ColSpec(DataType.double, "label", required=False),  # MLflow's function for Spark can't cast a missing long
        ColSpec(DataType.double, "distance", required=False),
        ColSpec(DataType.double, "confidence", required=False),
        *(ColSpec(DataType.string, name, required=False) for name in TEXTS),
    ]),
)  # fmt: skip


# MLflow 3 calls it `name`; MLflow 2, which Databricks 15.4 LTS ML brings, knows `artifact_path` only.
_NAME_ARGUMENT = "name" if "name" in inspect.signature(mlflow.pyfunc.log_model).parameters else "artifact_path"


@dataclass(frozen=True)
class Registered:
    """A version of the registered model: its number, the fit it was made from, and the clustering it labels by."""

    version: str
    fit_id: str
    clustering_id: str


def find_version(tracker: Tracker, settings: Register, fit_id: str) -> Registered | None:
    """The newest version that was made from this fit; None if there is none."""
    client = tracker.client
    versions = [v.version for v in client.search_model_versions(f"name='{settings.name}'")]
    found = [_registered(client.get_model_version(settings.name, v)) for v in versions]  # Unity Catalog lists no tags
    same = [entry for entry in found if entry.fit_id == fit_id]
    return max(same, key=lambda entry: int(entry.version), default=None)


def champion(tracker: Tracker, settings: Register) -> Registered:
    """The version that the alias points to.

    Raises:
        StageError: no model of that name and alias is registered.
    """
    try:
        return _registered(tracker.client.get_model_version_by_alias(settings.name, settings.alias))
    except MlflowException as error:
        where = f"models:/{settings.name}@{settings.alias}"
        raise StageError(
            f"{where} was not found in the registry ({error.error_code}); `radnet register` puts it there"
        ) from error


def version_of_alias(tracker: Tracker, settings: Register) -> str | None:
    """The version that the alias points to; None if there is none."""
    try:
        return champion(tracker, settings).version
    except StageError:
        return None


def register_version(
    tracker: Tracker, settings: Register, folder: Path, made_from: tuple[str, str], example: pd.DataFrame
) -> Registered:
    """Logs the model of a folder as a new version. The alias is left where it is.

    Args:
        tracker: store and registry.
        settings: the `register` section.
        folder: what `Annotator.load` reads.
        made_from: fit_id and clustering_id, kept as the version's tags.
        example: one row of input that holds no patient's data.
    """
    tracker.activate()
    tags = dict(zip((_FIT, _CLUSTERING), made_from, strict=True))
    with tracker.run(settings.name, tags) as run, tempfile.TemporaryDirectory() as temporary:
        code = copy_package(Path(temporary))
        with mlflow.start_run(run_id=run.run_id), contextlib.redirect_stderr(io.StringIO()):  # MLflow prints there
            info = mlflow.pyfunc.log_model(
                **{_NAME_ARGUMENT: settings.name.rpartition(".")[2]},
                python_model=str(code / "annotator" / "pyfunc.py"),
                artifacts={"annotator": str(folder)},
                code_paths=[str(code)],
                pip_requirements=requirements(),
                signature=SIGNATURE,
                input_example=example,
                registered_model_name=settings.name,
            )
    for key, value in tags.items():
        tracker.client.set_model_version_tag(settings.name, str(info.registered_model_version), key, value)
    return Registered(str(info.registered_model_version), *made_from)


def set_champion(tracker: Tracker, settings: Register, entry: Registered) -> bool:
    """Points the alias at a version; False if it pointed there already."""
    if version_of_alias(tracker, settings) == entry.version:
        return False
    tracker.client.set_registered_model_alias(settings.name, settings.alias, entry.version)
    return True


def model_folder(tracker: Tracker, settings: Register, entry: Registered, models: Path) -> Path:
    """The folder of a version's arrays under `models`, which every executor reaches; fetched if need be."""
    folder = models / entry.fit_id
    if not folder.is_dir():
        tracker.activate()
        with tempfile.TemporaryDirectory(dir=models) as temporary:
            uri = f"models:/{settings.name}/{entry.version}"
            fetched = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=temporary))
            next(fetched.glob("artifacts/*/annotator.json")).parent.rename(folder)
    return folder


def copy_package(target: Path) -> Path:
    """Copies this package and its `conf/` below `target`, so that a registered model needs no wheel; gives the copy."""
    copied = target / "radnet_spark"
    shutil.copytree(Path(radnet_spark.__file__).parent, copied, ignore=_LEFT_OUT)
    shutil.copytree(conf_file("base.yml").parent, copied / "conf")
    return copied


def requirements() -> list[str]:
    """What the annotator imports, at the installed versions: neither Spark nor gensim nor Java."""
    found = []
    for name in _REQUIRED:
        try:
            found.append(f"{name}=={version(name).partition('+')[0]}")
        except PackageNotFoundError:
            logger.warning("%s is not installed and was left out of the model's requirements", name)
    return found


def _registered(entry: mlflow.entities.model_registry.ModelVersion) -> Registered:
    tags = entry.tags or {}
    return Registered(str(entry.version), tags.get(_FIT, ""), tags.get(_CLUSTERING, ""))
