"""Cells that cannot be used are reported all at once, with remedies that work."""

import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinynet.builtin.datasets.csv import CSV
from tinynet.errors import DataError

MARKERS = ["", "NA", "N/A", "NaN", "nan", "null", "None", "?", "-"]


DECODER = json.JSONDecoder()


@pytest.fixture
def open_csv(tmp_path):
    def open_csv(text, target="y", **options):
        path = tmp_path / "table.csv"
        path.write_text(text)
        options = {"path": str(path), "target": target, **options}
        return CSV(CSV.Config.model_validate_json(json.dumps(options)))

    return open_csv


@pytest.fixture
def refusal(open_csv):
    """The problems of a table, without its path."""

    def refusal(text, *args, **options):
        with pytest.raises(DataError) as raised:
            open_csv(text, *args, **options)
        return str(raised.value).partition("table.csv")[2]

    return refusal


def settings_in(message):
    """Every setting that a message suggests, in order."""
    found = re.finditer(r'"([a-z_]+)": (?=[\[{"]|true|false)', message)
    settings, end = [], 0
    for match in found:
        if match.start() >= end:
            value, end = DECODER.raw_decode(message, match.end())
            settings.append({match[1]: value})
    return settings


def together(message):
    """The settings that solve all problems: those of the last line, or the only ones."""
    last = message.splitlines()[-1]
    part = last if last.startswith("  all of these settings together: ") else message
    return {key: value for setting in settings_in(part) for key, value in setting.items()}


@pytest.mark.parametrize("marker", MARKERS)
def test_a_missing_target_does_not_become_a_class(open_csv, refusal, marker):
    """Else the model learns to predict that the answer is missing."""
    text = f"a,y\n1,dog\n2,{marker}\n3,cat\n4,{marker}\n"
    message = refusal(text)
    assert message.startswith(
        f": column 'y' (the target) has 2 missing cells ({marker!r}; lines 3, 5); set"
        ' "columns": {"y": {"missing": "drop_row"}} to leave out these rows; if'
    )
    dropped, classes = settings_in(message)
    assert open_csv(text, **dropped).targets["target"].classes == ("cat", "dog")
    assert len(open_csv(text, **dropped)) == 2
    assert open_csv(text, **classes).targets["target"].classes == ("cat", "dog", marker)


@pytest.mark.parametrize("marker", MARKERS)
def test_a_missing_label_among_named_classes_is_allowed_by_its_name_alone(
    open_csv, refusal, marker
):
    text = f"a,y\n1,dog\n2,{marker}\n"
    _, classes = settings_in(refusal(text, classes=["dog"]))
    assert open_csv(text, **classes).targets["target"].classes == ("dog", marker)


@pytest.mark.parametrize("target_type", ["auto", "number"])
@pytest.mark.parametrize("marker", MARKERS)
def test_a_missing_number_in_the_target_is_called_missing(open_csv, refusal, marker, target_type):
    text = f"a,y\n1,2.5\n2,{marker}\n"
    message = refusal(text, target_type=target_type)
    assert message == (
        f": column 'y' (the target) has a missing cell ({marker!r}; line 3); set"
        ' "columns": {"y": {"missing": "drop_row"}} to leave out these rows'
    )
    (setting,) = settings_in(message)
    assert len(open_csv(text, **setting)) == 1


@pytest.mark.parametrize("marker", [*MARKERS, "NAN", "#N/A"])
def test_a_missing_feature_is_called_missing(open_csv, refusal, marker):
    text = f"a,b,y\n1,2,0\n{marker},2,0\n3,2,0\n"
    message = refusal(text)
    assert message == (
        f": column 'a' has a missing cell ({marker!r}; line 3);"
        ' set "columns": {"a": {"missing": "median"}} (or "mean", "most_frequent", "drop_row")'
    )
    (setting,) = settings_in(message)
    assert open_csv(text, **setting).gather([1]).inputs["input"].tolist() == [[2, 2]]
    for strategy in ("mean", "most_frequent", "drop_row"):
        open_csv(text, columns={"a": {"missing": strategy}})


PENGUINS = (
    "island,bill,sex,mass,depth,hatched,species\n"
    "Torgersen,39.1,male,3750,1.5,2007-11-11,Adelie\n"
    "Biscoe,NA,female,3800,high,2007-11-12,\n"
    "Dream,40.3,NA,inf,2.5,2007-11-31,Adelie\n"
    "Dream,41,male,3900,3,2007-11-14,Gentoo\n"
)


def test_all_columns_are_reported_at_once_with_the_settings_for_all(open_csv, refusal):
    message = refusal(PENGUINS, "species")
    drop = '{"missing": "drop_row"}'
    assert message.splitlines() == [
        ": 5 columns have cells that cannot be used:",
        '  column \'bill\' has a missing cell (\'NA\'; line 3); set "columns": {"bill": {"missing":'
        ' "median"}} (or "mean", "most_frequent", "drop_row")',
        "  column 'mass' has a number that is not finite ('inf'; line 4); correct these cells, or"
        ' remove their rows; to leave it out, set "columns": {"mass": "ignore"}',
        "  column 'depth' holds text ('high'; line 3); correct these cells, or set \"columns\":"
        ' {"depth": "category"}',
        "  column 'hatched' has a cell that is not a date ('2007-11-31'; line 4); correct these"
        ' cells, or set "columns": {"hatched": "category"}',
        "  column 'species' (the target) has a missing cell (''; line 3); set \"columns\":"
        f' {{"species": {drop}}} to leave out these rows; if \'\' is a class, set "classes":'
        ' ["Adelie", "Gentoo", ""]',
        '  all of these settings together: "columns": {"bill": {"missing": "median"}, "mass":'
        ' "ignore", "depth": "category", "hatched": "category", "species":'
        f" {drop}}}",
    ]
    assert len(open_csv(PENGUINS, "species", **together(message))) == 3


def test_settings_that_the_spec_has_stay_in_the_suggested_ones(open_csv, refusal):
    columns = {
        "mass": "ignore",
        "depth": "ignore",
        "hatched": "ignore",
        "bill": {"indicator": True},
    }
    message = refusal(PENGUINS, "species", columns=columns)
    settings = together(message)
    assert settings["columns"] == {
        **columns,
        "bill": {"indicator": True, "missing": "median"},
        "species": {"missing": "drop_row"},
    }
    assert len(open_csv(PENGUINS, "species", **settings)) == 3


def test_faults_in_dropped_rows_are_no_faults(open_csv):
    text = "a,y\n1,2\nx,\n3,4\n"
    data = open_csv(text, columns={"y": {"missing": "drop_row"}})
    assert [data.where(i).rpartition(" ")[2] for i in range(2)] == ["2", "4"]


def test_a_strategy_that_would_drop_every_row_is_not_suggested(refusal):
    message = refusal("a,y\n1,NA\n2,NA\n", target_type="class")
    assert "drop_row" not in message
    assert "drop_row" not in refusal("a,y\n1,NA\n2,NA\n")


def test_a_column_without_a_cell_is_left_out(open_csv, refusal):
    text = "a,b,y\n,1,0\n,2,1\n"
    assert refusal(text, features=["a", "b"]).endswith('; leave it out of "features"')
    message = refusal(text, columns={"a": "number"})
    assert open_csv(text, **together(message)).inputs["input"].names == ("b",)
    assert open_csv(text).inputs["input"].names == ("b",)


def test_without_a_header_the_setting_has_positions(open_csv, refusal):
    text = "1,1,0\n,2,0\n"
    message = refusal(text, 2, header=False)
    (setting,) = settings_in(message)
    assert setting == {"columns": {"0": {"missing": "median"}}}
    assert len(open_csv(text, 2, header=False, **setting)) == 2


@pytest.mark.parametrize(
    ("cells", "options"),
    [
        (["1,5", "2,5", "3"], {"decimal": ","}),
        (["1 500,5", "2 000"], {"decimal": ",", "thousands": " "}),
        (["1,500.5", "2,000", "3"], {"thousands": ","}),
        (["1.500,5", "2.000,25"], {"decimal": ",", "thousands": "."}),
    ],
)
def test_other_forms_of_numbers_are_recognized(open_csv, refusal, cells, options):
    text = "a;b;y\n" + "".join(f"{cell};2;0\n" for cell in cells)
    message = refusal(text, delimiter=";")
    assert "column 'a' holds text" in message
    suggested = {key: value for s in settings_in(message) for key, value in s.items()}
    assert suggested == options
    assert open_csv(text, delimiter=";", **suggested).gather([0]).inputs["input"][0, 1] == 2


def test_missing_cells_beside_decimal_commas(open_csv, refusal):
    text = "a;b;y\n1,5;2;0\n;3;1\n"
    settings = together(refusal(text, delimiter=";"))
    assert open_csv(text, delimiter=";", **settings).inputs["input"].shape == (2,)


def test_a_wide_table_does_not_flood_the_terminal(refusal):
    names = [f"c{i}" for i in range(200)]
    rows = [["1"] * 200, ["" if i % 2 else "1" for i in range(200)]]
    message = refusal("\n".join([f"{','.join(names)},y", *(f"{','.join(row)},0" for row in rows)]))
    assert "100 columns have cells" in message
    assert "and 80 more columns" in message
    assert len(message.splitlines()) < 30


def test_text_among_numbers_in_a_target_may_be_a_class(open_csv, refusal):
    text = "a,y\n1,1.5\n2,low\n3,2\n"
    (setting,) = settings_in(refusal(text))
    assert setting == {"target_type": "class"}
    data = open_csv(text, **setting)
    assert data.targets["target"].classes == ("2", "1.5", "low")


def test_text_and_missing_cells_in_a_target(open_csv, refusal):
    text = "a,y\n1,1.5\n2,low\n3,\n4,2\n"
    assert len(open_csv(text, **together(refusal(text)))) == 3


def test_faulty_weights_are_reported_with_the_rest(open_csv, refusal):
    text = "a,w,y\n,NA,0\n1,1,0\n2,1,0\n"
    message = refusal(text, weights="w")
    assert "column 'a' has a missing cell (''; line 2)" in message
    assert "column 'w' (the weights) has a missing cell ('NA'; line 2)" in message
    assert len(open_csv(text, weights="w", **together(message))) == 2
    assert "correct the weights, or remove their rows" in refusal("a,w,y\n1,x,0\n", weights="w")


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
    (setting,) = settings_in(refusal(text, target))
    assert setting == {"delimiter": delimiter}
    assert len(open_csv(text, target, **setting)) == 1


def test_a_header_that_the_spec_denies(open_csv, refusal):
    text = "a,b,y\n1,2,cat\n3,4,dog\n"
    options = {"target": -1, "header": False}
    assert (
        refusal(text, **options)
        .splitlines()[1]
        .endswith('if this line names the columns, set "header": true')
    )
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


CELLS = ["1", "2.5", "3", "", "NA", "x", "z", "inf", "1,5", "2012-01-31", "2012-02-30", "1_0"]


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.lists(st.sampled_from(CELLS), min_size=4, max_size=4), min_size=2, max_size=8),
    st.sampled_from([{}, {"b": "ignore"}, {"a": {"indicator": True}}]),
    st.sampled_from([None, ["a", "b"]]),
)
def test_suggestions_lead_to_a_table(open_csv, rows, columns, features):
    """Each message has another setting, until the table opens or only its cells can help."""
    if features and "b" in columns:
        features = ["a"]
    text = "a;b;w;y\n" + "".join(";".join(cells) + "\n" for cells in rows)
    options = {"delimiter": ";", "weights": "w", "columns": columns, "features": features}
    for _ in range(6):
        message = problem(open_csv, text, options)
        if message is None:
            return
        suggested = together(message)
        suggested.pop("classes", None)
        if not suggested:
            assert re.search(
                "correct|every cell|every row|every weight|least|leave it out", message
            )
            return
        assert {**options, **suggested} != options, message
        options |= suggested
    raise AssertionError("the suggestions do not lead to a table")


def problem(open_csv, text, options):
    """Return the message about a table, or None if it opens."""
    try:
        open_csv(text, **options)
    except DataError as error:
        return str(error)
    return None
