"""The de-identification key: where it comes from, and that it goes nowhere else."""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
from pathlib import Path

from radnet_spark.config import Deidentify
from radnet_spark.errors import UsageError

logger = logging.getLogger(__name__)
VARIABLE = "RADNET_DEID_KEY"
_LEAST = 12  # characters of a key that is not warned of


def keeps_secrets(root: str) -> bool:
    """Whether a root is a folder of one machine's user: no object store, and no volume that a whole workspace reads."""
    return "://" not in root and not str(Path(root).absolute()).startswith(("/Volumes/", "/dbfs/"))


def deid_key(settings: Deidentify, root: str) -> bytes:
    """The key of all keyed hashes, 32 bytes.

    From the environment's `RADNET_DEID_KEY`, else the secret scope of the settings, else `deid.key` under a local
    root, which is made once (readable by its owner only) and said.

    Raises:
        UsageError: the root is an object store or a volume, and there is neither variable nor scope.
    """
    text = os.environ.get(VARIABLE) or _from_scope(settings)
    if text is None:
        if not keeps_secrets(root):
            raise UsageError(
                f"{VARIABLE}: not set, and deidentify.secret_scope is null; expected one of them, since a key can't be "
                f"kept safely under {root}"
            )
        text = _local_key(Path(root) / "deid.key")
    elif len(text) < _LEAST:
        logger.warning(
            "the de-identification key has fewer than %d characters: who guesses it can compute every identifier; "
            "`openssl rand -hex 32` makes a good one", _LEAST,
        )  # fmt: skip
    return hashlib.blake2b(text.encode(), digest_size=32, person=b"radnet-deid").digest()


def _from_scope(settings: Deidentify) -> str | None:
    if settings.secret_scope is None:
        return None
    try:
        from databricks.sdk.runtime import dbutils
    except ImportError as error:
        raise UsageError(
            f"deidentify.secret_scope: found {settings.secret_scope}, but secret scopes exist on Databricks only; "
            f"set {VARIABLE} instead"
        ) from error
    return str(dbutils.secrets.get(settings.secret_scope, settings.secret_name))


def _local_key(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".part")
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        os.replace(temporary, path)
        logger.warning(
            "%s is not set: made a de-identification key in %s; keep it, or labels can't be joined", VARIABLE, path
        )
    return path.read_text().strip()
