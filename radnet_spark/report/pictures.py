"""Pictures that a notebook shows by itself; no Spark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from radnet_spark.annotator.inputs import FileRules, read_path
from radnet_spark.errors import UsageError
from radnet_spark.report import figures

SIDE = 128  # pixels of an image in a montage


@dataclass(frozen=True)
class Picture:
    """A PNG that a notebook shows by itself."""

    png: bytes

    def _repr_png_(self) -> bytes:
        return self.png


def pictures_of(paths: Sequence[str], rules: FileRules) -> Picture:
    """DICOM files as an annotator sees them, those that have an image, side by side.

    Args:
        paths: DICOM files.
        rules: how a file becomes an image, such as the `rules` of a loaded model.

    Raises:
        UsageError: none of them has an image.
    """
    found = (read_path(path, None, rules).known.image for path in paths)
    images = [image for image in found if image is not None]
    if not images:
        raise UsageError(f"found no image in {len(paths)} files, expected at least one")
    return Picture(figures.montage(images, min(6, len(images)), SIDE))
