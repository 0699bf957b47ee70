"""Durations: every command shows the same text, and never a figure that rounds to another unit."""

import math

import pytest

from tinynet.text.duration import duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (4.44, "4.4 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "0:01:00"),
        (61, "0:01:01"),
        (3599.7, "1:00:00"),
        (3671.4, "1:01:11"),
        (100_000, "27:46:40"),
        (1e300, "1.0e+300 s"),
        (math.inf, "inf s"),
        (math.nan, "nan s"),
    ],
)
def test_a_duration_has_one_text(seconds, text):
    assert duration(seconds) == text
