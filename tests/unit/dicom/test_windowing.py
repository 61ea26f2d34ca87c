import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.pixels import apply_windowing

from radnet_spark.dicom.windowing import Rescale, VoiLut, Window, each_value, estimate_window, to_grey

VALUES = np.array([-200.0, -100.0, -50.0, 0.0, 50.0, 99.0, 100.0, 300.0])


def test_paper_window_by_hand():
    # bounds 50 ∓ 100: -50 → 0, 50 → 127.5 rounded half up, 99 → 255 · 149/200 = 189.975, 150 and more → 255
    assert Window(50, 200).apply(VALUES).tolist() == [0, 0, 0, 64, 128, 190, 191, 255]


def test_narrow_paper_window_by_hand():
    # bounds 0 and 1: a value on either bound is exactly black or white
    assert Window(0.5, 1).apply(np.array([-1.0, 0.0, 0.5, 1.0])).tolist() == [0, 0, 128, 255]


@pytest.mark.parametrize("voi", ["linear", "linear_exact", "sigmoid"])
@given(centre=st.integers(-500, 500), width=st.integers(2, 2000))
def test_standard_functions_agree_with_pydicom(voi, centre, width):
    stored = np.arange(-1024, 1024, 7, dtype=np.int16)
    dataset = Dataset()
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsStored, dataset.PixelRepresentation = 16, 1
    dataset.WindowCenter, dataset.WindowWidth, dataset.VOILUTFunction = centre, width, voi.upper()
    expected = (apply_windowing(stored, dataset) + 32768) / 65535 * 255
    ours = Window(centre, width).apply(stored.astype(float), voi)
    assert np.abs(ours - expected).max() <= 0.5 + 1e-6


def test_width_of_one_is_a_step():
    assert Window(10, 1).apply(np.array([9.0, 9.5, 9.6, 11.0]), "linear").tolist() == [0, 0, 255, 255]


@pytest.mark.parametrize("width", [0, -3, float("nan"), float("inf")])
def test_bad_width_is_refused(width):
    with pytest.raises(ValueError, match="width above 0"):
        Window(40, width)


def test_rescale_applies_slope_without_intercept():
    assert Rescale(2.0, 0.0).apply(np.array([1, 3], dtype=np.int16)).tolist() == [2.0, 6.0]
    assert Rescale().apply(np.array([7], dtype=np.uint8)).tolist() == [7.0]


def test_luma_of_pure_colours():
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], dtype=np.uint8)
    assert to_grey(colours).tolist() == [[76, 150, 29, 255]]  # 76.245, 149.685, 29.07


def test_estimated_window_spans_the_middle():
    window = estimate_window(np.arange(0.0, 101.0))
    assert (window.centre, window.width) == (50.0, 98.0)
    assert estimate_window(np.full(9, 3.0)) is None
    assert estimate_window(np.array([])) is None
    assert estimate_window(np.array([0.0] * 200 + [5.0])) == Window(2.5, 5.0)


@pytest.mark.parametrize("kind", ["<i1", "<u1", "<i2", ">i2", "<u2", ">u2", "<i4", ">u4", "<i8", "<f4", ">f8"])
@pytest.mark.parametrize("wide", [False, True])
def test_each_value_is_the_function_of_each_value(kind, wide):
    """Over the whole range of a kind, where differences do not fit the kind itself, and over a part of it."""
    limits = np.finfo(kind) if "f" in kind else np.iinfo(kind)
    low, high = (float(limits.min) / 2, float(limits.max) / 2) if wide else (0, 100)
    values = np.linspace(low, high, 600_000).astype(kind).reshape(600, 1000)
    if wide and kind[1] in "iu":
        values[0, :2] = limits.min, limits.max
    asked = []

    def function(block):
        asked.append(block.size)
        return (np.asarray(block, dtype=float) > (low + high) / 3).astype(np.uint8)

    found = each_value(values, function)
    assert max(asked) < values.size
    assert found.shape == values.shape
    assert np.array_equal(found, (values.astype(float) > (low + high) / 3).astype(np.uint8))


def test_voi_lut_by_hand():
    lut = VoiLut(np.array([0, 51, 102, 255]), first=-1, bits=8)
    values = np.array([-9.0, -1.0, 0.4, 0.5, 1.0, 2.0, 99.0, np.nan])  # half an integer goes up, no number is 0
    assert lut.apply(values).tolist() == [0, 0, 51, 102, 102, 255, 255, 51]


@pytest.mark.parametrize(("entries", "bits"), [([], 8), ([1, 2], 0)])
def test_no_voi_lut(entries, bits):
    with pytest.raises(ValueError, match="needs entries"):
        VoiLut(np.array(entries, dtype=int), 0, bits)


@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", ">u2", ">i2", ">i4", ">u8"])
def test_a_table_gives_what_the_function_gives(kind):
    dtype, generator = np.dtype(kind), np.random.default_rng(0)
    least, most = np.iinfo(dtype).min, np.iinfo(dtype).max

    def grey_of(values):
        return (values.astype(np.float64) % 251).astype(np.uint8)

    for low, high in ((least, least + 99), (most - 99, most), (least, most), (0, min(most, 70_000))):
        stored = generator.integers(low, high, (9, 9), dtype.newbyteorder("="), endpoint=True).astype(dtype)
        assert np.array_equal(each_value(stored, grey_of), grey_of(stored))
