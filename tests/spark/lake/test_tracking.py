"""The root's own MLflow database, whose making may be cut short."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from radnet_spark.config import load_config
from radnet_spark.lake.tracking import Tracker

MAKES = """
import pathlib, sys
from radnet_spark.config import load_config
from radnet_spark.lake.tracking import Tracker
Tracker(load_config().tracking, pathlib.Path(sys.argv[1])).client
"""


def test_a_kill_while_the_database_is_made_does_no_harm(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", MAKES, str(tmp_path)], stderr=subprocess.DEVNULL)
    while process.poll() is None and not list(tmp_path.iterdir()):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert [path.name for path in tmp_path.iterdir() if not path.name.endswith("-journal")] == ["mlflow.db.part"]
    tracker = Tracker(load_config().tracking, tmp_path)
    with tracker.run("ingest") as run:
        run.metrics({"files": 1.0})
    assert tracker.client.get_run(run.run_id).data.metrics == {"files": 1.0}
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]
