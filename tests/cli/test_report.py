"""`tinynet report`: one file that is complete, small, and loads nothing."""

import os
import re
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.extra


@pytest.fixture(autouse=True)
def _jinja2():
    pytest.importorskip("jinja2", reason="jinja2 is not installed")


def test_the_page_lies_in_the_run_folder(tinynet, run):
    result = tinynet("report", run)
    assert (result.code, result.err) == (0, "")
    page = Path(run) / "report.html"
    assert result.out.startswith(f"report: {page} (")
    text = page.read_text(encoding="utf-8")
    assert len(text.encode()) < 1_000_000
    assert text.startswith("<!DOCTYPE html>")
    assert text.rstrip().endswith("</html>")
    assert not re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", text)
    assert "Confusion matrix" in text


def test_json_has_the_figures_of_evaluate(tinynet, run):
    figures = tinynet("evaluate", run, "--json").json
    made = tinynet("report", run, "-o", "page.html", "--title", "Digits & more", "--json").json
    assert made["metrics"] == figures["metrics"]
    assert (made["split"], made["samples"], made["notices"]) == ("test", 180, [])
    assert made["predictions"] is True
    assert made["bytes"] == Path("page.html").stat().st_size
    assert "<title>Digits &amp; more" in Path("page.html").read_text(encoding="utf-8")


def test_a_folder_is_a_place_for_the_page(tinynet, run):
    Path("pages").mkdir()
    assert tinynet("report", run, "-o", "pages", "--split", "val").code == 0
    assert Path("pages/report.html").exists()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("-o", "nowhere/page.html"), 2, "nowhere is not a folder"),
        (("-o", "spec.json"), 2, "a report is written to a file that ends in .html"),
        (("-o", "-"), 2, "not written to stdout"),
        (("--split", "tset"), 2, "test"),
        (("--checkpoint", "none.msgpack"), 4, "none.msgpack"),
    ],
)
def test_bad_options(tinynet, run, words, code, message):
    result = tinynet("report", run, *words)
    assert result.code == code
    assert message in result.err
    assert not list(Path().glob("**/*.html"))


def test_a_missing_package_is_said_before_the_work(tinynet, run, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    result = tinynet("report", run)
    assert result.code == 2
    assert "pip install 'tinynet-core[report]'" in result.err


def test_a_run_without_its_data_says_so(tinynet, table_spec):
    assert tinynet("train", table_spec, "--run", "r", "--quiet").code == 0
    Path("table.csv").unlink()
    result = tinynet("report", "r")
    assert result.code == 0
    assert "note: The data cannot be opened, so the report has no predictions" in result.err
    assert "The data cannot be opened" in Path("r/report.html").read_text(encoding="utf-8")
    made = tinynet("report", "r", "--json")
    assert (made.code, made.json["predictions"]) == (0, False)
    assert "no predictions" in made.json["notices"][0]["text"]


def test_a_pipe_and_a_device_are_not_replaced(tinynet, run):
    """As root, `-o /dev/null` would destroy a device that the whole system needs."""
    os.mkfifo("pipe.html")
    result = tinynet("report", run, "-o", "pipe.html")
    assert (result.code, "is a pipe" in result.err) == (4, True)
    assert Path("pipe.html").is_fifo()


def test_a_missing_browser_is_one_sentence(tinynet, run, monkeypatch):
    monkeypatch.setenv("PATH", "")
    result = tinynet("report", run, "--open")
    page = (Path(run) / "report.html").resolve()
    assert result.code == 0
    assert result.err == (
        f"warning: no browser could be started here; open the page yourself: {page}\n"
    )


def test_nothing_that_is_no_run_becomes_a_report(tinynet):
    result = tinynet("report", "missing")
    assert result.code == 4
    assert not Path("missing").exists()
