"""Part of the experiment (train, test, validation) by a keyed hash of the patient.

The part is a function of the patient's key alone, so that all exams of one patient fall in one part and nobody
changes sides when data are added. The paper splits by exam, 80 / 10 / 10 (arXiv 2308.08517, the data set); the hash
and the step from exam to patient are our own choice.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from radnet_spark.errors import UsageError

PARTS = ("train", "test", "validation")
_HASH_BITS = 63


def keyed_order(key: str, salt: str) -> int:
    """Gives a place in an order that depends on nothing but the key and the salt.

    Args:
        key: what is put in order: a patient, exam or instance key.
        salt: keeps different uses and different experiments independent.

    Returns:
        blake2b of the key, keyed by the salt, as an integer in [0, 2^63), which fits Spark's `bigint`.
    """
    hash_key = hashlib.blake2b(salt.encode(), digest_size=32).digest()
    digest = hashlib.blake2b(key.encode(), key=hash_key, digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


@dataclass(frozen=True)
class Split:
    """A rule that gives every patient a part.

    Attributes:
        salt: another salt is another split.
        train_share: share of patients in `train`, in [0, 1].
        test_share: share of patients in `test`; `validation` takes the rest.
    """

    salt: str
    train_share: float
    test_share: float

    def __post_init__(self) -> None:
        """Refuses shares that leave no room for each other."""
        if min(self.train_share, self.test_share) < 0 or self.train_share + self.test_share > 1:
            raise UsageError(
                f"cohort.train_share, cohort.test_share: found {self.train_share} and {self.test_share}, "
                "expected shares that sum to 1 at most"
            )

    def part_of(self, patient_key: str) -> str:
        """Gives the one of `PARTS` in which all exams of a patient fall."""
        place = keyed_order(patient_key, f"{self.salt}/split") / 2**_HASH_BITS
        if place < self.train_share:
            return "train"
        return "test" if place < self.train_share + self.test_share else "validation"
