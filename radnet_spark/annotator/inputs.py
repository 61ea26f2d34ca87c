"""A DICOM file and a text → what the annotator knows of an instance, by the same functions as ingest and export.

De-identification changes no feature: what identifies is no feature. A model therefore needs no key; the tag map is
made under a key that is no secret, since nothing of it but vectors leaves the model.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from radnet_spark.annotator.embedders import Known
from radnet_spark.config import Config, Images
from radnet_spark.dicom.export import Exported, export_image
from radnet_spark.dicom.files import FileAccessError, open_file
from radnet_spark.dicom.instance import IngestSettings, parse_instance, quiet
from radnet_spark.dicom.reasons import QuarantineReason
from radnet_spark.text.masking import masked

_NO_SECRET = bytes(32)
SECTIONS = ("deidentify", "ingest", "diagnoses", "images")


@dataclass(frozen=True)
class FileRules:
    """How a file becomes sources.

    Attributes:
        ingest: how the header becomes a row.
        images: the `images` section.
        min_length: characters of a diagnosis.
        mask_persons: whether stored diagnoses were masked.
    """

    ingest: IngestSettings
    images: Images
    min_length: int
    mask_persons: bool

    def with_key(self, key: bytes | None) -> FileRules:
        """The same rules with identifiers under a key."""
        return replace(self, ingest=replace(self.ingest, key=key))


@dataclass(frozen=True)
class ReadFile:
    """A file as it was read: the row of `instances` (or `reason` and `detail`), and what is known of it."""

    row: Mapping[str, Any]
    known: Known


def sections_of(config: Config) -> dict[str, Any]:
    """The settings that a model keeps, as plain data for JSON; they hold no secret."""
    return {name: config.section(name) for name in SECTIONS}


def file_rules(sections: Mapping[str, Any]) -> FileRules:
    """The rules from the plain data of `sections_of`."""
    diagnoses = sections["diagnoses"]
    settings = replace(IngestSettings.of(sections, _NO_SECRET), checksum=False)
    images = Images.model_validate(sections["images"])
    return FileRules(settings, images, diagnoses["min_length"], diagnoses["mask_persons"])


def read_path(path: str, text: str | None, rules: FileRules) -> ReadFile:
    """Reads a file or archive member; one that can't be opened or is no instance has `known.error`."""
    try:
        with open_file(path) as source:
            return read_source(source, text, rules)
    except (FileAccessError, OSError) as error:
        row = {"reason": str(QuarantineReason.UNREADABLE), "detail": type(error).__name__}
        return ReadFile(row, Known(error=row["reason"]))


def read_bytes(content: bytes, text: str | None, rules: FileRules) -> ReadFile:
    """Reads the bytes of a DICOM file."""
    return read_source(io.BytesIO(content), text, rules)


def read_source(source: BinaryIO, text: str | None, rules: FileRules) -> ReadFile:
    """Reads an open, seekable file: header and tag map, then the 8-bit image if it gives one."""
    with quiet():
        row = parse_instance(source, source.seek(0, 2), rules.ingest)
    if row["reason"] is not None:
        return ReadFile(row, Known(error=str(row["reason"])))
    exported = export_image(source, rules.images)
    image = exported.image if isinstance(exported, Exported) else None
    return ReadFile(row, Known(image, row["tags"], usable_text(text, rules)))


def usable_text(text: str | None, rules: FileRules) -> str | None:
    """A diagnosis as the table `exams` would hold it; None if it is missing, blank or too short."""
    stripped = (text or "").replace("\0", "").strip()
    kept = masked(stripped) if rules.mask_persons else stripped
    return kept if kept and len(kept) >= rules.min_length else None
