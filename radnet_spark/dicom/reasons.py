"""Why a file or an instance was put aside: the closed lists behind `quarantine.reason` and `dropped.reason`."""

from __future__ import annotations

import re
from enum import StrEnum

_MAX_DETAIL = 200  # characters
_VALUES = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|/[^\s:]+|\d{5,}""")


class QuarantineReason(StrEnum):
    """A file that is not in `instances`."""

    EMPTY = "empty"
    NOT_DICOM = "not_dicom"
    DICOMDIR = "dicomdir"
    TRUNCATED = "truncated"
    MISSING_REQUIRED = "missing_required"
    DUPLICATE = "duplicate"
    UNREADABLE = "unreadable"


class DropReason(StrEnum):
    """An instance that gave no image (paper, appendix D); the order is that of the steps."""

    NO_PIXEL_DATA = "no_pixel_data"
    NO_MODALITY = "no_modality"
    MODALITY_LUT = "modality_lut"
    TOO_LARGE = "too_large"
    NO_WINDOW = "no_window"
    FILE_CHANGED = "file_changed"
    DECODE_FAILED = "decode_failed"
    DECODER_CRASH = "decoder_crash"
    TIMEOUT = "timeout"
    VOI_LUT = "voi_lut"
    SINGLE_GREY = "single_grey"
    ALMOST_BLACK = "almost_black"
    FEW_GREYS = "few_greys"
    SHAPE = "shape"


def describe(error: BaseException) -> str:
    """The error's kind and text, without what may be a value of the header: quoted parts, paths, long numbers."""
    text = _VALUES.sub("…", " ".join(str(error).split()))
    return f"{type(error).__name__}: {text}"[:_MAX_DETAIL]
