"""What is found in a registry, whichever kind of version it lists."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from mlflow.entities.model_registry import ModelVersion, ModelVersionSearch, ModelVersionTag

from radnet_spark.annotator.registry import Registered, find_version
from radnet_spark.config import Config

FITS = {"1": "old", "2": "same", "3": "same"}


class UnityCatalog:
    """As its registry: a search lists versions without tags, which only a version asked for by number has."""

    def search_model_versions(self, _: str) -> list[ModelVersionSearch]:
        return [ModelVersionSearch(name="m", version=number, creation_timestamp=0) for number in FITS]

    def get_model_version(self, name: str, version: str) -> ModelVersion:
        tags = [ModelVersionTag("fit_id", FITS[version]), ModelVersionTag("clustering_id", "c")]
        return ModelVersion(name, version, 0, tags=tags)


def test_the_newest_version_of_a_fit(config: Config) -> None:
    tracker: Any = SimpleNamespace(client=UnityCatalog())
    assert find_version(tracker, config.register_, "same") == Registered("3", "same", "c")
    assert find_version(tracker, config.register_, "other") is None
