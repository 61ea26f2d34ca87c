"""The documentation site builds, and no warning is passed over."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_site_builds_without_a_warning(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        capture_output=True, text=True, cwd=REPOSITORY, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    settings = (tmp_path / "site" / "reference" / "settings" / "index.html").read_text(encoding="utf-8")
    assert "ingest.files_per_task" in settings
    tables = (tmp_path / "site" / "reference" / "tables" / "index.html").read_text(encoding="utf-8")
    assert "study_instance_uid" in tables
    dicom = (tmp_path / "site" / "reference" / "api" / "dicom" / "index.html").read_text(encoding="utf-8")
    assert "export_image" in dicom
    commands = (tmp_path / "site" / "reference" / "commands" / "index.html").read_text(encoding="utf-8")
    assert "--log-level" in commands
