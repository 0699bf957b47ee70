"""Specs in YAML: the same values, places and limits as in JSON."""

import json
from contextlib import suppress
from pathlib import Path

import pytest

pytest.importorskip("ruamel.yaml", reason="ruamel.yaml is not installed")

from hypothesis import given
from hypothesis import strategies as st

import tinynet
from tinynet.commands.init.yaml_text import format_yaml
from tinynet.errors import SpecError
from tinynet.text.document import Document
from tinynet.text.places import MAX_DEPTH, MAX_LENGTH
from tinynet.text.yaml_document import YamlDocument

pytestmark = pytest.mark.extra

MODELS = sorted((Path(__file__).parents[2] / "models").glob("*.json"))

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(TEXTS, parts, max_size=4),
    max_leaves=12,
)


@given(VALUES.filter(lambda value: value not in (float("inf"), float("-inf"))))
def test_what_is_written_is_read(value):
    try:
        text = json.dumps(value, allow_nan=False)
    except ValueError:
        return
    assert YamlDocument(format_yaml(value)).value == json.loads(text)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_json_is_yaml_with_the_same_values_and_places(path):
    """So a JSON spec may be pasted into a YAML file."""
    text = path.read_text()
    one, two = Document(text), YamlDocument(text)
    assert one.value == two.value
    for pointer in ("/network/layers/0", "/training/optimizer", "/data/type"):
        assert one.locate(pointer, key=True) == two.locate(pointer, key=True)
        assert one.locate(pointer) == two.locate(pointer)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1E3", 1000.0),
        (".5", 0.5),
        ("-3", -3),
        ("yes", "yes"),
        ("off", "off"),
        ("True", True),
        ("~", None),
        ("2024-01-01", "2024-01-01"),
        ("1_000", "1_000"),
        ("0x1F", 31),
        ("0o17", 15),
        ("'0x1F'", "0x1F"),
        ("-0x1F", "-0x1F"),
        ("1:30", "1:30"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("|\n  two\n  lines\n", "two\nlines\n"),
        ("{a: }", {"a": None}),
        ("{1: one}", {"1": "one"}),
        ("# a comment\n[a, b] # another", ["a", "b"]),
        ("\ufeff[1]", [1]),
    ],
)
def test_values(text, value):
    read = YamlDocument(text).value
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1:1: the file is empty"),
        ("# only a comment\n", "the file is empty"),
        ("a: 1\nb: 2\na: 3\n", "3:1: /a: the key 'a' is written twice; keep one of the two"),
        ("a: &x 1", "1:4: the anchor &x is not supported"),
        ("a: 1\nb: *x", "2:4: the alias \\*x is not supported"),
        ("<<: {a: 1}", '1:1: the merge key "<<" is not supported'),
        ("a: !!python/object:os.system x", "the tag .* is not supported"),
        ("[1, 2]: 3", "a key must be text"),
        ("a: .nan", "1:4: .nan is not a number of a spec"),
        ("a: 1e999", "1:4: 1e999 is too large"),
        ("a: 007", '1:4: 007 has leading zeros; write "007" for a text, or 7'),
        ("a: 1\n---\nb: 2", "a second document starts here"),
        ("a:\n\tb: 1", "2:1: not YAML: .*; indent with spaces"),
        ("a: b: c", "1:5: not YAML: mapping values are not allowed here; put text with a colon"),
        ("a: [1, 2", "not YAML: .*expected ',' or ']'"),
        ('a: 1\nb: "x\nc: 2\n', "2:4: not YAML: .*; close the quote that opens here"),
        ("a: {type: relu\nb: 1\n", "1:4: not YAML: .*; close the { that opens here"),
        ("a: [1, 2\nb: 1\n", "1:4: not YAML: .*; close the \\[ that opens here"),
        ("a: {b: 1 c: 2}", "1:11: not YAML: "),
        ("a: 1\n\xa0b: 2", "2:1: a space of another kind .U.00A0. stands beside the key 'b'"),
        ("a: \x07", "not YAML: special characters are not allowed"),
        ("[" * (MAX_DEPTH + 2), f"nested at most {MAX_DEPTH} deep"),
        ("[" * 500_000, f"nested at most {MAX_DEPTH} deep"),
        (f"[{'1,' * (MAX_LENGTH + 1)}]", f"at most {MAX_LENGTH:,} elements"),
        ("x" * 2**21, "a spec has at most"),
        (b"a: \xff", "not UTF-8"),
        (f"a: {'9' * 400}", "an integer of 400 digits is too large"),
        (f"{'k' * 300}: 1", "a key has at most 200 characters"),
    ],
)
def test_mistakes(text, message):
    with pytest.raises(SpecError, match=message):
        YamlDocument(text)


@given(st.text(max_size=60) | st.text("{}[]:,-&*!|>'\"#% \n\tab01", max_size=60))
def test_no_text_raises_anything_else(text):
    with suppress(SpecError):
        YamlDocument(text)


SPEC = """\
tinynet: 1
name: digits
data: {type: digits}
network:
  layers:
    - flatten
    - type: dense
      unit: 10
training:
  epochs: 1
  loss: softmax_cross_entropy
  optimizer: {type: adam, learning_rate: 1e-3}
  batch_size:
"""


def test_mistakes_of_a_spec_have_their_line_and_column(tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    with pytest.raises(SpecError) as caught:
        tinynet.load_spec(path)
    places = {(p.line, p.column): p.message for p in caught.value.problems}
    assert places[8, 7] == "unknown key 'unit'; did you mean 'units'?"
    assert "a whole number is expected" in places[13, 3]  # the key, as nothing follows it


def test_a_spec_in_yaml_trains_as_in_json(tmp_path):
    spec = SPEC.replace("unit:", "units:").replace("  batch_size:\n", "")
    path, same = tmp_path / "spec.yml", tmp_path / "spec.json"
    path.write_text(spec)
    same.write_text(json.dumps(YamlDocument(spec).value))
    runs = [tinynet.train(file, tmp_path / file.suffix[1:]) for file in (path, same)]
    assert runs[0].history[-1]["train/loss"] == runs[1].history[-1]["train/loss"]
    assert tinynet.load_spec(path).resolved() == tinynet.load_spec(same).resolved()


def test_init_writes_yaml_by_the_ending(tmp_path):
    from tinynet.commands.init.new_spec import new_spec

    made = new_spec("digits_cnn", tmp_path / "spec.yaml")
    as_json = new_spec("digits_cnn", tmp_path / "spec.json")
    assert made.text.startswith("tinynet: 1\n")
    assert made.to_json()["spec"] == as_json.to_json()["spec"]
    one, two = (tinynet.load_spec(part.path).resolved() for part in (made, as_json))
    assert one == two
