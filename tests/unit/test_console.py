"""What a person sees."""

import json
from datetime import datetime
from types import SimpleNamespace

from radnet_spark.console import show_status


def test_status_tells_the_rows_that_are_there_and_not_those_that_the_last_run_added(capsys):
    last = {"summary": json.dumps({"rows": {"images": 0, "dropped": 3}, "dropped": {"no_window": 3}}),
            "started": datetime(2026, 1, 2, 3, 4), "seconds": 1.0}  # fmt: skip
    runs = SimpleNamespace(last={"images": last})
    show_status(runs, [("images", "done"), ("cohort", "would run: never done")], {"images": 998, "cohort": 5}, 1.0)
    shown = capsys.readouterr().out
    assert "rows: images 998, dropped 3" in shown
    assert "cohort 5" not in shown  # it never ran under these settings' name
