"""The page of `tinynet serve` in Chromium: legible in every view, and without any request.

Needs jinja2, node, Chromium, and once `npm install` in this folder; skipped without them.
"""

import json
import shutil
import subprocess

import pytest

from tests.pages.test_pages import LOOK, NOT_INSTALLED, VIEWS
from tinynet.commands.serve.description import Description, TableColumn
from tinynet.commands.serve.limits import Limits

PREDICT = LOOK.with_name("predict.mjs")
COLUMNS = (
    TableColumn("width", "number", (), 1.5),
    TableColumn("a color with a long name", "category", ("red", "<white>"), "red"),
)
OUTPUTS = {"output": {"shape": [2], "classes": ["rose", "lily"]}}


@pytest.fixture(scope="module", params=["table", "image", "text"])
def page_of_model(tmp_path_factory, request):
    """Return the kind of a model, node and the page."""
    pytest.importorskip("jinja2", reason="pages are made by jinja2")
    from tinynet.commands.serve.page import page_of

    if (node := shutil.which("node")) is None:
        pytest.skip("needs node, Chromium and `npm install` in tests/pages")
    if subprocess.run([node, LOOK], capture_output=True).returncode == NOT_INSTALLED:
        pytest.skip("needs Chromium and `npm install` in tests/pages")
    inputs = {"input": {"shape": [8, 8], "dtype": "uint8"}}
    columns = COLUMNS if request.param == "table" else ()
    example = {column.name: column.example for column in columns} or "some words"
    model = Description("small", request.param, inputs, columns, OUTPUTS, (".csv",), example)
    page = tmp_path_factory.mktemp("pages") / "serve.html"
    page.write_text(page_of(model, Limits(), "run"), encoding="utf-8")
    return request.param, node, page


@pytest.fixture(scope="module")
def views(page_of_model):
    """Return the findings of look.mjs about the page of a model."""
    _, node, page = page_of_model
    result = subprocess.run([node, LOOK, page], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_is_wrong_in_any_view(views, view):
    found = views[view]
    assert found["console"] == []
    assert found["requests"] == []
    assert found["axe"] == []
    assert found["wide"] is None


PIXELS = [["ground", "shape", "ground"], ["<b>sky</b>", "shape", "shape"]]
ANSWERS = {
    "table": [
        {"samples": 2, "columns": ["sample", "label"], "warnings": ["one <row> was cut"],
         "records": [{"sample": 0, "label": "rose"}, {"sample": 1, "label": "lily"}]},
        {"error": {"type": "DataError", "message": "no rows"}},
    ],
    "image": [
        {"samples": 1, "columns": ["sample", "labels", "probabilities"], "records": [
            {"sample": 0, "labels": PIXELS, "probabilities": [[[0.5, 0.5]] * 3] * 2}]},
        {"samples": 2, "columns": ["file", "area", "kind/labels", "kind/outputs"], "records": [
            {"file": name, "area": 1.5, "kind/labels": [[["a", "b"]]], "kind/outputs": [[[1, 0]]]}
            for name in ("a.png", "b.png")]},
    ],
    "text": [
        {"samples": 1, "columns": ["sample", "labels", "tokens", "probabilities"], "records": [
            {"sample": 0, "labels": ["UNIT", " "], "tokens": ["cups", "of"],
             "probabilities": [[0.75, 0.25], [0.4, 0.6]]}]},
        {"samples": 1, "columns": ["sample", "labels", "p(a)", "p(b)"], "records": [
            {"sample": 0, "labels": ["a", "b"], "p(a)": 0.75, "p(b)": 0.75}]},
    ],
}  # fmt: skip
SHOWN = {
    "table": [["one <row> was cut", "sample label", "0 rose", "1 lily"], ["no rows"]],
    "image": [
        ["class positions share", "ground 2 33.3%", "shape 3 50.0%", "<b>sky</b> 1 16.7%"],
        ["file area", "a.png 1.5", "b.png 1.5"]
        + [
            line
            for name in ("a.png", "b.png")
            for line in (f"file {name}", "kind", "class positions share", "a 1 50.0%", "b 1 50.0%")
        ],
    ],
    "text": [["cups UNIT 0.75", 'of " " 0.60'], ["labels p(a) p(b)", "a, b 0.7500 0.7500"]],
}
MAPS = {"image": [[{"width": 3, "height": 2, "colors": 3, "shown": 222}], []]}


@pytest.fixture(scope="module")
def used(page_of_model, tmp_path_factory):
    """Return the findings of predict.mjs about the page of a model."""
    kind, node, page = page_of_model
    answers = tmp_path_factory.mktemp("answers") / "answers.json"
    answers.write_text(json.dumps(ANSWERS[kind]))
    command = [node, PREDICT, page, answers]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    return kind, json.loads(result.stdout)


def test_predictions_are_legible(used):
    """A map of classes in one cell of a table, as lists of lists, could not be read."""
    kind, result = used
    assert result["errors"] == []
    for number, found in enumerate(result["found"]):
        for form in found["forms"]:
            lines = [" ".join(line.split()) for line in form["text"].splitlines()]
            assert [line for line in lines if line] == SHOWN[kind][number]
            assert form["maps"] == MAPS.get(kind, [[], []])[number]


def test_predicting_by_keyboard_keeps_the_focus(used):
    _, result = used
    assert all(form["hasFocus"] for found in result["found"] for form in found["forms"])


def test_nothing_is_wrong_with_an_answer_in_every_form(used):
    _, result = used
    for found in result["found"]:
        assert found["axe"] == []
        assert found["wide"] is None
