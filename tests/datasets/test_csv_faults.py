"""Cells that cannot be used are reported all at once, with remedies that work."""

import json
import re

import pytest

from tinynet.builtin.datasets.csv import CSV
from tinynet.errors import DataError

MARKERS = ["", "NA", "N/A", "NaN", "nan", "null", "None", "?", "-"]


@pytest.fixture
def open_csv(tmp_path):
    def open_csv(text, target="y", **options):
        path = tmp_path / "table.csv"
        path.write_text(text)
        options = {key: tuple(v) if isinstance(v, list) else v for key, v in options.items()}
        return CSV(CSV.Config(path=str(path), target=target, **options))

    return open_csv


@pytest.fixture
def refusal(open_csv):
    """The problems of a table, without its path."""

    def refusal(text, *args, **options):
        with pytest.raises(DataError) as raised:
            open_csv(text, *args, **options)
        return str(raised.value).partition("table.csv")[2]

    return refusal


def settings_in(message, key):
    """Every value that a message suggests for a key of the spec."""
    return [json.loads(text) for text in re.findall(rf'"{key}": (\[.*?\]|".*?")', message)]


@pytest.mark.parametrize("marker", MARKERS)
def test_a_missing_target_does_not_become_a_class(open_csv, refusal, marker):
    """Else the model learns to predict that the answer is missing."""
    text = f"a,y\n1,dog\n2,{marker}\n3,cat\n4,{marker}\n"
    message = refusal(text)
    assert message.startswith(
        f": column 'y' (the target) has 2 missing cells ({marker!r}; lines 3, 5);"
        " remove the rows without a target"
    )
    (classes,) = settings_in(message, "classes")
    assert open_csv(text, classes=classes).targets["target"].classes == ("cat", "dog", marker)


@pytest.mark.parametrize("marker", MARKERS)
def test_a_missing_label_among_named_classes_is_allowed_by_its_name_alone(
    open_csv, refusal, marker
):
    text = f"a,y\n1,dog\n2,{marker}\n"
    (classes,) = settings_in(refusal(text, classes=["dog"]), "classes")
    assert open_csv(text, classes=classes).targets["target"].classes == ("dog", marker)


@pytest.mark.parametrize("target_type", ["auto", "number"])
@pytest.mark.parametrize("marker", MARKERS)
def test_a_missing_number_in_the_target_is_called_missing(refusal, marker, target_type):
    assert refusal(f"a,y\n1,2.5\n2,{marker}\n", target_type=target_type) == (
        f": column 'y' (the target) has a missing cell ({marker!r}; line 3); correct the cells of"
        " the target, or remove their rows"
    )


@pytest.mark.parametrize("marker", [*MARKERS, "NAN", "#N/A"])
def test_a_missing_feature_is_called_missing(open_csv, refusal, marker):
    text = f"a,b,y\n1,2,0\n{marker},2,0\n1,2,0\n"
    message = refusal(text)
    assert message == (
        f": column 'a' has a missing cell ({marker!r}; line 3);"
        ' leave it out: "features": ["b"]; correct these cells, or remove their rows'
    )
    assert len(open_csv(text, features=["b"])) == 3


def test_all_columns_are_reported_at_once(open_csv, refusal):
    text = (
        "island,bill,sex,mass,species\n"
        "Torgersen,39.1,male,3750,Adelie\n"
        "Biscoe,NA,female,3800,\n"
        "Dream,40.3,NA,inf,Adelie\n"
        "Dream,41,male,3900,Gentoo\n"
    )
    message = refusal(text, "species")
    assert message.splitlines() == [
        ": 5 columns have cells that cannot be used:",
        "  column 'island' holds text ('Torgersen', 'Biscoe'; lines 2, 3, 4 and 1 more)",
        "  column 'bill' has a missing cell ('NA'; line 3)",
        "  column 'sex' holds text ('male', 'female'; lines 2, 3, 5) and has a missing cell"
        " ('NA'; line 4)",
        "  column 'mass' has a number that is not finite ('inf'; line 4)",
        "  column 'species' (the target) has a missing cell (''; line 3)",
        "  to keep 'bill', 'mass', remove the rows with faulty cells there, and set \"features\":"
        ' ["bill", "mass"]; remove the rows without a target; if \'\' is a class, set "classes":'
        ' ["Adelie", "Gentoo", ""]',
    ]
    cleaned = "\n".join(line for i, line in enumerate(text.splitlines()) if i not in (2, 3))
    assert len(open_csv(cleaned, "species", features=["bill", "mass"])) == 2


def test_columns_of_text_are_left_out_by_the_list_that_is_suggested(open_csv, refusal):
    text = "island,a,sex,b,y\nx,1,m,2,0\nx,1,f,2,0\n"
    message = refusal(text)
    (features,) = settings_in(message, "features")
    assert features == ["a", "b"]
    assert open_csv(text, features=features).inputs["input"].names == ("a", "b")


def test_without_a_header_the_suggested_list_has_positions(open_csv, refusal):
    text = "x,1,0\nx,2,0\n"
    message = refusal(text, 2, header=False)
    assert "column '0' holds text" in message
    (features,) = settings_in(message, "features")
    assert open_csv(text, 2, header=False, features=features).inputs["input"].names == ("1",)


def test_a_table_without_a_column_of_numbers_suggests_no_list(refusal):
    message = refusal("a,y\nx,1\ny,2\n")
    assert message.endswith("; a table needs at least one feature of numbers")


def test_decimal_commas_are_recognized(open_csv, refusal):
    text = "a;b;y\n1,5;2;0\n2,5;3;1\n"
    assert "write decimals with a point: 1.5, not 1,5; leave it out" in refusal(text, delimiter=";")
    assert len(open_csv(text.replace(",", "."), delimiter=";")) == 2


def test_a_wide_table_does_not_flood_the_terminal(refusal):
    names = [f"c{i}" for i in range(200)]
    cells = ["x" if i % 2 else "1" for i in range(200)]
    message = refusal(f"{','.join(names)},y\n{','.join(cells)},0\n")
    assert "100 columns have cells" in message
    assert "and 80 more columns" in message
    assert 'name the other 100 columns in "features"' in message
    assert len(message.splitlines()) < 30


def test_text_among_numbers_in_a_target_may_be_a_class(open_csv, refusal):
    text = "a,y\n1,1.5\n2,low\n3,2\n"
    message = refusal(text)
    (target_type,) = settings_in(message, "target_type")
    data = open_csv(text, target_type=target_type)
    assert data.targets["target"].classes == ("2", "1.5", "low")


def test_a_target_without_any_value_suggests_no_rows_to_remove(refusal):
    assert "remove the rows" not in refusal("a,y\n1,NA\n2,NA\n", target_type="class")


def test_faulty_weights_are_reported_with_the_rest(refusal):
    message = refusal("a,w,y\nx,NA,0\n1,1,0\n2,1,0\n", weights="w")
    assert "column 'a' holds text ('x'; line 2)" in message
    assert "column 'w' (the weights) has a missing cell ('NA'; line 2)" in message
    assert "correct the weights, or remove their rows" in message


def test_labels_that_are_no_classes_are_listed(refusal):
    message = refusal("a,y\n1,dog\n2,dgo\n3,cta\n", classes=["dog", "cat"])
    assert message == (
        ", column 'y' (the target): 'dgo' (line 3), 'cta' (line 4) are not in \"classes\" (dog,"
        " cat); correct these cells, or add the labels to it"
    )


@pytest.mark.parametrize(
    ("text", "delimiter"), [("a;y\n1;2\n", ";"), ("a\ty\n1\t2\n", "\t"), ("a|y\n1|2\n", "|")]
)
@pytest.mark.parametrize("target", ["y", 1])
def test_another_delimiter_is_recognized(open_csv, refusal, text, delimiter, target):
    (suggested,) = settings_in(refusal(text, target), "delimiter")
    assert suggested == delimiter
    assert len(open_csv(text, target, delimiter=suggested)) == 1


def test_a_header_that_the_spec_denies(open_csv, refusal):
    text = "a,b,y\n1,2,cat\n3,4,dog\n"
    options = {"target": -1, "header": False}
    assert refusal(text, **options).endswith('if this line names the columns, set "header": true')
    assert open_csv(text, target=-1, header=True).targets["target"].classes == ("cat", "dog")


def test_a_single_text_in_the_first_row_is_not_a_header(refusal):
    message = refusal("a,b,y\n1,x,cat\n3,4,dog\n", target=-1, header=False)
    assert "header" not in message


def test_a_first_row_of_numbers_is_no_header_of_names(open_csv, refusal):
    text = "1,2,cat\n3,4,dog\n"
    message = refusal(text, target="y")
    assert '"header": false and give columns by position (-1 is the last)' in message
    assert open_csv(text, target=-1, header=False).targets["target"].classes == ("cat", "dog")
    assert "position" not in refusal("a,b,yy\n1,2,cat\n", target="y")
