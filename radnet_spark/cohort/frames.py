"""DataFrames of the cohort: every instance with the reason why it is left out, if it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from radnet_spark.cohort.reasons import Reason
from radnet_spark.cohort.split import Split, keyed_order
from radnet_spark.config import Cohort

_ORDERED = (
    "sop_instance_uid string, exam_id string, modality string, has_diagnosis boolean, reason string, "
    "split string, exam_order bigint, instance_order bigint"
)
_TEST = "TEST"


def marked_instances(
    instances: DataFrame, images: DataFrame, body_parts: DataFrame, exams: DataFrame, settings: Cohort
) -> DataFrame:
    """Marks the instances that fail a filter, and gives all a part and a place in the keyed-hash order.

    Args:
        instances: table of that name.
        images: table of that name: what was exported.
        body_parts: table of that name.
        exams: table of that name; may have no rows.
        settings: the `cohort` section.

    Returns:
        One row an instance: `sop_instance_uid, exam_id, modality, has_diagnosis, reason` (null: a candidate),
        `split, exam_order, instance_order`. An exam whose instances name several patients goes by the smallest key;
        those that name nobody, so that the exam's key stands for the patient, don't count.
    """
    split = Split(settings.split_salt, settings.train_share, settings.test_share)
    joined = _joined(instances, images, body_parts, exams, settings.dx_as_cr)
    filtered = joined.withColumn("reason", _first_reason(settings.modalities))
    named = F.when(F.col("patient_key") != F.col("exam_id"), F.col("patient_key"))
    patient = F.coalesce(F.min(named).over(Window.partitionBy("exam_id")), F.col("exam_id"))
    ordered = filtered.select(
        "sop_instance_uid", "exam_id", "modality", "has_diagnosis", "reason", patient.alias("patient_key")
    ).mapInArrow(partial(_add_order, split=split), _ORDERED)
    return ordered.withColumn("reason", _with_exam_limit(settings.max_instances_per_exam, settings.over_limit))


def with_quota(marked: DataFrame, keep: Mapping[str, int]) -> DataFrame:
    """Marks the candidates beyond their modality's quota with a reason.

    Exams with a diagnosis come first, then the order is that of the exams' hashes; the last exam that fits in part is
    cut by its instances' hashes, so that modalities are equal to the instance.

    Args:
        marked: what `marked_instances` gives.
        keep: modality → how many candidates stay.
    """
    if not keep:
        return marked
    candidate = F.col("reason").isNull()
    order = Window.partitionBy("modality", candidate).orderBy(
        F.col("has_diagnosis").desc(), "exam_order", "exam_id", "instance_order", "sop_instance_uid"
    )
    quota = F.create_map(*[F.lit(value) for item in sorted(keep.items()) for value in item])[F.col("modality")]
    beyond = candidate & (F.row_number().over(order) > quota)
    return marked.withColumn("reason", F.when(beyond, F.lit(Reason.OVER_QUOTA.value)).otherwise(F.col("reason")))


def _joined(
    instances: DataFrame, images: DataFrame, body_parts: DataFrame, exams: DataFrame, dx_as_cr: bool
) -> DataFrame:
    modality = F.upper(F.trim("modality"))
    if dx_as_cr:
        modality = F.when(modality == "DX", F.lit("CR")).otherwise(modality)
    exported = images.select("sop_instance_uid", F.lit(True).alias("exported"))
    parts = body_parts.select("sop_instance_uid", "body_part")
    with_text = exams.select("exam_id", F.lit(True).alias("diagnosed"))
    exam = F.coalesce("exam_id", "sop_instance_uid").alias("exam_id")
    wide = instances.select("sop_instance_uid", exam, "patient_key", modality.alias("modality"))
    return (
        wide.join(exported, "sop_instance_uid", how="left")
        .join(parts, "sop_instance_uid", how="left")
        .join(with_text, "exam_id", how="left")
        .withColumn("has_diagnosis", F.coalesce("diagnosed", F.lit(False)))
    )


def _first_reason(modalities: Iterable[str]) -> Column:
    wanted = F.coalesce(F.col("modality").isin(list(modalities)), F.lit(False))
    return (
        F.when(~wanted, Reason.MODALITY.value)
        .when(F.col("exported").isNull(), Reason.NOT_EXPORTED.value)
        .when(F.col("body_part") == _TEST, Reason.TEST_IMAGE.value)
    )


def _with_exam_limit(limit: int, over_limit: str) -> Column:
    candidate = F.col("reason").isNull()
    if over_limit == "sample":
        order = Window.partitionBy("exam_id", candidate).orderBy("instance_order", "sop_instance_uid")
        too_many = F.row_number().over(order) > limit
    else:
        too_many = F.count(F.when(candidate, 1)).over(Window.partitionBy("exam_id")) > limit
    return F.when(candidate & too_many, F.lit(Reason.EXAM_TOO_LARGE.value)).otherwise(F.col("reason"))


def _add_order(batches: Iterable[pa.RecordBatch], split: Split) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        patients = batch.column("patient_key").to_pylist()
        exams = batch.column("exam_id").to_pylist()
        uids = batch.column("sop_instance_uid").to_pylist()
        columns = [
            batch.column(name) for name in ("sop_instance_uid", "exam_id", "modality", "has_diagnosis", "reason")
        ]
        columns.append(pa.array([split.part_of(key) for key in patients], pa.string()))
        columns.append(pa.array([keyed_order(key, f"{split.salt}/exam") for key in exams], pa.int64()))
        columns.append(pa.array([keyed_order(key, f"{split.salt}/instance") for key in uids], pa.int64()))
        names = [field.strip().split(" ")[0] for field in _ORDERED.split(",")]
        yield pa.RecordBatch.from_arrays(columns, names=names)
