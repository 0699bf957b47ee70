"""The page of a report: everything that the content holds, and nothing that runs or is loaded."""

import dataclasses
import re
from html.parser import HTMLParser

import pytest

from tinynet.commands.report.content import ConfusionMatrix, Sample, Samples
from tinynet.commands.report.matrix import matrix_view
from tinynet.commands.report.page import render, sample_table

from .example_content import example_content

needs_jinja2 = pytest.mark.extra
HOSTILE = " <img src=x onerror=alert(1)><script>alert(1)</script>\"'&\x00\x1b[31m\u202e"
VOID = {"meta", "link", "img", "input", "br"}


class Page(HTMLParser):
    """The tags, ids and links of a page, and an error for tags that are not closed in order."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.ids, self.links, self.text = [], [], [], [], []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.links += [attrs[key] for key in ("href", "src") if key in attrs]
        assert not any(name.startswith("on") for name in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def html():
    pytest.importorskip("jinja2", reason="pages are made by jinja2")
    return render(example_content())


@needs_jinja2
def test_every_section_is_in_the_page_and_in_its_contents(html):
    page = Page(html)
    sections = [link.removeprefix("#") for link in page.links if link.startswith("#")]
    assert set(sections) <= set(page.ids)
    assert len(sections) == html.count("<section ") + 1
    assert len(page.ids) == len(set(page.ids))


@needs_jinja2
@pytest.mark.parametrize(
    "text",
    [
        "Finished after 20 of 20 epochs; the best is epoch 17.",
        "test split, 360 samples, epoch 17",
        "Resumed once, after epoch 9.",
        "Most frequent confusions",
        "Percent of the true class",
        "penguins.csv, line 3",
        "temperature 0.8",
        "conv2d_1/weight",
        "10 before epoch 9",
        "tinynet resume runs/digits-cnn-001",
    ],
)
def test_the_content_can_be_read_without_scripts(html, text):
    page = Page(re.sub("<script>.*?</script>", "", html, flags=re.DOTALL))
    assert text in "".join(page.text)


@needs_jinja2
def test_the_page_is_small_and_loads_nothing(html):
    assert len(html.encode()) < 300_000
    assert all(link.startswith(("#", "data:")) for link in Page(html).links)
    assert "url(" not in html
    assert "@import" not in html


@needs_jinja2
def test_names_from_a_run_of_others_stay_text():
    pytest.importorskip("jinja2", reason="pages are made by jinja2")
    plain, hostile = Page(render(example_content())), render(example_content(HOSTILE))
    assert Page(hostile).tags == plain.tags
    assert not set(hostile) & set("\x00\x1b\u202e")
    assert hostile.count("<script") == 1


@needs_jinja2
def test_a_run_without_log_data_and_predictions_has_a_page():
    pytest.importorskip("jinja2", reason="pages are made by jinja2")
    content = dataclasses.replace(
        example_content(), training=None, data=None, outputs=(), network=None, statistics=None
    )
    sections = re.findall(r'<section id="([^"]*)"', render(content))
    assert sections == ["spec", "origin"]


@needs_jinja2
def test_one_output_needs_no_name_in_the_heading():
    pytest.importorskip("jinja2", reason="pages are made by jinja2")
    content = example_content()
    page = render(dataclasses.replace(content, outputs=content.outputs[:1]))
    assert '<h2 id="output-1-heading">Predictions</h2>' in page


def test_confusions_are_shares_of_the_true_class():
    view = matrix_view(ConfusionMatrix(("cat", "dog"), ((3, 1), (0, 0))))
    assert [[cell.percent for cell in row.cells] for row in view.rows] == [
        ["75.0", "25.0"],
        ["0.0", "0.0"],
    ]
    assert view.rows[0].cells[0].count == "3"


def test_long_names_of_classes_are_cut_and_upright():
    view = matrix_view(ConfusionMatrix(("a" * 50, *"bcdef"), ((0,) * 6,) * 6))
    assert len(view.classes[0]) == 20
    assert view.upright


def test_columns_that_no_sample_fills_are_left_out():
    sample = Sample("a.csv, line 2", "1", "2", 1.0, cells=("x", ""))
    table = sample_table(Samples("Worst", "loss", (sample,), ("island", "sex")))
    assert table.columns == ("true", "predicted", "loss", "island", "sample")
    assert table.rows == (("1", "2", 1.0, "x", "a.csv, line 2"),)
