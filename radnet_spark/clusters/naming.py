"""What a cluster stands for: its commonest modality and body part, how pure it is, and a name for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MIXED = "mixed"
ANOMALY = "anomaly"
EMPTY = "empty"


@dataclass(frozen=True)
class Description:
    """The make-up of a cluster.

    Attributes:
        size: instances.
        modality: modality of the commonest (modality, body part) pair; None if empty.
        body_part: body part of that pair; None if no instance has a known one.
        modality_share: share of that modality among all instances, in [0, 1].
        body_part_share: share of that body part among instances with a known one; 0 if none has.
        purity: share of the pair among instances with a known body part; the modality's share if none has.
        name: e.g. `MR · KNEE`, or `mixed`, `anomaly`, `empty`.
    """

    size: int
    modality: str | None
    body_part: str | None
    modality_share: float
    body_part_share: float
    purity: float
    name: str


def describe(counts: Mapping[tuple[str, str | None], int], mixed_below: float, anomaly_below: int) -> Description:
    """Describes a cluster by its contents.

    Args:
        counts: (modality, body part or None where unknown) → instances.
        mixed_below: purity below which a cluster is named `mixed`.
        anomaly_below: size below which it is named `anomaly`.

    Returns:
        The description. Ties go to the name that comes first in the alphabet.
    """
    size = sum(counts.values())
    if size == 0:
        return Description(0, None, None, 0.0, 0.0, 0.0, EMPTY)
    known = {pair: n for pair, n in counts.items() if pair[1] is not None}
    described = known or counts
    modality, body_part = min(described, key=lambda pair: (-described[pair], pair[0], pair[1] or ""))
    of_known = sum(known.values())
    purity = described[modality, body_part] / sum(described.values())
    with_modality = sum(n for pair, n in counts.items() if pair[0] == modality)
    with_part = sum(n for pair, n in known.items() if pair[1] == body_part)
    name = modality if body_part is None else f"{modality} · {body_part}"
    if size < anomaly_below:
        name = ANOMALY
    elif purity < mixed_below:
        name = MIXED
    share_of_part = with_part / of_known if of_known else 0.0
    return Description(size, modality, body_part, with_modality / size, share_of_part, purity, name)
