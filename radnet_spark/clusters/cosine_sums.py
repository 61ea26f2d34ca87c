"""Sums of unit vectors by cluster, batch by batch: what mean pairwise cosine distances are made of.

A sum has a key (clustering_id, label, kind); kinds are the embeddings in which distances are taken, and a variant in
which every exam counts once, since the instances of an exam share its text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radnet_spark.clusters.fusion import FloatArray, unit_rows

Key = tuple[str, int, str]
Membership = Mapping[str, str | int]


@dataclass
class UnitSum:
    """Sum of n unit vectors, (dims,) float64; zero vectors are counted apart and left out."""

    total: NDArray[np.float64]
    n: int = 0
    zero: int = 0

    def add(self, total: NDArray[np.float64], n: int, zero: int) -> None:
        """Adds another sum."""
        self.total += total
        self.n += n
        self.zero += zero

    @property
    def squared_norm(self) -> float:
        """‖Σu‖²."""
        return float(self.total @ self.total)


class UnitSums:
    """Collects sums over batches.

    Args:
        once_an_exam: kind → name of its variant in which only the first row of each exam in a cluster counts. Rows of
            one exam must all come to the same collector.
    """

    def __init__(self, once_an_exam: Mapping[str, str]) -> None:
        self.sums: dict[Key, UnitSum] = {}
        self._variants = once_an_exam
        self._seen: set[tuple[Key, str]] = set()

    def add(
        self, kind: str, vectors: FloatArray, exams: Sequence[str], memberships: Sequence[Iterable[Membership]]
    ) -> None:
        """Adds rows of one kind.

        Args:
            kind: the embedding.
            vectors: (rows, dims).
            exams: exam of each row.
            memberships: for each row its `clustering_id` and `label` in every clustering.
        """
        units = unit_rows(np.asarray(vectors, dtype=np.float64))
        is_zero = ~units.any(axis=1)
        for key, rows in self._grouped(kind, exams, memberships).items():
            zero = int(is_zero[rows].sum())
            entry = self.sums.setdefault(key, UnitSum(np.zeros(units.shape[1])))
            entry.add(units[rows].sum(axis=0), len(rows) - zero, zero)

    def _grouped(
        self, kind: str, exams: Sequence[str], memberships: Sequence[Iterable[Membership]]
    ) -> dict[Key, list[int]]:
        rows: dict[Key, list[int]] = {}
        variant = self._variants.get(kind)
        for row, (exam, member_of) in enumerate(zip(exams, memberships, strict=True)):
            for member in member_of:
                clustering, label = str(member["clustering_id"]), int(member["label"])
                rows.setdefault((clustering, label, kind), []).append(row)
                key = (clustering, label, variant or "")
                if variant and (key, exam) not in self._seen:
                    self._seen.add((key, exam))
                    rows.setdefault(key, []).append(row)
        return rows
