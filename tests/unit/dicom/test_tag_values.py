import json

from pydicom.dataset import Dataset

from radnet_spark.dicom.tag_values import tag_key, tag_values


def test_values_stay_as_they_are_in_the_file():
    header = Dataset()
    header.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    header.SliceThickness = "5.000"
    header.WindowCenter = ["40.0", "-600"]
    header.Rows = 512
    header.FrameIncrementPointer = 0x00181063
    header.EchoTime = None
    values = tag_values(header, keep_private=False, max_bytes=1024)
    assert values == {
        "ImageType": "ORIGINAL\\PRIMARY\\AXIAL", "SliceThickness": "5.000", "WindowCenter": "40.0\\-600", "Rows": "512",
        "FrameIncrementPointer": "00181063", "EchoTime": "",
    }  # fmt: skip


def test_keys():
    assert tag_key(0x00101010) == "PatientAge"
    assert tag_key(0x60020010) == "60020010"
    assert tag_key(0x00091001) == "00091001"


def test_long_and_binary_values_become_vr_and_length():
    header = Dataset()
    header.ImageComments = "x" * 1024
    header.TextComments = "š" * 600  # 1,200 bytes
    header.RedPaletteColorLookupTableData = b"\0" * 12
    values = tag_values(header, keep_private=False, max_bytes=1024)
    assert values["ImageComments"] == "x" * 1024
    assert values["TextComments"] == "LT 1200"
    assert values["RedPaletteColorLookupTableData"] == "OW 12"


def test_sequences_are_dicom_json(header):
    values = tag_values(header, keep_private=False, max_bytes=10_000)
    items = json.loads(values["RequestAttributesSequence"])
    assert items == [item.to_json_dict() for item in header.RequestAttributesSequence]


def test_private_tags_only_on_request(header):
    assert "00091001" not in tag_values(header, keep_private=False, max_bytes=1024)
    assert tag_values(header, keep_private=True, max_bytes=1024)["00091001"] == "private Horvatić"
