"""Reads a file's header without its pixels, and says why where it can't.

A file counts as cut if an element of the header or the pixel element reaches past the end of the file; pixels of
undefined length (encapsulated, PS3.5 A.4) if the sequence delimiter at their end is missing. A cut file is never an
instance, whatever its header says: a twin that is whole takes its place.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

from pydicom import dcmread
from pydicom.datadict import dictionary_has_tag
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset, read_partial, read_preamble
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)

from radnet_spark.dicom.attributes import Attributes, PydicomAttributes
from radnet_spark.dicom.element_heads import UNDEFINED
from radnet_spark.dicom.identity import VALUE_ERRORS
from radnet_spark.dicom.pixel_element import PixelElement, ends_with_delimiter, named, pixel_element
from radnet_spark.dicom.reasons import QuarantineReason, describe
from radnet_spark.dicom.thin_attributes import ThinAttributes
from radnet_spark.dicom.thin_reading import read_thinly
from radnet_spark.dicom.walked import TooMany, Unexpected, place_of
from radnet_spark.dicom.walker import MOST_ELEMENTS, PIXEL_TAGS

READ_ERRORS = (*VALUE_ERRORS, InvalidDicomError, struct.error, zlib.error)
_PREAMBLE = 128
_BLOCK = 1 << 14  # bytes of one read of a stream
_HASHED = 1 << 20  # bytes of one read for the hash alone
_MAX_INFLATED = 1 << 29  # bytes of a deflated data set: it is read whole, in several copies
_MIN_KNOWN_TAGS = 3  # without the DICM mark a file is DICOM if it has this many known elements, half of the public


@dataclass(frozen=True)
class Header:
    """A header that could be read.

    Attributes:
        attributes: all elements before the pixels.
        transfer_syntax_uid: as in the file meta, else as the bytes show.
        pixels: None if there is no pixel element.
        digest: hash of the header's bytes; a deflated file's of the whole.
        judged: whether the common case was not enough and pydicom parsed the file.
    """

    attributes: Attributes
    transfer_syntax_uid: str
    pixels: PixelElement | None
    digest: str
    judged: bool = True

    @property
    def dataset(self) -> Dataset:
        """All elements before the pixels, for pydicom."""
        return self.attributes.dataset

    @cached_property
    def image(self) -> Dataset:
        """Those of them that say how the pixels are shown, and perhaps more."""
        return self.attributes.image


@dataclass(frozen=True)
class Rejected:
    """A file that gives no header."""

    reason: QuarantineReason
    detail: str


def read_header(source: BinaryIO, size: int) -> Header | Rejected:
    """Parses the elements before the pixels.

    Args:
        source: the file, seekable, at its start.
        size: its length, bytes.
    """
    if size == 0:
        return Rejected(QuarantineReason.EMPTY, "0 bytes")
    header = _thin_header(source, size)
    if header:
        return header
    source.seek(0)
    return judged_header(source, size)


def judged_header(source: BinaryIO, size: int) -> Header | Rejected:
    """The same by pydicom alone, for a file that is not empty."""
    marked = _has_mark(source)
    try:
        refused = _refused_at_its_beginning(source, marked)
        if refused:
            return refused
        source.seek(0)
        dataset = read_partial(source, stop_when=_End(), force=True)
        if not marked and not _looks_like_dicom(dataset):
            return Rejected(QuarantineReason.NOT_DICOM, "no DICM mark and no known elements")
        if _is_directory(dataset):
            return Rejected(QuarantineReason.DICOMDIR, "a directory of other files")
        return _located(source, size, dataset)
    except READ_ERRORS as error:
        reason = _reason_of(error, marked)
        return Rejected(reason, describe(error))


def _thin_header(source: BinaryIO, size: int) -> Header | Rejected | None:
    """The common case: a marked file that is no directory. None: pydicom must judge."""
    try:
        data, walked, digest, left_out = read_thinly(source, size)
    except TooMany as many:
        return Rejected(QuarantineReason.UNREADABLE, f"more than {many.limit} elements")
    except (Unexpected, MemoryError, zlib.error):
        return None
    if not walked.starts or walked.media_storage == MediaStorageDirectoryStorage:
        return None
    if place_of(data, walked.starts[0], 0, walked)[0] >> 16 < 8:
        return None
    pixels = None
    if walked.pixels:
        start, length = walked.pixels
        keyword, vr = named(data[walked.end : walked.end + 6], walked.implicit, walked.order)
        if walked.transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
            if start + length > len(data):
                return None
            pixels = PixelElement(length, complete=True, keyword=keyword)
        else:
            undefined = length == UNDEFINED
            source.seek(start + left_out)
            if not (ends_with_delimiter(source, size) if undefined else start + left_out + length <= size):
                return _cut_in_pixels(size)
            pixels = PixelElement(None if undefined else length, True, start + left_out, keyword, vr)
    return Header(ThinAttributes(data, walked), walked.transfer_syntax_uid, pixels, digest, judged=False)


def _located(source: BinaryIO, size: int, dataset: FileDataset) -> Header | Rejected:
    syntax = _transfer_syntax(dataset)
    if syntax == DeflatedExplicitVRLittleEndian:
        return _deflated(source, dataset)
    end = source.tell()
    cut = _reaches_past(dataset, size)
    if cut or not dataset:
        return Rejected(QuarantineReason.TRUNCATED, cut or "ends before its data set")
    pixels = pixel_element(source, size, dataset)
    if pixels is None and _has_rest(source, dataset, size):
        return Rejected(QuarantineReason.TRUNCATED, f"ends within the tag after the last element, {size} bytes in all")
    if pixels and not pixels.complete:
        return _cut_in_pixels(size)
    source.seek(0)
    return Header(PydicomAttributes(dataset), syntax, pixels, _digest(source, end))


def _cut_in_pixels(size: int) -> Rejected:
    return Rejected(QuarantineReason.TRUNCATED, f"ends within its pixels, {size} bytes in all")


def _deflated(source: BinaryIO, dataset: FileDataset) -> Header:
    """PS3.5 A.5: the data set is one deflate stream, so all of it is read; an incomplete one has raised before."""
    size = source.seek(0, 2)
    source.seek(0)
    digest = _digest(source, size)
    source.seek(0)
    whole = dcmread(source, force=True)
    pixels = None
    for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"):
        if keyword in whole:
            pixels = PixelElement(len(whole[keyword].value or b""), complete=True, keyword=keyword)
    return Header(PydicomAttributes(dataset), str(DeflatedExplicitVRLittleEndian), pixels, digest)


def _refused_at_its_beginning(source: BinaryIO, marked: bool) -> Rejected | None:
    """What would take hours or all memory to read: space that was reserved and never written, and deflated bombs."""
    source.seek(0)
    read_preamble(source, force=True)
    meta = read_dataset(source, False, True, stop_when=lambda tag, _vr, _length: tag >> 16 != 2)
    start = source.tell()
    if source.read(8) == bytes(8):  # no element is like that: a group's length has 4 bytes (PS3.7 E.1)
        reason = QuarantineReason.TRUNCATED if marked else QuarantineReason.NOT_DICOM
        return Rejected(reason, "zeros where a data set should begin")
    source.seek(start)
    if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian and _inflates_too_far(source):
        return Rejected(QuarantineReason.UNREADABLE, f"a deflated data set of more than {_MAX_INFLATED >> 20} MiB")
    return None


def _inflates_too_far(source: BinaryIO) -> bool:
    """Inflates block by block and keeps nothing."""
    stream, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    while size <= _MAX_INFLATED and not stream.eof and (block := stream.unconsumed_tail or source.read(_BLOCK)):
        size += len(stream.decompress(block, _BLOCK))
    return size > _MAX_INFLATED


class _End:
    """Says where a header ends: at the pixels, or where padding with zeros begins.

    Raises:
        ValueError: there are more elements than any header has; reading all of them would take hours.
    """

    def __init__(self) -> None:
        self._elements = 0

    def __call__(self, tag: int, vr: str | None, length: int) -> bool:
        """Whether an element of the top level is the first one that is no part of the header."""
        self._elements += 1
        if self._elements > MOST_ELEMENTS:
            raise ValueError(f"more than {MOST_ELEMENTS} elements")
        return tag in PIXEL_TAGS or (tag == 0 and self._elements > 1)


def _has_mark(source: BinaryIO) -> bool:
    source.seek(_PREAMBLE)
    mark = source.read(4)
    source.seek(0)
    return mark == b"DICM"


def _looks_like_dicom(dataset: Dataset) -> bool:
    public = [tag for tag in list(dataset.keys()) if not tag.is_private]
    known = sum(dictionary_has_tag(tag) for tag in public)
    return known >= _MIN_KNOWN_TAGS and 2 * known >= len(public)


def _is_directory(dataset: FileDataset) -> bool:
    return (
        dataset.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage
        or "DirectoryRecordSequence" in dataset
    )


def _transfer_syntax(dataset: FileDataset) -> str:
    """From (0002,0010), else from how the data set was found to be encoded."""
    uid = str(dataset.file_meta.get("TransferSyntaxUID") or "")
    if uid:
        return uid
    implicit, little_endian = dataset.original_encoding
    if implicit:
        return str(ImplicitVRLittleEndian)
    return str(ExplicitVRLittleEndian if little_endian else ExplicitVRBigEndian)


def _reaches_past(dataset: FileDataset, size: int) -> str:
    """Which element of the top level ends behind the end of the file, or an empty text."""
    for tag in reversed(list(dataset.keys())):
        raw = dataset.get_item(tag)
        length, start = getattr(raw, "length", None), getattr(raw, "value_tell", None)
        if length is not None and start is not None and length != UNDEFINED and start + length > size:
            return f"ends within {tag}, {size} bytes in all"
    return ""


def _has_rest(source: BinaryIO, dataset: FileDataset, size: int) -> bool:
    """Whether fewer bytes than an element's tag and length follow the last element, and they are no padding."""
    last = dataset.get_item(list(dataset.keys())[-1])
    length, start = getattr(last, "length", None), getattr(last, "value_tell", None)
    if length is None or start is None or not 0 < size - (start + length) < 8:
        return False
    source.seek(start + length)
    return bool(source.read().strip(b"\0"))


def _reason_of(error: BaseException, marked: bool) -> QuarantineReason:
    if isinstance(error, EOFError) or "incomplete or truncated" in str(error):
        return QuarantineReason.TRUNCATED
    return QuarantineReason.UNREADABLE if marked or isinstance(error, OSError) else QuarantineReason.NOT_DICOM


def _digest(source: BinaryIO, length: int) -> str:
    """Hash of the next bytes, which may be more than fit into memory."""
    digest = hashlib.blake2b(digest_size=16)
    while length > 0 and (block := source.read(min(length, _HASHED))):
        digest.update(block)
        length -= len(block)
    return digest.hexdigest()
