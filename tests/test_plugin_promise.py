"""The promised interface of plugins, compared with a snapshot of it.

`plugin_promise.json` holds every public name of the modules that plugins import, a line each:
its kind or signature, and its members. plugins/README.md says what the promise is worth.

    python tests/test_plugin_promise.py --write     rewrites the file
"""

import ast
import json
import sys
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

from tinynet.registry import GROUPS

HERE = Path(__file__)
SNAPSHOT = HERE.with_suffix("").with_name("plugin_promise.json")
README = HERE.parents[1] / "plugins" / "README.md"
COMMAND = f"python tests/{HERE.name} --write"

MODULES = [
    f"tinynet.{name}"
    for name in (
        "types errors config layer loss optimizer schedule metric initializer regularizer dataset"
        " constraint parametrization transform logger fleet functional targets kernels testing"
    ).split()
]
"""What plugins may import; a name that several of them have is described where it comes first."""

SPECIAL = {"__init__", "__call__", "__len__"}
"""Methods that count as public although their names start with an underscore."""


@cache
def source(module):
    return ast.parse(Path(import_module(module).__file__).read_text(encoding="utf-8"))


def definition(module, name):
    """The module and the statement that define what ``module`` calls ``name``."""
    for node in source(module).body:
        if isinstance(node, ast.ImportFrom) and name in {alias.name for alias in node.names}:
            return definition(node.module, name)
        if name == getattr(node, "name", None) or name in targets(node):
            return module, node
    raise LookupError(f"{module} does not say where {name} comes from")


def targets(node):
    """Names that a statement assigns to."""
    assigned = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {target.id for target in assigned if isinstance(target, ast.Name)}


def signature(function):
    returns = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    return "".join([*decorators(function), f"({ast.unparse(function.args)}){returns}"])


def decorators(node):
    return [f"@{ast.unparse(decorator)} " for decorator in node.decorator_list]


def value(node):
    """Annotation and value of a field, without the words that describe it."""
    for call in [n for n in ast.walk(node) if isinstance(n, ast.Call)]:
        call.keywords = [keyword for keyword in call.keywords if keyword.arg != "description"]
    annotation = ast.unparse(node.annotation) if isinstance(node, ast.AnnAssign) else ""
    return f"{annotation} = {ast.unparse(node.value)}".strip() if node.value else annotation


def members(module, node):
    """Name -> text of what a class has, inherited from tinynet's own classes or not."""
    signatures = {}
    for base in node.bases:
        home = module_of(module, ast.unparse(base))
        if home:
            signatures |= members(*definition(home, base.id))
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef):
            signatures[statement.name] = signature(statement)
        for name in targets(statement):
            signatures[name] = value(statement)
    if "reserved" in signatures:
        reserved = getattr(import_module(module), node.name).reserved
        signatures["reserved"] = " ".join(sorted(reserved))
    return {name: text for name, text in signatures.items() if name in SPECIAL or name[0] != "_"}


def module_of(module, name):
    """The module of tinynet's where a base class can be found; None for those of others."""
    cls = vars(import_module(module)).get(name)
    return module if getattr(cls, "__module__", "").startswith("tinynet.") else None


def describe(module, node):
    """Yield the suffix of each address and its text."""
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(map(ast.unparse, node.bases))
        yield "", "".join([*decorators(node), f"class({bases})"])
        yield from members(module, node).items()
    else:
        yield "", signature(node) if isinstance(node, ast.FunctionDef) else value(node)


def promise():
    """Address -> text, of everything that plugins may rely on."""
    lines = {f"tinynet.{group}": "group of entry points" for group in GROUPS}
    first = {}
    for module in MODULES:
        for name in import_module(module).__all__:
            home, node = definition(module, name)
            address = first.setdefault((home, name), f"{module}.{name}")
            if address != f"{module}.{name}":
                lines[f"{module}.{name}"] = f"is {address}"
                continue
            for member, text in describe(home, node):
                lines[f"{address}.{member}".rstrip(".")] = text
    return lines


@dataclass(frozen=True)
class Change:
    """One difference between what was promised and what is.

    Attributes:
        breaks: True if a plugin that worked before may fail.
        text: Description of the change.
    """

    breaks: bool
    text: str


def changes(old, new):
    """Every difference, those that break plugins first."""
    removed = old.keys() - new.keys()
    differences = [Change(True, f"removed: {name}: {old[name]}") for name in removed]
    for name in new.keys() - old.keys():
        differences.append(Change(addition_breaks(name, old, new), f"added: {name}: {new[name]}"))
    for name in old.keys() & new.keys():
        if old[name] != new[name]:
            breaks = not (only_called(name, old) and extends(old[name], new[name]))
            differences.append(Change(breaks, f"changed: {name}: {old[name]}  ->  {new[name]}"))
    return sorted(differences, key=lambda change: (not change.breaks, change.text))


def addition_breaks(name, old, new):
    """Return True if plugins must add the name, or may already use it."""
    owner = name.rpartition(".")[0]
    if owner not in old:
        return False
    field = not new[name].startswith(("(", "@"))
    own_field_without_default = "@dataclass" in old[owner] and field and " = " not in new[name]
    return is_protocol(owner, old) or f"{owner}.reserved" in old or own_field_without_default


def only_called(name, lines):
    """Return True if plugins call the name and never implement it."""
    return not is_protocol(name.rpartition(".")[0], lines)


def is_protocol(owner, lines):
    return lines.get(owner, "").endswith("Protocol)")


def extends(old, new):
    """Return True if ``new`` accepts every call that ``old`` accepts."""
    if not (old.startswith("(") and new.startswith("(")):
        return False
    before, after = Parameters.of(old), Parameters.of(new)
    count = len(before.positional)
    added = {*after.positional[count:], *(after.keyword_only - before.keyword_only)}
    return (
        after.rest == before.rest
        and after.positional[:count] == before.positional
        and after.keyword_only >= before.keyword_only
        and all(" = " in parameter for parameter in added)
    )


class Parameters(NamedTuple):
    """The parameters of a signature as text; the return type is part of the rest."""

    positional: list[str]
    keyword_only: set[str]
    rest: list[str]

    @classmethod
    def of(cls, text):
        function = ast.parse(f"def f{text}: ...").body[0]
        arguments = function.args
        positional = [*arguments.posonlyargs, *arguments.args]
        defaults = [None] * (len(positional) - len(arguments.defaults)) + arguments.defaults
        rest = [arguments.vararg, arguments.kwarg, function.returns]
        return cls(
            [*map(parameter, positional, defaults)],
            {*map(parameter, arguments.kwonlyargs, arguments.kw_defaults)},
            [ast.unparse(part) if part else "" for part in rest],
        )


def parameter(argument, default):
    text = ast.unparse(argument)
    return f"{text} = {ast.unparse(default)}" if default else text


def report(differences):
    """The message of the test, and of --write."""
    breaking = [change.text for change in differences if change.breaks]
    adding = [change.text for change in differences if not change.breaks]
    parts = []
    if breaking:
        parts += [
            "These changes break plugins, so they wait for the next major version:",
            *breaking,
        ]
    if adding:
        parts += ["These changes only add, which a minor version may:", *adding]
    return "\n  ".join(parts)


def test_the_promise_to_plugins_stands():
    """An unintended change would break plugins that are already installed."""
    differences = changes(json.loads(SNAPSHOT.read_text(encoding="utf-8")), promise())
    how = f"If that is meant, plugins/README.md says what it takes; then: {COMMAND}"
    assert not differences, f"what plugins may rely on has changed.\n{report(differences)}\n{how}"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_that_is_promised_is_named_to_those_it_is_promised_to(module):
    assert f"`{module}`" in README.read_text(encoding="utf-8")


WAS = {
    "m.Layer": "class(Protocol)",
    "m.Layer.forward": "(self, x: Array) -> Array",
    "m.Batch": "@dataclass(frozen=True) class()",
    "m.Batch.inputs": "Array",
    "m.LossConfig": "class(Config)",
    "m.LossConfig.reserved": "comment type",
    "m.softmax": "(x: Array, axis: int = -1) -> Array",
    "m.check": "(x: Array, *, seed: int = 0) -> None",
}
BREAKING = [
    {"m.softmax": None},
    {"m.softmax": "(x: Array, axis: int = 1) -> Array"},
    {"m.softmax": "(x: Array, axis: int) -> Array"},
    {"m.softmax": "(x: Array, axis: int = -1) -> tuple[Array, Array]"},
    {"m.softmax": "(x: Array, out: Array, axis: int = -1) -> Array"},
    {"m.softmax": "(x: Array, axis: int = -1, *, out: Array) -> Array"},
    {"m.softmax": "(x: Array, *, axis: int = -1) -> Array"},
    {"m.check": "(x: Array) -> None"},
    {"m.check": "(x: Array, *, seed: int) -> None"},
    {"m.Layer": "class()"},
    {"m.Layer.forward": "(self, x: Array, y: Array | None = None) -> Array"},
    {"m.Layer.backward": "(self) -> Array"},
    {"m.Batch.weights": "Array"},
    {"m.LossConfig.reserved": "comment target type"},
    {"m.LossConfig.clip": "float = Field(default=1.0)"},
]
ADDING = [
    {"m.sigmoid": "(x: Array) -> Array"},
    {"m.softmax": "(x: Array, axis: int = -1, out: Array | None = None) -> Array"},
    {"m.check": "(x: Array, *, seed: int = 0, batch: int = 4) -> None"},
    {"m.check": "(x: Array, y: Array | None = None, *, seed: int = 0) -> None"},
    {"m.Batch.weights": "Array | None = None"},
    {"m.Batch.count": "@property (self) -> int"},
    {"m.Costed": "class(Protocol)", "m.Costed.cost": "(self) -> int"},
]


@pytest.mark.parametrize("change", [*BREAKING, *ADDING], ids=lambda change: "+".join(change))
def test_a_change_that_breaks_plugins_is_told_from_one_that_only_adds(change):
    """A breaking change must not be released as a minor version."""
    now = {name: text for name, text in {**WAS, **change}.items() if text is not None}
    differences = changes(WAS, now)
    assert len(differences) == len(change)
    assert {one.breaks for one in differences} == {change in BREAKING}
    assert all(name in report(differences) for name in change)


def write():
    now = promise()
    old = json.loads(SNAPSHOT.read_text(encoding="utf-8")) if SNAPSHOT.exists() else now
    SNAPSHOT.write_text(json.dumps(now, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(report(changes(old, now)) or "nothing has changed")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(f"usage: {COMMAND}")
    write()
