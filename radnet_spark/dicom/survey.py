"""A look at a sample of an archive before anything runs: what is there, what will be lost, how long it will take."""

from __future__ import annotations

import hashlib
import heapq
import os
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydicom.uid import UID, UID_dictionary

from radnet_spark.config import Images
from radnet_spark.dicom.export import Exported, export_image
from radnet_spark.dicom.file_list import listed_paths
from radnet_spark.dicom.files import FileAccessError, is_archive, open_file
from radnet_spark.dicom.instance import IngestSettings, read_instance
from radnet_spark.dicom.inventory import FoundFile, ListingUnit, list_unit, listing_units
from radnet_spark.dicom.stores import absolute

_IMAGES = 200  # of the sample are exported: that takes ten times as long as a header
_LISTED = 100_000  # files between two signs of life


@dataclass
class Survey:
    """What was found; counts of `sampled` files unless they say otherwise.

    Attributes:
        files: in the whole archive, each once; a folder that a list names counts as one.
        bytes: of all files; what can't be asked for its size counts nothing. Of files that a list names: from the
            sample.
        sampled: files that were read.
        sizes: of them, bytes, where they could be asked for it.
        reasons: why they would go to quarantine.
        modalities, manufacturers, transfer_syntaxes: of the instances.
        judged: instances that are no common case for the fast reader.
        header_seconds: for all headers of the sample, one process.
        exported: images that were tried.
        dropped: why they would be left out.
        image_seconds: for all images that were tried, one process.
    """

    files: int = 0
    bytes: int = 0
    sampled: int = 0
    sizes: list[int] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    modalities: Counter[str] = field(default_factory=Counter)
    manufacturers: Counter[str] = field(default_factory=Counter)
    transfer_syntaxes: Counter[str] = field(default_factory=Counter)
    judged: int = 0
    header_seconds: float = 0.0
    exported: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    image_seconds: float = 0.0

    @property
    def instances(self) -> int:
        """Files of the sample that are instances; duplicates can't be told from a sample."""
        return self.sampled - self.reasons.total()

    def estimates(self, cores: int, size: int) -> dict[str, float]:
        """Hours and bytes for the whole archive on so many cores, with images of `size` × `size` pixels."""
        instances = self.files * self.instances / max(self.sampled, 1)
        kept = instances * (1 - self.dropped.total() / max(self.exported, 1))
        return {
            "ingest_hours": self.files * self.header_seconds / max(self.sampled, 1) / cores / 3600,
            "images_hours": instances * self.image_seconds / max(self.exported, 1) / cores / 3600,
            "images_bytes": kept * size * size,
        }

    def spread(self) -> dict[str, float]:
        """Bytes of the files that were read: the middle one, the one above nine tenths of them, and the largest."""
        cuts = np.percentile(self.sizes or [0], (50, 90, 100))
        return dict(zip(("size_median", "size_90_percent", "size_largest"), cuts.tolist(), strict=True))


@dataclass(frozen=True)
class Sources:
    """What there is to look at.

    Attributes:
        inputs: folders, files, zip archives.
        lists: files that name such, as `file_list` reads them.
    """

    inputs: list[str]
    lists: list[str] = field(default_factory=list)


def survey(
    sources: Sources, sample: int, settings: IngestSettings, images: Images, progress: Callable[[str], None]
) -> Survey:
    """Lists an archive and reads a sample of it, in this process; nothing is written.

    Args:
        sources: where to look. Files that a list names are asked for nothing unless they are in the sample.
        sample: how many files are read: those with the smallest hash of their path, the same ones every time.
        settings: how headers are read.
        images: how images are exported.
        progress: receives short texts.
    """
    found = Survey()
    chosen = _sample(sources, sample, found, progress)
    for number, file in enumerate(chosen):
        if number % 100 == 0:
            progress(f"{number} of {len(chosen)} sampled files read")
        _read(file, found, settings, images)
    return found


def _sample(sources: Sources, sample: int, found: Survey, progress: Callable[[str], None]) -> list[FoundFile]:
    named = 0
    hashes = array("Q")

    def numbered() -> Iterator[tuple[int, FoundFile, bool]]:
        nonlocal named
        for file, asked in _every(sources):
            number = int.from_bytes(hashlib.blake2b(file.path.encode(), digest_size=8).digest())
            hashes.append(number)
            found.bytes += file.file_size or 0
            named += not asked
            if len(hashes) % _LISTED == 0:
                progress(f"{len(hashes)} files listed")
            yield number, file, asked

    smallest = heapq.nsmallest(sample, numbered(), key=lambda one: (one[0], one[1].path))
    smallest = list({file.path: (number, file, asked) for number, file, asked in smallest}.values())
    chosen = [file if asked else _asked(file.path) for _, file, asked in smallest]
    sizes = [file.file_size or 0 for file, (_, _, asked) in zip(chosen, smallest, strict=True) if not asked]
    found.bytes += round(named * sum(sizes) / max(len(sizes), 1))
    found.files = np.unique(hashes).size  # a list may name a file twice, or one that lies in a folder, too
    found.bytes = round(found.bytes * found.files / max(len(hashes), 1))
    return chosen


def _every(sources: Sources) -> Iterator[tuple[FoundFile, bool]]:
    """Each file, and whether it was asked for its size."""
    for unit in listing_units(sources.inputs, 1):
        yield from ((file, True) for file in list_unit(unit))
    for path in (path for name in sources.lists for path in listed_paths(name)):
        if is_archive(path):
            yield from ((file, True) for file in list_unit(ListingUnit(path, recursive=True)))
        else:
            yield FoundFile(absolute(path), None, None), False


def _asked(path: str) -> FoundFile:
    return next(iter(list_unit(ListingUnit(path, recursive=True))), FoundFile(path, None, None))


def _read(file: FoundFile, found: Survey, settings: IngestSettings, images: Images) -> None:
    begin = time.perf_counter()
    row = read_instance(file.path, file.file_size, settings)
    found.header_seconds += time.perf_counter() - begin
    found.sampled += 1
    found.sizes += [] if file.file_size is None else [file.file_size]
    if row["reason"]:
        found.reasons[row["reason"]] += 1
        return
    found.modalities[row["modality"] or "none"] += 1
    found.manufacturers[row["manufacturer"] or "none"] += 1
    found.transfer_syntaxes[_name_of(row["transfer_syntax_uid"])] += 1
    found.judged += row["judged"]
    if found.exported < _IMAGES:
        _export(file, found, images)


def _name_of(syntax: str) -> str:
    """The standard's name of a transfer syntax; nothing of what else may stand in its place."""
    return UID(syntax).name if syntax in UID_dictionary else "unknown"


def _export(file: FoundFile, found: Survey, images: Images) -> None:
    begin = time.perf_counter()
    try:
        with open_file(file.path) as source:
            result = export_image(source, images)
    except (FileAccessError, OSError):
        return
    found.image_seconds += time.perf_counter() - begin
    found.exported += 1
    if not isinstance(result, Exported):
        found.dropped[str(result.reason)] += 1


def lines(found: Survey, size: int, cores: int | None = None) -> Iterator[str]:
    """The survey for a person."""
    cores = cores or os.cpu_count() or 1
    estimates = found.estimates(cores, size)
    yield f"{found.files} files, {found.bytes / 1e9:.2f} GB; {found.sampled} of them read"
    sizes = (f"{size / 1e6:.3g} MB" for size in found.spread().values())
    yield "sizes: half of the files up to {}, nine tenths up to {}, the largest {}".format(*sizes)
    for name in ("modalities", "manufacturers", "transfer_syntaxes"):
        yield f"{name.replace('_', ' ')}: {_shares(getattr(found, name), found.instances)}"
    yield f"to quarantine: {_shares(found.reasons, found.sampled)} (duplicates can't be told from a sample)"
    yield f"without an image: {_shares(found.dropped, found.exported)}, of {found.exported} tried"
    yield f"headers that are no common case and take longer: {_share(found.judged, found.instances)}"
    headers, images = _duration(estimates["ingest_hours"]), _duration(estimates["images_hours"])
    yield f"on {cores} cores about {headers} for all headers and {images} for all images, at the pace of this sample"
    yield "Spark's start, the tables and the stages after ingest come on top"
    yield f"images before compression: {estimates['images_bytes'] / 1e9:.2g} GB"


def as_dict(found: Survey, size: int, cores: int | None = None) -> dict[str, Any]:
    """The survey as plain data."""
    cores = cores or os.cpu_count() or 1
    counts = {name: dict(value.most_common()) for name, value in vars(found).items() if isinstance(value, Counter)}
    plain = {name: value for name, value in vars(found).items() if isinstance(value, int | float)}
    return {**plain, **counts, **found.spread(), "cores": cores, **found.estimates(cores, size)}


def _shares(counts: Counter[str], of: int) -> str:
    return "; ".join(f"{name} {_share(count, of)}" for name, count in counts.most_common(8)) or "none"


def _share(count: int, of: int) -> str:
    return f"{count / max(of, 1):.1%}"


def _duration(hours: float) -> str:
    if hours >= 1:
        return f"{hours:.1f} hours"
    return f"{hours * 60:.0f} minutes" if hours * 60 >= 1 else f"{hours * 3600:.1f} seconds"
