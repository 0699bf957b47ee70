from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tinynet.builtin.datasets.csv import CSV
from tinynet.errors import DataError

MODELS = Path(__file__).parents[2] / "models"


@pytest.fixture
def open_csv(tmp_path):
    def open_csv(text, target="y", **options):
        path = tmp_path / "table.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return CSV(CSV.Config(path=str(path), target=target, **options))

    return open_csv


def rows(data):
    batch = data.gather(np.arange(len(data)))
    return batch.inputs["input"].tolist(), batch.targets["target"].tolist()


def test_text_targets_become_sorted_classes(open_csv):
    data = open_csv("a,b,y\n1,2,dog\n3,4,cat\n5.5,-6e1,dog\n")
    assert data.targets["target"].classes == ("cat", "dog")
    assert data.inputs["input"].names == ("a", "b")
    assert data.inputs["input"].shape == (2,)
    assert rows(data) == ([[1, 2], [3, 4], [5.5, -60]], [1, 0, 1])
    assert data.gather(np.array([0])).targets["target"].dtype == np.int64


def test_numbers_are_quantities_even_when_they_are_integers(open_csv):
    data = open_csv("a,y\n1,151\n2,75\n")
    assert data.targets["target"].classes is None
    assert data.targets["target"].shape == ()
    assert rows(data)[1] == [151.0, 75.0]


def test_numbers_are_classes_on_request_in_numeric_order(open_csv):
    data = open_csv("a,y\n1,10\n2,9\n3,-1\n", target_type="class")
    assert data.targets["target"].classes == ("-1", "9", "10")
    assert rows(data)[1] == [2, 1, 0]


def test_named_classes_fix_the_order(open_csv):
    """A test file that lacks a class still numbers the others as the training file does."""
    data = open_csv("a,y\n1,dog\n", classes=("owl", "dog", "cat"))
    assert data.targets["target"].classes == ("owl", "dog", "cat")
    assert rows(data)[1] == [1]


def test_a_label_that_is_no_named_class_suggests_one(open_csv):
    with pytest.raises(DataError, match=r"column 'y' .*, line 3: 'dgo' .*did you mean 'dog'\?"):
        open_csv("a,y\n1,dog\n2,dgo\n", classes=("dog", "cat"))


def test_a_typo_among_numbers_is_no_class(open_csv):
    """Else one bad cell would turn a regression into a classification of 300 classes."""
    with pytest.raises(DataError, match=r"column 'y' .* holds text \('1\.\.5'; line 3\)"):
        open_csv("a,y\n1,1.5\n2,1..5\n3,2\n")


def test_columns_by_position_without_a_header(open_csv):
    data = open_csv("1,2,cat\n3,4,dog\n", target=-1, header=False)
    assert data.inputs["input"].names == ("0", "1")
    assert rows(data) == ([[1, 2], [3, 4]], [0, 1])
    assert data.where(0).endswith("table.csv, line 1")


def test_chosen_features_keep_their_order_and_leave_the_rest_unread(open_csv):
    data = open_csv("id,a,b,y\nx7,1,2,0.5\nx8,3,4,0.5\n", features=("b", 1))
    assert data.inputs["input"].names == ("b", "a")
    assert rows(data)[0] == [[2, 1], [4, 3]]


def test_weights_are_no_feature(open_csv):
    data = open_csv("a,w,y\n1,2,0.5\n3,0,0.5\n", weights="w")
    assert data.inputs["input"].names == ("a",)
    assert data.gather(np.array([1, 0])).weights.tolist() == [0, 2]


def test_quotes_line_breaks_and_line_numbers_follow_rfc_4180(open_csv):
    text = 'a,"the ""y"", in cm"\r\n1,"two\r\nlines"\r\n\r\n"2",x\r\n'
    data = open_csv(text, target='the "y", in cm')
    assert data.targets["target"].classes == ("two\r\nlines", "x")
    assert [data.where(i).rpartition(" ")[2] for i in range(2)] == ["2", "5"]


def test_other_delimiters_and_spaces_around_cells(open_csv):
    data = open_csv(" a ; y\n 1 ; dog\n2;dog \n", delimiter=";")
    assert data.inputs["input"].names == ("a",)
    assert data.targets["target"].classes == ("dog",)


def test_a_byte_order_mark_is_no_part_of_the_first_name(open_csv):
    """Spreadsheets write one."""
    plain = open_csv("a,y\n1,2\n")
    assert open_csv(b"\xef\xbb\xbfa,y\n1,2\n").fingerprint == plain.fingerprint


def test_the_fingerprint_is_of_the_data_not_of_the_text(open_csv):
    before = open_csv("a,y\n1,2\n").fingerprint
    assert open_csv('"a",y\r\n1.0,2e0').fingerprint == before
    assert open_csv("b,y\n1,2\n").fingerprint != before
    assert open_csv("a,y\n1,3\n").fingerprint != before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("a,y\n", "a header and no rows"),
        ("a,y\n1,2\nx,2\n", r"column 'a' holds text \('x'; line 3\)"),
        ("a,y\n1,2\n,2\n", r"column 'a' has a missing cell \(''; line 3\)"),
        ("a,y\n1,2\n  ,2\n", r"column 'a' has a missing cell \(''; line 3\)"),
        ("a,y\n1,2\n3,\n", r"column 'y' \(the target\) has a missing cell \(''; line 3\)"),
        ("a,y\nnan,2\n", r"column 'a' has a missing cell \('nan'; line 2\)"),
        ("a,y\n1,2\n-inf,2\n", r"column 'a' has a number that is not finite \('-inf'; line 3\)"),
        ("a,y\n1e999,2\n", r"column 'a' has a number that is not finite \('1e999'; line 2\)"),
        ("a,y\n1,2\n3_1,2\n", r"column 'a' holds text \('3_1'; line 3\)"),
        ("a,y\n1,2\n3,inf\n", r"column 'y' \(the target\) has a number that is not finite"),
        ("a,y\n1,2\n" + "9" * 5000 + "x,2\n", r"holds text \('9{40}…'; line 3\)"),
        ("a,y\n1,2\n1,2,3\n", "line 3: 3 cells, but the first row has 2"),
        ("a,y\n1,2\n\n1\n", "line 4: 1 cells, but the first row has 2"),
        ("a,a,y\n1,2,3\n", "line 1: two columns are named 'a'"),
        ("a,yy\n1,2\n", r"no column 'y'; did you mean 'yy'\?"),
        ("y\n1\n", "only the target column"),
        (",a,y\n0,1,2\n", r'column 0 has no name.*set "columns": \{"": "ignore"\}'),
        ('a,y\n1,"2\n', "line 2: unexpected end of data"),
        ('a,y\n1,"2"3\n', "line 2: "),
        ("a,y\r1,2\r", "line 1: new-line character"),
        ("a,y\n1," + "z" * 200_000 + "\n", "line 2: field larger than field limit"),
        (b"a,y\n1,2\n1,\xff\n", "line 3: byte 3 is not UTF-8"),
        ("a,y\n1,2\n".encode("utf-16"), "line 1"),
        (b"a,y\n1,2\n1,\0\n", "line 3 holds a NUL byte"),
        (b"x" * ((1 << 24) + 1), "line 1 is longer than"),
    ],
)
def test_every_bad_cell_is_named_with_line_and_column(open_csv, text, message):
    with pytest.raises(DataError, match=message):
        open_csv(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": 3}, "no column 3: it has 3, counted from 0 to 2"),
        ({"target": -4}, "no column -4"),
        ({"features": ("a", "y")}, "column 'y' is used twice"),
        ({"features": ("a", 0)}, "column 'a' is used twice"),
        ({"weights": "y"}, "column 'y' is used twice"),
        ({"weights": "b"}, r"table.csv, line 3: the weight -4\.0 is negative"),
        ({"features": ("c",)}, "no column 'c'; available: a, b, y"),
    ],
)
def test_impossible_columns_are_refused(open_csv, options, message):
    with pytest.raises(DataError, match=message):
        open_csv("a,b,y\n1,2,0.5\n3,-4,0.5\n", **{"target": "y", **options})


def test_too_many_different_labels_are_a_mistake(open_csv):
    text = "a,y\n" + "".join(f"1,name{i}\n" for i in range(10_001))
    with pytest.raises(DataError, match="10,001 different labels"):
        open_csv(text)


def test_configs_that_contradict_themselves_are_refused():
    with pytest.raises(ValidationError, match="without a header columns have positions"):
        CSV.Config(path="x", target="y", header=False)
    for delimiter in ("", ",,", '"', "\n"):
        with pytest.raises(ValidationError, match="delimiter"):
            CSV.Config(path="x", target="y", delimiter=delimiter)


def test_the_penguins_are_all_there():
    data = CSV(CSV.Config(path=str(MODELS / "data" / "penguins.csv"), target="species"))
    features, species = rows(data)
    assert data.targets["target"].classes == ("Adelie", "Chinstrap", "Gentoo")
    assert np.bincount(species).tolist() == [151, 68, 123]
    assert np.shape(features) == (342, 4)
    assert np.mean(features, axis=0)[3] == pytest.approx(4201.754, abs=1e-3)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2),
        min_size=1,
        max_size=5,
    )
)
def test_every_float_survives_its_decimal_form(open_csv, values):
    text = "".join(f"{x!r},{y!r}\n" for x, y in values)
    features, targets = rows(open_csv(text, target=1, header=False))
    assert [[x[0], y] for x, y in zip(features, targets, strict=True)] == values


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.binary(max_size=60)
    | st.text(max_size=60).map(str.encode)
    | st.text(alphabet='01,."-_ \ny\r', max_size=60).map(lambda text: ("a,y\n" + text).encode()),
    st.sampled_from(["auto", "class", "number"]),
)
def test_no_bytes_whatever_give_another_error(open_csv, content, target_type):
    """A damaged file must not end in a traceback."""
    for options in ({"target": "y"}, {"target": -1, "header": False}):
        with suppress(DataError):
            open_csv(content, target_type=target_type, **options)
