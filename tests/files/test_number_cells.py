"""Numbers with separators of decimals and groups."""

import pytest

from tinynet.files.number_cells import NumberFormat


@pytest.mark.parametrize(
    ("cell", "number"),
    [("1,465", 1465.0), ("-12,465,001.5", -12465001.5), ("0.465", 0.465), ("0", 0.0)],
)
def test_groups_of_three_digits_are_joined(cell, number):
    assert NumberFormat(thousands=",").parse_one(cell) == number


@pytest.mark.parametrize("cell", ["0,465", "-0,465", "012,465", "0,465,001"])
def test_a_group_at_the_start_is_never_zero(cell):
    assert NumberFormat(thousands=",").parse_one(cell) is None, "it has a decimal comma"
