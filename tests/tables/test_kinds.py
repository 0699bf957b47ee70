"""Kinds of columns are those that people expect, are described, and can be chosen."""

import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tinynet.errors import DataError

WORDS = "a film of many words, of which no two reviews are alike, number"


def table(cells, target=None):
    """Return a table with one column besides a column of numbers and the target."""
    rows = [f'"{cell}",{i},{i % 2}' for i, cell in enumerate(cells)]
    return "\n".join(["a,b,y", *rows]) + "\n"


def kind(data, name="a"):
    """Return the inferred kind of a column."""
    entry = data.inferred["columns"][name]
    return entry if isinstance(entry, str) else entry["kind"]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "2", "3"], "number"),
        (["0", "1", "0"], "number"),
        (["1.5", "-2e3", "7"], "number"),
        (["true", "false", "true"], "category"),
        (["yes", "no", ""], "category"),
        (["male", "female"], "category"),
        (["C85", "E46", "C85", "B28"] * 10, "category"),
        (["1", "2", "3+", "x", "z"], "category"),
        (["2012-01-31", "2012-02-01"], "date"),
        (["2012/01/31", "2012/2/1"], "date"),
        (["2012-01-31 10:00", "2012-02-01T11:30:05Z"], "date"),
        (["31.1.2012", "1.2.2012"], "date"),
        (["12/31/2012", "1/2/2012"], "date"),
        (["31/12/2012", "1/2/2012"], "date"),
        (["Jan 1 2012", "Mar 31 2012"], "date"),
        (["1/2/2012", "2/1/2012"], "category"),  # either order is possible
        ([f"{WORDS} {i}" for i in range(5)], "ignore"),  # text beside another feature
        ([f"PC {i:05}" for i in range(40)], "ignore"),
        (["", "NA", "?"], "ignore"),
    ],
)
def test_kinds_are_inferred_from_all_cells(open_csv, cells, expected):
    assert kind(open_csv(table(cells))) == expected


def test_a_late_cell_counts(open_csv):
    cells = [str(i) for i in range(5000)]
    assert kind(open_csv(table([*cells, ""]), columns={"a": {"missing": "mean"}})) == "number"
    with pytest.raises(DataError, match=r"column 'a' holds text \('x'; line 5002\)"):
        open_csv(table([*cells, "x"]))


def test_kinds_can_be_chosen(open_csv):
    text = table(["1", "2", "1"])
    data = open_csv(text, columns={"a": "category"})
    assert data.inputs["input"].names == ("a=1", "a=2", "b")
    assert open_csv(text, columns={"a": "ignore"}).inputs["input"].names == ("b",)
    data = open_csv(text, columns={"a": "text"}, features={"input": ["b"], "words": "a"})
    assert data.gather(np.array([1])).inputs["words"].tolist() == ["2"]


def test_a_table_whose_features_are_all_ignored_is_explained(open_csv):
    with pytest.raises(DataError, match=r"is left out \('a', 'b'\); .* remove the \"ignore\""):
        open_csv(table(["1", "2"]), columns={"a": "ignore", "b": "ignore"})


def test_numbers_in_another_form_are_not_missing(open_csv):
    """They order the rows, or group them."""
    cells = [f"{number}'000" if number < 8 else str(number) for number in range(1, 11)]
    data = open_csv(table(cells), columns={"a": "ignore"})
    with pytest.raises(DataError, match=r"holds text \(\"1'000\", .* set \"decimal\""):
        data.column_values("a")


def test_zip_codes_as_categories_keep_their_zeros(open_csv):
    data = open_csv(table(["01", "1", "01"]), columns={"a": "category"})
    assert data.inputs["input"].names[:2] == ("a=01", "a=1")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"columns": {"c": "number"}},
            "no column 'c', which \"columns\" names; available: a, b, y",
        ),
        ({"columns": {"a": "ignore"}, "features": ["a"]}, "'a' is used, but .* \"ignore\""),
        ({"columns": {"a": {"missing": "mean"}}}, r"'a' holds text \('x', 'z'; lines 2, 3, 4\)"),
        ({"columns": {"b": {"missing": "unknown"}}}, "'b' is a number: .* is not possible"),
        ({"columns": {"b": {"min_count": 2}, "a": {"format": "%Y"}}}, "'a' .* not dates"),
        ({"columns": {"y": "text"}}, r"column 'y' \(the target\) has the kind \"text\""),
        ({"columns": {"y": {"missing": "median"}}}, "would train on invented targets"),
    ],
)
def test_options_that_do_not_fit_their_column_are_refused(open_csv, options, message):
    with pytest.raises(DataError, match=message):
        open_csv(table(["x", "z", "x"]), **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "numbers"}, "kind"),
        ({"missing": "constant"}, "belong together"),
        ({"fill": 3}, "belong together"),
        ({"kind": "number", "missing": "constant", "fill": "x"}, "'fill' of a number is a number"),
        ({"kind": "category", "missing": "constant", "fill": 1.5}, "'fill' of kind 'category'"),
        ({"kind": "date", "missing": "constant", "fill": "May"}, "'fill' is not a date"),
        ({"kind": "number", "categories": ["a"]}, "'categories' is an option of kind 'category'"),
        ({"kind": "text", "parts": ["year"]}, "'parts' is an option of kind 'date'"),
        ({"kind": "number", "missing": "unknown"}, "not possible for kind 'number'"),
        ({"kind": "text", "indicator": True}, "'indicator' is not possible"),
        ({"categories": ["a", "a"]}, "listed twice"),
        ({"kind": "category", "separator": "|", "missing": "most_frequent"}, "with a 'separator'"),
        ({"format": "year"}, "no directive"),
        ({"format": "%Q"}, "cannot be parsed"),
    ],
)
def test_options_that_contradict_themselves_are_refused(open_csv, options, message):
    with pytest.raises(ValueError, match=message):
        open_csv(table(["x"]), columns={"a": options})


def test_the_description_has_one_line_for_each_column(open_csv):
    text = "name,age,sex,when,w,y\n" + "".join(
        f'"{WORDS} {i}",{"" if i % 3 == 0 else i},{"mf"[i % 2]},2012-01-0{i},1,{"uv"[i % 2]}\n'
        for i in range(1, 8)
    )
    data = open_csv(text, weights="w", columns={"age": {"missing": "median", "indicator": True}})
    assert data.description() == [
        "age   number    5 different  2 missing (median, indicator)",
        "sex   category  2 different",
        "when  date      7 different",
        "w     number    1 different  the weights",
        "y     category  2 different  the target",
        "name  not used               text",
    ]
    dropped = open_csv(text, weights="w", columns={"age": {"missing": "drop_row"}})
    assert dropped.description()[-1] == "2 of 7 rows left out: a cell is missing"


def test_the_description_names_what_could_be_dates(open_csv):
    cells = [f"{day}/{month}/2012" for day in range(1, 13) for month in range(1, 13)]
    data = open_csv(table(cells))
    assert data.description()[-1] == (
        'a  not used                 text; if these are dates, set their "format" in "columns":'
        ' "%m/%d/%Y" or "%d/%m/%Y"'
    )
    data = open_csv(table(cells), columns={"a": {"format": "%d/%m/%Y"}})
    assert kind(data) == "date"


def test_dates_of_two_possible_orders_need_a_format(open_csv):
    text = table(["1/2/2012", "3/4/2012"])
    with pytest.raises(DataError) as raised:
        open_csv(text, columns={"a": "date"})
    message = str(raised.value)
    for form, month in (("%m/%d/%Y", 1), ("%d/%m/%Y", 2)):
        setting = f'"columns": {{"a": {{"kind": "date", "format": "{form}"}}}}'
        assert setting in message
        data = open_csv(text, **json.loads(f"{{{setting}}}"))
        assert data.gather(np.array([0])).inputs["input"][0, 1] == month


def test_names_of_columns_stay_on_one_line(open_csv):
    lines = open_csv('"a\nb\x1b[31m",y\n1,0\n2,1\n').description()
    assert lines[0].startswith("'a\\nb\\x1b[31m'  number")


def test_what_was_inferred_reads_other_files_alike(open_csv):
    """A file without text in a column of categories is no table of numbers."""
    data = open_csv("a,d,y\nx,2012-01-01,u\n1,2012-01-02,v\nz,2012-01-02,v\n")
    other = open_csv("d,a,y\n2012-01-03 10:00,1,0\n", inferred=dict(data.inferred))
    assert other.inferred == data.inferred
    assert other.with_state(data.learn(np.arange(3))).inputs == data.inputs


@pytest.mark.parametrize("features", [["b"], ["a", "b"], {"p": ["a"], "q": ["b"]}])
def test_inferred_values_of_another_spec_are_refused(open_csv, features):
    """Else prediction would read other features than training did."""
    text = "a,b,y\nx,1,0\nz,2,1\n"
    inferred = dict(open_csv(text, features=["a"]).inferred)
    with pytest.raises(DataError, match='remove "inferred" from the spec'):
        open_csv(text, features=features, inferred=inferred)
    assert len(open_csv(text, features=[0], inferred=inferred)) == 2


def test_a_pinned_resolved_config_survives_a_round_trip(open_csv):
    data = open_csv(
        "a,d,y\nx,31.12.2012,u\n1,1.1.2012,v\nz,1.1.2012,v\n",
        columns={"a": {"missing": "constant", "fill": "x", "categories": ["x", "z"]}},
    )
    config = data._config.model_copy(update={"inferred": None})
    again = type(config).model_validate_json(config.model_dump_json())
    assert again == config
    assert again.model_dump() == config.model_dump()


def test_missing_markers_of_a_spec_replace_the_usual_ones(open_csv):
    text = "a,b,y\n-999,NA,0\n1,x,0\n-999.0,x,1\n"
    data = open_csv(text, missing_values=["-999"], columns={"a": {"missing": "median"}})
    assert data.inputs["input"].names == ("a", "b=NA", "b=x")
    assert data.gather(np.arange(3)).inputs["input"][:, 0].tolist() == [1, 1, 1]
    assert kind(open_csv("a,b,y\n,1,0\n,2,0\n", missing_values=["x"])) == "ignore"


CELLS = st.sampled_from(
    [
        "1",
        "2.5",
        "",
        "NA",
        "x",
        "y z",
        "a|b",
        "2012-01-31",
        "1/2/2012",
        "1,5",
        "inf",
        "1e999",
        "nan",
    ]
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=6),
    st.sampled_from([None, "number", "category", "text", "date"]),
    st.sampled_from([None, "error", "drop_row", "mean", "most_frequent", "unknown"]),
    st.sampled_from(["y", ["y", "b"], {"p": "y", "q": "b"}]),
    st.sampled_from([None, ["a"], {"p": "a"}]),
)
def test_no_cells_give_another_error_or_a_number_that_is_not_finite(
    open_csv, rows, kind, missing, target, features
):
    text = "a;b;y\n" + "".join(";".join(cells) + "\n" for cells in rows)
    options = {"kind": kind, "missing": missing}
    with suppress(DataError, ValidationError):
        data = open_csv(text, target, delimiter=";", columns={"a": options}, features=features)
        data.description()
        half = data.with_state(data.learn(np.arange(0, len(data), 2)))
        for name, array in half.gather(np.arange(len(data))).inputs.items():
            field = half.inputs[name]
            assert array.shape == (len(data), *field.shape)
            assert field.dtype == "text" or np.isfinite(array).all()
            assert field.classes is None or set(array.tolist()) <= {*range(len(field.classes))}
