"""Pictures that a notebook shows by itself; no Spark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

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

    Files that say that text is burned into their pixels (BurnedInAnnotation is YES) are left out.

    Args:
        paths: DICOM files.
        rules: how a file becomes an image, such as the `rules` of a loaded model.

    Raises:
        UsageError: none of them has an image that may be shown.
    """
    images = list(_shown(paths, rules))
    if not images:
        raise UsageError(f"found no image without burned-in text in {len(paths)} files, expected at least one")
    return Picture(figures.montage(images, min(6, len(images)), SIDE))


def _shown(paths: Sequence[str], rules: FileRules) -> Iterator[np.ndarray]:
    for path in paths:
        file = read_path(path, None, rules)
        flag = file.row.get("burned_in_annotation") or ""
        if file.known.image is not None and flag.upper() != "YES":
            yield file.known.image
