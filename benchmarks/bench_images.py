"""CT files to table rows and images of 128 x 128 in one read, against the loop that one would write first.

The rival's two processes read each file by pydicom, rescale, window and shrink it; no row, no policy, no second window,
and nothing is written. Ours is measured in two processes without Spark, as the DataFrame that `ingest.with_images`
makes, with its one commit into a Delta table, and as the whole of `radnet ingest` on a fresh root: files listed, rows
compared, `instances`, `quarantine` and `images` written. The files are copies of one CT with SOPInstanceUIDs of their
own. What does not grow with the files (planning, commits) weighs the less the more files there are.

Run: `make bench`, or `python benchmarks/bench_images.py [FILE|- [COUNT]]`. Without a file, or with `-`: 512 x 512, made
here, half a megabyte each.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any, BinaryIO

import numpy as np
import pydicom
from PIL import Image
from pydicom.pixels import apply_rescale, apply_windowing
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from radnet_spark.config import Config, load_config
from radnet_spark.dicom import stage_ingest
from radnet_spark.dicom.export import Exported, export_pixels
from radnet_spark.dicom.frames import ExportSettings, parsed_files
from radnet_spark.dicom.header import Header
from radnet_spark.dicom.ingest_settings import ingest_settings
from radnet_spark.dicom.instance import read_instance
from radnet_spark.lake.session import open_session
from radnet_spark.lake.stage import StageContext
from radnet_spark.lake.tables import Tables
from radnet_spark.lake.tracking import Tracker

COUNT, ROUNDS, PROCESSES = 3000, 5, 2


def made_ct() -> bytes:
    """A noisy disc of 512 x 512 in Hounsfield units under the header of a real CT that pydicom ships."""
    dataset = pydicom.dcmread(Path(pydicom.__file__).parent / "data" / "test_files" / "CT_small.dcm")
    place = np.hypot(*(np.indices((512, 512)) - 256))
    values = np.where(place < 200, 1064 + np.random.default_rng(0).normal(0, 40, place.shape), 24).astype("<i2")
    dataset.Rows = dataset.Columns = 512
    dataset.RescaleSlope, dataset.RescaleIntercept = "1", "-1024"
    dataset.WindowCenter, dataset.WindowWidth = "40", "400"
    dataset.PixelData = values.tobytes()
    target = BytesIO()
    dataset.save_as(target)
    return target.getvalue()


def make_files(folder: Path, content: bytes, count: int) -> list[str]:
    """Writes the copies; returns their paths."""
    uid = str(pydicom.dcmread(BytesIO(content), stop_before_pixels=True).SOPInstanceUID).encode()
    paths = []
    for number in range(count):
        path = folder / f"{number}.dcm"
        path.write_bytes(content.replace(uid, uid[:-6] + f"{number:06d}".encode()))
        paths.append(str(path))
    return paths


def rival(path: str) -> int:
    """Bytes of the image of one file."""
    dataset = pydicom.dcmread(path)
    shown = apply_windowing(apply_rescale(dataset.pixel_array, dataset), dataset)
    grey = (255 * (shown - shown.min()) / np.ptp(shown)).astype(np.uint8)
    return len(Image.fromarray(grey).resize((128, 128), Image.Resampling.BILINEAR).tobytes())


class Ours:
    """Row and image of one file, in a process of its own."""

    def __init__(self) -> None:
        config = load_config()
        self.rows, self.images = ingest_settings(config, "."), config.images

    def __call__(self, path: str) -> int:
        """Bytes of the image."""
        row = read_instance(path, os.path.getsize(path), self.rows, self._image)
        return len(row["image"])

    def _image(self, header: Header, source: BinaryIO) -> dict[str, Any]:
        found = export_pixels(header, source, self.images)
        assert isinstance(found, Exported), found
        return {"image": found.image.tobytes()}


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock time."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def listed(spark: SparkSession, paths: list[str]) -> DataFrame:
    """The files as ingest lists them, in as many tasks as there are processes."""
    rows = [(path, os.path.getsize(path)) for path in paths]
    files = spark.createDataFrame(rows, "path string, file_size bigint")
    return files.withColumn("modification_time", F.current_timestamp()).repartition(PROCESSES).persist()


def ingested(spark: SparkSession, folder: Path, count: int) -> None:
    """`radnet ingest` with images, on a root of its own."""
    config = load_config([], ["ingest.with_images=true"])
    with tempfile.TemporaryDirectory(prefix="bench-root-") as root:
        tables = Tables(spark, root, config.storage)
        summary = stage_ingest.run(
            StageContext(spark, config, tables, Tracker(config.tracking, tables.files), {"input": [str(folder)]})
        )
    assert summary.rows["images"] == count, summary


def committed(spark: SparkSession, rows: DataFrame, config: Config) -> None:
    """The DataFrame as a Delta table of one commit."""
    with tempfile.TemporaryDirectory(prefix="bench-root-") as root:
        Tables(spark, root, config.storage).append("ingest_staging", rows)


def main() -> None:
    """Prints images/s of each and the ratios to the rival: medians of several rounds, and their spread."""
    warnings.simplefilter("ignore")
    os.environ.setdefault("RADNET_DEID_KEY", "benchmark")
    content = Path(sys.argv[1]).read_bytes() if len(sys.argv) > 1 and sys.argv[1] != "-" else made_ct()
    count = int(sys.argv[2]) if len(sys.argv) > 2 else COUNT
    config, ours = load_config(), Ours()
    with tempfile.TemporaryDirectory(prefix="bench-images-") as name, get_context("fork").Pool(PROCESSES) as pool:
        paths = make_files(Path(name), content, count)
        spark = open_session(config.spark, master=f"local[{PROCESSES}]")
        files = listed(spark, paths)
        rows = parsed_files(files, ours.rows, "benchmark", ExportSettings.of(config.images))
        works: dict[str, Callable[[], object]] = {
            "pydicom, rescale, window, shrink": lambda: pool.map(rival, paths, chunksize=20),
            "row and image, two processes": lambda: pool.map(ours, paths, chunksize=20),
            "row and image, Spark's DataFrame": lambda: rows.write.format("noop").mode("overwrite").save(),
            "the same into a Delta table": lambda: committed(spark, rows, config),
            "radnet ingest with images": lambda: ingested(spark, Path(name), count),
        }
        for work in works.values():  # files into the page cache, classes into the JVM
            work()
        taken: dict[str, list[float]] = {what: [] for what in works}
        for _ in range(ROUNDS):
            for what, work in works.items():
                taken[what].append(seconds(work))
        spark.stop()
    print(f"{count} files of {len(content) / 1e3:.0f} kB, {ROUNDS} rounds, warm cache, {PROCESSES} processes each")
    slow = next(iter(taken.values()))
    for what, times in taken.items():
        ratios = sorted(b / a for a, b in zip(times, slow, strict=True))
        spread = f"ratio {median(ratios):.2f} (from {ratios[0]:.2f} to {ratios[-1]:.2f})"
        print(f"{what + ':':34} {count / median(times):8.1f} images/s, {spread}")


if __name__ == "__main__":
    main()
