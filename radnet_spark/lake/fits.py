"""Fitted things: folders of arrays and JSON under `models/`, published in one rename, listed in the table `fits`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyspark.sql import functions as F

from radnet_spark.errors import StageError
from radnet_spark.lake.stage import StageContext
from radnet_spark.lake.tables import Tables
from radnet_spark.schemas import TABLES


@contextmanager
def saving_fit(context: StageContext, stage: str, name: str) -> Iterator[tuple[str, Path]]:
    """Gives a fit's identity and an empty folder; when the block ends without error, the folder is published.

    A fit of the same identity is replaced: it was made by the same code from the same data.

    Yields:
        (fit_id, folder to write into); afterwards the files lie in `fit_folder(tables, fit_id)`.
    """
    fit_id = context.fit_id(stage, name)
    target = fit_folder(context.tables, fit_id)
    temporary = target.with_name(f".{fit_id}.part")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    yield fit_id, temporary
    about = {"fit_id": fit_id, "stage": stage, "name": name, "fingerprint": context.fingerprint}
    (temporary / "fit.json").write_text(json.dumps(about, indent=1), encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    temporary.replace(target)
    row = (fit_id, stage, name, context.fingerprint, context.input_versions, str(target))
    frame = context.spark.createDataFrame([row], TABLES["fits"].ddl)
    tables = context.tables
    tables.merge("fits", frame, ["fit_id"])
    tables.written[f"fits/stage={stage}"] = tables.written["fits"]


def fit_folder(tables: Tables, fit_id: str) -> Path:
    """Where the files of a fit lie; every executor must reach it."""
    return tables.files / "models" / fit_id


def existing_fit(tables: Tables, fit_id: str) -> Path:
    """The folder of a fit that must be there.

    Raises:
        StageError: it is not listed in `fits`, or its folder is gone.
    """
    folder = fit_folder(tables, fit_id)
    listed = tables.read_or_empty("fits").where(F.col("fit_id") == fit_id).limit(1).count()
    if not listed or not (folder / "fit.json").is_file():
        raise StageError(f"fit {fit_id}: its files are not in {folder}; run the stage that makes it again")
    return folder
