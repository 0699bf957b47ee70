"""Images with targets in a table."""

import pytest

from tinynet.errors import DataError

pytest.importorskip("PIL.Image", reason="images need Pillow")

from .image_files import everything, levels, open_folder, save


@pytest.fixture
def flat(tmp_path):
    """A folder of three images, and a table."""
    for name, level in (("a", 10), ("b", 20), ("in/c", 30)):
        save(tmp_path / f"flat/{name}.png", level)
    table = tmp_path / "labels.csv"
    table.write_text(
        "file,kind,x,y\nin/c.png,red,1,4\na.png,blue,2.5,5\nb.png,red,3,6\n", encoding="utf-8"
    )
    return {"path": tmp_path / "flat", "table": table}


def test_a_table_names_files_and_classes(flat):
    data = open_folder(**flat, target="kind")
    assert levels(data) == [30, 10, 20]
    assert data.targets["target"].classes == ("blue", "red")
    assert everything(data).targets["target"].tolist() == [1, 0, 1]
    assert data.where(0) == str(flat["path"] / "in/c.png")
    assert data.where_in("target", 1) == f"{flat['table']}, line 3, column 'kind'"


def test_several_columns_are_one_target_of_numbers(flat):
    data = open_folder(**flat, target=("x", "y"))
    assert data.targets["target"].names == ("x", "y")
    assert everything(data).targets["target"].tolist() == [[1, 4], [2.5, 5], [3, 6]]


def test_several_targets(flat):
    data = open_folder(**flat, target={"kind": "kind", "place": ("x", "y")})
    targets = everything(data).targets
    assert targets["kind"].tolist() == [1, 0, 1]
    assert targets["place"].tolist() == [[1, 4], [2.5, 5], [3, 6]]


def test_several_labels_of_a_cell(flat):
    flat["table"].write_text("file,tags\na.png,big|red\nb.png,red\n", encoding="utf-8")
    columns = {"tags": {"kind": "category", "separator": "|"}}
    data = open_folder(**flat, target="tags", columns=columns)
    assert data.targets["target"].names == ("big", "red")
    assert everything(data).targets["target"].tolist() == [[1, 1], [0, 1]]
    flat["table"].write_text("file,tags\nb.png,red\n", encoding="utf-8")
    again = open_folder(**flat, target="tags", columns=columns, inferred=data.inferred)
    assert everything(again).targets["target"].tolist() == [[0, 1]]


def test_rows_without_a_target_are_dropped_on_request(flat):
    flat["table"].write_text("file,x\na.png,\nb.png,3\n", encoding="utf-8")
    data = open_folder(**flat, target="x", columns={"x": {"missing": "drop_row"}})
    assert levels(data) == [20]
    assert data.where_in("target", 0) == f"{flat['table']}, line 3, column 'x'"


def test_a_table_separated_by_tabs(flat):
    table = flat["table"].with_suffix(".tsv")
    table.write_text("file\tkind\na.png\tred\n", encoding="utf-8")
    assert levels(open_folder(path=flat["path"], table=table, target="kind")) == [10]


def test_columns_group_a_split(flat):
    (flat["path"] / "a.png").write_bytes(b"")
    data = open_folder(**flat, target="x", skip_broken=True)
    assert data.column_values("kind").tolist() == ["red", "red"]
    assert data.column_values("y").tolist() == [4, 6]
    with pytest.raises(DataError, match="there is no column 'kinds'; did you mean 'kind'"):
        data.column_values("kinds")


def test_images_that_the_table_lacks_are_noted(flat):
    save(flat["path"] / "new.png")
    data = open_folder(**flat, target="kind")
    assert len(data) == 3
    note = f"{flat['path']}: images that are not in {flat['table']}: new.png"
    assert data.description()[-1] == note


def test_ending_is_appended_to_the_names(flat):
    flat["table"].write_text("id,kind\na,red\nb,blue\n", encoding="utf-8")
    with pytest.raises(DataError, match=r'a \(line 2\), b \(line 3\); .*set "ending": "\.png"'):
        open_folder(**flat, target="kind")
    assert levels(open_folder(**flat, target="kind", ending=".png")) == [10, 20]


def test_all_files_that_do_not_exist_are_listed(flat):
    rows = "".join(f"no{i}.png,red\n" for i in range(12))
    flat["table"].write_text(f"file,kind\na.png,red\n{rows}../a.png,red\n,red\n", encoding="utf-8")
    with pytest.raises(DataError) as raised:
        open_folder(**flat, target="kind")
    names, missing = str(raised.value).split("\n")
    assert "cells are not names of files inside" in names
    assert "'../a.png' (line 15), '' (line 16); correct them" in names
    assert "no such files in" in missing
    assert "no0.png (line 3), no1.png (line 4)" in missing
    assert "and 2 more; add the files, remove the rows, or name another column" in missing


def test_all_faulty_targets_are_listed(flat):
    flat["table"].write_text("file,x,y\na.png,1,NA\nb.png,,2\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"(?s)column 'x' \(the target\) .*column 'y' .*drop_row"):
        open_folder(**flat, target=("x", "y"))


def test_other_tables_have_the_classes_of_a_run(flat):
    targets = {"kind": "kind", "x": "x"}
    recorded = open_folder(**flat, target=targets).inferred
    assert recorded == {"classes": {"kind": ["blue", "red"]}}
    flat["table"].write_text("file,kind,x\na.png,red,1\n", encoding="utf-8")
    assert everything(open_folder(**flat, target=targets, inferred=recorded)).targets["kind"] == [1]
    flat["table"].write_text("file,kind,x\na.png,green,1\n", encoding="utf-8")
    with pytest.raises(DataError, match="'green' is not one of the classes"):
        open_folder(**flat, target=targets, inferred=recorded)
