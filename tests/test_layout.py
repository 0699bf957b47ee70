"""The house stands: imports run downwards, and nothing of it leaks out of the house."""

import ast
import graphlib
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from shutil import copytree

import pytest

ROOT = Path(__file__).parents[1]

FLOORS = {
    0: "errors types",
    1: (
        "archive config dataset files functional initializer kernels layer loss metric optimizer"
        " schedule targets text transform"
    ),
    2: "builtin",
    3: "registry",
    4: "spec",
    5: "engine",
    6: "data network",
    7: "training",
    8: "checkpoint testing",
    9: "prediction",
    10: "run",
    11: "commands",
    12: "tinynet_cli",
}
"""Every module or package at the top of `tinynet`; one imports its own floor and those below."""

FLOOR = {name: floor for floor, names in FLOORS.items() for name in names.split()}


def sources():
    """Dotted name -> file, of everything that gets installed."""
    for base, package in ((ROOT, "tinynet"), (ROOT / "cli", "tinynet_cli")):
        for path in sorted((base / package).rglob("*.py")):
            parts = path.relative_to(base).with_suffix("").parts
            yield ".".join(parts).removesuffix(".__init__"), path


FILES = dict(sources())


def imports(path):
    """Dotted names of what a file imports, inside functions too, but not for type checkers."""
    todo = [ast.parse(path.read_text(encoding="utf-8"))]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            todo += node.orelse
            continue
        todo += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: import by the full name"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in FILES else node.module


def room(name):
    """The part of the house that a dotted name is in; None outside of it, and at its door."""
    top, _, rest = name.partition(".")
    if top == "tinynet":
        return rest.partition(".")[0] or None
    return top if top == "tinynet_cli" else None


def doors():
    """(from, to) for every import of one room by another."""
    for name, path in FILES.items():
        for other in imports(path):
            if {room(name), room(other)} <= FLOOR.keys() and room(name) != room(other):
                yield room(name), room(other)


def test_every_room_has_a_floor():
    rooms = {room(name) for name in FILES} - {None}
    assert rooms == FLOOR.keys(), "put new modules on a floor of FLOORS, and take old ones off"


def test_imports_run_downwards():
    upward = {f"{a} -> {b}" for a, b in doors() if FLOOR[a] < FLOOR[b]}
    assert not upward


def test_no_module_imports_itself_in_a_circle():
    graph = {name: {n for n in imports(path) if n in FILES} for name, path in FILES.items()}
    graphlib.TopologicalSorter(graph).prepare()


def test_what_a_spec_names_is_built_like_a_plugin_of_strangers():
    """Layers, losses, ... use what any plugin may use, so that a plugin can do what they do."""
    families = set(FLOORS[2].split())
    wrong = {f"{a} -> {b}" for a, b in doors() if a in families and FLOOR[b] > 1}
    assert not wrong


def test_example_plugins_use_the_two_lowest_floors_alone():
    packages = [path.parent for path in (ROOT / "plugins").glob("*/*/__init__.py")]
    assert packages
    for package in packages:
        for path in package.rglob("*.py"):
            used = {room(name) for name in imports(path)} - {None}
            assert all(FLOOR[name] <= 1 for name in used), path


def test_the_conformance_kit_stays_apart_from_training_and_checkpoints():
    """The training state is saved by the checkpoints; nothing else links the three packages."""
    apart = {"training", "checkpoint", "testing"}
    links = {(a, b) for a, b in doors() if {a, b} <= apart}
    assert links <= {("checkpoint", "training")}


def test_the_registry_imports_no_family():
    """Only what a spec names may be imported."""
    assert not {b for a, b in doors() if a == "registry" and FLOOR[b] == 2}


def test_what_is_imported_is_declared():
    """An import that pyproject.toml does not declare works here and fails for a user."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    declared = [*project["dependencies"], *(name for extra in extras for name in extra)]
    names = {re.match(r"[\w-]+", requirement)[0] for requirement in declared}
    ours = {"PIL": "pillow", "pydantic_core": "pydantic", "annotated_types": "pydantic"}
    for name, path in FILES.items():
        for other in imports(path):
            top = other.partition(".")[0]
            if top not in sys.stdlib_module_names and top not in ("tinynet", "tinynet_cli"):
                assert ours.get(top, top) in names, f"{name} imports {top}"


GENERIC = ("cli", "plugins", "models", "tests", "benchmarks")

LOOK = f"""
import site, sys
from importlib.util import find_spec
site.addsitedir(sys.argv[1])
print([name for name in {GENERIC} if find_spec(name)])
print([name for name in ("tinynet", "tinynet_cli") if not find_spec(name)])
"""


@pytest.mark.parametrize("kind", ["wheel", "editable"])
def test_an_installation_makes_nothing_generic_importable(kind, tmp_path):
    """`import tests` in somebody's project must never find ours."""
    pytest.importorskip("setuptools", minversion="77")
    house, out, site = tmp_path / "house", tmp_path / "out", tmp_path / "site"
    out.mkdir()
    for name in ("tinynet", "cli"):
        copytree(ROOT / name, house / name)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (house / name).write_bytes((ROOT / name).read_bytes())
    for name in GENERIC:
        (house / name).mkdir(exist_ok=True)
        (house / name / "__init__.py").touch()
    build = f"from setuptools import build_meta; build_meta.build_{kind}({str(out)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=house, check=True, capture_output=True)
    (wheel,) = out.iterdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    found = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LOOK, str(site)],
        cwd=tmp_path, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert found.stdout.splitlines() == ["[]", "[]"]
