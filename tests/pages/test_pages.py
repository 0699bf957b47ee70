"""Pages in Chromium: legible in every view, usable by keyboard, and without any request.

Needs jinja2, node, Chromium, and once `npm install` in this folder; skipped without them.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.commands.report.example_content import example_content

LOOK = Path(__file__).with_name("look.mjs")
NOT_INSTALLED = 3


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    """Return the findings of look.mjs about the page of a report."""
    pytest.importorskip("jinja2", reason="pages are made by jinja2")
    from tinynet.commands.report.page import render

    if (node := shutil.which("node")) is None:
        pytest.skip("needs node, Chromium and `npm install` in tests/pages")
    page = tmp_path_factory.mktemp("pages") / "report.html"
    page.write_text(render(example_content()), encoding="utf-8")
    result = subprocess.run([node, LOOK, page], capture_output=True, text=True, timeout=300)
    if result.returncode == NOT_INSTALLED:
        pytest.skip(result.stderr.strip())
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


VIEWS = ("light", "dark", "narrow")


@pytest.mark.parametrize("view", VIEWS)
def test_the_console_is_empty_and_nothing_is_requested(views, view):
    assert views[view]["console"] == []
    assert views[view]["requests"] == []


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing(views, view):
    assert views[view]["axe"] == []


@pytest.mark.parametrize("view", VIEWS)
def test_the_page_is_no_wider_than_the_window(views, view):
    assert views[view]["wide"] is None


def test_values_of_charts_are_at_hand_by_keyboard(views):
    assert "epoch 19" in views["light"]["keyboard"]["tooltip"]


def test_tables_are_sorted_by_keyboard(views):
    rows = views["light"]["keyboard"]["sorted"]
    assert rows[:2] == ["9", "8"]
