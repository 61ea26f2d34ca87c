"""Which numbers of clusters are tried on how many rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from radnet_spark.errors import StageError, UsageError

_ROWS_PER_CLUSTER = 4


@dataclass(frozen=True)
class KRange:
    """Numbers of clusters to try, increasing, and what was left out (None if nothing was)."""

    ks: tuple[int, ...]
    note: str | None


def k_range(explicit: Sequence[int] | int | None, default: Sequence[int], rows: int) -> KRange:
    """Settles the list of k.

    Args:
        explicit: `cluster.k`: what somebody asked for; taken as it is. None: the default list.
        default: `cluster.k_list`: values above a quarter of the rows are left out.
        rows: rows that centres are fitted on.

    Raises:
        UsageError: an explicit k is larger than the number of rows.
        StageError: there is no row.
    """
    if rows == 0:
        raise StageError("nothing to cluster: no row to fit centres on")
    if explicit is not None:
        return _explicit([explicit] if isinstance(explicit, int) else list(explicit), rows)
    limit = rows // _ROWS_PER_CLUSTER
    kept = tuple(sorted({k for k in default if k <= limit}))
    if not kept:
        instead = min(rows, max(2, limit))
        return KRange(
            (instead,),
            f"{rows} rows are too few for any k of cluster.k_list; k = {instead} was taken instead",
        )
    left_out = sorted({k for k in default if k > limit})
    if not left_out:
        return KRange(kept, None)
    return KRange(
        kept,
        f"k = {_listed(left_out)} left out: above a quarter of the {rows} rows that centres are fitted on",
    )


def _explicit(ks: list[int], rows: int) -> KRange:
    if not ks:
        raise UsageError("cluster.k: found an empty list, expected one value or several, or null")
    if max(ks) > rows:
        raise UsageError(f"cluster.k: found {max(ks)}, expected at most {rows}, the rows that centres are fitted on")
    return KRange(tuple(sorted(set(ks))), None)


def _listed(values: Sequence[int]) -> str:
    return ", ".join(str(value) for value in values)
