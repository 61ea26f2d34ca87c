"""One file → one row: an instance's columns, or the reason why it is none."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any, BinaryIO, NamedTuple

from radnet_spark.config import load_rules
from radnet_spark.dicom.attributes import Attributes, Secrets
from radnet_spark.dicom.deidentify import exam_id, patient_key
from radnet_spark.dicom.files import FileAccessError, is_archive, open_file, split_member
from radnet_spark.dicom.header import READ_ERRORS, Header, Rejected, read_header
from radnet_spark.dicom.reasons import QuarantineReason, describe
from radnet_spark.dicom.tag_values import TagValue
from radnet_spark.dicom.transfer_syntaxes import is_decodable

PARSE_REVISION = 6  # one more whenever the same file and settings give another row: then stored rows are outdated

_PYDICOM = logging.getLogger("pydicom")
_INTEGER = re.compile(r"-?[0-9]{1,10}")
MoreColumns = Callable[[Header, BinaryIO], dict[str, Any]]


@dataclass(frozen=True)
class IngestSettings:
    """What decides an instance's row; travels to the executors inside a closure, never through a table or a log.

    Attributes:
        key: de-identification key; None: values stay as they are.
        always_study: StudyInstanceUID is the exam's key even where there is an accession number.
        placeholders: PatientIDs, lower case, that name nobody.
        date_shift_days: the largest move of a patient's dates.
        keep_private: keep private attributes in the tag map.
        max_value_bytes: a longer value becomes its VR and length.
        checksum: SHA-256 of the whole file.
    """

    key: bytes | None
    always_study: bool
    placeholders: frozenset[str]
    date_shift_days: int
    keep_private: bool
    max_value_bytes: int
    checksum: bool

    @classmethod
    def of(cls, sections: Mapping[str, Mapping[str, Any]], key: bytes | None) -> IngestSettings:
        """The settings from the sections `ingest`, `deidentify` and `diagnoses`, as plain data.

        Args:
            sections: by name; others may be there.
            key: de-identification key; of no effect where `deidentify` is not enabled.
        """
        private, ingest = sections["deidentify"], sections["ingest"]
        return cls(
            key=key if private["enabled"] else None,
            always_study=sections["diagnoses"]["exam_key"] == "study_instance_uid",
            placeholders=frozenset(name.strip().lower() for name in private["placeholders"]),
            date_shift_days=private["date_shift_days"],
            keep_private=ingest["keep_private"],
            max_value_bytes=ingest["max_value_bytes"],
            checksum=ingest["checksum"],
        )

    def __repr__(self) -> str:
        return "IngestSettings(…)"


class Rank(NamedTuple):
    """How two files with one SOPInstanceUID are compared: complete header, intact pixels, decodable, smaller hash."""

    header_complete: bool
    pixels_intact: bool
    decodable: bool
    header_hash: str


def read_instance(
    path: str, file_size: int | None, settings: IngestSettings, more: MoreColumns | None = None
) -> dict[str, Any]:
    """Opens and parses a file.

    Args:
        path: as a table has it.
        file_size: bytes; None: the file can't be asked for it.
        settings: what decides the row.
        more: further columns of an instance, from its header and the file that is open.

    Returns:
        Columns of `instances` (without `path`, `file_size`, `modification_time`) plus `reason` and `detail`. With a
        reason all other columns are null, but `sop_instance_uid` where it is known.
    """
    if file_size is None:
        return rejected(QuarantineReason.UNREADABLE, "can't be listed, or asked for its size")
    try:
        with open_file(path) as source, quiet():
            row = parse_instance(source, source.seek(0, 2), settings, more)
    except FileAccessError as error:
        return rejected(QuarantineReason.UNREADABLE, str(error))
    except (OSError, MemoryError) as error:
        return rejected(QuarantineReason.UNREADABLE, type(error).__name__)
    if row["reason"] == QuarantineReason.NOT_DICOM and is_archive(path):
        where = "an archive within an archive" if split_member(path)[1] else "no readable zip archive"
        return rejected(QuarantineReason.UNREADABLE, where)
    return row


def parse_instance(
    source: BinaryIO, size: int, settings: IngestSettings, more: MoreColumns | None = None
) -> dict[str, Any]:
    """The same from an open, seekable file of `size` bytes."""
    source.seek(0)
    header = read_header(source, size)
    if isinstance(header, Rejected):
        return rejected(header.reason, header.detail)
    try:
        row = _row(header, settings)
    except READ_ERRORS as error:
        return rejected(QuarantineReason.UNREADABLE, describe(error))
    if row["reason"] is None:
        if settings.checksum:
            source.seek(0)
            row["sha256"] = hashlib.file_digest(source, "sha256").hexdigest()  # type: ignore[arg-type]
        if more:
            row |= more(header, source)
    return row


def rejected(reason: QuarantineReason, detail: str) -> dict[str, Any]:
    """The row of a file that is no instance."""
    return {"reason": str(reason), "detail": detail}


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps pydicom's remarks on odd values out of the logs: they quote the values."""
    _SILENCE.enter()
    try:
        yield
    finally:
        _SILENCE.leave()


class _Silence:
    """Of the whole process: it lasts from the first thread that enters to the last one that leaves."""

    def __init__(self) -> None:
        self._lock, self._inside, self._undo = Lock(), 0, ExitStack()

    def enter(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._undo.callback(_PYDICOM.setLevel, _PYDICOM.level)
                _PYDICOM.setLevel(logging.CRITICAL + 1)
                self._undo.enter_context(warnings.catch_warnings())
                warnings.simplefilter("ignore")

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._undo.close()


_SILENCE = _Silence()


def _row(header: Header, settings: IngestSettings) -> dict[str, Any]:
    raw, rules = header.attributes, _rules()
    missing = [keyword for keyword in rules["required"] if not raw.text(keyword).strip(" .0")]
    if missing:
        return rejected(QuarantineReason.MISSING_REQUIRED, ", ".join(missing))
    exam = exam_id(raw.text("AccessionNumber"), raw.text("StudyInstanceUID"), settings.key, settings.always_study)
    person = patient_key(
        raw.text("IssuerOfPatientID"), raw.text("PatientID"), exam, settings.key, settings.placeholders
    )
    secrets = Secrets(settings.key, settings.date_shift_days) if settings.key is not None else None
    shown = raw.values(person, secrets, settings.keep_private)
    missing = [keyword for keyword in rules["required"] if not _column(shown, keyword)]
    if missing:  # of a representation that no identifier has
        return rejected(QuarantineReason.MISSING_REQUIRED, ", ".join(missing))
    return {
        **{column: _column(shown, keyword) for column, keyword in rules["text_columns"].items()},
        **{column: _integer(raw.text(keyword)) for column, keyword in rules["integer_columns"].items()},
        "sop_instance_uid": _column(shown, "SOPInstanceUID"),
        "sop_class_uid": _column(shown, "SOPClassUID"),
        "study_instance_uid": _column(shown, "StudyInstanceUID"),
        "series_instance_uid": _column(shown, "SeriesInstanceUID"),
        "exam_id": exam,
        "patient_key": person,
        "transfer_syntax_uid": header.transfer_syntax_uid,
        "requested_procedure_description": _requested_procedure(shown),
        "has_pixels": header.pixels is not None,
        "tags": {key: value.shortened(settings.max_value_bytes) for key, value in shown.items()},
        "judged": raw.by_pydicom,
        "sha256": None,
        "reason": None,
        "detail": None,
        **_rank(header)._asdict(),
    }


def _rank(header: Header) -> Rank:
    rules, raw = _rules(), header.attributes
    expected = rules["expected"] + (rules["expected_with_pixels"] if header.pixels else [])
    return Rank(
        header_complete=raw.readable() and all(raw.text(keyword) for keyword in expected),
        pixels_intact=_pixels_intact(header),
        decodable=is_decodable(header.transfer_syntax_uid),
        header_hash=header.digest,
    )


def _pixels_intact(header: Header) -> bool:
    """As many bytes as rows, columns, samples, bits and frames ask for; encapsulated pixels: they end as they must."""
    pixels = header.pixels
    if pixels is None or pixels.length is None:
        return pixels is not None
    try:
        return pixels.length >= _expected_length(header.attributes)
    except ValueError:
        return False


def _expected_length(raw: Attributes) -> int:
    """Bytes of pixels that are not encapsulated (PS3.5 8.1.1); two samples of three are there in YBR_FULL_422."""
    rows, columns, samples, bits = (
        int(raw.text(keyword)) for keyword in ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated")
    )
    count = rows * columns * samples * max(1, int(raw.text("NumberOfFrames") or 1))
    length = -(-count // 8) if bits == 1 else count * (bits // 8)
    return length // 3 * 2 if raw.text("PhotometricInterpretation") == "YBR_FULL_422" else length


def _column(shown: Mapping[str, TagValue], keyword: str) -> str | None:
    value = shown.get(keyword)
    return (value.text.strip() or None) if value else None


def _integer(text: str) -> int | None:
    number = int(text) if _INTEGER.fullmatch(text) else None
    return number if number is not None and abs(number) < 2**31 else None


def _requested_procedure(shown: Mapping[str, TagValue]) -> str | None:
    """(0032,1060) *Requested Procedure Description*, else the one in the request's sequence, or (0040,0007) there."""
    own = _column(shown, "RequestedProcedureDescription")
    if own:
        return own
    for keyword in _rules()["request_sequences"]:
        value = shown.get(keyword)
        items = json.loads(value.text) if value and value.vr == "SQ" else []
        for tag in ("00321060", "00400007"):
            for text in items[0].get(tag, {}).get("Value", []) if items else []:
                return str(text)
    return None


@lru_cache(maxsize=1)
def _rules() -> dict[str, Any]:
    rules: dict[str, Any] = load_rules("dicom_tags.yml")
    return rules
