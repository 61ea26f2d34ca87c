"""The tables' contract against the documented columns that users rely on."""

from __future__ import annotations

import pytest

from radnet_spark.errors import SchemaError
from radnet_spark.schemas import TABLES, check, differences

PROMISED = {
    "instances": "path file_size modification_time sha256 sop_instance_uid sop_class_uid study_instance_uid "
    "series_instance_uid exam_id patient_key modality transfer_syntax_uid rows columns number_of_frames "
    "photometric_interpretation tags",
    "quarantine": "path file_size modification_time reason detail",
    "exams": "exam_id diagnosis",
    "body_parts": "sop_instance_uid original body_part rule",
    "images": "sop_instance_uid image height width",
    "cohort": "sop_instance_uid exam_id split",
    "dropped": "stage key key_type reason detail",
    "tag_missingness": "tag fill_rate distinct_values kept reason mcar mcar_corrected",
    "tokens": "exam_id stems",
    "embeddings": "sop_instance_uid source model fit_id vector",
    "fits": "fit_id stage name config_hash input_versions artifact_uri",
    "clusterings": "clustering_id source model fusion algorithm distance k seed cost elbow chosen fit_id",
    "clusters": "clustering_id label centre size modality body_part purity name",
    "labels": "clustering_id sop_instance_uid label distance",
    "scores": "clustering_id split score value spread",
    "annotations": "path sop_instance_uid exam_id label distance confidence modality body_part sources error "
    "clustering_id model_version",
}


@pytest.mark.parametrize("name", PROMISED)
def test_promised_columns_are_there(name):
    assert set(PROMISED[name].split()) <= set(TABLES[name].columns)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_keys_are_columns(table):
    assert set(table.key) <= set(table.columns)


def test_every_difference_is_listed_at_once():
    found = {"exam_id": "bigint", "extra": "string"}
    assert differences("exams", found) == [
        "diagnosis: missing, expected string",
        "exam_id: found bigint, expected string",
        "extra: not in the schema",
    ]
    with pytest.raises(SchemaError, match=r"diagnosis.*exam_id.*extra"):
        check("exams", found)
    check("exams", {"exam_id": "string", "diagnosis": "string", "extra": "string"}, extra_allowed=True)
