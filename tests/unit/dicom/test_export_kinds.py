"""Every kind of pixel data, against greys that are worked out by hand."""

from io import BytesIO

import numpy as np
import pytest
from dicom_images import greys, image_of_values, ramp, written
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from radnet_spark.config import load_config
from radnet_spark.dicom.export import Exported, export_image

NATIVE = [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
ALL_GREYS = np.arange(4096).reshape(64, 64)


def result(dataset, syntax=ExplicitVRLittleEndian, **changes):
    """Exported in its own size, whatever its greys are."""
    settings = load_config().images
    lenient = settings.value_policy.model_copy(update={"min_bits": 1, "min_distinct_share": 0.0})
    own_size = {"size": int(dataset.Columns), "value_policy": lenient, "estimate_window": False}
    return export_image(BytesIO(written(dataset, syntax)), settings.model_copy(update=own_size | changes))


def shown(dataset, syntax=ExplicitVRLittleEndian, **changes):
    found = result(dataset, syntax, **changes)
    assert isinstance(found, Exported), found
    return found.image


@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "u4", "i4"])
@pytest.mark.parametrize("syntax", NATIVE)
def test_integers_of_every_width(kind, syntax):
    limits = np.iinfo(kind)
    values = np.linspace(limits.min, limits.max, 4096).astype(kind).reshape(64, 64)
    width = 2 ** (limits.bits - 1)
    dataset = image_of_values(values, 0 if limits.min else width, width)
    if syntax == ExplicitVRBigEndian:
        dataset.PixelData = values.astype(values.dtype.newbyteorder(">")).tobytes()
        dataset["PixelData"].VR = "OB" if kind[1] == "1" else "OW"
    expected = greys(values, 0 if limits.min else width, width)
    assert len(np.unique(expected)) > 100
    assert np.array_equal(shown(dataset, syntax), expected)


@pytest.mark.parametrize(("kind", "name"), [("f4", "FloatPixelData"), ("f8", "DoubleFloatPixelData")])
@pytest.mark.parametrize("syntax", NATIVE)
def test_floats(kind, name, syntax):
    values = np.linspace(-0.5, 1.5, 4096).astype(kind).reshape(64, 64)
    values[0, 0], values[0, 1], values[0, 2] = np.nan, np.inf, -np.inf
    dataset = image_of_values(values, 0.5, 1.0, PixelData=None, BitsStored=None, HighBit=None, PixelRepresentation=None)
    setattr(dataset, name, values.astype((">" if syntax == ExplicitVRBigEndian else "<") + kind).tobytes())
    expected = greys(np.nan_to_num(values, nan=-1.0), 0.5, 1.0)  # what is no number is black
    assert np.array_equal(shown(dataset, syntax), expected)


def test_float_padding_stays_out_of_the_estimate():
    values = np.linspace(0, 1, 4096, dtype="f4").reshape(64, 64)
    values[:32] = -1e30
    facts = {"PixelData": None, "BitsStored": None, "HighBit": None, "PixelRepresentation": None}
    dataset = image_of_values(values, 0, 1, WindowCenter=None, WindowWidth=None, **facts)
    dataset.FloatPixelData, dataset.FloatPixelPaddingValue = values.tobytes(), -1e30
    low, high = np.percentile(values[32:].astype(float), [1, 99])
    assert np.array_equal(shown(dataset, estimate_window=True), greys(values, (low + high) / 2, high - low))


@pytest.mark.parametrize(
    ("kind", "padding", "stored", "limit"),
    [
        ("u2", 65535, 65535, None),
        ("i2", -2000, -2000, None),
        ("i2", -2000, 63536, None),  # as many files have it: US, though pixels are signed
        ("u2", 60000, 60000, 65535),
        ("i2", -3000, -2000, -3000),  # from the limit up to the value
        ("u1", 255, 255, None),
    ],
)
@pytest.mark.parametrize("syntax", NATIVE[:2])
def test_padding_stays_out_of_the_estimate(kind, padding, stored, limit, syntax):
    values = (ALL_GREYS % 201).astype(kind)
    values[10:40] = padding
    dataset = image_of_values(values, 0, 1, WindowCenter=None, WindowWidth=None)
    for name, value in (("PixelPaddingValue", stored), ("PixelPaddingRangeLimit", limit)):
        if value is not None:
            dataset.add_new(name, "US" if value >= 0 else "SS", value)
    low, high = np.percentile(np.concatenate([values[:10], values[40:]]).astype(float), [1, 99])
    assert high < 201  # with padding the window would reach up or down to it
    assert np.array_equal(shown(dataset, syntax, estimate_window=True), greys(values, (low + high) / 2, high - low))


def test_an_image_of_padding_alone_has_no_window():
    values = np.full((64, 64), 7, dtype="u2")
    dataset = image_of_values(values, 0, 1, WindowCenter=None, WindowWidth=None, PixelPaddingValue=7)
    assert result(dataset, estimate_window=True).reason == "single_grey"


COLOURS = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype="u1")
LUMA = np.floor(COLOURS.astype(float) @ [299, 587, 114] / 1000 + 0.5)


@pytest.mark.parametrize("syntax", NATIVE)
def test_colour_by_pixel_and_by_plane(syntax):
    by_pixel = image_of_values(COLOURS, 127.5, 255)
    by_plane = image_of_values(COLOURS, 127.5, 255, PlanarConfiguration=1)
    by_plane.PixelData = COLOURS.transpose(2, 0, 1).tobytes()
    for dataset in (by_pixel, by_plane):
        dataset["PixelData"].VR = "OB"
        assert np.array_equal(shown(dataset, syntax), LUMA)


def test_luminance_and_chrominance():
    """The grey of a colour is its luminance: Rec. 601 both ways, so that Y comes back but for rounding."""
    luminance, generator = np.arange(60, 124, dtype="u1").reshape(8, 8), np.random.default_rng(0)
    chrominance = generator.integers(110, 146, (8, 8, 2), dtype="u1")
    full = image_of_values(np.dstack([luminance, chrominance]), 127.5, 255, PhotometricInterpretation="YBR_FULL")
    assert np.abs(shown(full) - luminance.astype(int)).max() <= 1
    half = np.dstack([luminance[:, ::2], luminance[:, 1::2], chrominance[:, ::2]])  # Y1 Y2 Cb Cr
    subsampled = image_of_values(np.dstack([luminance, chrominance]), 127.5, 255)
    subsampled.PhotometricInterpretation, subsampled.PixelData = "YBR_FULL_422", half.tobytes()
    assert np.abs(shown(subsampled) - luminance.astype(int)).max() <= 1
    subsampled.PixelData = np.dstack([luminance, chrominance]).tobytes()
    assert result(subsampled).reason == "decode_failed"  # as long as without subsampling: nobody knows what it is


def palette(order="<", **changes):
    """Indices 0 to 255 into tables of 16 bits that rise, fall and rise twice as fast."""
    entries = [np.arange(256) * 256, np.arange(255, -1, -1) * 256, np.minimum(np.arange(256) * 512, 65535)]
    indices = np.arange(256, dtype="u1").reshape(16, 16)
    dataset = image_of_values(indices, 32768, 65536, PhotometricInterpretation="PALETTE COLOR", **changes)
    dataset["PixelData"].VR = "OB"
    for name, table in zip(("Red", "Green", "Blue"), entries, strict=True):
        setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(dataset, f"{name}PaletteColorLookupTableData", table.astype(f"{order}u2").tobytes())
    samples = [greys(table, 32768, 65536) for table in entries]
    return dataset, np.floor(np.array([0.299, 0.587, 0.114]) @ samples + 0.5).reshape(16, 16)


@pytest.mark.parametrize("syntax", NATIVE)
def test_palette(syntax):
    dataset, expected = palette(">" if syntax == ExplicitVRBigEndian else "<")
    dataset.NumberOfFrames, dataset.PixelData = 2, bytes(256) + dataset.PixelData
    dataset["PixelData"].VR = "OW" if syntax == ImplicitVRLittleEndian else "OB"
    found = result(dataset, syntax)
    assert found.frame == 1
    assert np.array_equal(found.image, expected)


@pytest.mark.parametrize("syntax", NATIVE)
@pytest.mark.parametrize("count", [400, 399])
def test_palette_of_bytes_with_more_entries_than_a_byte_counts(syntax, count):
    """Two entries in a word, PS3.3 C.7.6.3.1.6; 40 values below the first mapped one, 44 above the last one."""
    entries = (np.arange(count) * 255 // (count - 1)).astype("u1")
    places = np.arange(484, dtype="u2").reshape(22, 22)
    dataset = image_of_values(places, 127.5, 255, PhotometricInterpretation="PALETTE COLOR")
    data = entries.tobytes() + b"\0" * (count % 2)
    if syntax == ExplicitVRBigEndian:
        dataset.PixelData, data = places.astype(">u2").tobytes(), np.frombuffer(data, "<u2").astype(">u2").tobytes()
    for name in ("Red", "Green", "Blue"):
        setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", [count, 40, 8])
        setattr(dataset, f"{name}PaletteColorLookupTableData", data)
    expected = entries[np.clip(places.astype(int) - 40, 0, count - 1)]
    assert np.array_equal(shown(dataset, syntax), expected)


@pytest.mark.parametrize("syntax", NATIVE)
def test_segmented_palette(syntax):
    """PS3.3 C.7.9.2: a discrete segment of one value, then a linear one up to the last."""
    dataset, _ = palette()
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    segments = np.array([0, 1, 0, 1, 255, 255 * 256], dtype=f"{order}u2").tobytes()
    for name in ("Red", "Green", "Blue"):
        delattr(dataset, f"{name}PaletteColorLookupTableData")
        setattr(dataset, f"Segmented{name}PaletteColorLookupTableData", segments)
    expected = greys(np.arange(256) * 256, 32768, 65536).reshape(16, 16)
    assert np.abs(shown(dataset, syntax) - expected).max() <= 1  # the three weights add up to one but for rounding


def test_one_bit():
    bits = np.random.default_rng(0).integers(0, 2, (5, 5), dtype="u1")
    two_frames = np.concatenate([np.zeros(25, "u1"), bits.ravel()])  # the second begins within a byte
    facts = {"Rows": 5, "Columns": 5, "BitsAllocated": 1, "BitsStored": 1, "HighBit": 0, "NumberOfFrames": 2}
    packed = np.packbits(two_frames, bitorder="little").tobytes() + b"\0"
    dataset = ramp(PixelData=packed, WindowCenter="0.5", WindowWidth="1", **facts)
    found = result(dataset)
    assert found.frame == 1
    assert np.array_equal(found.image, 255 * bits)
    assert export_image(BytesIO(written(dataset)), load_config().images).reason == "single_grey"


@pytest.mark.parametrize("syntax", NATIVE)
@pytest.mark.parametrize("vr", ["OB", "OW"])
def test_odd_lengths(syntax, vr):
    values = np.arange(0, 250, 10, dtype="u1").reshape(5, 5)
    data = values.tobytes() + b"\0"
    if syntax == ExplicitVRBigEndian and vr == "OW":  # words of two pixels, PS3.5 Annex D
        data = np.frombuffer(data, "<u2").astype(">u2").tobytes()
    dataset = image_of_values(values, 128, 256, PixelData=data)
    dataset["PixelData"].VR = vr
    assert np.array_equal(shown(dataset, syntax), greys(values, 128, 256))


@pytest.mark.parametrize("representation", [0, 1])
def test_bits_that_are_not_stored_do_not_count(representation):
    """12 bits in words of 16 whose upper four hold something else, such as an overlay."""
    words = ALL_GREYS.astype("<u2")
    dataset = ramp(PixelRepresentation=representation, PixelData=(words | 0xA000).tobytes())
    values = np.where(words > 2047, words.astype(int) - 4096, words) if representation else words
    centre = 0 if representation else 2048
    dataset.WindowCenter = str(centre)
    assert np.array_equal(shown(dataset), greys(values, centre, 4096))


@pytest.mark.parametrize("shape", [None, "IDENTITY", "INVERSE"])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("modality", ["CR", "CT"])
def test_monochrome1_alone_decides_on_inversion(shape, photometric, modality):
    dataset = ramp(PhotometricInterpretation=photometric, Modality=modality)
    if shape:
        dataset.PresentationLUTShape = shape
    plain = greys(ALL_GREYS, 2048, 4096)
    assert np.array_equal(shown(dataset), 255 - plain if photometric == "MONOCHROME1" else plain)


def test_a_voi_lut_takes_rescaled_values():
    """Stored 0 to 4095 are -1000 to 3095; the table begins at 0: black below, white above its 1024 entries."""
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [1024, 0, 12], (np.arange(1024, dtype="<u2") * 4).tobytes()
    facts = {"RescaleSlope": "1", "RescaleIntercept": "-1000", "WindowCenter": None, "WindowWidth": None}
    image = shown(ramp(VOILUTSequence=[item], **facts), apply_voi_lut=True)
    entries = 4 * np.clip(ALL_GREYS - 1000, 0, 1023)
    assert np.array_equal(image, np.floor(255 * entries / 4095 + 0.5))


def test_a_voi_lut_of_bytes():
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [256, 100, 8], bytes(range(255, -1, -1))
    image = shown(ramp(VOILUTSequence=[item], WindowCenter=None, WindowWidth=None), apply_voi_lut=True)
    assert np.array_equal(image, 255 - np.clip(ALL_GREYS - 100, 0, 255))


def groups(**macros):
    """A functional group, or the shared one: sequences of one item each."""
    group = Dataset()
    for name, values in macros.items():
        item = Dataset()
        for keyword, value in values.items():
            setattr(item, keyword, value)
        setattr(group, name, [item])
    return group


def window(centre, width):
    return {"FrameVOILUTSequence": {"WindowCenter": str(centre), "WindowWidth": str(width)}}


def rescale(slope, intercept):
    return {"PixelValueTransformationSequence": {"RescaleSlope": str(slope), "RescaleIntercept": str(intercept)}}


def test_functional_groups_go_before_the_top_level_and_a_frames_own_before_the_shared_one():
    frames = np.concatenate([np.zeros(4096, "<u2"), np.arange(4096, dtype="<u2")]).tobytes()
    enhanced = ramp(NumberOfFrames=2, PixelData=frames, WindowCenter="1", WindowWidth="1", RescaleSlope="9")
    enhanced.SharedFunctionalGroupsSequence = [groups(**window(1024, 2048), **rescale(2, -1000))]
    found = result(enhanced)
    assert found.frame == 1
    assert np.array_equal(found.image, greys(2 * ALL_GREYS - 1000, 1024, 2048))
    own = [groups(), groups(**window(512, 4096), **rescale(0.5, 10))]
    enhanced.PerFrameFunctionalGroupsSequence = own
    assert np.array_equal(result(enhanced).image, greys(0.5 * ALL_GREYS + 10, 512, 4096))


def test_a_frame_without_a_window_is_passed_over():
    frames = np.tile(np.arange(4096, dtype="<u2"), 3).tobytes()
    enhanced = ramp(NumberOfFrames=3, PixelData=frames, WindowCenter=None, WindowWidth=None)
    enhanced.PerFrameFunctionalGroupsSequence = [groups(), groups(), groups(**window(2048, 4096))]
    assert result(enhanced).frame == 2
    enhanced.PerFrameFunctionalGroupsSequence = [groups(), groups(), groups()]
    assert result(enhanced).reason == "no_window"
