"""Which jars Python need not look into."""

from __future__ import annotations

from zipfile import ZipFile

import pytest

from radnet_spark.lake.session import _needless


@pytest.mark.parametrize(
    ("name", "entry", "expected"),
    [
        ("com.amazonaws_aws-java-sdk-s3-1.12.jar", "com/amazonaws/S3.class", True),
        ("graphframes_graphframes-0.8.4.jar", "graphframes/__init__.py", False),  # somebody's package with Python code
        ("io.delta_delta-spark_2.12-3.3.3.jar", "delta/tables.py", True),  # installed as a wheel
        ("mine.zip", "mine.class", False),
        ("mine.egg", "mine.pyc", False),
    ],
)
def test_only_jars_without_python_code_and_our_own_leave_the_path(name, entry, expected, tmp_path):
    with ZipFile(tmp_path / name, "w") as archive:
        archive.writestr(entry, "")
    assert _needless(tmp_path / name) is expected


def test_what_can_t_be_read_stays(tmp_path):
    (tmp_path / "broken.jar").write_bytes(b"no zip")
    assert not _needless(tmp_path / "broken.jar")
    assert not _needless(tmp_path / "gone.jar")
    assert not _needless(tmp_path)
