from io import BytesIO

import numpy as np
import pytest
from dicom_images import ramp
from pydicom.dataset import Dataset

from radnet_spark.config import Images, load_config
from radnet_spark.dicom.export import Exported, export_image


@pytest.fixture(scope="module")
def settings():
    fixed = {"size": 128, "voi": "paper", "estimate_window": False, "apply_voi_lut": False}
    return load_config().images.model_copy(update=fixed)


def lut() -> Dataset:
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [4096, 0, 16], np.linspace(0, 65535, 4096).astype("<u2").tobytes()
    return item


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"PixelData": None}, "no_pixel_data"),
        ({"Modality": None}, "no_modality"),
        ({"Modality": ""}, "no_modality"),
        ({"ModalityLUTSequence": [Dataset()]}, "modality_lut"),
        ({"WindowCenter": None}, "no_window"),
        ({"WindowWidth": "0"}, "no_window"),
        ({"WindowCenter": "90000"}, "single_grey"),
        ({"WindowCenter": None, "VOILUTSequence": [Dataset()]}, "voi_lut"),
        ({"WindowCenter": "90000", "VOILUTSequence": [Dataset()]}, "voi_lut"),
        ({"WindowWidth": "400000", "WindowCenter": "180000"}, "almost_black"),
        ({"WindowWidth": "0.5"}, "few_greys"),
        ({"Rows": 4, "Columns": 1024}, "shape"),
        ({"Rows": 65535, "Columns": 65535}, "too_large"),
        ({"BitsAllocated": 13}, "decode_failed"),
    ],
)
def test_every_step_has_its_reason(changes, reason, settings, dicom_bytes):
    if "VOILUTSequence" in changes or "ModalityLUTSequence" in changes:
        changes = {name: [lut()] if name.endswith("Sequence") else value for name, value in changes.items()}
    data = dicom_bytes(ramp(**{name: value for name, value in changes.items() if name != "BitsAllocated"}))
    if "BitsAllocated" in changes:
        data = data.replace(b"\x28\x00\x00\x01US\x02\x00\x10\x00", b"\x28\x00\x00\x01US\x02\x00\x0d\x00")
    limited = settings.model_copy(update={"max_pixels": 10**6})
    if reason in ("no_pixel_data", "too_large"):
        assert export_image(BytesIO(data), limited).reason == reason
    else:
        assert export_image(BytesIO(data), settings).reason == reason


def image_of(dataset, settings: Images, dicom_bytes):
    result = export_image(BytesIO(dicom_bytes(dataset)), settings)
    assert isinstance(result, Exported), result
    return result


def test_second_window_is_taken_when_the_first_shows_nothing(settings, dicom_bytes):
    both = image_of(ramp(WindowCenter=["90000", "2048"], WindowWidth=["10", "4096"]), settings, dicom_bytes)
    assert np.array_equal(both.image, image_of(ramp(), settings, dicom_bytes).image)


def test_monochrome1_is_inverted(settings, dicom_bytes):
    settings = settings.model_copy(update={"size": 64})
    plain = image_of(ramp(), settings, dicom_bytes).image
    assert np.array_equal(
        image_of(ramp(PhotometricInterpretation="MONOCHROME1"), settings, dicom_bytes).image, 255 - plain
    )


def test_slope_counts_without_an_intercept(settings, dicom_bytes):
    scaled = ramp(RescaleSlope="2", RescaleIntercept="0", WindowCenter="4096", WindowWidth="8192")
    assert np.array_equal(image_of(scaled, settings, dicom_bytes).image, image_of(ramp(), settings, dicom_bytes).image)


def test_first_frame_that_passes(settings, dicom_bytes):
    frames = np.concatenate([np.zeros(4096, "<u2"), np.arange(4096, dtype="<u2") % 2, np.arange(4096, dtype="<u2")])
    assert image_of(ramp(NumberOfFrames=3, PixelData=frames.tobytes()), settings, dicom_bytes).frame == 2


def test_windows_of_functional_groups(settings, dicom_bytes):
    groups = []
    for centre in ("90000", "2048"):
        voi, group = Dataset(), Dataset()
        voi.WindowCenter, voi.WindowWidth = centre, "4096"
        group.FrameVOILUTSequence = [voi]
        groups.append(group)
    frames = np.tile(np.arange(4096, dtype="<u2"), 2).tobytes()
    enhanced = ramp(NumberOfFrames=2, PixelData=frames, WindowCenter=None, PerFrameFunctionalGroupsSequence=groups)
    assert image_of(enhanced, settings, dicom_bytes).frame == 1


def test_windows_are_estimated_without_padding_if_asked(settings, dicom_bytes):
    values = np.arange(4096, dtype="<u2") % 200
    values[:2000] = 4095
    dataset = ramp(PixelData=values.tobytes(), WindowCenter=None, WindowWidth=None, PixelPaddingValue=4095)
    estimating = settings.model_copy(update={"estimate_window": True})
    image = image_of(dataset, estimating, dicom_bytes).image
    assert len(np.unique(image)) > 60


def test_voi_lut_is_applied_if_asked(settings, dicom_bytes):
    dataset = ramp(WindowCenter=None, WindowWidth=None, VOILUTSequence=[lut()])
    applied = image_of(dataset, settings.model_copy(update={"apply_voi_lut": True}), dicom_bytes).image
    assert np.abs(applied.astype(int) - image_of(ramp(), settings, dicom_bytes).image).max() <= 1


def test_multiframe_angiography_needs_more_greys(settings, dicom_bytes):
    steps = (np.arange(4096, dtype="<u2") // 128 * 128).tobytes()  # 32 greys of 247
    assert isinstance(export_image(BytesIO(dicom_bytes(ramp(Modality="XA", PixelData=steps))), settings), Exported)
    two = ramp(Modality="XA", NumberOfFrames=2, PixelData=steps * 2)
    assert export_image(BytesIO(dicom_bytes(two)), settings).reason == "few_greys"


def test_a_file_that_is_no_dicom_any_more(settings):
    assert export_image(BytesIO(b"text"), settings).reason == "file_changed"
