"""Acquisition tags as the machines of each modality and vendor write them, some of them missing.

A tag is missing by chance, and by the vendor's habits (`rates` in `conf/demo_equipment.yml`):
at random and not at random.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from radnet_spark.demo.anatomy import View
from radnet_spark.demo.chance import pick, rules
from radnet_spark.demo.exams import Exam
from radnet_spark.demo.rendering import Picture

Tags = dict[str, Any]
_RATE, _EMPTY = 0.93, 0.2
_AXES = {"AXIAL": (1, 0, 0, 0, 1, 0), "SAGITTAL": (0, 1, 0, 0, 0, -1), "CORONAL": (1, 0, 0, 0, 0, -1)}
_THICK = ("CHEST", "ABDOMEN", "PELVIS", "HIP", "LSPINE", "URINARYTRACT", "GITRACT")


def habits(exam: Exam) -> tuple[frozenset[str], frozenset[str]]:
    """Tags that this exam leaves out, and tags that it writes without a value."""
    rates, rng, optional = exam.machine["rates"], exam.rng, rules("demo_equipment.yml")["optional"]
    names = [*optional["all"], *optional[exam.modality]]
    missing = [name for name in names if rng.random() > rates.get(name, _RATE)]
    empty = [name for name in missing if rng.random() < _EMPTY]
    return frozenset(missing) - frozenset(empty), frozenset(empty)


def series_tags(exam: Exam, weighting: str) -> Tags:
    """Tags that are the same in all instances of one exam."""
    machine, rng = exam.machine, exam.rng
    tags: Tags = {
        "Manufacturer": machine["vendor"],
        "ManufacturerModelName": machine["model"],
        "StationName": machine["station"],
        "SoftwareVersions": machine["version"],
        "DeviceSerialNumber": str(4000 + sum(map(ord, machine["model"]))),
        "PatientSize": exam.patient.height,
        "PatientWeight": exam.patient.weight,
        "PatientAge": f"{exam.patient.age(exam.taken.date()):03d}Y",
        "PatientSex": exam.patient.sex,
        "BurnedInAnnotation": "YES" if exam.modality in ("XA", "RF") and rng.random() < 0.06 else "NO",
    }
    return tags | {"CT": _ct, "MR": _mr, "CR": _cr, "XA": _xa, "RF": _rf}[exam.modality](exam, rng, weighting)


def _kilovolts(exam: Exam, rng: np.random.Generator) -> float:
    volts = float(pick(rng, exam.machine["kvp"]))
    return volts + (8 if exam.part in _THICK and exam.modality != "CT" else 0) + float(rng.integers(-2, 3))


def _ct(exam: Exam, rng: np.random.Generator, weighting: str) -> Tags:
    thin = exam.part in ("LSPINE", "CSPINE")
    return {
        "KVP": float(pick(rng, exam.machine["kvp"])),
        "SliceThickness": float(pick(rng, (1.0, 2.0, 3.0) if thin else (3.0, 5.0, 5.0, 7.0))),
        "ConvolutionKernel": pick(rng, exam.machine["kernels"][1:] if thin else exam.machine["kernels"]),
        "XRayTubeCurrent": int(rng.normal(280 if exam.part == "HEAD" else 190, 45)),
        "ExposureTime": int(pick(rng, (500, 600, 750, 1000))),
        "Exposure": int(rng.normal(150, 35)),
        "GantryDetectorTilt": round(float(rng.normal(-12, 5)), 1) if exam.part == "HEAD" else 0.0,
        "TableHeight": round(float(rng.normal(140, 15)), 1),
        "DataCollectionDiameter": 250.0 if exam.part in ("HEAD", "CSPINE") else 500.0,
        "ReconstructionDiameter": round(float(rng.normal(230 if exam.part == "HEAD" else 370, 20)), 1),
        "DistanceSourceToDetector": {"SIEMENS": 1040.0}.get(exam.machine["vendor"], 949.1),
        "DistanceSourceToPatient": {"SIEMENS": 570.0}.get(exam.machine["vendor"], 541.0),
        "RotationDirection": pick(rng, ("CW", "CW", "CC")),
        "RevolutionTime": float(pick(rng, (0.5, 0.75, 1.0))),
        "FilterType": pick(rng, ("WEDGE_3", "BODY FILTER", "0")),
        "FocalSpots": float(pick(rng, (0.7, 1.2))),
        "GeneratorPower": int(rng.integers(20, 60)),
        "PatientPosition": pick(rng, ("HFS", "HFS", "HFS", "FFS")),
        "ScanOptions": pick(rng, ("HELICAL MODE", "AXIAL MODE", "HELIX")),
        "ContrastBolusAgent": pick(rng, ("Ultravist 370", "Omnipaque", "")),
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
    }


def _mr(exam: Exam, rng: np.random.Generator, weighting: str) -> Tags:
    echo = {"T1": 12.0, "T2": 102.0, "FLAIR": 120.0, "STIR": 50.0}[weighting]
    repetition = {"T1": 550.0, "T2": 4200.0, "FLAIR": 9000.0, "STIR": 3800.0}[weighting]
    side = int(pick(rng, (256, 320, 384)))
    return {
        "MagneticFieldStrength": float(exam.machine["field"]),
        "ImagingFrequency": round(42.577 * float(exam.machine["field"]) + float(rng.normal(0, 0.01)), 4),
        "RepetitionTime": round(repetition * float(rng.uniform(0.8, 1.25)), 1),
        "EchoTime": round(echo * float(rng.uniform(0.85, 1.15)), 1),
        "InversionTime": {"FLAIR": 2500.0, "STIR": 160.0}.get(weighting, 0.0),
        "FlipAngle": float(pick(rng, (90, 150, 180) if weighting != "T1" else (70, 90, 90))),
        "ScanningSequence": ["SE", "IR"] if weighting in ("FLAIR", "STIR") else "SE",
        "SequenceVariant": ["SK", "SP"] if exam.machine["vendor"] == "SIEMENS" else ["SK", "SP", "OSP"],
        "SequenceName": {"T1": "se2d1", "T2": "tse2d1_15", "FLAIR": "tir2d1_21", "STIR": "tir2d1_9"}[weighting],
        "ScanOptions": pick(rng, ("PFP", "SAT_GEMS", "FS")),
        "MRAcquisitionType": "2D",
        "AcquisitionMatrix": [0, side, int(0.8 * side), 0],
        "SliceThickness": float(pick(rng, (4.0, 5.0, 6.0) if exam.part in _THICK else (3.0, 4.0, 5.0))),
        "SpacingBetweenSlices": round(float(rng.uniform(3.5, 7.0)), 1),
        "EchoTrainLength": int(pick(rng, (1, 3)) if weighting == "T1" else pick(rng, (13, 15, 21))),
        "NumberOfAverages": float(pick(rng, (1, 1, 2, 3))),
        "PixelBandwidth": float(pick(rng, (130, 180, 220, 305))),
        "PercentSampling": float(pick(rng, (75, 80, 100))),
        "PercentPhaseFieldOfView": float(pick(rng, (75, 87.5, 100))),
        "InPlanePhaseEncodingDirection": pick(rng, ("ROW", "COL")),
        "NumberOfPhaseEncodingSteps": int(pick(rng, (204, 256, 307))),
        "TransmitCoilName": "Body" if exam.part != "HEAD" else "TxRx_Head",
        "SAR": round(float(rng.uniform(0.1, 2.5)), 3),
        "PatientPosition": "FFS" if exam.part == "KNEE" else "HFS",
        "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND"],
    }


def _cr(exam: Exam, rng: np.random.Generator, weighting: str) -> Tags:
    chest = exam.part == "CHEST"
    return {
        "KVP": 115.0 + float(rng.integers(-5, 6)) if chest else _kilovolts(exam, rng),
        "XRayTubeCurrent": int(rng.normal(320 if exam.part in _THICK else 160, 40)),
        "ExposureTime": int(rng.gamma(3, 5) + (40 if exam.part in _THICK and not chest else 5)),
        "Exposure": int(rng.gamma(3, 2) + 1),
        "DistanceSourceToDetector": 1800.0 if chest else float(pick(rng, (1000, 1100, 1150))),
        "Sensitivity": round(float(rng.lognormal(5.2, 0.5)), 1),
        "RelativeXRayExposure": int(rng.normal(180, 40)),
        "PlateType": pick(rng, ("ST-VI", "MD4.0R", "GP")),
        "PlateID": f"A{int(rng.integers(10000, 99999))}",
        "CassetteOrientation": pick(rng, ("LANDSCAPE", "PORTRAIT")),
        "CassetteSize": "35CMX43CM" if exam.part in _THICK else pick(rng, ("18CMX24CM", "24CMX30CM")),
        "AcquisitionDeviceProcessingDescription": pick(rng, ("GENERAL", "BONE", "CHEST" if chest else "EXTREMITY")),
        "AcquisitionDeviceProcessingCode": str(int(rng.integers(0, 9))),
        "Grid": pick(rng, ("FIXED", "FOCUSED", "NONE")) if exam.part in _THICK else "NONE",
        "BodyPartThickness": round(float(rng.normal(220 if exam.part in _THICK else 70, 20)), 0),
        "PresentationLUTShape": "INVERSE" if rng.random() < 0.4 else "IDENTITY",
        "PatientOrientation": pick(rng, (["L", "F"], ["R", "F"], ["A", "F"])),
        "ImageType": ["DERIVED", "PRIMARY"],
    }  # fmt: skip


def _television(exam: Exam, rng: np.random.Generator) -> Tags:
    """What angiography and fluoroscopy share."""
    return {
        "KVP": _kilovolts(exam, rng),
        "XRayTubeCurrent": int(rng.gamma(4, 60)),
        "ExposureTime": int(rng.gamma(3, 12)),
        "Exposure": int(rng.gamma(2, 5)),
        "DistanceSourceToDetector": round(float(rng.normal(1050, 60)), 0),
        "DistanceSourceToPatient": round(float(rng.normal(765, 30)), 0),
        "IntensifierSize": float(pick(rng, (170, 220, 310, 390, 480))),
        "ImageAndFluoroscopyAreaDoseProduct": round(float(rng.gamma(2, 8)), 3),
        "Grid": pick(rng, ("IN", "NONE", "FIXED")),
        "AveragePulseWidth": round(float(rng.uniform(3, 15)), 2),
        "RadiationSetting": pick(rng, ("GR", "SC")),
        "RadiationMode": pick(rng, ("PULSED", "CONTINUOUS")),
        "FieldOfViewShape": pick(rng, ("ROUND", "RECTANGLE")),
        "FieldOfViewDimensions": [int(pick(rng, (200, 280, 400)))] * 2,
    }


def _xa(exam: Exam, rng: np.random.Generator, weighting: str) -> Tags:
    heart = exam.part == "CHEST"
    return _television(exam, rng) | {
        "PositionerPrimaryAngle": round(float(rng.normal(0, 28 if heart else 12)), 1),
        "PositionerSecondaryAngle": round(float(rng.normal(0, 22 if heart else 6)), 1),
        "PositionerMotion": pick(rng, ("STATIC", "STATIC", "DYNAMIC")),
        "TableMotion": pick(rng, ("STATIC", "DYNAMIC")) if exam.part == "LEG" else "STATIC",
        "FrameTime": float(pick(rng, (66.7, 80)) if heart else pick(rng, (133, 250, 500))),
        "CineRate": int(pick(rng, (15, 12)) if heart else pick(rng, (2, 3, 4, 6))),
        "PixelIntensityRelationship": pick(rng, ("LIN", "LOG")),
        "GridFocalDistance": float(pick(rng, (1000, 1050))),
        "ContrastBolusAgent": pick(rng, ("Visipaque 320", "Iomeron", "Ultravist 370")),
        "ImageType": ["ORIGINAL", "PRIMARY", "SINGLE PLANE"],
    }


def _rf(exam: Exam, rng: np.random.Generator, weighting: str) -> Tags:
    return _television(exam, rng) | {
        "TableAngle": float(pick(rng, (0, 0, 45, 85))) if exam.part in ("GITRACT", "CHEST") else 0.0,
        "PixelIntensityRelationship": pick(rng, ("DISP", "LOG")),
        "ColumnAngulation": round(float(rng.normal(0, 6)), 0),
        "ContrastBolusAgent": pick(rng, ("Barij", "Telebrix") if exam.part == "GITRACT" else ("Iomeron", "")),
        "PatientOrientation": pick(rng, (["L", "F"], ["P", "F"])),
        "ImageType": ["ORIGINAL", "PRIMARY", "SINGLE PLANE"],
    }  # fmt: skip


def instance_tags(exam: Exam, view: View, picture: Picture, number: int, level: float) -> Tags:
    """Tags that change from one instance to the next: geometry and the view."""
    spacing = [picture.spacing, picture.spacing]
    if exam.modality not in ("CT", "MR"):
        return {"ImagerPixelSpacing": spacing, "ViewPosition": view.name}
    axes = _AXES[view.name]
    depth = round(-120 + 240 * level, 2)
    extent = -0.5 * picture.spacing * np.array(picture.pixels.shape[1:])
    position = [round(float(extent[1]), 3), round(float(extent[0]), 3), depth]
    if view.name != "AXIAL":
        across, up = position[0], -position[1]
        position = [depth / 4, across, up] if view.name == "SAGITTAL" else [across, depth / 4, up]
    return {
        "PixelSpacing": spacing,
        "ImageOrientationPatient": list(axes),
        "ImagePositionPatient": position,
        "SliceLocation": depth if view.name == "AXIAL" else round(depth / 4, 2),
        "AcquisitionNumber": 1 + number // 4,
    }
