"""Tables as people have them: `tinynet init` finds the settings, or says which one is needed."""

import json

import pytest

from tinynet.commands.init.new_spec import new_spec
from tinynet.errors import UsageError


@pytest.fixture
def made(tmp_path):
    """Return the data of the spec, and the notes, for the text of a table with the target y."""

    def make(text, name="t.csv", **choices):
        (tmp_path / name).write_text(text)
        result = new_spec(
            tmp_path / name, tmp_path / "s.json", targets=["y"], force=True, **choices
        )
        return json.loads(result.text)["data"], " | ".join(result.notes)

    return make


def rows(form, count=60):
    """Return lines of a table; the form has the number of the row, and a label."""
    return "".join(form(i, "ab"[i % 2]) + "\n" for i in range(count))


def test_the_detected_form_is_printed(made):
    data, notes = made("x;y\n" + rows(lambda i, y: f"0,{465 + i};{y}"))
    assert 'delimiter ";", decimal ","' in notes
    assert (data["delimiter"], data["decimal"]) == (";", ",")


def test_a_missing_header_is_noted(tmp_path):
    (tmp_path / "t.csv").write_text(rows(lambda i, y: f"{i % 9}.5,{i % 7}.25,{y}"))
    notes = new_spec(tmp_path / "t.csv", tmp_path / "s.json", targets=["-1"]).notes
    assert "no header row was found; --header if there is one" in notes


def test_rare_cells_that_are_no_numbers_are_missing_values(made):
    text = "x,u,y\n" + rows(
        lambda i, y: f"{'.' if i % 9 == 0 else i % 8},{'inf' if i % 11 == 0 else i},{y}"
    )
    data, notes = made(text)
    assert {".", "inf", "NA"} <= {*data["missing_values"]}
    assert "'.' in column 'x' are missing values" in notes
    assert data["columns"]["x"]["missing"] == "median"


def test_dates_that_may_start_with_day_or_month_need_a_format(made):
    text = "when,n,y\n" + rows(
        lambda i, y: f"0{1 + i % 9}/0{1 + i % 8}/{1990 + i % 30},{i % 5},{y}"
    )
    data, notes = made(text)
    assert data["columns"]["when"] == "ignore"
    assert "'when' is not used" in notes
    assert "%d/%m/%Y" in notes
    columns = {"when": {"kind": "date", "format": "%d/%m/%Y"}}
    data, _ = made(text, overrides={"data.columns": columns})
    assert data["columns"]["when"] == columns["when"]


def test_dates_of_one_possible_format_are_read(made):
    text = "when,y\n" + rows(lambda i, y: f"{1 + i % 28}-08-{1990 + i % 30},{y}")
    assert made(text)[0]["columns"]["when"] == {"kind": "date", "format": "%d-%m-%Y"}
    text = "when,y\n" + rows(lambda i, y: f"Jan-{1 + i % 28}-{1990 + i % 30},{y}")
    assert made(text)[0]["columns"]["when"] == {"kind": "date", "format": "%b-%d-%Y"}


@pytest.mark.parametrize("form", ["XII-{d}-{y}", "0{m}/0{m}/{y}"])
def test_without_other_columns_the_message_has_the_option(made, form):
    date = [form.format(d=1 + i % 28, m=1 + i % 9, y=1990 + i % 30) for i in range(60)]
    with pytest.raises(UsageError, match=r"no column to predict from; 'when': .* --set 'data\.col"):
        made("when,y\n" + rows(lambda i, y: f"{date[i]},{y}"))


def test_a_text_table_names_the_columns_that_are_not_used(made):
    data, notes = made(
        "id,title,review,y\n" + rows(lambda i, y: f"{i},t{i},the {i} film was {i},{y}")
    )
    assert data["features"] == {"input": "review"}
    assert "only the words of 'review' are used, not 'id', 'title'" in notes


def test_a_target_of_one_value_is_refused(made):
    for value in ("a", "3"):
        with pytest.raises(UsageError, match="the target 'y' has one value only"):
            made("x,y\n" + rows(lambda i, y, value=value: f"{i % 8},{value}"))


def test_a_column_without_a_name_is_not_used(made):
    data, notes = made(",x,y\n" + rows(lambda i, y: f"r{i % 8},{i % 7}.5,{y}"))
    assert data["columns"][""] == "ignore"
    assert "it has no name" in notes


def test_any_file_with_a_target_is_a_table(made):
    data, _ = made("x y\n" + rows(lambda i, y: f"{i % 8} {y}"), "t.txt")
    assert (data["type"], data["delimiter"]) == ("csv", " ")


def test_a_pattern_names_several_files(made, tmp_path):
    (tmp_path / "p-1.csv").write_text("x,y\n" + rows(lambda i, y: f"{i % 8},{y}"))
    (tmp_path / "p-2.csv").write_text("x,y\n" + rows(lambda i, y: f"{i % 8},{y}"))
    result = new_spec(tmp_path / "p-*.csv", tmp_path / "new" / "s.json", targets=["y"])
    assert sum(result.samples) == 120
    assert result.path.exists(), "the folder of the output is made"


def test_a_folder_of_parquet_files_has_no_nested_columns(tmp_path):
    arrow = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet needs pyarrow")
    (tmp_path / "parts").mkdir()
    labels = ["ab"[i % 2] for i in range(40)]
    table = arrow.table({"x": [i * 0.5 for i in range(40)], "l": [[1, 2]] * 40, "y": labels})
    for part in range(2):
        parquet.write_table(table, tmp_path / "parts" / f"{part}.parquet")
    result = new_spec(tmp_path / "parts", tmp_path / "s.json", targets=["y"])
    assert sum(result.samples) == 80
    assert "nested columns are not used: 'l'" in result.notes


def test_a_column_of_images_leads_to_image_folder(made, tmp_path):
    (tmp_path / "pics").mkdir()
    for i in range(30):
        (tmp_path / "pics" / f"{i}.png").touch()
    _, notes = made("file,n,y\n" + rows(lambda i, y: f"{i}.png,{i % 5},{y}", 30))
    assert '"type": "image_folder"' in notes
    assert '"path": "pics"' in notes
    with pytest.raises(UsageError, match=r"'file' names images.*image_folder"):
        made("file,y\n" + rows(lambda i, y: f"{i}.png,{y}", 30))


@pytest.mark.parametrize("name", ["t.conll", "t.tsv"])
def test_tokens_with_tags_have_a_tagger(tmp_path, name):
    sentence = "the\tO\nbig\tO\ncat\tB\n\n"
    (tmp_path / name).write_text(sentence * 30)
    result = new_spec(tmp_path / name, tmp_path / "s.json")
    assert json.loads(result.text)["data"]["type"] == "conll"
    assert sum(result.samples) == 30
