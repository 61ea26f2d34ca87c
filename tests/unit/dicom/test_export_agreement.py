"""Every real file, every way to show it: the product and the reference must come to the same image or reason.

Of the collection beside the repository the default way alone, which takes half a minute less;
`RADNET_EVERY_WAY=1 pytest tests/unit/dicom/test_export_agreement.py` compares all ways on it too.
"""

import os
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from conftest import SHARED_DICOM
from export_reference import Options, reference

from radnet_spark.config import load_config
from radnet_spark.dicom.export import Exported, export_image
from radnet_spark.dicom.pixels import DecodeError, DecoderProcess

OPTIONS = [
    Options(),
    Options(voi="linear", apply_voi_lut=True, estimate_window=True),
    Options(size=256),
    Options(voi="linear"),
    Options(voi="linear_exact"),
    Options(voi="sigmoid"),
    Options(apply_voi_lut=True),
    Options(estimate_window=True),
]
LARGE = 300_000  # bytes; the reference takes its time for such a file, so only the first two options are compared


class Remembering(DecoderProcess):
    """Decodes each frame of the file at hand once: the settings differ in what happens afterwards."""

    def __init__(self):
        super().__init__()
        self.known = {}

    def decode(self, file, syntax, frame, timeout_seconds):
        if frame not in self.known:
            try:
                self.known[frame] = super().decode(file, syntax, frame, timeout_seconds)
            except DecodeError as error:
                self.known[frame] = error
        if isinstance(self.known[frame], DecodeError):
            raise self.known[frame]
        return self.known[frame]


def different_files(folder: Path) -> list[Path]:
    paths = {sha256(path.read_bytes()).digest(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return sorted(paths.values())


def disagreement(ours, expected) -> str:
    """How the two differ; empty if they don't."""
    if isinstance(expected, str) or not isinstance(ours, Exported):
        found = "an image" if isinstance(ours, Exported) else str(ours.reason)
        wanted = expected if isinstance(expected, str) else "an image"
        return "" if found == wanted else f"{found}, expected {wanted}"
    if ours.frame != expected[1]:
        return f"frame {ours.frame}, expected {expected[1]}"
    largest = np.abs(ours.image.astype(int) - expected[0]).max()
    return "" if largest <= 1 else f"{largest} grey levels apart"


@pytest.mark.real_files
@pytest.mark.parametrize("folder", ["pydicom", "shared"])
def test_real_files_agree_with_the_reference(folder, small_files):
    if folder == "shared" and not SHARED_DICOM.is_dir():
        pytest.skip("../shared is not there")
    paths = different_files(SHARED_DICOM) if folder == "shared" else small_files
    ways = OPTIONS[:1] if folder == "shared" and "RADNET_EVERY_WAY" not in os.environ else OPTIONS
    images = load_config().images
    decoder, wrong, exported = Remembering(), [], 0
    for path in paths:
        decoder.known.clear()
        for options in ways[:2] if path.stat().st_size >= LARGE else ways:
            settings = images.model_copy(update=vars(options))
            with path.open("rb") as source:
                ours = export_image(source, settings, decoder)
            if not isinstance(ours, Exported) and ours.reason == "file_changed":
                break  # no instance at all: ingest puts it in quarantine
            exported += isinstance(ours, Exported)
            found = disagreement(ours, reference(path, options))
            if found:
                wrong.append(f"{path.name}, {options}: {found}")
    decoder.close()
    assert not wrong, "\n".join(wrong)
    assert exported > 0.4 * len(paths)
