"""Every real file and a small demo hospital: the tags that Spark prepares are those of plain Python."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from radnet_spark.annotator.inputs import file_rules, read_path, sections_of
from radnet_spark.demo.hospital import make_hospital
from radnet_spark.dicom import stage_ingest
from radnet_spark.tags import frames
from radnet_spark.tags.columns import FeatureSet
from radnet_spark.tags.preparation import TagPolicy, flatten
from radnet_spark.tags.selection import Statistics, select
from radnet_spark.tags.stage_tags import merged

COLLECTION = Path(__file__).resolve().parents[4] / "shared" / "data" / "dicom"
REAL = COLLECTION if COLLECTION.is_dir() else Path(pydicom.__file__).parent / "data"
POLICY = TagPolicy.load(include_modality_tags=True)


@pytest.mark.real_files
def test_spark_prepares_every_file_as_plain_python_does(context, tables, config, tmp_path):
    make_hospital(tmp_path / "hospital", exams=12, seed=5, workers=1)
    stage_ingest.run(context(input=[str(REAL), str(tmp_path / "hospital")]))
    instances = tables.read("instances").select("sop_instance_uid", "exam_id", "path", "tags")
    rules = file_rules(sections_of(config))
    paths = {row["path"]: row["sop_instance_uid"] for row in instances.drop("tags").collect()}
    known = {uid: read_path(path, None, rules).known.tags for path, uid in paths.items()}
    assert len(known) > 60
    assert None not in known.values()

    counted = Statistics()
    for tags in known.values():
        counted.add(flatten(tags, POLICY), [source for keyword in tags for source, _ in POLICY.sources(keyword)])
    by_spark = merged(frames.tag_counts(instances.repartition(3), POLICY))
    assert by_spark.rows == counted.rows
    assert {name: one.filled for name, one in by_spark.by_source.items()} == {
        name: one.filled for name, one in counted.by_source.items()
    }  # values of identifiers and dates are made under another key
    features = FeatureSet.of(select(counted, POLICY, 0.01, 2, 200))
    assert len(features) > 100
    features_by_spark = FeatureSet.of(select(by_spark, POLICY, 0.01, 2, 200))
    assert features_by_spark == features

    plain = features.columns(list(known.values()), POLICY)
    rows = {row["sop_instance_uid"]: row for row in frames.prepared(instances, features, POLICY).collect()}
    assert set(rows) == set(known)
    numbers = np.array([np.frombuffer(rows[uid]["numbers"], "<f8") for uid in known])
    codes = np.array([np.frombuffer(rows[uid]["codes"], "<i4") for uid in known])
    np.testing.assert_array_equal(numbers, plain.numbers)
    np.testing.assert_array_equal(codes, plain.codes)
    one_by_one = [features.columns([tags], POLICY) for tags in known.values()]
    np.testing.assert_array_equal(np.vstack([one.numbers for one in one_by_one]), plain.numbers)
