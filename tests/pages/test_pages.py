"""Pages in Chromium: legible in every view, usable by keyboard, and without any request.

Needs jinja2, node, Chromium, and once `npm install` in this folder; skipped without them.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import tinynet
from tests.commands.report.example_content import example_content

LOOK = Path(__file__).with_name("look.mjs")
NOT_INSTALLED = 3
VIEWS = ("light", "dark", "narrow")

SPEC = {
    "tinynet": 1,
    "name": "small",
    "data": {"type": "digits", "split": {"validation": 60, "test": 1673}},
    "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
    "training": {"epochs": 2, "loss": "softmax_cross_entropy", "optimizer": {"type": "sgd"}},
}


def write_report(path):
    from tinynet.commands.report.page import render

    path.write_text(render(example_content()), encoding="utf-8")


def write_comparison(path):
    from tinynet.commands.runs.comparison import compare_runs
    from tinynet.commands.runs.page import write_page

    runs = [path.parent / f"run-{number}" for number in range(3)]
    for number, run in enumerate(runs, 1):
        rate = {"training.optimizer.learning_rate": 0.01 * number}
        tinynet.train(SPEC, run, overrides=rate)
    write_page(path, compare_runs(runs))


@pytest.fixture(scope="module", params=[write_report, write_comparison])
def views(request, tmp_path_factory):
    """Return the findings of look.mjs about a page."""
    pytest.importorskip("jinja2", reason="pages are made by jinja2")
    if (node := shutil.which("node")) is None:
        pytest.skip("needs node, Chromium and `npm install` in tests/pages")
    page = tmp_path_factory.mktemp("pages") / "page.html"
    if subprocess.run([node, LOOK], capture_output=True).returncode == NOT_INSTALLED:
        pytest.skip("needs Chromium and `npm install` in tests/pages")
    request.param(page)
    result = subprocess.run([node, LOOK, page], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


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
    assert views["light"]["keyboard"]["tooltip"].startswith("epoch ")


def test_tables_are_sorted_by_keyboard(views):
    rows = views["light"]["keyboard"]["sorted"]
    assert rows == sorted(rows, reverse=True)
    assert len(rows) > 1
