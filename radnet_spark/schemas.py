"""The tables that stages hand to each other: the only contract between them.

Types are Spark DDL strings, so that executors, tests and documentation read them without a session.
A table is checked against its schema when it is written and when it is read (`lake.tables`).
"""

from __future__ import annotations

from dataclasses import dataclass

from radnet_spark.errors import SchemaError


@dataclass(frozen=True)
class Table:
    """A table's contract.

    Attributes:
        name: its name under `tables/` or in the catalog schema.
        row: what one row is.
        verb: the command that writes it, named when the table is missing.
        key: the columns that identify a row.
        columns: column name → Spark DDL type, in order.
    """

    name: str
    row: str
    verb: str
    key: tuple[str, ...]
    columns: dict[str, str]

    @property
    def ddl(self) -> str:
        """The schema as one DDL string, as `mapInArrow` and `createDataFrame` take it."""
        return ", ".join(f"`{name}` {kind}" for name, kind in self.columns.items())


_INSTANCE = {
    "path": "string",
    "file_size": "bigint",
    "modification_time": "timestamp",
    "sha256": "string",
    "sop_instance_uid": "string",
    "sop_class_uid": "string",
    "study_instance_uid": "string",
    "series_instance_uid": "string",
    "exam_id": "string",
    "patient_key": "string",
    "modality": "string",
    "transfer_syntax_uid": "string",
    "rows": "int",
    "columns": "int",
    "number_of_frames": "int",
    "photometric_interpretation": "string",
    "body_part_examined": "string",
    "study_description": "string",
    "series_description": "string",
    "protocol_name": "string",
    "requested_procedure_description": "string",
    "burned_in_annotation": "string",
    "tags": "map<string,string>",
    # Characteristics, and how two files with one SOPInstanceUID are compared.
    "patient_age": "string",
    "patient_sex": "string",
    "manufacturer": "string",
    "window_center": "string",
    "window_width": "string",
    "has_pixels": "boolean",
    "header_complete": "boolean",
    "pixels_intact": "boolean",
    "decodable": "boolean",
    "header_hash": "string",
    "ingest_hash": "string",
}

_TABLES = (
    Table(
        "instances",
        "a DICOM instance",
        "ingest",
        ("sop_instance_uid",),
        _INSTANCE,
    ),
    Table(
        "quarantine",
        "a file that is not in instances",
        "ingest",
        ("path",),
        {
            "path": "string",
            "file_size": "bigint",
            "modification_time": "timestamp",
            "reason": "string",
            "detail": "string",
            "sop_instance_uid": "string",
            "ingest_hash": "string",
        },
    ),
    Table(
        "removed_files",
        "a file that was an instance or in quarantine and is no longer there",
        "ingest",
        ("path",),
        {
            "path": "string",
            "file_size": "bigint",
            "modification_time": "timestamp",
            "sop_instance_uid": "string",
            "reason": "string",  # why it was in quarantine; null for an instance
        },
    ),
    Table(
        "ingest_staging",
        "a file that was parsed and is not published yet",
        "ingest",
        ("path",),
        {
            **_INSTANCE,
            "reason": "string",
            "detail": "string",
            "judged": "boolean",  # pydicom converted the whole header, since it was no common case
            # With `ingest.with_images`, what `images` and its part of `dropped` will hold.
            "image": "binary",
            "height": "int",
            "width": "int",
            "frame": "int",
            "drop_reason": "string",
            "drop_detail": "string",
            "export_hash": "string",
        },
    ),
    Table("exams", "an exam with a diagnosis", "diagnoses", ("exam_id",), {"exam_id": "string", "diagnosis": "string"}),
    Table(
        "body_parts",
        "an instance",
        "body-parts",
        ("sop_instance_uid",),
        {
            "sop_instance_uid": "string",
            "original": "string",
            "body_part": "string",
            "rule": "string",
            "known": "string",  # the part that BodyPartExamined alone gives
        },
    ),
    Table(
        "images",
        "an exported image",
        "images",
        ("sop_instance_uid",),
        {
            "sop_instance_uid": "string",
            "image": "binary",
            "height": "int",
            "width": "int",
            "frame": "int",
            "file_modification_time": "timestamp",
            "export_hash": "string",
        },
    ),
    Table(
        "cohort",
        "an instance of the experiment",
        "cohort",
        ("sop_instance_uid",),
        {"sop_instance_uid": "string", "exam_id": "string", "modality": "string", "split": "string"},
    ),
    Table(
        "dropped",
        "an instance or exam that a stage left out",
        "cohort",
        ("stage", "key", "key_type"),
        {
            "stage": "string",
            "key": "string",
            "key_type": "string",
            "reason": "string",
            "detail": "string",
            "decided_on": "string",  # state of file and settings; with another one a stage tries again
        },
    ),
    Table(
        "tag_missingness",
        "a tag",
        "tags",
        ("tag",),
        {
            "tag": "string",
            "fill_rate": "double",
            "distinct_values": "bigint",
            "kept": "boolean",
            "reason": "string",
            "mcar": "boolean",
            "mcar_corrected": "boolean",
        },
    ),
    Table(
        "missingness_tests",
        "a tag with gaps and another tag",
        "tags",
        ("tag", "other"),
        {
            "tag": "string",
            "other": "string",
            "test": "string",  # t_test, mann_whitney_u, chi_square, fisher_exact
            "statistic": "double",
            "p_value": "double",
            "p_corrected": "double",  # Holm's, over the tests of this tag
            "effect_size": "double",  # Cohen's d, rank-biserial correlation, Cramér's V
            "design_effect": "double",  # the statistic was divided by it: rows of one exam are alike
            "rows_with": "bigint",  # rows with a value of the other tag that have the tag
            "rows_without": "bigint",  # and that lack it
        },
    ),
    Table(
        "tag_features",
        "a feature of the tag vector",
        "tags",
        ("feature",),
        {
            "feature": "string",
            "tag": "string",
            "kind": "string",
            "category": "string",
            "minimum": "double",
            "maximum": "double",
            "position": "int",
        },
    ),
    Table(
        "tag_imputation",
        "a tag value that is a feature",
        "tags",
        ("tag",),
        {
            "tag": "string",
            "kind": "string",
            "missing": "double",
            "oob_error": "double",
            "validation_error": "double",
            "mean_mode_error": "double",
            "gain": "double",
        },
    ),
    Table(
        "tokens",
        "an exam",
        "text",
        ("exam_id",),
        {"exam_id": "string", "stems": "array<string>", "words": "array<string>"},
    ),
    Table(
        "embeddings",
        "an instance, source and model",
        "embed",
        ("sop_instance_uid", "source", "model"),
        {
            "sop_instance_uid": "string",
            "source": "string",
            "model": "string",
            "fit_id": "string",
            "vector": "array<float>",
        },
    ),
    Table(
        "fits",
        "something fitted and saved",
        "tags",
        ("fit_id",),
        {
            "fit_id": "string",
            "stage": "string",
            "name": "string",
            "config_hash": "string",
            "input_versions": "map<string,bigint>",
            "artifact_uri": "string",
        },
    ),
    Table(
        "grid_cells",
        "a combination of settings and a seed that a grid tried",
        "tags",
        ("stage", "cell_id"),
        {
            "stage": "string",
            "cell_id": "string",
            "position": "int",  # in the grid; null while it is not finished
            "settings": "string",  # JSON
            "seed": "bigint",
            "status": "string",  # done, skipped, failed
            "reason": "string",
            "metrics": "map<string,double>",
            "seconds": "double",
            "chosen": "boolean",  # null while the grid is not finished
        },
    ),
    Table(
        "clusterings",
        "a clustering that was tried",
        "cluster",
        ("clustering_id",),
        {
            "clustering_id": "string",
            "source": "string",
            "model": "string",
            "fusion": "string",
            "algorithm": "string",
            "distance": "string",
            "k": "int",
            "seed": "bigint",
            "cost": "double",
            "seed_costs": "array<double>",
            "empty_clusters": "int",
            "largest_share": "double",
            "elbow": "boolean",
            "chosen": "boolean",
            "fit_id": "string",
            "embedding_fit_id": "string",
        },
    ),
    Table(
        "clusters",
        "a cluster of a clustering",
        "cluster",
        ("clustering_id", "label"),
        {
            "clustering_id": "string",
            "source": "string",
            "label": "int",
            "centre": "array<float>",
            "size": "bigint",
            "modality": "string",
            "body_part": "string",
            "modality_share": "double",
            "body_part_share": "double",
            "purity": "double",
            "name": "string",
        },
    ),
    Table(
        "labels",
        "an instance in a clustering",
        "cluster",
        ("clustering_id", "sop_instance_uid"),
        {
            "clustering_id": "string",
            "source": "string",
            "sop_instance_uid": "string",
            "label": "int",
            "distance": "double",
        },
    ),
    Table(
        "scores",
        "a clustering, split and score",
        "evaluate",
        ("clustering_id", "split", "score"),
        {
            "clustering_id": "string",
            "source": "string",
            "split": "string",
            "score": "string",
            "value": "double",
            "spread": "double",
        },
    ),
    Table(
        "annotations",
        "an instance annotated by the registered model",
        "annotate",
        ("path",),
        {
            "path": "string",
            "sop_instance_uid": "string",
            "exam_id": "string",
            "label": "int",
            "distance": "double",
            "confidence": "double",
            "modality": "string",
            "body_part": "string",
            "name": "string",
            "sources": "string",
            "error": "string",
            "clustering_id": "string",
            "model_version": "string",
            "file_modification_time": "timestamp",
        },
    ),
    Table(
        "runs",
        "a stage that ended",
        "run",
        ("run_id",),
        {
            "run_id": "string",
            "stage": "string",
            "status": "string",
            "fingerprint": "string",
            "code_version": "string",
            "started": "timestamp",
            "seconds": "double",
            "outputs": "map<string,bigint>",
            "summary": "string",
        },
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}


def differences(name: str, found: dict[str, str], extra_allowed: bool = False) -> list[str]:
    """Every way in which the columns `found` (name → simple type string) differ from the schema of table `name`."""
    expected = TABLES[name].columns
    missing = [f"{column}: missing, expected {kind}" for column, kind in expected.items() if column not in found]
    wrong = [
        f"{column}: found {found[column]}, expected {kind}"
        for column, kind in expected.items()
        if column in found and found[column] != kind
    ]
    extra = [] if extra_allowed else [f"{column}: not in the schema" for column in found if column not in expected]
    return missing + wrong + extra


def check(name: str, found: dict[str, str], extra_allowed: bool = False) -> None:
    """Raises `SchemaError` that lists all differences at once, or returns."""
    problems = differences(name, found, extra_allowed)
    if problems:
        raise SchemaError(f"table {name} differs from its schema: " + "; ".join(problems))
