"""The line of a plugin's own code that raised, where its author has to look."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tinynet.errors import PluginError
from tinynet.text.plugin_errors import PluginErrors, located_cause


def calls_a_library() -> Any:
    return json.loads("{")


def raised_by(call: Callable[[], Any]) -> Exception:
    with pytest.raises(PluginError) as caught, PluginErrors(call, "method raised"):
        call()
    assert isinstance(caught.value.__cause__, Exception)
    return caught.value.__cause__


def test_where_a_library_fails_the_line_is_that_of_the_call() -> None:
    place = f"({__file__}:{calls_a_library.__code__.co_firstlineno + 1})"
    assert located_cause(raised_by(calls_a_library)).endswith(place)


def test_an_exception_without_code_of_a_plugin_has_no_place() -> None:
    assert located_cause(TypeError("missing argument")) == "TypeError: missing argument"


def test_a_file_that_cannot_be_parsed_is_named() -> None:
    error = raised_by(lambda: compile("x = 1\ndef f(:\n", "/plugins/odd.py", "exec"))
    assert located_cause(error) == "SyntaxError: invalid syntax (/plugins/odd.py:2)"
