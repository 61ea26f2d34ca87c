import pytest

from radnet_spark.clusters.krange import k_range
from radnet_spark.errors import StageError, UsageError


def test_default_values_above_a_quarter_of_the_rows_are_left_out() -> None:
    found = k_range(None, [5, 10, 25, 30], rows=100)
    assert found.ks == (5, 10, 25)
    assert found.note == "k = 30 left out: above a quarter of the 100 rows that centres are fitted on"


@pytest.mark.parametrize(("rows", "k"), [(1, 1), (2, 2), (7, 2), (13, 3)])
def test_few_rows_get_one_small_k(rows: int, k: int) -> None:
    found = k_range(None, [5, 10], rows)
    assert found.ks == (k,)
    assert found.note is not None
    assert f"k = {k}" in found.note


def test_explicit_values_are_taken_as_they_are() -> None:
    assert k_range([9, 3], [5], rows=10).ks == (3, 9)
    assert k_range(10, [5], rows=10) == k_range([10], [5], rows=10)


def test_explicit_value_above_the_rows() -> None:
    with pytest.raises(UsageError, match=r"cluster\.k: found 11, expected at most 10"):
        k_range(11, [5], rows=10)


def test_empty_list_and_no_rows() -> None:
    with pytest.raises(UsageError, match=r"cluster\.k"):
        k_range([], [5], rows=10)
    with pytest.raises(StageError, match="nothing to cluster"):
        k_range(None, [5], rows=0)
