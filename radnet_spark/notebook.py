"""What notebooks show of a finished root: plain pandas tables and pictures. Nothing is computed or written here.

from radnet_spark.notebook import open_root
root = open_root("radnet-out")
root.clusters()
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame

from radnet_spark.config import load_config, load_rules
from radnet_spark.errors import UsageError
from radnet_spark.lake.session import open_session
from radnet_spark.lake.stage import StageContext
from radnet_spark.lake.tables import Tables
from radnet_spark.lake.tracking import Tracker
from radnet_spark.report import figures
from radnet_spark.report.comparison import findings, score_rows
from radnet_spark.report.facts import Facts
from radnet_spark.report.pictures import SIDE, Picture
from radnet_spark.report.stage_report import facts_of, samples_of

_SCORES = ("NMI_B", "NMI_M", "HS_B", "HS_M", "S", "D_image", "D_diagnosis", "D")


class Root:
    """A root as a notebook looks at it.

    Args:
        context: tables, settings and MLflow of the root.
    """

    def __init__(self, context: StageContext) -> None:
        self.context = context
        self.spark = context.spark

    @cached_property
    def facts(self) -> Facts:
        """All that the report says, in plain data; read once."""
        return facts_of(self.context)

    def table(self, name: str) -> DataFrame:
        """A table as a Spark DataFrame.

        Raises:
            MissingTableError: it has not been written.
        """
        return self.context.tables.read(name)

    def stages(self) -> pd.DataFrame:
        """How each stage last ended: rows written, rows dropped, seconds."""
        rows = [
            (r.stage, r.status, r.started, round(r.seconds, 1), _counts(r.rows), _counts(r.dropped))
            for r in self.facts.runs
        ]
        return pd.DataFrame(rows, columns=["stage", "status", "started", "seconds", "rows", "dropped"])

    def losses(self) -> pd.DataFrame:
        """Everything that was left out, by stage and reason; files in quarantine first."""
        aside = [("ingest", "file", reason, n) for reason, n in sorted(self.facts.quarantine.items())]
        return pd.DataFrame([*aside, *self.facts.dropped], columns=["stage", "what", "reason", "count"])

    def contents(self) -> pd.DataFrame:
        """Instances by body part (rows) and modality (columns), largest first."""
        rows = [(part, modality, n) for (modality, part), n in self.facts.contents.items()]
        frame = pd.DataFrame(rows, columns=["body part", "modality", "count"])
        table = frame.pivot_table(index="body part", columns="modality", values="count", aggfunc="sum", fill_value=0)
        return table.loc[table.sum(axis=1).sort_values(ascending=False).index]

    def contents_picture(self) -> Picture:
        """The same as a heat map."""
        return Picture(figures.heat_map(self.facts.contents))

    def clusters(self) -> pd.DataFrame:
        """The chosen clusters, largest first: name, size, purity, make-up, typical words."""
        rows = [
            (c.label, c.name, c.size, c.annotated, c.purity, _shares(c.modalities), _shares(c.body_parts),
             ", ".join(c.words))
            for c in self.facts.clusters
        ]  # fmt: skip
        names = ["label", "name", "size", "annotated", "purity", "modalities", "body parts", "typical words"]
        return pd.DataFrame(rows, columns=names).set_index("label")

    @cached_property
    def _samples(self) -> dict[int, list[np.ndarray]]:
        return dict(samples_of(self.context, self.facts.main))

    def images(self, label: int, columns: int = 6) -> Picture:
        """Some images of a cluster.

        Raises:
            UsageError: no image of such a cluster is there.
        """
        if label not in self._samples:
            raise UsageError(f"label {label}: no image; expected one of {sorted(self._samples)}")
        return Picture(figures.montage(self._samples[label], columns, SIDE))

    def sizes_picture(self) -> Picture:
        """Bars of the clusters' sizes."""
        clusters = self.facts.clusters
        return Picture(figures.cluster_sizes([c.name for c in clusters], [c.size for c in clusters]))

    def scores(self) -> pd.DataFrame:
        """Every chosen clustering on validation and test, with the paper's value beside ours where it has one."""
        rows = []
        for row in score_rows(self.facts, load_rules("paper.yml")["rows"]):
            about = {"source": row.source, "clustering": row.what, "part": row.split, "paper's row": row.paper_name}
            ours = {(name, "ours"): row.ours[name][0] for name in _SCORES if name in row.ours}
            paper = {(name, "paper"): row.paper[name] for name in _SCORES if name in row.paper}
            rows.append({**{(key, ""): value for key, value in about.items()}, **ours, **paper})
        columns = list(dict.fromkeys(key for row in rows for key in row))
        frame = pd.DataFrame(rows, columns=columns)
        frame.columns = pd.MultiIndex.from_tuples(columns, names=["score", "of"])
        wanted = [(name, of) for name in _SCORES for of in ("ours", "paper")]
        first = [column for column in frame.columns if column[1] == ""]
        return frame[first + [column for column in wanted if column in frame.columns]].round(3)

    def findings(self) -> pd.DataFrame:
        """The paper's claims, and what this run says to each."""
        rows = [(f.claim, f.verdict, f.detail) for f in findings(self.facts)]
        return pd.DataFrame(rows, columns=["claim", "this run", "why"])


def open_root(root: str, conf: list[str] | None = None, settings: list[str] | None = None) -> Root:
    """Opens a root on the session that is there, or on a new one.

    Args:
        root: what `--root` was.
        conf: what `--conf` was; None: the files that the variable `RADNET_CONF` names, by spaces apart.
        settings: what `--set` was.

    Raises:
        UsageError: there is no such root.
    """
    files = os.environ.get("RADNET_CONF", "").split() if conf is None else conf
    config = load_config(files, settings or [])
    if "://" not in root and config.storage.catalog is None and not (Path(root) / "tables").is_dir():
        raise UsageError(f"root: found {root}, which holds no tables; expected the root of a finished run")
    spark = open_session(config.spark)
    tables = Tables(spark, root, config.storage)
    return Root(StageContext(spark, config, tables, Tracker(config.tracking, tables.files)))


def _counts(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {n}" for name, n in counted.items())


def _shares(shares: Sequence[tuple[str, float]]) -> str:
    return ", ".join(f"{name} {share:.0%}" for name, share in shares[:3])
