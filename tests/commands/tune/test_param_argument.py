"""The option --param: each kind of range, and a sentence for each mistake."""

import pytest

from tinynet.commands.tune.param_argument import parse_params
from tinynet.errors import UsageError


def one(text):
    return parse_params([f"a.b={text}"])["a.b"]


@pytest.mark.parametrize(
    ("text", "probes"),
    [
        ("int:1:9", [1, 9]),
        ("int:1:9:4", [1, 9]),
        ("log-int:8:512", [8, 512]),
        ("choice:16,32", [16, 32]),
        ("choice:relu,gelu", ["relu", "gelu"]),
        ('choice:[1,2],[3],{"type":"adam"},null', [[1, 2], [3], {"type": "adam"}, None]),
        ("choice:true,0.5,x", [True, 0.5, "x"]),
    ],
)
def test_each_kind(text, probes):
    assert one(text).probes() == probes


def test_numbers_between_bounds():
    assert (one("log:1e-4:1e-1").low, one("float:-1:0.5").high) == (1e-4, 0.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lgo:1:2", "unknown kind 'lgo'; did you mean log:LOW:HIGH?"),
        ("log:1", "'log:1' is not of the form log:LOW:HIGH"),
        ("log:0:1", "low must be more than 0 for 'log', not 0"),
        ("float:1:1", "low must be less than 'high', which is 1, not 1"),
        ("float:a:1", "'a' is not a number"),
        ("float:NaN:1", "'NaN' is not a number"),
        ("int:1:9:0", "step must be at least 1, not 0"),
        ("int:0.5:9", "low: a whole number is expected"),
        ("int:1:5:9", "step must be at most 4, the range, not 9"),
        ("choice:16", "a single choice varies nothing; set the value itself to 16"),
        ("choice:", "a choice is missing"),
        ("choice:1,1", "the choice 1 is given twice"),
        ("choice:[1,x", "'[1' is not JSON"),
    ],
)
def test_mistakes(text, message):
    with pytest.raises(UsageError) as caught:
        one(text)
    assert message in str(caught.value)


def test_all_mistakes_are_listed():
    with pytest.raises(UsageError) as caught:
        parse_params(["a", "b=log:0:1", "c=int:1:2", "c=int:1:3"])
    assert len(str(caught.value).splitlines()) == 3
