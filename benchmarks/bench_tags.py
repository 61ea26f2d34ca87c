"""How long `radnet tags` takes on 100,000 instances of the synthetic hospital, and what of it takes so long.

The instances are rows of tags without files. Two cores, Spark's start and the making of the rows left out.

Run: `python benchmarks/bench_tags.py [INSTANCES [KEY=VALUE …]]`, with settings such as `tags.autoencoder.epochs=5`.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from radnet_spark.config import load_config
from radnet_spark.demo.tag_rows import tag_rows
from radnet_spark.lake.session import open_session
from radnet_spark.lake.stage import StageContext
from radnet_spark.lake.tables import Tables
from radnet_spark.lake.tracking import Tracker
from radnet_spark.schemas import TABLES
from radnet_spark.tags import stage_tags

INSTANCES, PER_EXAM, TASK, CORES = 100_000, 3.16, 500, 2
_ROWS = "sop_instance_uid string, exam_id string, modality string, tags map<string,string>"


def _made(batches: Iterable[pa.RecordBatch], seed: int) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for start in batch.column("start").to_pylist():
            rows = list(tag_rows(seed, range(start, start + TASK)))
            columns = ([row.sop_instance_uid for row in rows], [row.exam_id for row in rows],
                       [row.modality for row in rows])  # fmt: skip
            maps = pa.array([list(row.tags.items()) for row in rows], pa.map_(pa.string(), pa.string()))
            yield pa.RecordBatch.from_arrays(
                [*(pa.array(values, pa.string()) for values in columns), maps],
                names=["sop_instance_uid", "exam_id", "modality", "tags"],
            )


def made_instances(spark: SparkSession, instances: int) -> DataFrame:
    """About so many rows, made on the executors."""
    tasks = max(1, round(instances / PER_EXAM / TASK))
    starts = spark.range(0, tasks * TASK, TASK, tasks).withColumnRenamed("id", "start")
    return starts.mapInArrow(partial(_made, seed=1), _ROWS)


def write_tables(tables: Tables, rows: DataFrame) -> None:
    """`instances` and `cohort`: exams in parts by a hash."""
    kinds = TABLES["instances"].columns
    known = {"sop_instance_uid", "exam_id", "modality", "tags"}
    full = rows.select(*(F.col(name) if name in known else F.lit(None).cast(kind).alias(name)
                         for name, kind in kinds.items()))  # fmt: skip
    tables.overwrite("instances", full)
    lot = F.pmod(F.xxhash64("exam_id"), F.lit(10))
    split = F.when(lot < 8, "train").when(lot == 8, "test").otherwise("validation")
    cohort = tables.read("instances").select("sop_instance_uid", "exam_id", "modality", split.alias("split"))
    tables.overwrite("cohort", cohort)


def main() -> None:
    """Prints the seconds of the stage and of what it does one after the other."""
    instances = int(sys.argv[1]) if len(sys.argv) > 1 else INSTANCES
    config = load_config([], sys.argv[2:])
    with tempfile.TemporaryDirectory(prefix="bench-tags-") as root:
        spark = open_session(config.spark, master=f"local[{CORES}]")
        tables = Tables(spark, root, config.storage)
        write_tables(tables, made_instances(spark, instances))
        begin = time.perf_counter()

        def progress(text: str) -> None:
            print(f"{time.perf_counter() - begin:7.1f} s  {text}", flush=True)

        tracker = Tracker(config.tracking, tables.files)
        summary = stage_tags.run(StageContext(spark, config, tables, tracker, {}, "bench", progress=progress))
        progress("done")
        count = tables.read("instances").count()
        print(
            f"{count} instances; rows written: {summary.rows}; {summary.extra.get('epochs')} epochs",
            *summary.facts,
            sep="\n",
        )
        spark.stop()


if __name__ == "__main__":
    main()
