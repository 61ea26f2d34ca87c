"""Files to a Delta table with all public tags, de-identified, against the way one would do it first.

One rival reads whole files by Spark's `binaryFile` source and gives each header's JSON by pydicom in a pandas UDF, of
a tenth of the files, since it takes a minute for each four thousand; the other reads 20 attributes by dicomsdl from
listed paths, and counts them. Only ours lists, de-identifies, finds duplicates and commits. The files are copies of
real ones with identifiers, names, dates, times and numbers of their own, in random order, so that vendors alternate;
all else is as in the file that was copied, which the memory of elements likes better than an archive.

Run: `make bench`, or `python benchmarks/bench_ingest.py [FOLDER [COUNT]]`. Without a folder: pydicom's own files. COUNT
files, 20,000 if it is not given.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pydicom
from pydicom.uid import DeflatedExplicitVRLittleEndian
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from radnet_spark.config import load_config
from radnet_spark.dicom import stage_ingest
from radnet_spark.lake.session import open_session
from radnet_spark.lake.stage import StageContext
from radnet_spark.lake.tables import Tables
from radnet_spark.lake.tracking import Tracker

COUNT, LARGEST = 20_000, 600_000
TWENTY = (  # noqa: SIM905
    "SOPInstanceUID SOPClassUID StudyInstanceUID SeriesInstanceUID AccessionNumber PatientID PatientName StudyDate "
    "Modality Manufacturer BodyPartExamined StudyDescription SeriesDescription ProtocolName Rows Columns BitsStored "
    "PhotometricInterpretation WindowCenter WindowWidth"
).split()
VARIED = {
    "person": "PatientName PatientID AccessionNumber StudyID",
    "date": "StudyDate SeriesDate AcquisitionDate ContentDate PatientBirthDate",
    "time": "StudyTime SeriesTime AcquisitionTime ContentTime",
    "number": "InstanceNumber AcquisitionNumber SliceLocation ImagePositionPatient TriggerTime TableHeight",
}


class Source(NamedTuple):
    """A real file that can be copied.

    Attributes:
        content: its bytes.
        uid: SOPInstanceUID as it stands in it.
        varied: (place, length, how) of the values that differ from file to file in an archive.
    """

    content: bytes
    uid: bytes
    varied: list[tuple[int, int, str]]


def sources() -> list[Source]:
    """Real files whose SOPInstanceUID can be replaced in place."""
    if len(sys.argv) > 1:
        paths = sorted(str(path) for path in Path(sys.argv[1]).rglob("*") if path.is_file())
    else:
        paths = sorted(str(path) for path in (Path(pydicom.__file__).parent / "data").rglob("*.dcm"))
    found = []
    for path in paths:
        if os.path.getsize(path) > LARGEST or _dies(path):
            continue
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True)
            varied = [place for how, keywords in VARIED.items() for place in _places(header, keywords, how)]
            header.to_json_dict()
            uid = str(header.SOPInstanceUID).encode()
        except Exception:  # the rival would stop at such a file
            continue
        content = Path(path).read_bytes()
        if len(uid) > 16 and uid in content:
            compressed = header.file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian
            found.append(Source(content, uid, [] if compressed else varied))
    return found


def _places(header: pydicom.Dataset, keywords: str, how: str) -> Iterator[tuple[int, int, str]]:
    for keyword in keywords.split():
        raw = header.get_item(keyword)
        if raw is not None and raw.value and getattr(raw, "value_tell", 0):
            yield raw.value_tell, len(raw.value), how


def _another(value: bytes, how: str, chance: random.Random) -> bytes:
    """A value of the same length and form with other letters and digits."""
    changed = bytearray(value)
    fixed = {"date": 3, "time": 4}.get(how, 0)  # so that a date stays one: a year's last digit, seconds
    last = {"date": 4}.get(how, len(value))
    for place in range(fixed, last):
        if value[place : place + 1].isdigit():
            changed[place] = ord(str(chance.randint(0, 5)))
        elif how == "person" and value[place : place + 1].isalpha():
            changed[place] = ord(chance.choice("ABCDEFGHIJKLMNOPRSTUVZ"))
    return bytes(changed)


def make_files(folder: Path, count: int) -> int:
    """Writes the copies, each with names, identifiers, dates, times and numbers of its own; returns their bytes.

    Twenty in turn are one person's.
    """
    known, chance, size = sources(), random.Random(0), 0
    for number in range(count):
        content, uid, varied = chance.choice(known)
        copy, person = bytearray(content), random.Random(number // 20)
        for start, length, how in varied:
            value = bytes(copy[start : start + length])
            copy[start : start + length] = _another(value, how, person if how in ("person", "date") else chance)
        own = uid[:-10] + f"{number:010d}".encode()
        target = folder / f"{number % 100:02d}" / f"{number}.dcm"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(bytes(copy).replace(uid, own))
        size += len(content)
    return size


def ours(spark: SparkSession, folder: Path, root: Path) -> tuple[float, dict[str, Any]]:
    """Seconds of `radnet ingest`, and its summary."""
    config = load_config()
    tables = Tables(spark, str(root), config.storage)
    context = StageContext(spark, config, tables, Tracker(config.tracking, tables.files), {"input": [str(folder)]})
    begin = time.perf_counter()
    summary = stage_ingest.run(context)
    return time.perf_counter() - begin, summary.extra | {"facts": summary.facts}


def rival(spark: SparkSession, folders: list[str]) -> float:
    """Seconds of reading content through the JVM and giving each header's JSON by pydicom."""

    def as_json(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
        warnings.simplefilter("ignore")
        for batch in batches:
            yield batch.map(lambda content: pydicom.dcmread(BytesIO(content), stop_before_pixels=True).to_json())

    begin = time.perf_counter()
    files = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(folders)
    rows = files.select(F.pandas_udf(as_json, "string")("content").alias("header"))  # type: ignore[call-overload]
    rows.agg(F.sum(F.length("header"))).collect()
    return time.perf_counter() - begin


def twenty_values(path: str) -> int:
    """How many of 20 attributes dicomsdl finds."""
    import dicomsdl

    try:
        header = dicomsdl.open(path)
        return sum(header.getDataElement(keyword).value() is not None for keyword in TWENTY)
    except Exception:  # a header or a value that it can't read
        return 0


def _dies(path: str) -> bool:
    """Whether dicomsdl takes the whole process with it."""
    child = os.fork()
    if not child:
        twenty_values(path)
        os._exit(0)
    return os.waitpid(child, 0)[1] != 0


def by_dicomsdl(spark: SparkSession, folder: Path) -> float:
    """Seconds of reading 20 attributes of each file of a list, and counting those that are there."""

    def read(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
        for batch in batches:
            yield batch.map(twenty_values)

    paths = [(str(path),) for path in folder.rglob("*.dcm")]
    begin = time.perf_counter()
    rows = spark.createDataFrame(paths, "path string").repartition(8)
    rows = rows.select(F.pandas_udf(read, "int")("path").alias("found"))  # type: ignore[call-overload]
    rows.agg(F.sum("found")).collect()
    return time.perf_counter() - begin


def drop_page_cache() -> bool:
    """Whether the kernel let go of the files."""
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3")
    except OSError:
        return False
    return True


def main() -> None:
    """Prints files/s of both, warm and cold, and their ratio."""
    os.environ.setdefault("RADNET_DEID_KEY", "benchmark")
    count = int(sys.argv[2]) if len(sys.argv) > 2 else COUNT
    config = load_config()
    spark = open_session(config.spark, master="local[2]")
    with tempfile.TemporaryDirectory(prefix="bench-ingest-") as name:
        folder, root = Path(name) / "files", Path(name)
        folder.mkdir()
        size = make_files(folder, count)
        part = sorted(folder.iterdir())[:10]  # of a hundred folders
        few = sum(len(list(one.iterdir())) for one in part)
        ours(spark, part[0], root / "warm-up")
        rival(spark, [str(part[0])])
        by_dicomsdl(spark, part[0])
        slow = few / rival(spark, [str(one) for one in part])
        print(f"binaryFile and pydicom's JSON, {few} of them: {slow:8.1f} files/s")
        twenty = count / by_dicomsdl(spark, folder)
        print(f"20 attributes by dicomsdl, {count} files: {twenty:8.1f} files/s", flush=True)
        for kind in ("warm", "cold"):
            if kind == "cold" and not drop_page_cache():
                print("cold: the page cache can't be dropped here")
                continue
            seconds, extra = ours(spark, folder, root / kind)
            fast = count / seconds
            print(f"radnet ingest, {count} files of {size / count / 1e3:.0f} kB, {kind} cache: {fast:8.1f} files/s")
            print(f"ratio: {fast / slow:.1f} to pydicom's JSON, {fast / twenty:.2f} to dicomsdl", flush=True)
            if kind == "warm":
                again, _ = ours(spark, folder, root / kind)
                print(f"again, nothing changed: {again:.1f} s, {again / seconds:.1%} of the first run")
                print("\n".join(extra["facts"]))
    spark.stop()


if __name__ == "__main__":
    main()
