"""Keyed identifiers: whoever lacks the key can't go back, whoever has it gets the same one for the same thing.

All are BLAKE2b with the de-identification key and a purpose of their own, so that the hash of an exam says nothing
about a patient of the same number. With no key (de-identification off) the values pass as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from functools import lru_cache

_DIGEST_BYTES = 16
STANDARD_ROOT = "1.2.840.10008."  # UIDs that DICOM itself defines name no one


def exam_id(raw_accession: str | None, raw_study_uid: str | None, key: bytes | None, always_study: bool = False) -> str:
    """The key of an exam, the same from a header and from a diagnosis list.

    Args:
        raw_accession: (0008,0050) *Accession Number*, or whatever identifies the exam in a diagnosis list.
        raw_study_uid: (0020,000D) *Study Instance UID*, taken where there is no accession number.
        key: de-identification key; None gives the trimmed value itself.
        always_study: never take the accession number (archives in which they repeat).

    Returns:
        32 hex digits (the raw value without a key); empty if both are empty.
    """
    accession = "" if always_study else (raw_accession or "").strip()
    value = accession or (raw_study_uid or "").strip(" \0")
    return _hex("exam", value, key) if value else ""


def patient_key(
    raw_issuer: str | None, raw_patient_id: str | None, exam: str, key: bytes | None, placeholders: Collection[str]
) -> str:
    """The key of a patient: from (0010,0021) *Issuer of Patient ID* and (0010,0020) *Patient ID*.

    An ID that is empty or in `placeholders` (lower case) names nobody; the exam's key then stands for the patient.
    """
    patient = (raw_patient_id or "").strip()
    if not patient or patient.lower() in placeholders:
        return exam
    issuer = (raw_issuer or "").strip()
    return _hex("patient", f"{issuer}\0{patient}" if issuer else patient, key)


@lru_cache(maxsize=1 << 14)  # an exam's files share most of their UIDs
def remap_uid(uid: str, key: bytes | None) -> str:
    """A UID under 2.25 (PS3.5 B.2) from the keyed hash; UIDs that the standard defines, and empty ones, stay."""
    if key is None or not uid or uid.startswith(STANDARD_ROOT):
        return uid
    return f"2.25.{int.from_bytes(_digest('uid', uid.strip(), key), 'big')}"


def days_back(person: str, key: bytes | None, at_most: int) -> int:
    """By how many days one patient's dates move into the past: 1 to `at_most`, the same in all files of theirs."""
    return 0 if key is None else 1 + int.from_bytes(_digest("date", person, key), "big") % at_most


def _hex(purpose: str, value: str, key: bytes | None) -> str:
    return value if key is None else _digest(purpose, value, key).hex()


def _digest(purpose: str, value: str, key: bytes) -> bytes:
    data = value.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES, key=key, person=purpose.encode()).digest()
