import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import UID, CTImageStorage

from radnet_spark.dicom.deidentify import days_back, exam_id, patient_key, remap_uid

KEY = b"k" * 32
PLACEHOLDERS = frozenset({"", "0", "***", "anonymous"})


def test_exam_is_the_same_on_both_sides():
    assert exam_id(" 0042 ", "1.2.3", KEY) == exam_id("0042", None, KEY)
    assert exam_id("", "1.2.3", KEY) == exam_id("1.2.3", None, KEY) == exam_id("0042", "1.2.3", KEY, always_study=True)
    expected = hashlib.blake2b(b"0042", digest_size=16, key=KEY, person=b"exam").hexdigest()
    assert exam_id("0042", "1.2.3", KEY) == expected
    assert exam_id("42", None, KEY) != expected
    assert exam_id(None, " ", KEY) == ""


def test_without_a_key_values_pass():
    assert exam_id("0042 ", "1.2", None) == "0042"
    assert remap_uid("1.2.3", None) == "1.2.3"
    assert patient_key("A", "7", "e", None, PLACEHOLDERS) == "A\x007"
    assert days_back("p", None, 100) == 0


@pytest.mark.parametrize("patient_id", [None, "", "  ", "0", "***", "Anonymous", "ANONYMOUS "])
def test_placeholder_patients_fall_back_to_the_exam(patient_id):
    assert patient_key("HR", patient_id, "the-exam", KEY, PLACEHOLDERS) == "the-exam"


def test_patients_of_different_issuers_differ():
    keys = {patient_key(issuer, "7", "e", KEY, PLACEHOLDERS) for issuer in (None, "A", "B")}
    assert len(keys) == 3
    assert exam_id("7", None, KEY) not in keys


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 10**9), min_size=2, max_size=6).map(lambda parts: "1." + ".".join(map(str, parts))),
    st.binary(min_size=1, max_size=64),
)
def test_remapped_uids_are_valid_and_stable(uid, key):
    remapped = remap_uid(uid, key)
    assert UID(remapped).is_valid
    assert len(remapped) <= 64
    assert remapped == remap_uid(uid, key)
    assert remapped != uid


def test_uids_of_the_standard_stay():
    assert remap_uid(CTImageStorage, KEY) == CTImageStorage
    assert remap_uid("1.2.3", KEY) != remap_uid("1.2.3", b"other")


@given(st.text(min_size=1), st.integers(1, 4000))
def test_days_are_in_range(person, most):
    assert 1 <= days_back(person, KEY, most) <= most
