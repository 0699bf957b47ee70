"""The rules of writing: plain words, short test names, test files of readable length."""

import ast
import functools
import re
from collections import deque
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
CODE = ("tinynet", "cli", "plugins")
LONGEST_NAME = 70
LONGEST_TEST_FILE = 450

QUESTION = re.compile(r"(What|Whether|How|Whoever)\b")
QUESTION_AS_MEANING = re.compile(
    r"^ *\*{0,2}(\w+): (?:What|Whether|How|Whoever|Where|Which)\b", re.MULTILINE
)
JARGON = re.compile(r"\b(trips?|legs?|crews?|told|whoever|befall\w*)\b", re.IGNORECASE)


def sources(*folders):
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


class Definition(NamedTuple):
    """A file, a class or a function, without its syntax tree, which takes much memory."""

    line: int
    name: str
    docstring: str | None


@functools.cache
def definitions(path):
    """Return the file itself, its classes and its functions."""
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    todo, found = deque([ast.parse(path.read_text(encoding="utf-8"))]), []
    while todo:
        node = todo.popleft()
        if isinstance(node, kinds):
            line, name = getattr(node, "lineno", 1), getattr(node, "name", "")
            found.append(Definition(line, name, ast.get_docstring(node)))
        # No expression has a definition in it, and most nodes are expressions.
        todo += [part for part in ast.iter_child_nodes(node) if not isinstance(part, ast.expr)]
    return found


def docstrings(path):
    """Yield the line and the docstring of a file and of everything in it that has one."""
    for definition in definitions(path):
        if definition.docstring:
            yield definition.line, definition.docstring


@pytest.mark.parametrize("folder", [*CODE, "tests"])
def test_docstrings_open_with_a_noun_or_a_verb(folder):
    for path in sources(folder):
        bad = [line for line, text in docstrings(path) if QUESTION.match(text)]
        assert not bad, f"{path}: docstrings on lines {bad} open with a question word"


@pytest.mark.parametrize("folder", [*CODE, "tests"])
def test_arguments_and_attributes_are_named(folder):
    for path in sources(folder):
        bad = [name for _, text in docstrings(path) for name in QUESTION_AS_MEANING.findall(text)]
        assert not bad, f"{path}: {bad} are described by a question instead of a noun"


@pytest.mark.parametrize("folder", ["tinynet", "cli"])
def test_the_code_uses_the_words_of_its_field(folder):
    for path in sources(folder):
        words = JARGON.findall(path.read_text(encoding="utf-8"))
        assert not words, f"{path}: {words}"


def test_names_of_tests_are_short():
    for path in sources("plugins", "tests"):
        for line, name, _ in definitions(path):
            assert not name.startswith("test_") or len(name) < LONGEST_NAME, (
                f"{path}:{line}: {name}"
            )


def test_test_files_are_short():
    for path in sources("plugins", "tests"):
        lines = path.read_text(encoding="utf-8").count("\n")
        assert lines <= LONGEST_TEST_FILE, f"{path} has {lines} lines"
