"""Equally many instances of every modality: the quota, and what it means for each.

The paper takes 135,775 = 5 × 27,155 instances (arXiv 2308.08517). Which modality sets the quota is our own choice: the
smallest one with a given number of candidates, so that a handful of images of a rare modality can't shrink the
cohort to nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class BalancePlan:
    """How many instances of each modality are kept.

    Attributes:
        quota: Instances of every modality that has as many; None where no modality has enough candidates to set one.
        keep: Modality → instances kept, at most its candidates.
        warnings: What a person should know about modalities that could not be balanced.
    """

    quota: int | None
    keep: dict[str, int]
    warnings: tuple[str, ...]


def plan_balance(candidates: Mapping[str, int], min_candidates: int) -> BalancePlan:
    """Sets the quota.

    Args:
        candidates: Modality → instances that passed all filters; absent modalities may be missing or 0.
        min_candidates: Candidates that a modality needs to set the quota.

    Returns:
        The plan. Modalities below `min_candidates` are kept whole; with none above it, all are.
    """
    present = {modality: n for modality, n in sorted(candidates.items()) if n > 0}
    enough = [n for n in present.values() if n >= min_candidates]
    quota = min(enough, default=None)
    if quota is None:
        reason = f"no modality has {min_candidates} candidates: the cohort is not balanced"
        return BalancePlan(None, present, (reason,) if present else ())
    small = {modality: n for modality, n in present.items() if n < min_candidates}
    warnings = tuple(
        f"{modality} has {n} candidates, fewer than {min_candidates}: kept whole, below the quota of {quota}"
        for modality, n in small.items()
    )
    return BalancePlan(quota, {modality: min(n, quota) for modality, n in present.items()}, warnings)
