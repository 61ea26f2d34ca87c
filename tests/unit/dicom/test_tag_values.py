import json

from pydicom.dataset import Dataset

from radnet_spark.dicom.tag_values import tag_key, tag_values


def texts(header, keep_private=False, max_bytes=1024):
    return {key: value.shortened(max_bytes) for key, value in tag_values(header, keep_private).items()}


def test_values_stay_as_they_are_in_the_file():
    header = Dataset()
    header.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    header.SliceThickness = "5.000"
    header.WindowCenter = ["40.0", "-600"]
    header.Rows = 512
    header.FrameIncrementPointer = 0x00181063
    header.EchoTime = None
    values = texts(header)
    assert values == {
        "ImageType": "ORIGINAL\\PRIMARY\\AXIAL", "SliceThickness": "5.000", "WindowCenter": "40.0\\-600", "Rows": "512",
        "FrameIncrementPointer": "00181063", "EchoTime": "",
    }  # fmt: skip


def test_keys():
    assert tag_key(0x00101010) == "PatientAge"
    for tag in (0x60020010, 0x00203102, 0x00203104, 0x00280410, 0x10100012, 0x7F020010):  # repeating, PS3.6
        assert tag_key(tag) == f"{tag:08X}"
    assert tag_key(0x00091001) == "00091001"


def test_long_and_binary_values_become_vr_and_length():
    header = Dataset()
    header.ImageComments = "x" * 1024
    header.TextComments = "š" * 600  # 1,200 bytes
    header.RedPaletteColorLookupTableData = b"\0" * 12
    values = texts(header)
    assert values["ImageComments"] == "x" * 1024
    assert values["TextComments"] == "LT 1200"
    assert values["RedPaletteColorLookupTableData"] == "OW 12"


def test_sequences_are_dicom_json(header):
    values = texts(header, max_bytes=10_000)
    items = json.loads(values["RequestAttributesSequence"])
    assert items == [item.to_json_dict() for item in header.RequestAttributesSequence]


def test_private_tags_only_on_request(header):
    assert "00091001" not in texts(header)
    assert texts(header, keep_private=True)["00091001"] == "private Horvatić"
