"""The rules of a transfer refuse a string in place of a list, which would match nothing."""

from typing import Any

import pytest

import tinynet
from tinynet.errors import UsageError


@pytest.mark.parametrize("name", ["allow_new", "allow_dropped", "overlap"])
@pytest.mark.parametrize(
    ("patterns", "example"), [("x/*", "x/*"), (3, "head/*"), (["a/*", 3], "head/*")]
)
def test_patterns_must_be_a_list_of_strings(name: str, patterns: Any, example: str) -> None:
    with pytest.raises(UsageError) as caught:
        tinynet.TransferRules(**{name: patterns})
    assert str(caught.value) == (
        f"TransferRules(): {name}={patterns!r} must be a list of strings, such as ['{example}']"
    )


def test_every_wrong_rule_is_listed() -> None:
    wrong: dict[str, Any] = {"map": "a=b", "allow_new": "x", "overlap": "y"}
    with pytest.raises(UsageError) as caught:
        tinynet.TransferRules(**wrong)
    assert str(caught.value).splitlines() == [
        "TransferRules(): map='a=b' must be a dict from old to new names, such as"
        " {'dense_2': 'head'}",
        "  TransferRules(): allow_new='x' must be a list of strings, such as ['x']",
        "  TransferRules(): overlap='y' must be a list of strings, such as ['y']",
    ]


@pytest.mark.parametrize("new", [3, None, ["a", 3]])
def test_a_name_is_mapped_to_a_name_or_a_list_of_names(new: Any) -> None:
    with pytest.raises(UsageError) as caught:
        tinynet.TransferRules(map={"a": "b", "c": new})
    assert str(caught.value) == (
        f"TransferRules(): map['c']={new!r} must be a name or a list of names"
    )


@pytest.mark.parametrize("patterns", [["head/*"], ("head/*",), {"head/*"}, []])
def test_any_collection_of_patterns_is_accepted(patterns: Any) -> None:
    assert tinynet.TransferRules(allow_new=patterns).allow_new == patterns
