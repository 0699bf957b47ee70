import datetime
from decimal import Decimal

import numpy as np
import pytest

from tinynet.builtin.tables.python_tables import table_from_object
from tinynet.errors import DataError

DAY = datetime.datetime(2024, 2, 29, 12, 30)
COLUMNS = {
    "whole": [1, 2],
    "holes": [1, None],
    "real": [0.5, float("nan")],
    "flag": [True, False],
    "unsure": [True, None],
    "text": [" a ", None],
    "time": [DAY, None],
}
CELLS = {
    "whole": ("int64", [1, 2]),
    "holes": ("float64", [1.0, np.nan]),
    "real": ("float64", [0.5, np.nan]),
    "flag": ("bool", [True, False]),
    "unsure": ("object", ["True", None]),
    "text": ("object", ["a", None]),
    "time": ("datetime64[us]", [DAY, None]),
}


def cells(table):
    return {name: (c.dtype.name, c.tolist()) for name, c in table.columns.items()}


def pandas_frame():
    pandas = pytest.importorskip("pandas", reason="converts a DataFrame of pandas")
    return pandas.DataFrame(COLUMNS)


def pandas_nullable():
    return pandas_frame().convert_dtypes()


def polars_frame():
    polars = pytest.importorskip("polars", reason="converts a DataFrame of polars")
    return polars.DataFrame(COLUMNS)


def arrow_table():
    return pytest.importorskip("pyarrow", reason="converts a table of pyarrow").table(COLUMNS)


def records():
    return [{name: values[i] for name, values in COLUMNS.items()} for i in range(2)]


@pytest.mark.parametrize(
    "make",
    [pandas_frame, pandas_nullable, polars_frame, arrow_table, lambda: COLUMNS, records],
    ids=["pandas", "nullable", "polars", "arrow", "dict", "records"],
)
def test_the_same_table_in_every_form(make):
    table = table_from_object(make())
    assert repr(cells(table)) == repr(CELLS)
    assert (table.header, table.typed, len(table)) == (tuple(COLUMNS), True, 2)
    assert table.where(1).endswith(", row 1 (counted from 0)")


def test_other_types_of_pandas():
    pandas = pytest.importorskip("pandas", reason="converts columns of pandas")
    frame = pandas.DataFrame(
        {
            "category": pandas.Categorical(["x", None]),
            "zone": pandas.to_datetime(["2024-02-29T13:30+01:00", None]),
            "day": pandas.to_datetime(["2024-02-29", None]),
            "small": np.array([1, 2], np.uint8),
            7: [1.5, 2.5],
        }
    )
    table = table_from_object(frame)
    assert repr(cells(table)) == repr(
        {
            "category": ("object", ["x", None]),
            "zone": ("datetime64[us]", [DAY, None]),
            "day": ("datetime64[us]", [datetime.datetime(2024, 2, 29), None]),
            "small": ("int64", [1, 2]),
            "7": ("float64", [1.5, 2.5]),
        }
    )


def test_records_may_lack_keys_and_a_dict_of_values_is_one_row():
    table = table_from_object([{"a": 1}, {"b": "x"}])
    assert repr(cells(table)) == repr(
        {"a": ("float64", [1.0, np.nan]), "b": ("object", [None, "x"])}
    )
    table = table_from_object({"age": 3, "sex": "male"})
    assert cells(table) == {"age": ("int64", [3]), "sex": ("object", ["male"])}


def test_a_structured_array_is_a_table():
    array = np.array([(1, "x"), (2, "y")], [("a", "i4"), ("b", "U3")])
    assert cells(table_from_object(array)) == {"a": ("int64", [1, 2]), "b": ("object", ["x", "y"])}


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([1, "a"], "object", ["1", "a"]),
        ([Decimal("1.5"), Decimal("nan")], "float64", [1.5, np.nan]),
        ([2**70, 1], "float64", [2.0**70, 1.0]),
        ([10**400, 1.5], "float64", [np.inf, 1.5]),
        ([np.float32(0.5), np.int8(1)], "float64", [0.5, 1.0]),
        ([np.datetime64("NaT"), datetime.date(2024, 1, 1)], "datetime64[us]", None),
        (
            [DAY.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=2)))],
            "datetime64[us]",
            None,
        ),
        ([], "float64", []),
    ],
)
def test_mixtures(values, dtype, expected):
    (column,) = table_from_object({"a": values}).columns.values()
    assert column.dtype.name == dtype
    if expected is not None:
        assert repr(column.tolist()) == repr(expected)
    elif len(values) == 1:
        assert column.tolist() == [DAY - datetime.timedelta(hours=2)]


@pytest.mark.parametrize(
    "source", [None, 3, "text", [], ["a", "b"], [[1, 2]], np.zeros((2, 2)), {}]
)
def test_other_objects_are_not_tables(source):
    assert table_from_object(source) is None


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"a": [1, 2], "b": [1]}, "column 'a' has 2 values and column 'b' has 1"),
        ({"a": [[1], [2]]}, "column 'a' holds a value of the type list"),
        ({"a": np.zeros((2, 2))}, r"column 'a' has the shape \(2, 2\)"),
        ({"a": [1], "b": 2}, "column 'b' is not a sequence"),
        ({"a": np.zeros(2, complex)}, "column 'a' has dtype complex128"),
        ({1: [1], "1": [2]}, "two columns named '1'"),
        ([{"a": object()}], "column 'a' holds a value of the type object"),
    ],
)
def test_impossible_tables_are_refused(source, message):
    with pytest.raises(DataError, match=message):
        table_from_object(source)


def test_chosen_columns_alone_are_converted():
    table = table_from_object({"a": [1], "b": [object()]}, lambda header: header[:1])
    assert cells(table) == {"a": ("int64", [1])}
    assert table.header == ("a", "b")
