"""Dates of common forms become numbers of the calendar."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet.builtin.tables.dates import (
    MISSING,
    default_parts,
    features_of,
    guess_format,
    parse_date,
)
from tinynet.errors import DataError

PARTS = ("year", "month", "day", "weekday", "day_of_year", "hour", "minute", "second")
NOON = datetime(2012, 1, 31, 12, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("2012-01-31 12:30:05", None, NOON),
        ("2012/1/31T12:30:05", None, NOON),
        ("2012.01.31 12:30:05.000", None, NOON),
        ("2012-01-31T12:30:05Z", None, NOON),
        ("2012-01-31 14:30:05+02:00", None, NOON),
        ("2012-01-31 07:30:05 -0500", None, NOON),
        ("2012-01-31", None, datetime(2012, 1, 31, tzinfo=UTC)),
        ("0001-01-01", None, datetime(1, 1, 1, tzinfo=UTC)),
        ("31.01.12", "%d.%m.%y", datetime(2012, 1, 31, tzinfo=UTC)),
        ("2012-02-30", None, None),
        ("2012-01/31", None, None),
        ("2012-01-31 25:00", None, None),
        ("2012-01-31 12:30+99:99", None, None),
        ("0001-01-01 00:00+01:00", None, datetime(1, 1, 1, tzinfo=UTC)),
        ("May", "%d", None),
        ("", None, None),
    ],
)
def test_dates_are_parsed_in_universal_time(text, form, expected):
    parsed = parse_date(text, form)
    if text.startswith("0001-01-01 00:00+"):
        assert parsed is None or parsed < parse_date("0001-01-01")
        return
    if expected is None:
        assert parsed is None
    else:
        assert parsed is not None
        assert np.datetime64(parsed, "us") == np.datetime64(expected.replace(tzinfo=None), "us")


@given(st.datetimes(), st.sampled_from("T "))
def test_every_date_has_the_parts_of_the_calendar(moment, separator):
    text = moment.isoformat(separator)
    parsed = parse_date(text)
    assert parsed is not None
    expected = [
        moment.year,
        moment.month,
        moment.day,
        moment.weekday(),
        moment.timetuple().tm_yday,
        moment.hour,
        moment.minute,
        moment.second,
    ]
    assert features_of(np.array([parsed]), PARTS).tolist() == [expected]


@given(st.text(max_size=30))
def test_no_text_is_an_error(text):
    parse_date(text)
    for form in ("%d.%m.%Y", "%b %d %Y"):
        parse_date(text, form)
    guess_format([text])


def test_missing_dates_have_no_parts():
    assert np.isnan(features_of(np.array([MISSING]), PARTS)).all()


def test_times_have_parts_where_they_vary():
    def parts(*texts):
        return default_parts(np.array([parse_date(text) for text in texts]))[5:]

    assert parts("2012-01-31") == ()
    assert parts("2012-01-31 10:00", "2012-01-31 11:00") == ("hour",)
    assert parts("2012-01-31 10:00", "2012-01-31 11:30") == ("hour", "minute")


def test_the_parts_are_those_of_the_training_file(open_csv):
    """Else a file of midnights would lack the feature of the hour."""
    text = "d,y\n2012-01-31 10:00,0\n2012-01-31 11:00,1\n"
    data = open_csv(text)
    assert data.inputs["input"].names[-1] == "d.hour"
    other = open_csv("d,y\n2012-01-31,0\n", inferred=dict(data.inferred))
    assert other.inputs == data.inputs
    only = open_csv(text, columns={"d": {"parts": ["minute", "year"]}})
    assert only.gather(np.array([0])).inputs["input"].tolist() == [[0, 2012]]


@pytest.mark.parametrize(
    ("days", "settings"),
    [
        ((1577836800, 1577923200), [{"kind": "number"}]),
        ((20200131, 20200201), [{"kind": "date", "format": "%Y%m%d"}, {"kind": "number"}]),
    ],
)
def test_numbers_are_not_dates(open_csv, days, settings):
    text = f"d,y\n{days[0]},0\n,1\n{days[1]},1\n"
    with pytest.raises(DataError, match="column 'd' has 2 cells that are not dates") as raised:
        open_csv(text, columns={"d": {"kind": "date", "missing": "median"}})
    assert "missing cell" not in str(raised.value)
    shown = str(raised.value).partition("these are numbers: set ")[2].split(" or ")
    changes = [json.loads(f"{{{setting}}}")["columns"] for setting in shown]
    assert changes == [{"d": {"missing": "median", **own}} for own in settings]
    for columns in changes:
        open_csv(text, columns=columns)
