"""The page of a model: the facts about its outputs, and the classes that have colors in maps."""

import html
import json
import re

import pytest

from tinynet.commands.serve.description import Description
from tinynet.commands.serve.limits import Limits


def page(outputs):
    pytest.importorskip("jinja2", reason="pages are made by jinja2")
    from tinynet.commands.serve.page import page_of

    inputs = {"input": {"shape": [4, 4], "dtype": "uint8"}}
    model = Description("small", "arrays", inputs, (), outputs, (), [[0] * 4] * 4)
    return page_of(model, Limits(), "run")


def classes(text):
    return json.loads(html.unescape(re.search('data-classes="([^"]*)"', text)[1]))


def test_classes_of_a_map_are_named_and_keep_their_colors():
    """The color of a class would otherwise differ between two predictions."""
    text = page({"output": {"shape": [4, 4, 2], "classes": ["<ground>", "\n"]}})
    assert "4 x 4 positions, each of 2 classes: &lt;ground&gt;, &#34;\\n&#34;" in text
    assert classes(text) == {"": ["<ground>", "\n"]}


def test_outputs_of_a_model_with_several_are_told_apart():
    outputs = {"kind": {"shape": [3], "classes": ["a", "b", "c"]}, "area": {"shape": [1]}}
    text = page(outputs)
    assert "3 classes: a, b, c" in text
    assert classes(text) == {"kind": ["a", "b", "c"]}


def test_classes_of_a_large_vocabulary_do_not_enlarge_the_page():
    names = [f"word{number}" for number in range(5000)]
    text = page({"output": {"shape": [4, 5000], "classes": names}})
    assert classes(text) == {}
    assert "4 positions, each of 5,000 classes: word0," in text
