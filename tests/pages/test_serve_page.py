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

COLUMNS = (
    TableColumn("width", "number", (), 1.5),
    TableColumn("a color with a long name", "category", ("red", "<white>"), "red"),
)
OUTPUTS = {"output": {"shape": [2], "classes": ["rose", "lily"]}}


@pytest.fixture(scope="module", params=["table", "image", "text"])
def views(tmp_path_factory, request):
    """Return the findings of look.mjs about the page of a model."""
    pytest.importorskip("jinja2", reason="pages are made by jinja2")
    from tinynet.commands.serve.page import page_of

    if (node := shutil.which("node")) is None:
        pytest.skip("needs node, Chromium and `npm install` in tests/pages")
    inputs = {"input": {"shape": [8, 8], "dtype": "uint8"}}
    columns = COLUMNS if request.param == "table" else ()
    example = {column.name: column.example for column in columns} or "some words"
    model = Description("small", request.param, inputs, columns, OUTPUTS, (".csv",), example)
    page = tmp_path_factory.mktemp("pages") / "serve.html"
    page.write_text(page_of(model, Limits(), "run"), encoding="utf-8")
    result = subprocess.run([node, LOOK, page], capture_output=True, text=True, timeout=300)
    if result.returncode == NOT_INSTALLED:
        pytest.skip(result.stderr.strip())
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_is_wrong_in_any_view(views, view):
    found = views[view]
    assert found["console"] == []
    assert found["requests"] == []
    assert found["axe"] == []
    assert found["wide"] is None
