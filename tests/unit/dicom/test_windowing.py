import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.pixels import apply_windowing

from radnet_spark.dicom.windowing import Rescale, Window, estimate_window, to_grey

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
