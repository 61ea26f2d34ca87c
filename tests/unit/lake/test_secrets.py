"""The de-identification key."""

from __future__ import annotations

import stat

import pytest

from radnet_spark.errors import UsageError
from radnet_spark.lake.secrets import VARIABLE, deid_key


def test_a_local_key_is_made_once_and_is_the_owners(config, tmp_path, monkeypatch, caplog):
    monkeypatch.delenv(VARIABLE, raising=False)
    first = deid_key(config.deidentify, str(tmp_path))
    assert deid_key(config.deidentify, str(tmp_path)) == first
    assert len(first) == 32
    assert stat.S_IMODE((tmp_path / "deid.key").stat().st_mode) == 0o600
    assert "made a de-identification key" in caplog.text
    assert (tmp_path / "deid.key").read_text().strip() not in caplog.text


def test_the_variable_wins_and_nothing_is_written(config, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "one")
    one = deid_key(config.deidentify, str(tmp_path))
    monkeypatch.setenv(VARIABLE, "two")
    assert deid_key(config.deidentify, str(tmp_path)) != one
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("root", ["s3a://bucket/root", "/Volumes/main/radnet/root", "/dbfs/radnet"])
def test_a_shared_root_needs_a_key(config, monkeypatch, root):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(UsageError, match=VARIABLE):
        deid_key(config.deidentify, root)


def test_a_short_key_is_warned_of_and_not_shown(config, tmp_path, monkeypatch, caplog):
    for key, warned in (("hidden", True), ("hidden" * 3, False)):
        caplog.clear()
        monkeypatch.setenv(VARIABLE, key)
        deid_key(config.deidentify, str(tmp_path))
        assert ("fewer than" in caplog.text) is warned
        assert "hidden" not in caplog.text
