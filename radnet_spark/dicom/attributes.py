"""What a row is made of: the attributes of one header as text, by pydicom here, by a thin walk in `thin_attributes`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pydicom.dataset import Dataset

from radnet_spark.dicom.identity import VALUE_ERRORS, element_of
from radnet_spark.dicom.profile import deidentified
from radnet_spark.dicom.tag_values import TagValue, tag_values, value_text

IMAGE_GROUPS = frozenset({0x0008, 0x0028, 0x5200})  # Modality, Image Pixel and its look-up tables, functional groups


@dataclass(frozen=True)
class Secrets:
    """What de-identification needs beside the profile.

    Attributes:
        key: de-identification key.
        date_shift_days: the largest move of a patient's dates.
    """

    key: bytes
    date_shift_days: int

    def __repr__(self) -> str:
        return "Secrets(…)"


class Attributes(Protocol):
    """One header."""

    @property
    def dataset(self) -> Dataset:
        """The header for pydicom: all elements before the pixels."""
        ...

    @property
    def image(self) -> Dataset:
        """At least what of `dataset` lies in the groups that say how pixels are shown."""
        ...

    @property
    def by_pydicom(self) -> bool:
        """Whether pydicom converts the whole header, since it is no common case."""
        ...

    def text(self, keyword: str) -> str:
        """An attribute of the top level as in the file; empty where it is missing, empty or can't be read."""
        ...

    def readable(self) -> bool:
        """Whether every public attribute of the top level can be read."""
        ...

    def values(self, person: str, secrets: Secrets | None, keep_private: bool) -> dict[str, TagValue]:
        """Every attribute that stays, as a table has it.

        Args:
            person: key of the patient.
            secrets: None: nothing is taken out or replaced.
            keep_private: also attributes of odd groups.
        """
        ...


class PydicomAttributes:
    """By pydicom, the judge."""

    by_pydicom = True

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    @property
    def dataset(self) -> Dataset:
        """As it was read."""
        return self._dataset

    @property
    def image(self) -> Dataset:
        """See `Attributes`."""
        return self._dataset

    def text(self, keyword: str) -> str:
        """See `Attributes`."""
        try:
            return value_text(self._dataset.get(keyword)).strip()
        except VALUE_ERRORS:
            return ""

    def readable(self) -> bool:
        """See `Attributes`."""
        return all(readable(self._dataset, tag) for tag in list(self._dataset.keys()) if not tag.is_private)

    def values(self, person: str, secrets: Secrets | None, keep_private: bool) -> dict[str, TagValue]:
        """See `Attributes`."""
        shown = self._dataset
        if secrets:
            shown = deidentified(shown, secrets.key, person, secrets.date_shift_days, keep_private)
        return tag_values(shown, keep_private)


def readable(dataset: Dataset, tag: int) -> bool:
    """Whether pydicom can convert an element's value."""
    return element_of(dataset, tag) is not None
