import numpy as np

from radnet_spark.dicom.resize import fit_square


def test_longer_side_fills_and_padding_is_centred():
    square = fit_square(np.full((100, 50), 200, dtype=np.uint8), 20)
    assert square.shape == (20, 20)
    assert (square[:, 5:15] == 200).all()
    assert square[:, :5].sum() == square[:, 15:].sum() == 0


def test_shrinking_averages():
    checkerboard = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    small = fit_square(checkerboard, 8)
    assert np.abs(small.astype(int) - 127).max() <= 3  # without antialiasing it would be all 0 or all 255


def test_single_row_stays_visible():
    assert fit_square(np.full((1, 512), 9, dtype=np.uint8), 128).any(axis=1).sum() == 1


def test_size_kept_means_pixels_kept():
    image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    assert (fit_square(image, 8) == image).all()
