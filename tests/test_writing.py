"""The rules of writing: plain words, short test names, test files of readable length."""

import ast
import functools
import re
from pathlib import Path

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


@functools.cache
def definitions(path):
    """Return the file itself, its classes and its functions as nodes of its syntax tree."""
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def docstrings(path):
    """Yield the line and the docstring of a file and of everything in it that has one."""
    for node in definitions(path):
        if text := ast.get_docstring(node):
            yield getattr(node, "lineno", 1), text


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
        for node in definitions(path):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                assert len(node.name) < LONGEST_NAME, f"{path}:{node.lineno}: {node.name}"


def test_test_files_are_short():
    for path in sources("plugins", "tests"):
        lines = path.read_text(encoding="utf-8").count("\n")
        assert lines <= LONGEST_TEST_FILE, f"{path} has {lines} lines"
