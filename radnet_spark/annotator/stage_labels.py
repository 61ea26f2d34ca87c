"""`radnet labels`: the labels as a CSV file that people train on."""

from __future__ import annotations

import csv
import os
from pathlib import Path

from pyspark.sql import functions as F

from radnet_spark.errors import UsageError
from radnet_spark.lake.stage import StageContext

_COLUMNS = ("path", "label", "cluster_name", "confidence")


def export_labels(context: StageContext, out: Path, limit: int | None = None) -> int:
    """Writes `path,label,cluster_name,confidence` of every annotated file, by path; files without a label are left out.

    Args:
        context: of the root whose `annotations` are exported.
        out: the file; it is there only when it is complete.
        limit: only so many rows; None: all.

    Returns:
        Number of rows.

    Raises:
        UsageError: the file can't be written.
    """
    annotations = context.tables.read("annotations").where(F.col("label").isNotNull())
    rows = annotations.withColumnRenamed("name", "cluster_name").orderBy("path").select(*_COLUMNS)
    rows = rows.limit(limit) if limit else rows
    temporary = out.with_name(f".{out.name}.part")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(_COLUMNS)
            count = 0
            for row in rows.toLocalIterator():
                writer.writerow(row)
                count += 1
        os.replace(temporary, out)
    except OSError as error:
        raise UsageError(f"--out {out}: can't be written ({type(error).__name__})") from error
    finally:
        temporary.unlink(missing_ok=True)
    return count
