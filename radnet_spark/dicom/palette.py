"""Palette colour: stored values are places in tables of red, green and blue (PS3.3 C.7.6.3.1.5 and C.7.6.3.1.6)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut

_COLOURS = ("Red", "Green", "Blue")


def apply_palette(places: NDArray[np.generic], dataset: Dataset) -> NDArray[np.unsignedinteger]:
    """Colours of a frame; values below the first mapped one take the first entry, those above the last one the last.

    Args:
        places: (rows, columns) stored values.
        dataset: the header.

    Returns:
        (rows, columns, 3) RGB in the range of the entries, 8 or 16 bits.

    Raises:
        ValueError, AttributeError: there is no table, or it has fewer entries than it says.
    """
    if "RedPaletteColorLookupTableData" not in dataset:  # segmented, C.7.9.2
        return apply_color_lut(places, dataset)
    count, first, _ = dataset.RedPaletteColorLookupTableDescriptor
    count = count or 2**16
    entries = np.clip(places.astype(np.int64) - first, 0, count - 1)
    return np.stack([_table(dataset, colour, count)[entries] for colour in _COLOURS], axis=-1)


def _table(dataset: Dataset, colour: str, count: int) -> NDArray[np.unsignedinteger]:
    """Entries in words of the file's order; those of 8 bits may lie two in a word, the lower byte first."""
    data = dataset[f"{colour}PaletteColorLookupTableData"].value
    if len(data) < count:
        raise ValueError(f"{len(data)} bytes of {colour.lower()} palette for {count} entries")
    words: NDArray[np.unsignedinteger] = np.frombuffer(
        data[: len(data) // 2 * 2], "<u2" if dataset.original_encoding[1] else ">u2"
    )
    return words.astype("<u2").view("u1") if len(data) < 2 * count else words.astype("u2")
