"""What makes another code."""

from __future__ import annotations

import pytest

from radnet_spark.lake import runs


@pytest.fixture
def package(tmp_path, monkeypatch):
    for name in ("radnet_spark/lake/runs.py", "conf/tag_grids.yml", "conf/body_parts.yml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("one")
    monkeypatch.setattr(runs, "__file__", str(tmp_path / "radnet_spark/lake/runs.py"))
    return tmp_path


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("conf/tag_grids.yml", False),  # a grid that is made larger keeps the cells that it had
        ("conf/text_grids.yml", False),
        ("conf/body_parts.yml", True),
        ("radnet_spark/lake/runs.py", True),
    ],
)
def test_rules_and_source_are_code_and_settings_are_not(name, other, package):
    before = runs.code_version.__wrapped__()
    (package / name).write_text("two")
    assert (runs.code_version.__wrapped__() != before) is other
