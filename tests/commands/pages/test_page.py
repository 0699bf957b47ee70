"""Pages: one file that works offline, and in which names from files stay text."""

import base64
import hashlib
import re

import pytest

from tinynet.commands.pages.page import TEMPLATES, frame_of, render_page
from tinynet.commands.report.charts import Fact, Figure, Line, LineChart, Picture, Table
from tinynet.errors import UsageError

HOSTILE = "<script>alert(1)</script>\"'&\x1b[31m\u202e"
ALL_PARTS = """
{% extends "base.html.j2" %}
{% import "parts.html.j2" as parts %}
{% block main %}
<section id="all"><h2>{{ title }}</h2>
{{ parts.figures(figures) }}{{ parts.facts(facts) }}{{ parts.table(table, sortable=true) }}
{{ parts.charts([chart]) }}{{ parts.gallery([picture]) }}
</section>
{% endblock %}
"""


def values(name):
    return {
        "title": name,
        "contents": [("all", name)],
        "figures": [Figure(name, 0.5, name)],
        "facts": [Fact(name, name)],
        "table": Table((name, "n"), tuple((name, n) for n in range(4)), title=name, note=name),
        "chart": LineChart(name, name, name, (Line(name, (1, 2), (3.0, 4.0)),), note=name),
        "picture": Picture(b"\x89PNG", 8, 8, name, name),
    }


@pytest.fixture
def template(tmp_path):
    path = tmp_path / "all.html.j2"
    path.write_text(ALL_PARTS, encoding="utf-8")
    return path


@pytest.fixture
def page(template):
    pytest.importorskip("jinja2", reason="pages are made by jinja2")
    return render_page(template, values(HOSTILE), purpose="a test")


@pytest.mark.extra
def test_names_from_files_stay_text(page):
    scripts = re.findall(r"<script[^>]*>", page)
    assert scripts == ["<script>"]
    assert not set(page) & set("\x1b\u202e")
    assert "\\x1b[31m\\u202e" in page  # the escapes of the terminal


@pytest.mark.extra
def test_nothing_is_loaded(page):
    urls = re.findall(r"(?:src|href)=\"([^\"]*)\"|url\(([^)]*)\)|@import", page)
    assert all(url.startswith(("data:", "#")) for pair in urls for url in pair if url)
    assert "default-src &#39;none&#39;" in page


@pytest.mark.extra
def test_a_wrong_name_in_a_template_is_an_error(template):
    jinja2 = pytest.importorskip("jinja2", reason="pages are made by jinja2")
    template.write_text('{% extends "base.html.j2" %}{% block main %}{{ nothing }}{% endblock %}')
    with pytest.raises(jinja2.UndefinedError, match="nothing"):
        render_page(template, {"title": ""}, purpose="a test")


def test_a_missing_package_is_named(template, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    with pytest.raises(UsageError, match=r"tinynet report needs the package jinja2: pip install"):
        render_page(template, {}, purpose="tinynet report")


def test_only_the_scripts_of_the_page_may_run():
    own = (TEMPLATES / "script.js").read_bytes()
    digest = base64.b64encode(hashlib.sha256(own).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in frame_of().policy


def test_only_a_served_page_may_make_requests():
    assert "connect-src 'none'" in frame_of().policy
    assert "connect-src 'self'" in frame_of(connect=True).policy


def test_text_is_readable_in_both_color_schemes():
    """The contrast of text on each of its backgrounds is that of WCAG AA."""
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    light, dark = style.partition("prefers-color-scheme")[::2]
    for scheme in (light, dark):
        colors = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", scheme))
        for ground in ("page", "panel"):
            for text in ("ink", "muted", "accent", "good", "warn", "bad"):
                assert contrast(colors[text], colors[ground]) >= 4.5, (text, ground)
            for series in range(1, 9):
                assert contrast(colors[f"s{series}"], colors[ground]) >= 3, (series, ground)
        assert contrast(colors["ink"], colors["warn-panel"]) >= 4.5
        assert contrast(colors["ink"], colors["bar"]) >= 4.5


def contrast(one, other):
    """Return the ratio of the luminances of two colors, as WCAG defines it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(color):
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(a * b for a, b in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.extra
def test_long_names_of_lines_are_cut_in_the_middle(template):
    """A name of 300 characters would make the whole page scroll sideways."""
    pytest.importorskip("jinja2", reason="pages are made by jinja2")
    name = "a" * 300 + "end"
    lines = (Line(name, (1, 2), (3.0, 4.0)), Line("b", (1, 2), (3.0, 4.0)))
    content = {**values("x"), "chart": LineChart("Loss", "epoch", "loss", lines)}
    page = render_page(template, content, purpose="a test")
    assert f'<span title="{name}">{"a" * 24}…{"a" * 20}end</span>' in page
    assert f'class="number wordy" title="{name}">{"a" * 16}…{"a" * 12}end</th>' in page
