"""The settings that decide what `radnet ingest` makes of a file, and their name."""

from __future__ import annotations

import hashlib

from radnet_spark.config import Config, config_hash, load_rules
from radnet_spark.dicom.instance import PARSE_REVISION, IngestSettings
from radnet_spark.lake.secrets import deid_key


def ingest_settings(config: Config, root: str) -> IngestSettings:
    """The sections `ingest`, `deidentify` and the exam key of `diagnoses` in the form that executors take."""
    deidentify, ingest = config.deidentify, config.ingest
    return IngestSettings(
        key=deid_key(deidentify, root) if deidentify.enabled else None,
        always_study=config.diagnoses.exam_key == "study_instance_uid",
        placeholders=frozenset(name.strip().lower() for name in deidentify.placeholders),
        date_shift_days=deidentify.date_shift_days,
        keep_private=ingest.keep_private,
        max_value_bytes=ingest.max_value_bytes,
        checksum=ingest.checksum,
    )


def ingest_hash(settings: IngestSettings) -> str:
    """Names the settings without giving the key away."""
    key = hashlib.blake2b(settings.key or b"", digest_size=8, person=b"ingest-hash").hexdigest()
    shown = {name: value for name, value in vars(settings).items() if name not in ("key", "placeholders")}
    rules = [load_rules(name) for name in ("deidentify.yml", "dicom_tags.yml")]
    return config_hash(
        {**shown, "placeholders": sorted(settings.placeholders), "key": key, "rules": rules, "rev": PARSE_REVISION}
    )[:12]
