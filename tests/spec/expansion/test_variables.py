"""Variables: ``"$width"`` is replaced by a declared value, ``"$$"`` by a dollar sign."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet.errors import SpecError
from tinynet.spec.expansion.expand import expand
from tinynet.spec.expansion.variables import escape_dollars
from tinynet.spec.reading import load_spec
from tinynet.text.places import MAX_VALUES


def expanded(variables, **rest):
    """Return the rest of a document, expanded without mistakes."""
    expansion = expand({"vars": variables, **rest})
    assert expansion.problems == []
    return expansion.value


def refused(variables, **rest):
    """Return the messages about a document."""
    try:
        expansion = expand({"vars": variables, **rest})
    except SpecError as error:
        return [str(problem) for problem in error.problems]
    return [str(problem) for problem in expansion.problems]


def spec(path, **variables):
    return {
        "tinynet": 1,
        "name": "dollars",
        "vars": variables,
        "data": {"type": "csv", "path": path, "target": "price in $"},
        "network": {"input_shape": [2], "layers": ["relu"]},
        "training": {"steps": 1, "loss": "mse", "optimizer": "sgd"},
    }


def test_a_variable_may_stand_wherever_a_value_may():
    variables = {"n": 3, "all": {"type": "adam"}, "shape": [8, 8], "none": None, "yes": True}
    assert expanded(variables, a="$n", b=["$yes", {"c": "$shape"}], d="$all", e="$none") == {
        "a": 3, "b": [True, {"c": [8, 8]}], "d": {"type": "adam"}, "e": None,
    }  # fmt: skip


def test_a_variable_is_a_whole_string_and_never_a_key():
    assert expanded({"n": 3}, a="x$n", b="n$", c={"$n": "$n"}) == {
        "a": "x$n", "b": "n$", "c": {"$n": 3},
    }  # fmt: skip


def test_two_dollar_signs_are_one():
    assert expanded({"v": "$$x"}, a="$$v", b="$$$v", c="$v", d="$$") == {
        "a": "$v", "b": "$$v", "c": "$x", "d": "$",
    }  # fmt: skip


def test_a_path_with_a_dollar_sign_survives_resolving():
    """The text must not become a variable in the resolved spec, which checkpoints store."""
    loaded = load_spec(spec("$$HOME.csv"))
    assert loaded.data.options["path"] == "$HOME.csv"
    resolved = json.loads(json.dumps(loaded.resolved()))
    assert resolved["data"]["path"] == "$$HOME.csv"
    assert load_spec(resolved).resolved() == resolved
    assert load_spec(spec("$file", file="$$HOME.csv")).data.options["path"] == "$HOME.csv"


def test_whole_parts_of_a_spec_may_be_variables():
    content = spec("x.csv", training={"steps": 5, "loss": "mse", "optimizer": "sgd"}, version=1)
    content |= {"training": "$training", "tinynet": "$version"}
    assert load_spec(content).training.steps == 5


def test_a_mistake_in_a_variable_is_reported_where_it_is_declared():
    content = spec("x.csv", rate=-1, optimizer={"type": "sgd", "learning_rate": 0})
    content["training"] |= {"optimizer": "$optimizer"}
    content["data"]["split"] = {"test": "$rate"}
    with pytest.raises(SpecError) as caught:
        load_spec(content)
    assert [str(problem) for problem in caught.value.problems] == [
        "/vars/rate: a fraction below 1, or a whole number of samples, is expected, not -1"
        " (used as $rate at /data/split/test)",
        "/vars/optimizer/learning_rate: must be more than 0, not 0"
        " (used as $optimizer at /training/optimizer)",
    ]


def test_a_mistake_in_an_overridden_variable_names_the_override():
    with pytest.raises(SpecError) as caught:
        load_spec({**spec("$file", file="x.csv")}, {"vars.file": 3})
    assert str(caught.value) == (
        "/vars/file: a string is expected, not 3 (override vars.file) (used as $file at /data/path)"
    )


def test_an_override_may_remove_the_only_use_of_a_variable():
    assert load_spec(spec("$file", file="x.csv"), {"data.path": "y.csv"})


@pytest.mark.parametrize(
    ("variables", "rest", "expected"),
    [
        ({"n": 3}, {"a": "$m", "b": "$n"}, "/a: there is no '$m' here; available: $n"),
        ({}, {"a": "$m"}, "/a: there is no '$m' here; none is available"),
        ({}, {"a": "$"}, "/a: '$' is not the name of a variable; a text that begins with $ is"
         " written with $$"),
        ({"n": 3}, {}, "/vars/n: nothing in the spec uses '$n'"),
        ({"n": "$m", "m": 3}, {"a": "$n"},
         "/vars/n: a variable cannot refer to another variable ('$m'); write its value here"),
        ({"n": {"x": ["$n"]}}, {"a": "$n"},
         "/vars/n/x/0: a variable cannot refer to another variable ('$n'); write its value here"),
        (3, {}, "/vars: an object of values by name is expected, not 3"),
    ],
)  # fmt: skip
def test_invalid_variables_are_explained(variables, rest, expected):
    assert refused(variables, **rest) == [expected]


def test_an_unknown_variable_is_reported_at_every_use():
    assert len(refused({}, a=["$x"] * 200)) == 200


@pytest.mark.parametrize("value", [[0] * 9_999, "x" * 900_000, {str(i): 0 for i in range(9_999)}])
def test_the_size_of_an_expanded_spec_is_limited(value):
    (message,) = refused({"v": value}, a=["$v"] * 9_999)
    assert f"more than {MAX_VALUES:,} values" in message


def test_the_depth_of_an_expanded_spec_is_limited():
    deep = json.loads("[" * 40 + "]" * 40)
    assert refused({"v": deep}, a=json.loads("[" * 23 + '"$v"' + "]" * 23)) == []
    (message,) = refused({"v": deep}, a=json.loads("[" * 24 + '"$v"' + "]" * 24))
    assert message.endswith("the value of $v makes this nested too deeply")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("$$"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(JSON)
def test_any_value_can_be_escaped(value):
    assert expanded({"v": escape_dollars(value)}, a="$v", b=escape_dollars(value)) == {
        "a": value,
        "b": value,
    }


def test_a_variable_within_a_variable_is_reported_once():
    """It is not reported again as a wrong number, or as a wrong element of a list."""
    content = spec("prices.csv", rate=0.1, how={"type": "adam", "learning_rate": "$rate"},
                   kernel=["$size", 3], size=3)  # fmt: skip
    content["training"]["optimizer"] = "$how"
    layers = [{"type": "conv2d", "filters": 2, "kernel_size": "$kernel"}]
    content["network"] = {"input_shape": [8, 8, 1], "layers": layers}
    with pytest.raises(SpecError) as caught:
        load_spec(content)
    rule = "a variable cannot refer to another variable"
    assert str(caught.value).splitlines() == [
        f"/vars/how/learning_rate: {rule} ('$rate'); write its value here",
        f"/vars/kernel/0: {rule} ('$size'); write its value here",
    ]
