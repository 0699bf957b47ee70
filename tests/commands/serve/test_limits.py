"""Limits of requests: a limit that limits nothing is refused."""

import math

import pytest

from tinynet.commands.serve.limits import Limits
from tinynet.errors import UsageError

pytestmark = pytest.mark.extra


@pytest.mark.parametrize("seconds", [math.nan, math.inf, 0, -1])
@pytest.mark.parametrize("name", ["timeout", "read_timeout", "read_grace", "head_timeout"])
def test_a_time_limit_is_a_positive_number(name, seconds):
    """With NaN, each comparison is false: requests would never end."""
    with pytest.raises(UsageError, match=f"{name} is a number of seconds above 0, not"):
        Limits(**{name: seconds})


@pytest.mark.parametrize("number", [0, -1])
@pytest.mark.parametrize("name", ["max_size", "max_rows", "max_values", "readers"])
def test_a_number_is_at_least_one(name, number):
    with pytest.raises(UsageError, match=f"{name} is at least 1, not {number}"):
        Limits(**{name: number})
