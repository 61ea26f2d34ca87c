"""Fixtures that several layers share; the Spark session starts only where a test asks for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from radnet_spark.config import Config, load_config

# The same examples everywhere; HYPOTHESIS_PROFILE=default draws new ones.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED_DICOM = REPOSITORY.parent / "shared" / "data" / "dicom"


@pytest.fixture(scope="session")
def config() -> Config:
    """The demo's settings."""
    return load_config(["demo.yml"])


@pytest.fixture(scope="session")
def spark_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the session's JVM writes its log."""
    return tmp_path_factory.mktemp("jvm") / "spark.log"


@pytest.fixture(scope="session")
def spark(config: Config, spark_log: Path) -> Iterator[Any]:
    """One session for all tests."""
    from radnet_spark import console
    from radnet_spark.lake.session import open_session

    with console.jvm_log(str(spark_log.parent)):
        session = open_session(config.spark, master="local[2]")
    yield session
    session.stop()


@pytest.fixture
def tables(spark: Any, config: Config, tmp_path: Path) -> Any:
    """Tables under a fresh root."""
    from radnet_spark.lake.tables import Tables

    return Tables(spark, str(tmp_path / "root"), config.storage)


@pytest.fixture
def context(spark: Any, config: Config, tables: Any) -> Callable[..., Any]:
    """Makes a stage's context: `context(config=..., **options)`."""
    from radnet_spark.lake.stage import StageContext
    from radnet_spark.lake.tracking import Tracker

    def make(config: Config = config, **options: Any) -> StageContext:
        return StageContext(spark, config, tables, Tracker(config.tracking, tables.files), options, "test")

    return make
