"""`radnet doctor` finds what is missing and says how to mend it."""

from __future__ import annotations

import json

import pytest

from radnet_spark import doctor
from radnet_spark.cli import main
from radnet_spark.config import load_config


@pytest.fixture
def found(tmp_path):
    """Findings by name, for a configuration."""

    def look(*overrides, root=tmp_path):
        return {f.name: f for f in doctor.examine(load_config([], overrides), str(root))}

    return look


def test_a_whole_environment_is_well(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("RADNET_DEID_KEY", "not to be shown")
    assert main(["doctor", "--root", str(tmp_path / "new"), "--json"]) == 0
    shown = capsys.readouterr()
    findings = {f["name"]: f for f in json.loads(shown.out)["findings"]}
    assert set(findings) == {"python", "packages", "java", "jars", "worker python", "compiler", "horovod", "gpu",
                             "root", "mlflow", "key"}  # fmt: skip
    assert not [f for f in findings.values() if f["state"] == "failed"]
    assert "pydicom" in findings["packages"]["found"]
    assert "not to be shown" not in shown.out + shown.err
    assert not (tmp_path / "new").exists()


def test_what_is_broken_is_said_and_the_rest_is_looked_at(found, monkeypatch, tmp_path):
    monkeypatch.setenv("PYSPARK_PYTHON", "/nowhere/python")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("RADNET_DEID_KEY", raising=False)
    monkeypatch.setattr(doctor, "PACKAGES", ("pydicom", "no-such-package"))
    monkeypatch.setattr(doctor, "find_java", lambda: None)
    monkeypatch.setitem(doctor.CHECKS, "gpu", lambda *_: 1 / 0)
    seen = found("spark.packages=['a.b:not-there:1.0']", "tracking.uri=http://127.0.0.1:9", root="s3a://bucket/root")
    states = {name: finding.state for name, finding in seen.items()}
    assert states.pop("python") == states.pop("horovod") == "ok"
    assert states.pop("compiler") == states.pop("jars") == "warning"
    assert set(states.values()) == {"failed"}
    assert "no-such-package" in seen["packages"].found
    assert "ZeroDivisionError" in str(seen)
    assert all(f.mend for f in seen.values() if f.state != "ok")


def test_a_failure_is_exit_1(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(doctor, "examine", lambda *_: [doctor.Finding("java", "failed", "none", "install it")])
    assert main(["doctor", "--root", str(tmp_path)]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "radnet doctor: a run would fail: java"


def test_a_root_that_can_not_be_written(monkeypatch):
    monkeypatch.setattr(doctor, "CHECKS", {"root": doctor.CHECKS["root"]})
    (finding,) = doctor.examine(load_config(), "/proc/radnet")  # where not even an administrator can write
    assert finding.state == "failed"
