"""Delta tables: the one module that imports delta. Every write is one atomic commit, checked against the schema."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from radnet_spark import schemas
from radnet_spark.config import Storage
from radnet_spark.errors import MissingTableError, UsageError

_USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"
_ALL_ROWS = '["true"]'  # as Delta notes the condition
_MERGED = ("numTargetRowsInserted", "numTargetRowsUpdated")


class Tables:
    """The tables under a root folder, or in a catalog's schema.

    Args:
        spark: the session.
        root: `--root`: a folder or URI.
        storage: the `storage` section; with `catalog` and `schema_name` the tables lie there instead.

    Attributes:
        files: folder for what is no table (models, checkpoints, report); every executor must reach it.
        written: output key (`images`, `embeddings/source=image`) → Delta version of the last write by this object.
        provenance: text that is stored with every commit (run, configuration hash, code version).
    """

    def __init__(self, spark: SparkSession, root: str, storage: Storage) -> None:
        self.spark = spark
        if (storage.catalog is None) != (storage.schema_name is None):
            found = f"{storage.catalog or 'null'} and {storage.schema_name or 'null'}"
            raise UsageError(f"storage.catalog and storage.schema_name: found {found}, expected both or neither")
        # Delta outside Databricks finds tables of Spark's own catalog by names of two parts only.
        own = storage.catalog == "spark_catalog"
        self._catalog = ".".join(filter(None, (None if own else storage.catalog, storage.schema_name))) or None
        self.root = root if "://" in root else str(Path(root).absolute())
        if storage.files is None and "://" in self.root:
            raise UsageError(
                f"storage.files: found null, expected a folder that driver and executors reach, since --root is {root}"
            )
        self.files = Path(storage.files or self.root)
        self.written: dict[str, int] = {}
        self.provenance = ""

    def exists(self, name: str) -> bool:
        """Whether the table has been written."""
        self._table(name)
        if self._catalog:
            return self.spark.catalog.tableExists(f"{self._catalog}.{name}")
        return DeltaTable.isDeltaTable(self.spark, self.path(name))

    def path(self, name: str) -> str:
        """Where a table lies if it lies under the root."""
        return f"{self.root}/tables/{name}"

    def read(self, name: str) -> DataFrame:
        """The table as it is now.

        Raises:
            MissingTableError: it was never written; the message names the command that writes it.
            SchemaError: columns are missing or have other types.
        """
        table = self._table(name)
        if not self.exists(name):
            raise MissingTableError(f"table {name} is not there yet; `radnet {table.verb}` writes it")
        frame = self._read(name)
        schemas.check(name, dict(frame.dtypes), extra_allowed=True)
        return frame.select(*table.columns)

    def read_or_empty(self, name: str) -> DataFrame:
        """The table, or a DataFrame of its schema without rows."""
        return self.read(name) if self.exists(name) else self.without_rows(name)

    def count(self, name: str) -> int | None:
        """How many rows a table has, whatever its columns; None if there is no table."""
        return self._read(name).count() if self.exists(name) else None

    def without_rows(self, name: str) -> DataFrame:
        """A DataFrame of the table's schema, which the planner knows to be empty: joins with it cost nothing."""
        columns = [F.lit(None).cast(kind).alias(column) for column, kind in self._table(name).columns.items()]
        return self.spark.range(1).where(F.lit(False)).select(*columns)

    def overwrite(self, name: str, frame: DataFrame, part: Mapping[str, str] | None = None) -> int:
        """Replaces the table, or only the rows that have the values of `part`, in one commit.

        Returns:
            How many rows were written.

        Raises:
            SchemaError: `frame` has other columns or types than the table.
        """
        before = self.version(name)
        writer = self._checked(name, frame).write.format("delta").mode("overwrite")
        if part and before is not None:
            condition = " AND ".join(f"`{key}` = '{value}'" for key, value in part.items())
            writer = writer.option("replaceWhere", condition)
        else:
            writer = writer.option("overwriteSchema", "true")
        self._save(name, writer.option("userMetadata", self.provenance))
        return self._committed(name, part, before)

    def clear(self, name: str, part: Mapping[str, str] | None = None) -> None:
        """Takes away the rows of a table, or of its part, in one commit; none if there are none."""
        rows = self.read_or_empty(name)
        for column, value in (part or {}).items():
            rows = rows.where(F.col(column) == value)
        if not rows.isEmpty():
            self.overwrite(name, rows.limit(0), part)

    def append(self, name: str, frame: DataFrame) -> int:
        """Adds rows in one commit and returns how many."""
        before = self.version(name)
        writer = self._checked(name, frame).write.format("delta").mode("append")
        self._save(name, writer.option("userMetadata", self.provenance))
        return self._committed(name, None, before)

    def change(self, name: str, rows: DataFrame, gone: DataFrame, key: str) -> int:
        """Inserts or replaces `rows` and deletes the rows of `gone`, in one commit.

        Args:
            name: a table that is there.
            rows: at most one a key.
            gone: keys; one that is in `rows` too stays.
            key: the column that identifies a row.

        Returns:
            How many rows were inserted or replaced.
        """
        rows = self._checked(name, rows)
        left_over = gone.select(key).distinct().join(rows.select(key), key, "left_anti")
        source = rows.withColumn("gone", F.lit(False)).unionByName(
            left_over.withColumn("gone", F.lit(True)), allowMissingColumns=True
        )
        values: dict[str, str | Column] = {column: F.col(f"new.`{column}`") for column in rows.columns}
        before = self.version(name)
        merge = self._delta(name).alias("old").merge(source.alias("new"), f"old.`{key}` = new.`{key}`")
        merge = merge.whenMatchedDelete("new.gone").whenMatchedUpdate(set=values)
        with self._provenance_of_commands():
            merge.whenNotMatchedInsert("NOT new.gone", values=values).execute()
        return self._committed(name, None, before)

    def merge(self, name: str, frame: DataFrame, keys: Sequence[str], delete_unmatched: bool = False) -> int:
        """Inserts rows with new keys and replaces those with known ones, in one commit.

        Args:
            name: the table; created if it is not there.
            frame: the rows, at most one a key.
            keys: columns that identify a row.
            delete_unmatched: also delete the rows whose key is not in `frame`.

        Returns:
            How many rows the commit wrote.
        """
        frame = self._checked(name, frame)
        if not self.exists(name):
            return self.overwrite(name, frame)
        on = " AND ".join(f"old.`{key}` <=> new.`{key}`" for key in keys)
        before = self.version(name)
        merge = self._delta(name).alias("old").merge(frame.alias("new"), on)
        merge = merge.whenMatchedUpdateAll().whenNotMatchedInsertAll()
        with self._provenance_of_commands():
            (merge.whenNotMatchedBySourceDelete() if delete_unmatched else merge).execute()
        return self._committed(name, None, before)

    def delete(self, name: str, condition: str) -> None:
        """Deletes the rows for which the SQL `condition` holds."""
        with self._provenance_of_commands():
            self._delta(name).delete(condition)
        self._committed(name, None)

    def holds_rows(self, name: str) -> bool:
        """Whether the table is there, and its last commit was not `delete` of all rows; takes no Spark job."""
        if not self.exists(name):
            return False
        info = self._last_commit(name)[1]
        return (info["operation"], (info["operationParameters"] or {}).get("predicate")) != ("DELETE", _ALL_ROWS)

    def version(self, name: str) -> int | None:
        """The number of the table's last commit; None if there is no table."""
        return self._last_commit(name)[0] if self.exists(name) else None

    def write_snapshot(self, name: str, frame: DataFrame, key: str) -> list[str]:
        """Writes `frame` once as plain Parquet that other readers than Spark take, replacing older snapshots.

        Args:
            name: folder under `tables/`.
            frame: the rows; its partitions become files.
            key: what the snapshot is of; a finished one with the same key is used again.

        Returns:
            Paths of its files, sorted, decoded from the URIs that Spark gives.
        """
        home = self.files / "tables" / name
        target = home / key
        if not (target / "_SUCCESS").exists():
            frame.write.mode("overwrite").parquet(str(target))
        for older in home.iterdir():
            if older.name != key:
                shutil.rmtree(older)
        return sorted(unquote(urlparse(uri).path) for uri in self.spark.read.parquet(str(target)).inputFiles())

    def _table(self, name: str) -> schemas.Table:
        if name not in schemas.TABLES:
            raise UsageError(f"table {name}: unknown, expected one of {', '.join(schemas.TABLES)}")
        return schemas.TABLES[name]

    def _checked(self, name: str, frame: DataFrame) -> DataFrame:
        schemas.check(name, dict(frame.dtypes))
        return frame.select(*self._table(name).columns)

    def _read(self, name: str) -> DataFrame:
        if self._catalog:
            return self.spark.table(f"{self._catalog}.{name}")
        return self.spark.read.format("delta").load(self.path(name))

    def _save(self, name: str, writer) -> None:  # type: ignore[no-untyped-def]
        if self._catalog:
            writer.saveAsTable(f"{self._catalog}.{name}")
        else:
            writer.save(self.path(name))

    def _delta(self, name: str) -> DeltaTable:
        if self._catalog:
            return DeltaTable.forName(self.spark, f"{self._catalog}.{name}")
        return DeltaTable.forPath(self.spark, self.path(name))

    @contextmanager
    def _provenance_of_commands(self) -> Iterator[None]:
        """Commands that are no DataFrame writes take the commit's text from the session."""
        self.spark.conf.set(_USER_METADATA, self.provenance)
        try:
            yield
        finally:
            self.spark.conf.unset(_USER_METADATA)

    def _committed(self, name: str, part: Mapping[str, str] | None, before: int | None = None) -> int:
        """Notes the version of the commit just made; rows from its own metrics, so that nothing is counted twice.

        Delta makes no commit where nothing changes (an empty part replaced by an empty one): then there is nothing to
        note, and the last commit is somebody else's.
        """
        version, info = self._last_commit(name)
        if version == before:
            return 0
        self.written[output_key(name, part)] = version
        metrics = info["operationMetrics"] or {}
        counted = _MERGED if info["operation"] == "MERGE" else ("numOutputRows",)
        return sum(int(metrics.get(metric, 0)) for metric in counted)

    def _last_commit(self, name: str) -> tuple[int, dict[str, Any]]:
        """Version of a table's last commit, and what Delta notes of it: operation, its parameters and metrics.

        A local log is read as the file that it is (Delta protocol, "Commit Provenance Information"), which takes a
        millisecond where a history takes a Spark job.
        """
        log = Path(self.path(name)) / "_delta_log"
        if self._catalog is None and log.is_dir():
            newest = max(log.glob("*[0-9].json"), key=lambda path: path.name)
            for line in newest.read_text(encoding="utf-8").splitlines():
                info = json.loads(line).get("commitInfo")
                if info:
                    return int(newest.stem), {"operationMetrics": None, "operationParameters": None, **info}
        commit = self._delta(name).history(1).collect()[0]
        return int(commit["version"]), commit.asDict()


def output_key(name: str, part: Mapping[str, str] | None) -> str:
    """The name under which a table's part is known as a stage's input or output: `embeddings/source=image`."""
    for column in ("source", "stage"):
        if part and column in part:
            return f"{name}/{column}={part[column]}"
    return name
