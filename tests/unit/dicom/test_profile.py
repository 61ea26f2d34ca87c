import re
from datetime import datetime

import pytest
from pydicom import dcmread
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset

from radnet_spark.config import load_rules
from radnet_spark.dicom.deidentify import days_back, remap_uid
from radnet_spark.dicom.profile import basic_profile, deidentified, shifted_date
from radnet_spark.dicom.tag_values import tag_values

KEY = b"k" * 32
NAMES = (
    "horvat",
    "ivančica",
    "hr-778899",
    "778899",
    "kovač",
    "branimir",
    "babić",
    "zvonimir",
    "nitko",
    "20200131",
    "1954",
)


def shown(header, **options):
    return deidentified(header, KEY, "person", 3650, **{"keep_private": False, **options})


def test_nothing_personal_is_left_at_any_level(header):
    values = tag_values(shown(header), keep_private=True)
    text = " ".join(f"{key} {value.text}" for key, value in values.items()).lower()
    assert [name for name in NAMES if name in text] == []
    assert " 1.2.3.4" not in text


def test_what_later_stages_need_is_left(header):
    result = shown(header)
    assert result.StudyDescription == "CT toraks"
    assert result.RequestAttributesSequence[0].RequestedProcedureDescription == "torax , dr."
    assert (result.PatientAge, result.PatientSex, result.BodyPartExamined) == ("066Y", "F", "CHEST")
    assert (result.Modality, result.StudyTime) == ("CT", "101500")


def test_references_still_join(header):
    result = shown(header)
    assert result.SOPInstanceUID == remap_uid("1.2.3.4.1.1", KEY)
    nested = result.RequestAttributesSequence[0]
    assert nested.ReferencedSOPInstanceUID == result.SOPInstanceUID
    assert nested.ReferencedSeriesSequence[0].StudyInstanceUID == result.StudyInstanceUID


def test_dates_move_together(header):
    result = shown(header)
    nested = result.RequestAttributesSequence[0].ReferencedSeriesSequence[0]
    moved = datetime.strptime(result.StudyDate, "%Y%m%d")
    assert (datetime(2020, 1, 31) - moved).days == days_back("person", KEY, 3650)
    assert nested.StudyDate == result.StudyDate


def test_the_callers_header_is_untouched(header):
    before = str(header)
    shown(header)
    assert str(header) == before


def test_private_text_is_cleaned_where_it_is_kept(header):
    assert shown(header, keep_private=True)[0x00091001].value == "private"
    assert 0x00091001 not in shown(header)
    assert 0x60003000 not in shown(header, keep_private=True)


@pytest.mark.parametrize(
    ("value", "days", "expected"),
    [
        ("20200301", 1, "20200229"),
        ("20200301101500.123+0100", 1, "20200229101500.123+0100"),
        ("2020.03.01", 1, "20200229"),
        ("00010101", 400, ""),
        ("20201399", 1, ""),
        ("March", 1, ""),
    ],
)
def test_shifted_date(value, days, expected):
    assert shifted_date(value, days) == expected


def test_words_of_body_parts_survive_a_phantoms_name():
    header = Dataset()
    header.PatientName = "Head^Phantom Test"
    header.StudyDescription = "HEAD routine"
    assert shown(header).StudyDescription == "HEAD routine"


def test_table_is_consistent():
    rules = load_rules("deidentify.yml")
    assert rules["edition"]
    lists = {
        name: set(rules[name])
        for name in ("remove", "uids", "clean", "retain_patient_characteristics", "modified_dates")
    }
    for name, entries in lists.items():
        for other, others in lists.items():
            assert name == other or not entries & others, (name, other)
        for entry in entries:
            assert tag_for_keyword(entry) is not None or int(entry, 16)
    assert {dictionary_VR(name) for name in lists["uids"]} == {"UI"}
    assert {dictionary_VR(name) for name in lists["modified_dates"]} <= {"DA", "DT", "TM"}
    assert {
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "InstitutionName",
        "StationName",
        "IconImageSequence",
    } <= lists["remove"]


# PS3.15 Table E.1-1 by hand: the action of the basic profile, else that of an option of ours.
LEFT_OUT = {
    "X": ["PatientAddress", "OperatorsName", "InstitutionAddress", "DeviceDescription", "XRayDetectorLabel",
          "ImagePresentationComments", "TextComments", "GPSTimeStamp", "IconImageSequence"],
    "Z": ["PatientName", "PatientID", "PatientBirthDate", "AccessionNumber", "ReferringPhysicianName", "StudyID"],
    "D": ["VerifyingObserverName", "PersonName", "ContentSequence", "ClinicalTrialSubjectID"],
    "X/Z": ["AcquisitionContextSequence", "PerformingPhysicianName"],
    "X/Z/D": ["DeviceSerialNumber", "StationName", "InstitutionName"],
}  # fmt: skip
STAYS = {  # with a value before, and a pattern of it after
    "C of Clean Descriptors": (
        ["StudyDescription", "SeriesDescription", "ProtocolName", "ImageComments", "RequestedProcedureDescription",
         "PatientComments", "AdmittingDiagnosesDescription", "ContrastBolusAgent"],
        "Horvat thorax", "thorax",
    ),
    "C of Retain Patient Characteristics": (["PreMedication", "SpecialNeeds"], "Horvat thorax", "thorax"),
    "K of Retain Patient Characteristics": (["PatientAge"], "066Y", "066Y"),
    "C of Modified Dates": (["StudyDate", "ContentDate", "AcquisitionDate"], "20200301", r"(?!20200301)20[12]\d{5}"),
    "U": (["StudyInstanceUID", "FrameOfReferenceUID", "IrradiationEventUID"], "1.2.3", r"2\.25\.\d+"),
}  # fmt: skip


@pytest.mark.parametrize(("keyword", "action"), [(name, action) for action in LEFT_OUT for name in LEFT_OUT[action]])
def test_what_the_table_takes_away(keyword, action):
    header = Dataset()
    header.PatientSex = "F"
    value = {"SQ": [Dataset()], "DA": "19540312", "TM": "101500"}.get(dictionary_VR(keyword), "Horvat")
    setattr(header, keyword, value)
    assert list(shown(header).keys()) == [0x00100040], action


@pytest.mark.parametrize(("keyword", "action"), [(name, action) for action in STAYS for name in STAYS[action][0]])
def test_what_the_table_changes_or_keeps(keyword, action):
    _, value, pattern = STAYS[action]
    header = Dataset()
    header.PatientName = "Horvat^Ana"
    setattr(header, keyword, value)
    assert re.fullmatch(pattern, str(shown(header)[keyword].value)), action


@pytest.mark.parametrize("list_name", ["remove", "uids", "clean", "retain_patient_characteristics"])
def test_every_entry_is_obeyed(list_name):
    remove = basic_profile().remove
    for name in load_rules("deidentify.yml")[list_name]:
        tag = tag_for_keyword(name)
        tag = int(name, 16) if tag is None else tag
        assert (tag in remove) == (list_name == "remove"), name


def test_names_of_real_files_are_gone(small_files):
    for path in small_files:
        header = dcmread(path, force=True, stop_before_pixels=True)
        parts = [
            part.lower() for part in str(header.get("PatientName", "")).replace("^", " ").split() if len(part) >= 5
        ]
        parts = [part for part in parts if part.isalpha() and part not in basic_profile().protected_words]
        values = tag_values(shown(header), keep_private=False)
        words = " ".join(value.text for value in values.values()).lower().replace("^", " ").split()
        assert not set(parts) & set(words), path.name
