"""An example of the model's input, from the demo hospital: no data of any patient."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

import pandas as pd

from radnet_spark.demo.hospital import make_hospital
from radnet_spark.errors import StageError

_EXAMS = 12
_SEED = 1
_TEXT = "CT toraksa: u plućnom parenhimu nema konsolidacija ni izljeva. Medijastinum je uredne širine."


def example_input() -> pd.DataFrame:
    """One row: the bytes of a small generated CT file without defect, and a made-up diagnosis.

    Raises:
        StageError: the demo hospital has no CT file without defect.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_hospital(root, _EXAMS, _SEED, workers=1)
        with (root / "truth.csv").open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["modality"] == "CT" and not row["defect"]]
        sound = [root / row["path"] for row in rows]
        smallest = min((path for path in sound if path.is_file()), key=lambda p: (p.stat().st_size, p), default=None)
        if smallest is None:
            raise StageError("the demo hospital has no CT file without defect to serve as example")
        return pd.DataFrame({"content": [smallest.read_bytes()], "text": [_TEXT]})
