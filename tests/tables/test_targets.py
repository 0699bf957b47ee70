"""Targets: classes, numbers, several of them, and several labels of a sample."""

import json

import numpy as np
import pytest

from tinynet.errors import DataError

TEXT = "a,n,m,kind,tags,ok\n1,1.5,3,x,p|q,yes\n2,2.5,4,z,,no\n3,3.5,5,x,q,yes\n"


def everything(data):
    return {name: t.tolist() for name, t in data.gather(np.arange(len(data))).targets.items()}


def test_several_columns_of_numbers_are_one_target(open_csv):
    data = open_csv(TEXT, ["n", "m"], features=["a"])
    assert data.targets["target"].names == ("n", "m")
    assert everything(data) == {"target": [[1.5, 3], [2.5, 4], [3.5, 5]]}


def test_several_targets(open_csv):
    data = open_csv(TEXT, {"sort": "kind", "size": "n", "both": ["m"]}, features=["a"])
    assert data.targets["sort"].classes == ("x", "z")
    assert data.targets["both"].shape == (1,)
    assert everything(data) == {
        "sort": [0, 1, 0],
        "size": [1.5, 2.5, 3.5],
        "both": [[3], [4], [5]],
    }
    assert data.where_in("size", 1).endswith("line 3, column 'n'")


def test_targets_are_no_features(open_csv):
    data = open_csv(TEXT, {"sort": "kind", "size": ["n", "m"]}, columns={"tags": "ignore"})
    assert data.inputs["input"].names == ("a", "ok=no", "ok=yes")


def test_several_labels_of_a_sample(open_csv):
    columns = {"tags": {"separator": "|"}}
    with pytest.raises(DataError, match=r"column 'tags' \(the target\) has a missing cell"):
        open_csv(TEXT, "tags", columns=columns)
    data = open_csv(TEXT, "tags", columns={"tags": {"separator": "|", "missing": "drop_row"}})
    assert (data.targets["target"].names, data.targets["target"].dtype) == (("p", "q"), "float64")
    assert everything(data) == {"target": [[1, 1], [0, 1]]}


def test_a_missing_cell_may_mean_that_a_sample_has_no_labels(open_csv):
    columns = {"tags": {"separator": "|", "missing": "unknown"}}
    data = open_csv(TEXT, "tags", columns=columns)
    assert everything(data) == {"target": [[1, 1], [0, 0], [0, 1]]}
    with pytest.raises(DataError, match="if they have no labels") as raised:
        open_csv(TEXT, "tags", columns={"tags": {"separator": "|"}})
    setting = str(raised.value).partition(", or ")[2].partition(" if they")[0]
    assert json.loads(f"{{{setting}}}") == {"columns": columns}
    with pytest.raises(DataError, match="would train on invented targets"):
        open_csv(TEXT, "kind", columns={"kind": {"kind": "category", "missing": "unknown"}})


def test_one_class_in_two_spellings(open_csv):
    text = "a,y\n" + "".join(f"1,{cell}\n" for cell in ("1.0", "10", "1", "2.0", "10.0"))
    data = open_csv(text, target_type="class")
    assert data.targets["target"].classes == ("1", "2", "10")
    assert everything(data) == {"target": [0, 2, 0, 1, 2]}
    data = open_csv(text.replace("2.0", "02"), target_type="class")
    assert len(data.targets["target"].classes) == 5


def test_booleans_are_classes(open_csv):
    data = open_csv(TEXT, "ok", features=["a"])
    assert data.targets["target"].classes == ("no", "yes")


def test_integers_from_any_base_are_classes_in_order_of_value(open_csv):
    text = "a,y\n" + "".join(f"1,{i}\n" for i in (5, 1, 10, 2))
    for options in ({"target_type": "class"}, {"columns": {"y": "category"}}):
        data = open_csv(text, **options)
        assert data.targets["target"].classes == ("1", "2", "5", "10")
        assert everything(data) == {"target": [2, 0, 3, 1]}
    assert open_csv(text).targets["target"].classes is None


def test_the_categories_of_a_target_are_its_classes(open_csv):
    columns = {"kind": {"categories": ["z", "x", "w"]}}
    data = open_csv(TEXT, {"k": "kind", "n": "n"}, features=["a"], columns=columns)
    assert data.targets["k"].classes == ("z", "x", "w")
    with pytest.raises(DataError, match=r"\(the target 'k'\), line 3: 'z' is not one of the cl"):
        open_csv(TEXT, {"k": "kind"}, columns={"kind": {"categories": ["x", "w"]}})


def test_columns_of_one_target_are_numbers(open_csv):
    with pytest.raises(DataError, match=r"column 'kind' .* holds classes, but one") as raised:
        open_csv(TEXT, ["n", "kind"], features=["a"])
    target = json.loads(str(raised.value).partition('"target": ')[2])
    assert target == {"n": "n", "kind": "kind"}
    assert len(open_csv(TEXT, target, features=["a"])) == 3


def test_faults_name_the_target(open_csv):
    text = "a,n,m\n1,2,3\n1,x,3\n1,,3\n"
    with pytest.raises(DataError, match=r"column 'n' \(the target 'size'\) holds text"):
        open_csv(text, {"size": "n", "m": "m"})


def test_a_table_of_targets_alone_is_refused(open_csv):
    with pytest.raises(DataError, match="has only target columns"):
        open_csv("a,b\n1,2\n", ["a", "b"])
    with pytest.raises(ValueError, match="names no column"):
        open_csv("a,b\n1,2\n", {})
    with pytest.raises(DataError, match="column 'a' is used twice"):
        open_csv("a,b\n1,2\n", {"p": "a", "q": "a"})
