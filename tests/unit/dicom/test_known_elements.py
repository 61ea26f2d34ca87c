"""What is remembered of one header must not reach another one: pydicom, which remembers nothing, is the judge."""

import struct
import tracemalloc
from io import BytesIO

import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from radnet_spark.dicom import known_elements
from radnet_spark.dicom.attributes import Secrets
from radnet_spark.dicom.header import Header, judged_header, read_header
from radnet_spark.dicom.instance import quiet
from radnet_spark.dicom.profile import basic_profile

SECRETS = Secrets(b"k" * 32, 3650)


@pytest.fixture(autouse=True)
def nothing_known():
    known_elements.forget()
    yield
    known_elements.forget()


def texts(data, person="p", secrets=SECRETS):
    """What our reader gives, which must be what the judge gives, twice."""
    with quiet():
        judge = judged_header(BytesIO(data), len(data)).attributes.values(person, secrets, False)
        for _ in range(2):
            ours = read_header(BytesIO(data), len(data))
            assert not ours.judged
            assert ours.attributes.values(person, secrets, False) == judge
    return {key: value.text for key, value in judge.items()}


def named(header, dicom_bytes, name):
    header.PatientName, header.StudyDescription = name, "KNEE of Horvat and Kovac"
    item = Dataset()
    item.RequestedProcedureDescription = "knee, HORVAT, Kovac"
    item.StudyDate = "20200131"
    header.RequestAttributesSequence = [item]
    header.PerformedProtocolCodeSequence = [Dataset()]
    header.PerformedProtocolCodeSequence[0].CodeMeaning = "Kovac: knee of horvat"
    return dicom_bytes(header)


def test_a_text_of_two_patients_is_cleaned_of_the_name_of_each(header, dicom_bytes):
    header.ReferringPhysicianName = ""
    files = {name: named(header, dicom_bytes, name) for name in ("Horvat^Ana", "Kovac^Ivo", "Nitko^Eva")}
    expected = {
        "Horvat^Ana": ("KNEE of and Kovac", "knee, , Kovac", "Kovac: knee of"),
        "Kovac^Ivo": ("KNEE of Horvat and", "knee, HORVAT", ": knee of horvat"),
        "Nitko^Eva": ("KNEE of Horvat and Kovac", "knee, HORVAT, Kovac", "Kovac: knee of horvat"),
    }
    for name in [*files, *reversed(files), *files]:
        found = texts(files[name])
        assert found["StudyDescription"] == expected[name][0]
        assert expected[name][1] in found["RequestAttributesSequence"]
        assert f'["{expected[name][2]}"]' in found["PerformedProtocolCodeSequence"]


def test_dates_of_two_patients_move_by_the_days_of_each(header, dicom_bytes):
    data = named(header, dicom_bytes, "Horvat^Ana")
    found = [texts(data, person) for person in ("p", "q", "p")]
    assert found[0] == found[2]
    assert found[0]["StudyDate"] != found[1]["StudyDate"]
    for values in found:
        assert f'"00080020":{{"vr":"DA","Value":["{values["StudyDate"]}"]}}' in values["RequestAttributesSequence"]


def test_uids_of_two_keys_differ(header, dicom_bytes):
    data = dicom_bytes(header)
    found = [texts(data, secrets=Secrets(key * 32, 3650))["StudyInstanceUID"] for key in (b"k", b"l", b"k")]
    assert found[0] == found[2] != found[1]


def file_of(*elements: tuple[int, bytes, bytes]) -> bytes:
    """Explicit little endian elements with short lengths."""
    meta, *others = [
        struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value
        for tag, vr, value in ((0x00020010, b"UI", b"1.2.840.10008.1.2.1\0"), *elements)
    ]
    return b"\0" * 128 + b"DICM" + meta + b"".join(others)


@pytest.mark.parametrize("order", [1, -1])
def test_the_same_bytes_are_other_letters_in_another_character_set(order):
    codecs = {b"ISO_IR 101": "iso8859_2", b"ISO_IR 100": "latin_1", b"ISO_IR 144": "iso8859_5"}
    for name in [*codecs][::order]:
        data = file_of((0x00080005, b"CS", name), (0x00080060, b"CS", b"CT"), (0x00081030, b"LO", b"\xb9\xbe\xe6 "))
        assert texts(data)["StudyDescription"] == b"\xb9\xbe\xe6".decode(codecs[name])


def test_what_comes_before_the_character_set_is_left_to_pydicom():
    data = file_of((0x00080001, b"UL", bytes(4)), (0x00080005, b"CS", b"ISO_IR 101"), (0x00080060, b"CS", b"CT"))
    texts(data)
    odd = file_of((0x00070010, b"PN", b"Horvat^Ana"), (0x00080005, b"CS", b"ISO_IR 101"), (0x00080060, b"CS", b"CT"))
    assert read_header(BytesIO(odd), len(odd)).judged


def test_elements_that_end_behind_their_item_are_not_recognised():
    name = struct.pack("<HH2sH", 0x0008, 0x0104, b"LO", 4) + b"Knee"
    texts(file_of((0x00080060, b"CS", b"CT"), (0x00080104, b"LO", b"Knee")))
    item = struct.pack("<HHL", 0xFFFE, 0xE000, len(name) - 2) + name
    sequence = struct.pack("<HH2sHL", 0x0008, 0x1032, b"SQ", 0, len(item)) + item
    data = file_of((0x00080060, b"CS", b"CT")) + sequence
    with quiet():
        ours, judge = read_header(BytesIO(data), len(data)), judged_header(BytesIO(data), len(data))
    assert type(ours) is type(judge)
    assert getattr(ours, "judged", True)


def test_sequences_without_length_that_begin_alike_are_not_taken_for_each_other():
    """Their heads and first elements are the same; which one is meant shows only behind what is looked up."""

    def sequence(meaning: bytes, ends: bool = True) -> bytes:
        item = struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
        for number, value in ((0x0100, b"A" * 80), (0x0104, meaning)):
            item += struct.pack("<HH2sH", 0x0008, number, b"LO", len(value)) + value
        item += struct.pack("<HHL", 0xFFFE, 0xE00D, 0)
        end = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0) if ends else b""
        return struct.pack("<HH2sHL", 0x0008, 0x1032, b"SQ", 0, 0xFFFFFFFF) + item + end

    head = file_of((0x00080060, b"CS", b"CT"))
    after = struct.pack("<HH2sH", 0x0018, 0x0015, b"CS", 4) + b"KNEE"
    for meaning in (b"Knee", b"Hand", b"Knee, left", b"Knee"):
        found = texts(head + sequence(meaning) + after)
        assert f'"Value":["{meaning.decode()}"]' in found["ProcedureCodeSequence"]
        assert found["BodyPartExamined"] == "KNEE"
    cut = head + sequence(b"Knee", ends=False)
    with quiet():
        ours, judge = read_header(BytesIO(cut), len(cut)), judged_header(BytesIO(cut), len(cut))
    assert type(ours) is type(judge)


@pytest.mark.parametrize("syntax", [ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_other_encodings_give_the_same_values(ct_bytes, syntax):
    expected = texts(ct_bytes)
    whole, target = dcmread(BytesIO(ct_bytes)), BytesIO()
    whole.file_meta.TransferSyntaxUID = syntax
    whole.add_new(0x00189073, "FD", [1.5, -2.0])
    whole.FrameIncrementPointer = [0x00181063, 0x00181065]
    dcmwrite(target, whole, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=syntax != ExplicitVRBigEndian)
    found = texts(target.getvalue())
    assert found.pop("AcquisitionDuration") == "1.5\\-2.0"
    assert found.pop("FrameIncrementPointer") == "00181063\\00181065"
    assert found == expected


def test_what_is_remembered_is_bounded(monkeypatch, ct_bytes, header, dicom_bytes):
    monkeypatch.setattr(known_elements, "_MOST_REMEMBERED", 100_000)
    for number in range(10):
        header.StudyDescription = f"knee {number}"
        assert texts(dicom_bytes(header))["StudyDescription"] == f"knee {number}"
        texts(ct_bytes)
        memories = [known_elements.memory_of(False, "<").of_characters(name) for name in ("ISO_IR 100", "ISO_IR 192")]
        known = [key for memory in memories for key in memory.known]
        assert 0 < len(known) < 100_000 // 1024
        assert sum(map(len, known)) < 100_000 // 8


def words(number: int) -> bytes:
    return b" ".join(b"%x" % ((number * 7919 + 31 * place) % 65536) for place in range(700))[:3900]


@pytest.mark.parametrize(
    ("tag", "vr", "count", "value"),
    [
        (0x00204000, "LT", 50, words),
        (0x00080023, "DA", 600, lambda number: b"20170309%d" % number),
        (0x00200032, "DS", 600, lambda number: b"-%d.5\\%d\\7" % (number, number)),
        (0x00281201, "US", 50, lambda number: struct.pack("<1900H", *range(number, number + 1900))),
        (0x00081030, "LO", 600, lambda number: b"CT thorax %d with contrast %d" % (number, number)),
        (0x00101001, "PN", 600, lambda number: b"Horvat-Kovac%d^Ana^Marija" % number),
    ],
)
def test_what_is_remembered_takes_no_more_memory_than_it_may(monkeypatch, tag, vr, count, value):
    bound = 1 << 19
    monkeypatch.setattr(known_elements, "_MOST_REMEMBERED", bound)
    elements = [struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), 0) + value(n) for n in range(count)]
    memories = [known_elements.memory_of(False, "<").of_characters(name) for name in ("ISO_IR 100", "ISO_IR 101")]

    def most() -> int:
        most = 0
        for number, data in enumerate(elements):
            known = memories[number % 2].learn(data, (tag, vr, 8, len(data), None), 0, len(data))
            if known.shown is None and known.values:
                known.changed(b"k", number)
            most = max(most, tracemalloc.get_traced_memory()[0])
        return most

    most()  # names and dates have memories of their own
    known_elements.forget()
    tracemalloc.start()
    assert bound // 8 < most() < bound
    tracemalloc.stop()


def test_a_change_is_the_own_one_whatever_another_thread_asks_for_meanwhile():
    data = struct.pack("<HH2sH", 0x0008, 0x0023, b"DA", 8) + b"20170309"
    known = known_elements.memory_of(False, "<").learn(data, (0x00080023, "DA", 8, 16, None), 0, 16)

    class Key(bytes):
        def __ne__(self, other: object) -> bool:
            known.changed(b"k", 2)  # as a thread would between this comparison and the answer
            return bytes(self) != other

    assert known.changed(b"k", 1).text == "20170308"
    assert known.changed(Key(b"k"), 1).text == "20170308"


def test_pixels_are_those_of_the_top_level_where_an_icon_has_the_same_bytes(header, dicom_bytes):
    header.add_new(0x7FE00010, "OB", bytes(1024))
    plain = dicom_bytes(header)
    icon = Dataset()
    icon.add_new(0x7FE00010, "OB", bytes(1024))
    header.IconImageSequence = [icon]
    for data in (dicom_bytes(header), plain):
        ours, judge = read_header(BytesIO(data), len(data)), judged_header(BytesIO(data), len(data))
        assert not ours.judged
        assert ours.pixels == judge.pixels
        assert ours.pixels.length == 1024


def test_elements_that_were_nested_in_another_header_change_nothing(small_files):
    """Every small file as the worker's first one, and after its own elements were learnt as those of an item."""
    for data in (path.read_bytes() for path in small_files if path.stat().st_size < 40_000):
        known_elements.forget()
        with quiet():
            first = read_header(BytesIO(data), len(data))
            if not isinstance(first, Header) or first.judged:
                continue
            known_elements.forget()
            outer = in_an_item(data)
            read_header(BytesIO(outer), len(outer))
            then = read_header(BytesIO(data), len(data))
            assert (then.judged, then.pixels, then.digest) == (first.judged, first.pixels, first.digest)
            values = [one.attributes.values("p", SECRETS, False) for one in (first, then)]
        assert values[0] == values[1]


def in_an_item(data: bytes) -> bytes:
    """The file with all its elements in an item as well, sequences left aside."""
    whole = dcmread(BytesIO(data))
    outer, item, target = Dataset(), Dataset(), BytesIO()
    for tag in list(whole.keys()):
        if whole[tag].VR != "SQ" and tag != 0x00080005 and not (tag == 0x7FE00010 and whole[tag].is_undefined_length):
            item[tag] = whole[tag]
    if "SpecificCharacterSet" in whole:
        outer.SpecificCharacterSet = whole.SpecificCharacterSet
    outer.RequestAttributesSequence = [item]
    outer.file_meta = whole.file_meta
    dcmwrite(target, outer)
    return target.getvalue()


def test_the_table_of_actions_names_no_private_attribute():
    """The walk passes over private elements whose values can't name anybody, without asking the table."""
    assert not [tag for tag in basic_profile().remove if tag >> 16 & 1]
