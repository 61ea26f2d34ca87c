"""Listing, parsing, comparing and exporting of files as DataFrames; bytes are read in the Python workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from radnet_spark.config import Images, config_hash
from radnet_spark.dicom.export import EXPORT_REVISION, Dropped, Exported, export_image, export_pixels
from radnet_spark.dicom.file_list import part_paths
from radnet_spark.dicom.files import FileAccessError, open_file
from radnet_spark.dicom.header import Header
from radnet_spark.dicom.instance import IngestSettings, quiet, read_instance
from radnet_spark.dicom.inventory import ListingUnit, list_unit
from radnet_spark.dicom.reasons import DropReason
from radnet_spark.lake.dropped import dropped_rows
from radnet_spark.schemas import TABLES

Columns = Mapping[str, str]
LISTING: Columns = {"path": "string", "file_size": "bigint", "modification_time": "timestamp"}
EXPORTED: Columns = {**TABLES["images"].columns, "reason": "string", "detail": "string"}
_ARROW_TYPES = {
    "string": pa.string(), "bigint": pa.int64(), "int": pa.int32(), "boolean": pa.bool_(), "binary": pa.binary(),
    "timestamp": pa.timestamp("us", "UTC"), "map<string,string>": pa.map_(pa.string(), pa.string()),
}  # fmt: skip
_ROWS_PER_BATCH = 256  # rows of one Arrow batch: bounds the memory of tags and images on their way to the JVM

Row = dict[str, Any]


@dataclass(frozen=True)
class ExportSettings:
    """How images are exported.

    Attributes:
        images: the section of that name.
        hash: names those settings: images of others are outdated.
    """

    images: Images
    hash: str

    @classmethod
    def of(cls, images: Images) -> ExportSettings:
        """The settings with their hash."""
        deciding = images.model_dump(mode="json", exclude={"decode_timeout_seconds", "decode_memory_mib"})
        return cls(images, config_hash([deciding, EXPORT_REVISION])[:12])


def listed_files(units: DataFrame, on_link: Callable[[], None] | None = None) -> DataFrame:
    """Every file of every unit.

    Args:
        units: `path string, recursive boolean`.
        on_link: called on the executors for each link to a folder, which is not followed.

    Returns:
        `LISTING`; `file_size` is null where a file can't be asked for it.
    """

    def rows_of(unit: Row) -> Iterator[Row]:
        for found in list_unit(ListingUnit(**unit), on_link):
            yield {
                "path": found.path, "file_size": found.file_size, "modification_time": found.modification_time
            }  # fmt: skip

    return _map_rows(units, rows_of, LISTING)


def named_files(parts: DataFrame) -> DataFrame:
    """What lists of files ask to be listed, each once.

    Args:
        parts: `part string, folder string`, as `part_paths` takes them.

    Returns:
        `path string, recursive boolean`, as `listed_files` takes them.
    """

    def rows_of(part: Row) -> Iterator[Row]:
        for path in part_paths(part["part"], part["folder"]):
            yield {"path": path, "recursive": True}

    return _map_rows(parts, rows_of, {"path": "string", "recursive": "boolean"}).distinct()


def parsed_files(
    files: DataFrame, settings: IngestSettings, ingest_hash: str, export: ExportSettings | None = None
) -> DataFrame:
    """Reads each file's header, and exports its image while the file is open if `export` asks for it.

    Args:
        files: `LISTING`.
        settings: what decides a row.
        ingest_hash: goes into the column of that name: rows of other settings are outdated.
        export: how images are exported; None: they are not.

    Returns:
        The columns of `ingest_staging`.
    """

    def image(header: Header, source: BinaryIO) -> Row:
        assert export
        columns = _image_columns(export_pixels(header, source, export.images))
        reason, detail = columns.pop("reason", None), columns.pop("detail", None)
        return {**columns, "drop_reason": reason, "drop_detail": detail, "export_hash": export.hash}

    def rows_of(file: Row) -> Iterator[Row]:
        row = read_instance(file["path"], file["file_size"], settings, image if export else None)
        yield {**row, **file, "ingest_hash": ingest_hash}

    return _map_rows(files, rows_of, TABLES["ingest_staging"].columns)


def staged_exports(staged: DataFrame, export_hash: str) -> DataFrame:
    """The images that were exported while files were parsed.

    Args:
        staged: rows of `ingest_staging`.
        export_hash: of the settings that are asked for.

    Returns:
        `EXPORTED`, and the `path` of each.
    """
    staged_as = {"file_modification_time": "modification_time", "reason": "drop_reason", "detail": "drop_detail"}
    columns = [F.col(staged_as.get(name, name)).alias(name) for name in EXPORTED]
    return staged.where(F.col("export_hash") == export_hash).select("path", *columns)


def exported_files(instances: DataFrame, export: ExportSettings) -> DataFrame:
    """Exports each instance's image.

    Args:
        instances: `path, sop_instance_uid, modification_time`.
        export: how.

    Returns:
        `EXPORTED`; `reason` is null where there is an image.
    """

    def rows_of(instance: Row) -> Iterator[Row]:
        yield {
            **_exported(instance["path"], export.images),
            "sop_instance_uid": instance["sop_instance_uid"],
            "file_modification_time": instance["modification_time"],
            "export_hash": export.hash,
        }

    return _map_rows(instances.select("path", "sop_instance_uid", "modification_time"), rows_of, EXPORTED)


def export_state(export_hash: Column, modification_time: Column) -> Column:
    """What decides whether a file has an image: its version and the settings, as text."""
    return F.concat_ws("@", export_hash, F.unix_micros(modification_time).cast("string"))


def dropped_exports(exported: DataFrame) -> DataFrame:
    """The rows of `EXPORTED` without an image, as rows of `dropped`."""
    state = export_state(F.col("export_hash"), F.col("file_modification_time"))
    return dropped_rows(exported, "images", "instance", "sop_instance_uid", F.col("detail"), state)


def burned_in(says: str = "YES") -> Column:
    """Whether (0028,0301) *Burned In Annotation* says so; false where it is missing (PS3.3 C.7.6.1)."""
    return F.coalesce(F.upper(F.trim("burned_in_annotation")) == says, F.lit(False))


def _exported(path: str, settings: Images) -> Row:
    try:
        with open_file(path) as source:
            result = export_image(source, settings)
    except FileAccessError as error:
        return {"reason": str(DropReason.FILE_CHANGED), "detail": str(error)}
    except OSError as error:
        return {"reason": str(DropReason.FILE_CHANGED), "detail": type(error).__name__}
    return _image_columns(result)


def _image_columns(result: Exported | Dropped) -> Row:
    if isinstance(result, Exported):
        height, width = result.image.shape
        return {"image": result.image.tobytes(), "height": height, "width": width, "frame": result.frame}
    return {"reason": str(result.reason), "detail": result.detail}


def _map_rows(frame: DataFrame, rows_of: Callable[[Row], Iterator[Row]], columns: Columns) -> DataFrame:
    """Applies `rows_of` to each row, in Arrow batches; columns that a row does not name are null."""
    arrow = pa.schema([(name, _ARROW_TYPES[kind]) for name, kind in columns.items()])

    def apply(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        pending: list[Row] = []
        with quiet():
            for row in (made for batch in batches for read in batch.to_pylist() for made in rows_of(read)):
                pending.append(row)
                if len(pending) >= _ROWS_PER_BATCH:
                    yield pa.RecordBatch.from_pylist(pending, schema=arrow)
                    pending = []
            if pending:
                yield pa.RecordBatch.from_pylist(pending, schema=arrow)

    return frame.mapInArrow(apply, ", ".join(f"`{name}` {kind}" for name, kind in columns.items()))
