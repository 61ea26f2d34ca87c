"""The registered model, as code: MLflow runs this file when it loads the model; the arrays are among its artifacts.

Input: a DataFrame with `content` (the bytes of a DICOM file) or `path`, and optionally `text` (the diagnosis); output:
one row a row of the input, in order. A file that can't be read is a row with an error.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

import mlflow.models
import pandas as pd
from mlflow.pyfunc import PythonModel, PythonModelContext

from radnet_spark.annotator.embedders import Known
from radnet_spark.annotator.inputs import file_rules, read_bytes, read_path
from radnet_spark.annotator.model import TEXTS, Annotator

_AT_ONCE = 64  # files whose pixels are held in memory together
_MISSING = Known(error="missing_input")
_KINDS = {"label": "Int64", "distance": "float64", "confidence": "float64", **dict.fromkeys(TEXTS, "object")}


class AnnotatorModel(PythonModel):
    """`Annotator` behind MLflow's interface; `rules` says how it makes sources of a file."""

    def load_context(self, context: PythonModelContext) -> None:
        """Reads the model's folder."""
        self._annotator = Annotator.load(context.artifacts["annotator"])
        self.rules = file_rules(self._annotator.description.settings)

    def predict(
        self, context: PythonModelContext | None, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Annotates files.

        Args:
            context: not used; the folder was read when the model was loaded.
            model_input: columns `content` (binary) or `path` (string), optionally `text`.
            params: none are known.

        Raises:
            ValueError: none of these columns.

        Returns:
            Columns `label, distance, confidence, modality, body_part, name, sources, error`. What is not known is
            missing; as a function of Spark a missing number is NaN and a missing text is empty.
        """
        if not len(model_input.columns):  # MLflow takes away what it does not know, rows and all
            raise ValueError("found no column of a file; expected content (bytes) or path, and optionally text")
        rows = model_input.to_dict("records")
        annotations = []
        for start in range(0, len(rows), _AT_ONCE):
            known = [self._known(row) for row in rows[start : start + _AT_ONCE]]
            annotations += [asdict(annotation) for annotation in self._annotator.annotate(known)]
        frame = pd.DataFrame(annotations, columns=list(_KINDS), index=model_input.index)
        frame = frame.astype(_KINDS)
        return frame.fillna(dict.fromkeys(TEXTS, "")) if _in_spark_task() else frame

    def _known(self, row: dict[Any, Any]) -> Known:
        content, path, text = (_value(row.get(name)) for name in ("content", "path", "text"))
        if content is not None:
            return read_bytes(bytes(content), text, self.rules).known
        return read_path(str(path), text, self.rules).known if path is not None else _MISSING


def _in_spark_task() -> bool:
    """Whether MLflow's function for Spark calls: it casts texts with `str`, which makes "None" of a missing one."""
    pyspark = sys.modules.get("pyspark")
    return pyspark is not None and pyspark.TaskContext.get() is not None


def _value(cell: Any) -> Any:
    return None if cell is None or (isinstance(cell, float) and cell != cell) else cell


mlflow.models.set_model(AnnotatorModel())
