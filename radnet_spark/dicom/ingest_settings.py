"""The settings that decide what `radnet ingest` makes of a file, and their name."""

from __future__ import annotations

import hashlib

from radnet_spark.config import Config, config_hash, load_rules
from radnet_spark.dicom.instance import PARSE_REVISION, IngestSettings
from radnet_spark.lake.secrets import deid_key

SECTIONS = ("ingest", "deidentify", "diagnoses")  # of the configuration


def ingest_settings(config: Config, root: str) -> IngestSettings:
    """What decides a row, under the key of this root."""
    key = deid_key(config.deidentify, root) if config.deidentify.enabled else None
    return IngestSettings.of({name: config.section(name) for name in SECTIONS}, key)


def ingest_hash(settings: IngestSettings) -> str:
    """Names the settings without giving the key away."""
    key = hashlib.blake2b(settings.key or b"", digest_size=8, person=b"ingest-hash").hexdigest()
    shown = {name: value for name, value in vars(settings).items() if name not in ("key", "placeholders")}
    rules = [load_rules(name) for name in ("deidentify.yml", "dicom_tags.yml")]
    return config_hash(
        {**shown, "placeholders": sorted(settings.placeholders), "key": key, "rules": rules, "rev": PARSE_REVISION}
    )[:12]
