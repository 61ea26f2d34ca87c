from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radnet_spark.cohort.split import PARTS, Split, keyed_order
from radnet_spark.errors import UsageError

SPLIT = Split("radnet", 0.8, 0.1)


def test_shares_are_met_within_four_standard_errors() -> None:
    n = 20_000
    counts = Counter(SPLIT.part_of(f"patient-{i}") for i in range(n))
    for part, share in zip(PARTS, (0.8, 0.1, 0.1), strict=True):
        assert abs(counts[part] / n - share) < 4 * (share * (1 - share) / n) ** 0.5


def test_another_salt_is_another_split() -> None:
    other = Split("other", 0.8, 0.1)
    keys = [f"p{i}" for i in range(500)]
    assert [SPLIT.part_of(key) for key in keys] != [other.part_of(key) for key in keys]


@given(st.text(), st.text())
def test_order_fits_a_signed_64_bit_integer_and_repeats(key: str, salt: str) -> None:
    value = keyed_order(key, salt)
    assert 0 <= value < 2**63
    assert value == keyed_order(key, salt)


def test_order_is_pinned() -> None:
    # A figure once computed: if it changes, every archive's parts change with it.
    assert keyed_order("patient", "salt") == 6650772076165950635


def test_extreme_shares() -> None:
    assert Split("s", 1.0, 0.0).part_of("x") == "train"
    assert Split("s", 0.0, 1.0).part_of("x") == "test"
    assert Split("s", 0.0, 0.0).part_of("x") == "validation"


@pytest.mark.parametrize(("train", "test"), [(0.9, 0.2), (-0.1, 0.5)])
def test_impossible_shares_are_a_usage_error(train: float, test: float) -> None:
    with pytest.raises(UsageError, match=r"cohort\.train_share"):
        Split("s", train, test)


@given(st.lists(st.text(min_size=1), unique=True, min_size=1), st.sets(st.text(min_size=1)), st.randoms())
def test_parts_and_order_do_not_depend_on_who_else_is_there(here: list[str], added: set[str], chance) -> None:
    before = {key: (SPLIT.part_of(key), keyed_order(key, "radnet/exam")) for key in here}
    everyone = [*here, *added]
    chance.shuffle(everyone)
    after = {key: (SPLIT.part_of(key), keyed_order(key, "radnet/exam")) for key in everyone}
    assert before.items() <= after.items()
    kept = [key for key in sorted(after, key=lambda key: after[key][1]) if key in before]
    assert kept == sorted(before, key=lambda key: before[key][1])
