"""Reading tags: numbers, ages, arrays, and what may be a feature. Expected values by hand or from pydicom."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.valuerep import DSfloat

from radnet_spark.config import load_rules
from radnet_spark.tags.preparation import TagPolicy, age_in_years, flatten, parse_number, value_representation

POLICY = TagPolicy.load(include_modality_tags=False)
OPEN = TagPolicy.load(include_modality_tags=True)


@pytest.mark.parametrize(
    ("text", "number"),
    [("120", 120.0), (" 120.50 ", 120.5), ("1,5", 1.5), ("-.5", -0.5), ("+3e2", 300.0), ("120 kV", 120.0),
     ("5mm", 5.0), ("50 %", 50.0), ("1.2.3", None), ("abc", None), ("", None), ("nan", None), ("inf", None),
     ("-Infinity", None), ("1e30", None), ("1e400", None), ("12 34", None), ("--5", None), ("0x10", None),
     ("1.2E+02", 120.0), (" 5,25 mm ", 5.25), ("1,5e-3", 0.0015), ("12 mm2", 12.0), ("٣٫", None),
     ("+-3", None), ("1.7 %", 1.7)],
)  # fmt: skip
def test_numbers_as_vendors_write_them(text, number):
    assert parse_number(text, 1e15) == number


@given(st.floats(min_value=-1e14, max_value=1e14, allow_nan=False))
def test_decimal_strings_are_read_as_pydicom_reads_them(number):
    text = str(DSfloat(number, auto_format=True))
    assert parse_number(text, 1e15) == float(DSfloat(text))


@given(st.text(max_size=30))
def test_any_text_gives_a_finite_number_or_none(text):
    number = parse_number(text, 1e15)
    assert number is None or (math.isfinite(number) and abs(number) < 1e15)


@pytest.mark.parametrize(
    ("text", "years"),
    [("045Y", 45.0), ("018M", 1.5), ("000D", 0.0), ("052W", 364 / 365.25), ("45", 45.0), ("7y", 7.0),
     ("999Y", None), ("Y", None), ("old", None), ("-05Y", None), ("0D", 0.0), ("000Y", 0.0), ("3W", 21 / 365.25),
     ("45 years", 45.0), ("6 months", 0.5), ("1,5Y", 1.5), ("130Y", 130.0), ("131Y", None),
     ("1000Y", None), ("1000D", 1000 / 365.25), ("120M", 10.0),
     (" 045Y ", 45.0), ("45X", None), ("0450Y", None), ("", None)],
)  # fmt: skip
def test_ages_become_years(text, years):
    assert age_in_years(text) == pytest.approx(years)


def test_arrays_are_split_and_other_values_are_not():
    tags = {
        "ImageType": "ORIGINAL\\PRIMARY\\AXIAL\\X", "PixelSpacing": "0.5\\0,6",
        "ImageOrientationPatient": "1\\0\\0\\0\\1\\0",
        "WindowCenter": "40\\400", "SoftwareVersions": "a\\b", "PatientAge": "060Y", "KVP": "", "Manufacturer": " X ",
        "Rows": "no number", "Columns": "NaN", "EchoTime": "1e30", "SliceThickness": "-1.#IND",
    }  # fmt: skip
    assert flatten(tags, POLICY) == {
        "ImageType0": "ORIGINAL", "ImageType1": "PRIMARY", "ImageType2": "AXIAL", "PixelSpacing0": 0.5,
        "PixelSpacing1": 0.6, "ImageOrientationPatient0": 1.0, "ImageOrientationPatient1": 0.0,
        "ImageOrientationPatient2": 0.0, "WindowCenter": 40.0, "SoftwareVersions": "a\\b", "PatientAge": 60.0,
        "Manufacturer": "X", "Rows": "no number",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("keyword", "reason"),
    [("SOPInstanceUID", "identifier"), ("StudyDate", "date_time"), ("PatientName", "personal_data"),
     ("StudyDescription", "natural_language"), ("ImageComments", "natural_language"), ("StudyID", "identifier"),
     ("FilterMaterial", None), ("KVP", None), ("PatientSex", None), ("RequestAttributesSequence", "no_scalar"),
     ("PixelData", "no_scalar"), ("00091001", "unknown_tag"), ("Modality", "modality_tag"),
     ("SOPClassUID", "modality_tag"), ("ViewPosition", "modality_tag"), ("AnatomicRegionSequence", "modality_tag"),
     ("BodyPartExamined", "body_part"), ("DetectorID", "identifier"), ("SlideIdentifier", "identifier"),
     ("ScheduledStationName", "identifier"), ("PatientTelephoneNumbers", "personal_data"),
     ("ReferringPhysicianAddress", "personal_data"), ("PatientBirthDateInAlternativeCalendar", "date_time"),
     ("FrameLabel", "natural_language"), ("RequestingService", "personal_data"), ("EchoTime", None),
     ("GridID", "identifier"),     ("Grid", None), ("ConvolutionKernel", None), ("ImageOrientationPatient", None)],
)  # fmt: skip
def test_what_can_not_be_a_feature(keyword, reason):
    assert POLICY.exclusion(keyword) == reason


@pytest.mark.parametrize(
    ("keyword", "text", "value"),
    [("KVP", "120\\", 120.0), ("KVP", "120\\140", 120.0), ("KVP", "\\120", None), ("KVP", "\\\\", None),
     ("KVP", "***", None), ("KVP", "n/a", None), ("KVP", "UNKNOWN", None), ("KVP", "OB 4", None),
     ("Manufacturer", "UC 70000", None), ("Manufacturer", "ST 12", "ST 12"), ("PatientAge", "1000Y", None),
     ("KVP", "NaN", None),
     ("KVP", "-inf", None), ("KVP", "1e30", None), ("KVP", "high", "high"), ("KVP", " ", None), ("KVP", "\0", None),
     ("KVP", "1 2", "1 2"), ("Manufacturer", " A \\", "A"), ("Manufacturer", "A\\\\", "A"), ("Manufacturer", "-", None),
     ("ScanOptions", "FS \\ PFP\\", "FS\\PFP"), ("ScanOptions", "\\FS", "\\FS"), ("Manufacturer", "UT 2048", None),
     ("Manufacturer", "FL 04", "FL 04"), ("Manufacturer", "NONE", "NONE"), ("PatientAge", "***", None),
     ("PatientAge", "0D", 0.0), ("PatientAge", "newborn", "newborn"), ("PatientSex", "N/A", None),
     ("PatientSex", "O", "O")],
)  # fmt: skip
def test_values_as_they_stand_in_files(keyword, text, value):
    ((_, index),) = POLICY.sources(keyword)
    assert POLICY.read(keyword, text, index) == value


@given(st.sampled_from(["KVP", "PatientAge", "Manufacturer", "Rows"]), st.text(max_size=40))
def test_any_text_is_read(keyword, text):
    ((_, index),) = POLICY.sources(keyword)
    value = POLICY.read(keyword, text, index)
    assert value is None or value != ""
    assert not isinstance(value, float) or math.isfinite(value)


def test_the_setting_lets_modality_in_but_never_the_body_part():
    assert [OPEN.exclusion(keyword) for keyword in ("Modality", "SOPClassUID", "ViewPosition")] == [None] * 3
    assert OPEN.exclusion("AnatomicRegionSequence") == "no_scalar"
    assert OPEN.exclusion("BodyPartExamined") == "body_part"


def test_each_listed_keyword_is_in_the_dictionary():
    data = load_rules("tag_features.yml")
    listed = [*data["arrays"], *(keyword for keywords in data["excluded"].values() for keyword in keywords)]
    assert [keyword for keyword in listed if value_representation(keyword) is None] == []
    assert len(listed) == len(set(listed))
