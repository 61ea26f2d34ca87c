import numpy as np
import pytest

from radnet_spark.dicom.policies import ValueLimits, shape_policy, value_policy

LIMITS = ValueLimits(min_bits=7, min_distinct_share=0.1)


def image_of(greys):
    return np.resize(np.array(greys, dtype=np.uint8), (16, 16))


@pytest.mark.parametrize(
    ("greys", "expected"),
    [
        (range(64), "almost_black"),  # highest 63: 6 bits
        (range(65), None),  # highest 64: 7 bits, 65 / 127
        ([0, 255], "few_greys"),  # 2 / 255
        ([*range(24), 255], "few_greys"),  # 25 / 255 = 0.098
        ([*range(25), 255], None),  # 26 / 255 = 0.102
        ([*range(12), 100], None),  # 7 bits: 13 / 127 = 0.1024
        ([*range(11), 100], "few_greys"),  # 12 / 127 = 0.0945
    ],
)
def test_value_policy(greys, expected):
    assert value_policy(image_of(list(greys)), LIMITS) == expected


def test_stricter_share():
    assert value_policy(image_of([*range(30), 255]), ValueLimits(7, 0.2)) == "few_greys"


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [(10, 100, None), (9, 100, "shape"), (100, 9, "shape"), (1, 512, "shape"), (3, 3, None)],
)
def test_shape_policy(rows, columns, expected):
    assert shape_policy(rows, columns, 0.1) == expected
