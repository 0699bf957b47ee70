"""JSON texts: limits, strict parsing and places of values."""

import json
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet.errors import Problem, SpecError
from tinynet.text.document import Document, plain
from tinynet.text.places import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_KEY,
    MAX_LENGTH,
    MAX_PROBLEMS,
    MAX_VALUES,
    KeyProblem,
    join_pointer,
    split_pointer,
)

KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | KEYS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)  # fmt: skip
SPACE = st.text(" \t\n\r", max_size=3)


@st.composite
def texts(draw, value=VALUES):
    """A value, and a text of it with random white space."""
    value = draw(value) if isinstance(value, st.SearchStrategy) else value

    def written(part):
        before, after = draw(SPACE), draw(SPACE)
        if isinstance(part, dict):
            inner = ",".join(
                f"{draw(SPACE)}{json.dumps(k, ensure_ascii=draw(st.booleans()))}{draw(SPACE)}:"
                f"{written(v)}"
                for k, v in part.items()
            )
            return f"{before}{{{inner or draw(SPACE)}}}{after}"
        if isinstance(part, list):
            return f"{before}[{','.join(map(written, part)) or draw(SPACE)}]{after}"
        return f"{before}{json.dumps(part, ensure_ascii=draw(st.booleans()))}{after}"

    return value, written(value)


def parts(value, path=()):
    """Yield path and value of every part of a value."""
    yield path, value
    pairs = value.items() if isinstance(value, dict) else ()
    for key, part in enumerate(value) if isinstance(value, list) else pairs:
        yield from parts(part, (*path, key))


def offset(text, line, column):
    starts = [0, *(m.end() for m in re.finditer(r"\r\n|\r|\n", text))]
    return starts[line - 1] + column - 1


@given(texts())
def test_every_value_and_key_is_located(drawn):
    value, text = drawn
    document = Document(text)
    assert document.value == value
    for path, part in parts(value):
        pointer = join_pointer(list(path))
        there = offset(text, *document.locate(pointer))
        assert json.JSONDecoder().raw_decode(text, there)[0] == part
        if path and isinstance(path[-1], str):
            there = offset(text, *document.locate(pointer, key=True))
            assert json.JSONDecoder().raw_decode(text, there)[0] == path[-1]


@given(st.lists(st.text()))
def test_splitting_reverses_joining(path):
    assert split_pointer(join_pointer(path)) == path


@given(st.text() | texts().map(lambda drawn: drawn[1][:-1]) | st.binary())
def test_any_text_gives_a_value_or_a_spec_error(text):
    with suppress(SpecError):
        value = Document(text).value
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        assert value == json.loads(decoded.removeprefix("\ufeff"))


@given(texts(st.dictionaries(KEYS, VALUES, min_size=1)), st.data())
def test_a_duplicate_key_is_reported_at_its_second_place(drawn, data):
    value, text = drawn
    key = data.draw(st.sampled_from(sorted(value)))
    doubled = f"{text[: text.rindex('}')]},\n{json.dumps(key)}: 1}}"
    with pytest.raises(SpecError) as caught:
        Document(doubled)
    (problem,) = caught.value.problems
    there = offset(doubled, problem.line, problem.column)
    assert doubled[there:] == f"{json.dumps(key)}: 1}}"
    assert problem.pointer == join_pointer([key])
    assert problem.message == f"the key {key!r} is written twice; keep one of the two"


def message(text, source=None):
    with pytest.raises(SpecError) as caught:
        Document(text, source)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1:1: not JSON: the text is empty"),
        (" \n", "1:1: not JSON: the text is empty"),
        ("{", "1:2: not JSON: the text ends before everything that was opened is closed"),
        ("[1,\n", "1:4: not JSON: the text ends before everything that was opened is closed"),
        ("[1\n,\n]", "2:1: not JSON: a comma before the closing ] is not allowed"),
        ('{"a": 1, }', "1:8: not JSON: a comma before the closing } is not allowed"),
        ("[1,,2]", "1:4: not JSON: a value is expected"),
        ("[1 2]", "1:4: not JSON: a comma or a closing bracket is expected before this"),
        ('{"a": 1"b": 2}', "1:8: not JSON: a comma or a closing bracket is expected before this"),
        ('{"a" 1}', "1:6: not JSON: a colon is expected after a key"),
        ("{a: 1}", "1:2: not JSON: a key in double quotes is expected"),
        ("{'a': 1}", "1:2: not JSON: strings are written in double quotes"),
        ("[/* x */]", '1:2: not JSON: JSON has no comments; write a "comment" key instead'),
        ("# x\n[]", '1:1: not JSON: JSON has no comments; write a "comment" key instead'),
        ("[1] // x", "1:5: not JSON: something follows the end of the value"),
        ("[True]", "1:2: not JSON: True is written true"),
        ("[False]", "1:2: not JSON: False is written false"),
        ("[None]", "1:2: not JSON: None is written null"),
        ("nope", "1:1: not JSON: a value is expected"),
        ("[01]", "1:3: not JSON: numbers are written like 3, -0.5 or 1e-3"),
        ("[+1]", "1:2: not JSON: numbers are written like 3, -0.5 or 1e-3"),
        ("[1.]", "1:3: not JSON: numbers are written like 3, -0.5 or 1e-3"),
        ("[1_000]", "1:3: not JSON: numbers are written like 3, -0.5 or 1e-3"),
        ('["a]', "1:2: not JSON: the string that begins here is never closed"),
        (
            '["a\n"]',
            "1:4: not JSON: a string is not closed before its line ends; a line break in it is"
            " written \\n",
        ),
        ('["a\tb"]', "1:4: not JSON: a control character in a string is written \\t"),
        ('["a\x1fb"]', "1:4: not JSON: a control character in a string is written \\u001f"),
        (r'["C:\d"]', r"1:5: not JSON: a backslash in a string is written twice: \\"),
        (r'["\u12"]', r"1:4: not JSON: after \u four hexadecimal digits are expected"),
        ("[Infinity]", "1:2: Infinity is not a JSON number"),
        ("[1, NaN-]", "1:5: NaN is not a JSON number"),
        ("[-1e999]", "1:2: -1e999 is too large for a number"),
        (f"[{'9' * 50}e300]", f"1:2: {'9' * 37}... is too large for a number"),
        (f"[{'9' * 301}]", "1:2: an integer of 301 digits is too large"),
        (r'["x", "\udc00"]',
         "1:7: a string holds half of a surrogate pair, which is not a character"),
        (f'{{"{"k" * 201}": 1}}', "1:2: a key has at most 200 characters, not 201"),
        (b"[\xff]", "not UTF-8: byte 0xff at offset 1, in line 1; save the file as UTF-8"),
        ('["\ud800"]', "not UTF-8: byte 0xed at offset 2, in line 1; save the file as UTF-8"),
    ],
)  # fmt: skip
def test_mistakes_of_handwritten_json_are_explained(text, expected):
    assert message(text) == expected


def test_the_file_is_named():
    assert message("[", "a.json") == f"a.json:{message('[')}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" " * (MAX_BYTES + 1), f"the text has {MAX_BYTES + 1:,} bytes; a spec has at most"),
        (
            "[" * (MAX_DEPTH + 1),
            f"1:{MAX_DEPTH + 1}: values must be nested",
        ),
        ("[" + "1," * MAX_LENGTH + "1]", f"must have at most {MAX_LENGTH:,} elements"),
        (
            "[" + ("[" + "1," * 9_999 + "1],") * 16 + "1]",
            f"must have at most {MAX_VALUES:,} values",
        ),
    ],
)
def test_sizes_are_limited_before_parsing(text, expected):
    assert expected in message(text)


@pytest.mark.parametrize(
    "text",
    [
        " " * (MAX_BYTES - 2) + "[]",
        "[" * MAX_DEPTH + "]" * MAX_DEPTH,
        "[" + "1," * (MAX_LENGTH - 1) + "1]",
        "[" + ",".join(["[" + "1," * 9_998 + "1]"] * 15) + "]",
        f'{{"{"k" * MAX_KEY}": {"9" * 300}}}',
    ],
)
def test_texts_at_the_limits_are_read(text):
    assert Document(text).locate("/0")


@pytest.mark.parametrize(
    "text",
    [
        '"' + r"\"" * 500_000,
        '"' * 1_000_001,
        "\n" * 1_000_000 + "x",
        "[" + '{"a":1,"a":1},' * 9_000 + "1]",
        '{"a":' * 60 + "[" + "1," * 9_999 + "x",
    ],
)
def test_a_hostile_text_is_refused_quickly(text):
    """A parser that backtracks or recounts positions would take minutes."""
    assert message(text)


def test_mistakes_beyond_the_limit_are_counted():
    objects = ", ".join(['{"a": 1, "a": 2}'] * (MAX_PROBLEMS + 7))
    with pytest.raises(SpecError) as caught:
        Document(f"[{objects}]")
    assert [str(p) for p in caught.value.problems[MAX_PROBLEMS:]] == ["and 7 more"]


def test_a_missing_value_is_located_at_its_container():
    document = Document('{"a": [1,\n {"b": 2}]}')
    assert document.locate("/a/1/c/d") == (2, 2)
    assert document.place(Problem("x", "/a/1/c/d")) == Problem("x", "/a/1", 2, 2)
    assert document.place(KeyProblem("x", "/a/1/b")) == KeyProblem("x", "/a/1/b", 2, 3)


@given(VALUES)
def test_json_data_are_not_changed(value):
    assert plain(value) == value


@pytest.mark.parametrize(
    "value", [float("nan"), {1, 2}, object(), {"a": b"x"}, {(1, 2): 3}, "\ud800", 10**400]
)
def test_data_that_are_not_json_are_refused(value):
    with pytest.raises(SpecError) as caught:
        plain(value)
    assert caught.value.problems[0].line is None


def test_infinitely_nested_data_are_refused():
    value = []
    value.append(value)
    with pytest.raises(SpecError, match="not JSON data"):
        plain(value)
