"""One picture and its exam as the bytes of a DICOM file."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from radnet_spark.demo.chance import pick, rules, weighted
from radnet_spark.demo.exams import Exam, uid
from radnet_spark.demo.people import physician
from radnet_spark.demo.rendering import Picture

SOP_CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "CR": "1.2.840.10008.5.1.4.1.1.1",
    "XA": "1.2.840.10008.5.1.4.1.1.12.1",
    "RF": "1.2.840.10008.5.1.4.1.1.12.2",
}
_SYNTAXES = {
    "implicit": ImplicitVRLittleEndian,
    "explicit": ExplicitVRLittleEndian,
    "big_endian": ExplicitVRBigEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
    "rle": RLELossless,
    "jpeg2000": JPEG2000Lossless,
}


def choose_syntax(exam: Exam, picture: Picture) -> str:
    """A transfer syntax for the exam; JPEG 2000 only for unsigned pixels, since decoders differ over signed ones."""
    name = weighted(rules("demo_equipment.yml")["transfer_syntaxes"], exam.rng.random())
    if name == "jpeg2000" and (picture.pixels.dtype.kind == "i" or len(picture.pixels) > 1):
        name = "explicit"
    return str(_SYNTAXES[name])


def exam_header(seed: int, exam: Exam) -> Dataset:
    """What all files of one exam share: patient, study, people and places."""
    rng, people, dataset = exam.rng, rules("demo_people.yml"), Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 101" if rng.random() < 0.25 else "ISO_IR 192"
    day, clock = exam.taken.strftime("%Y%m%d"), exam.taken.strftime("%H%M%S")
    for name in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"):
        setattr(dataset, name, day)
    for name in ("StudyTime", "SeriesTime", "ContentTime"):
        setattr(dataset, name, clock)
    dataset.PatientName, dataset.PatientID = exam.patient.name, exam.patient.patient_id
    dataset.PatientBirthDate = exam.patient.born.strftime("%Y%m%d")
    dataset.PatientAddress = exam.patient.address
    dataset.InstitutionName = pick(rng, people["institutions"])
    dataset.InstitutionalDepartmentName = pick(rng, people["wards"])
    dataset.ReferringPhysicianName, dataset.PerformingPhysicianName = physician(rng), physician(rng)
    dataset.OperatorsName = physician(rng).replace("^^dr.", "")
    dataset.StudyInstanceUID, dataset.StudyID = exam.study_uid, str(exam.index)
    dataset.AccessionNumber, dataset.Modality = exam.accession, exam.modality
    if exam.body_part_examined or rng.random() < 0.5:
        dataset.BodyPartExamined = exam.body_part_examined
    for name, text in exam.descriptions.items():
        if text is not None:
            setattr(dataset, name, text)
    _hide_names(exam, dataset)
    return dataset


def _hide_names(exam: Exam, dataset: Dataset) -> None:
    """Names where one does not look for them: nested sequences, comments, private tags."""
    rng, patient = exam.rng, exam.patient
    if rng.random() < 0.3:
        request = Dataset()
        request.ScheduledProcedureStepDescription = f"{exam.modality} {patient.spoken}"
        request.RequestingPhysician = physician(rng)
        dataset.RequestAttributesSequence = [request]
    if rng.random() < 0.2:
        other = Dataset()
        other.PatientID, other.IssuerOfPatientID = patient.patient_id[::-1], "STARI SUSTAV"
        dataset.OtherPatientIDsSequence = [other]
    if rng.random() < 0.12:
        dataset.ImageComments = f"Pacijent {patient.spoken}, rođ. {patient.born:%d.%m.%Y.}, {patient.address}"
    if rng.random() < 0.25:
        block = dataset.private_block(0x0019, f"{exam.machine['vendor'][:20]} HEADER 01", create=True)
        block.add_new(0x10, "LO", patient.spoken)
        block.add_new(0x11, "DS", str(round(float(rng.random()), 4)))


def add_instance(seed: int, exam: Exam, dataset: Dataset, number: int, series: str) -> None:
    """Identifies the file as instance `number` (from 1) of the exam, in the series of that description."""
    dataset.SOPClassUID = SOP_CLASSES[exam.modality]
    dataset.SOPInstanceUID = uid(seed, "instance", exam.index, number)
    dataset.SeriesInstanceUID = uid(seed, "series", exam.index, series)
    dataset.SeriesDescription, dataset.SeriesNumber, dataset.InstanceNumber = series, 1 + len(series) % 4, number
    dataset.FrameOfReferenceUID = uid(seed, "frame", exam.index)


def add_tags(dataset: Dataset, tags: dict[str, Any], absent: frozenset[str], empty: frozenset[str]) -> None:
    """Writes tags by keyword, leaving out or emptying those that this exam lacks."""
    for name, value in tags.items():
        if name not in absent:
            setattr(dataset, name, None if name in empty else value)


def add_picture(dataset: Dataset, picture: Picture, with_window: bool) -> None:
    """Describes the pixels (PS3.3 C.7.6.3) and their windows; the pixels themselves come with `encode`."""
    frames, rows, columns = picture.pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, picture.photometric
    dataset.Rows, dataset.Columns = rows, columns
    dataset.BitsAllocated = 8 * picture.pixels.dtype.itemsize
    dataset.BitsStored, dataset.HighBit = picture.bits, picture.bits - 1
    dataset.PixelRepresentation = int(picture.pixels.dtype.kind == "i")
    if frames > 1:
        dataset.NumberOfFrames = frames
        dataset.FrameIncrementPointer = 0x00181063
    if picture.slope is not None:
        dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = picture.slope, picture.intercept, "HU"
    if with_window:
        centres, widths = zip(*picture.windows, strict=True)
        several = len(centres) > 1
        dataset.WindowCenter = [str(c) for c in centres] if several else str(centres[0])
        dataset.WindowWidth = [str(w) for w in widths] if several else str(widths[0])


def encode(dataset: Dataset, pixels: NDArray[np.integer] | None, syntax: str, preamble: bool = True) -> bytes:
    """The file's bytes: the same for the same arguments, whenever and wherever they are written.

    Args:
        dataset: Header; PixelData is set here.
        pixels: (frames, rows, columns); null for an object without pixels.
        syntax: Transfer syntax UID.
        preamble: Whether the 128 bytes and DICM stand in front.
    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", SOP_CLASSES["CR"])
    meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "2.25.1")
    meta.TransferSyntaxUID = UID(syntax)
    meta.ImplementationClassUID, meta.ImplementationVersionName = UID("2.25.70915218732116"), "RADNET_DEMO_1"
    dataset.file_meta = meta
    if pixels is not None:
        _set_pixels(dataset, pixels, syntax)
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue() if preamble else buffer.getvalue()[132:]


def _set_pixels(dataset: Dataset, pixels: NDArray[np.integer], syntax: str) -> None:
    if syntax in (RLELossless, JPEG2000Lossless):
        frames = pixels if len(pixels) > 1 else pixels[0]
        dataset.compress(syntax, frames, encoding_plugin="pylibjpeg", generate_instance_uid=False)
        return
    stored = pixels.dtype.newbyteorder(">" if syntax == ExplicitVRBigEndian else "<")
    data = pixels.astype(stored).tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    dataset["PixelData"].VR = "OB" if pixels.dtype.itemsize == 1 and syntax != ImplicitVRLittleEndian else "OW"
