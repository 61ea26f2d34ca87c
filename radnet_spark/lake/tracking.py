"""MLflow: the one module that talks to it. Only the driver does; ranks and executors leave their figures in files."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from radnet_spark.config import Tracking
from radnet_spark.errors import NothingToDoError

logger = logging.getLogger(__name__)
_MAX_VALUE = 6000  # characters of a parameter that every MLflow store takes
_BATCH = 100  # entries of one call


class Run:
    """An MLflow run that is being written."""

    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self._client = client
        self.run_id = run_id

    def tags(self, values: Mapping[str, str]) -> None:
        """Sets tags."""
        for key, value in values.items():
            self._client.set_tag(self.run_id, key, value)

    def params(self, values: Mapping[str, Any]) -> None:
        """Logs parameters; nested sections get dotted names."""
        params = [Param(key, str(value)[:_MAX_VALUE]) for key, value in _flat(values)]
        for start in range(0, len(params), _BATCH):
            self._client.log_batch(self.run_id, params=params[start : start + _BATCH])

    def metrics(self, values: Mapping[str, float | None], step: int = 0) -> None:
        """Logs figures at a step; None and NaN are left out."""
        now = int(time.time() * 1000)
        known = [Metric(k, float(v), now, step) for k, v in values.items() if v is not None and v == v]
        for start in range(0, len(known), _BATCH):
            self._client.log_batch(self.run_id, metrics=known[start : start + _BATCH])

    def text(self, path: str, content: str) -> None:
        """Logs a text file as an artifact."""
        self._client.log_text(self.run_id, content, path)


class Tracker:
    """The tracking store and model registry of a root.

    Args:
        settings: the `tracking` section.
        files: the root's folder for files; holds `mlflow.db` and `mlflow/` unless the settings name another store.
    """

    def __init__(self, settings: Tracking, files: Path) -> None:
        files.mkdir(parents=True, exist_ok=True)
        self.uri = settings.uri or f"sqlite:///{files.absolute()}/mlflow.db"
        self.registry_uri = settings.registry_uri or self.uri
        self._database = None if settings.uri else files.absolute() / "mlflow.db"
        self._experiment = settings.experiment
        self._artifacts = None if settings.uri else (files.absolute() / "mlflow").as_uri()
        self._active: Run | None = None
        logging.getLogger("alembic").setLevel(logging.WARNING)
        logging.getLogger("mlflow").setLevel(logging.ERROR)

    @property
    def client(self) -> MlflowClient:
        """A client of this tracker's store and registry."""
        self._make_database()
        return MlflowClient(tracking_uri=self.uri, registry_uri=self.registry_uri)

    @contextmanager
    def run(self, name: str, tags: Mapping[str, str] | None = None) -> Iterator[Run]:
        """A run named after a stage; it ends FINISHED, or FAILED if the block raises. Within one, the same again.

        A missing source (`NothingToDoError`) is no failure: the run gets a tag that says so.
        """
        if self._active is not None:
            self._active.tags(tags or {})
            yield self._active
            return
        client = self.client
        run = client.create_run(self._experiment_id(client), run_name=name, tags=dict(tags or {}))
        status = "FAILED"
        self._active = here = Run(client, run.info.run_id)
        try:
            yield here
            status = "FINISHED"
        except NothingToDoError as error:
            here.tags({"nothing_to_do": str(error)})
            status = "FINISHED"
            raise
        finally:
            self._active = None
            client.set_terminated(run.info.run_id, status=status)

    def activate(self) -> None:
        """Points MLflow's global functions (`log_model`, `models:/` URIs) at this store and registry."""
        self._make_database()
        mlflow.set_tracking_uri(self.uri)
        mlflow.set_registry_uri(self.registry_uri)

    def _make_database(self) -> None:
        """Makes the root's own database under another name first: MLflow can't open one whose making was cut short."""
        if self._database is None or self._database.exists():
            return
        part = self._database.with_name("mlflow.db.part")
        for left in (part, part.with_name(f"{part.name}-journal")):
            left.unlink(missing_ok=True)
        MlflowClient(tracking_uri=f"sqlite:///{part}", registry_uri=f"sqlite:///{part}").search_experiments()
        part.replace(self._database)

    def _experiment_id(self, client: MlflowClient) -> str:
        found = client.get_experiment_by_name(self._experiment)
        if found is not None:
            return str(found.experiment_id)
        return str(client.create_experiment(self._experiment, artifact_location=self._artifacts))


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
