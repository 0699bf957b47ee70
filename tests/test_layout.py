"""The layout of the packages: imports point downwards, and installing adds two import names."""

import ast
import functools
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

LEVELS = {
    0: "errors extras types",
    1: (
        "archive config constraint dataset files fleet functional initializer kernels layer length"
        " logger loss metric optimizer parametrization regularizer schedule targets text transform"
    ),
    2: "builtin",
    3: "registry",
    4: "spec",
    5: "engine",
    6: "data network",
    7: "training",
    8: "checkpoint events profiling testing",
    9: "prediction progress",
    10: "run",
    11: "commands sklearn",
    12: "__main__ tinynet_cli",
}
"""The modules and packages at the top of `tinynet`; each imports its own level and lower ones."""

LEVEL = {name: level for level, names in LEVELS.items() for name in names.split()}


def sources():
    """Yield the dotted name and the file of each installed module."""
    for base, package in ((ROOT, "tinynet"), (ROOT / "cli", "tinynet_cli")):
        for path in sorted((base / package).rglob("*.py")):
            parts = path.relative_to(base).with_suffix("").parts
            yield ".".join(parts).removesuffix(".__init__"), path


FILES = dict(sources())


@functools.cache
def imports(path):
    """Return the dotted names that a file imports, also in functions, but not for type checkers."""
    return tuple(find_imports(path))


def find_imports(path):
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


def package_of(name):
    """Return the package of a dotted name; None outside tinynet and for `tinynet` itself."""
    top, _, rest = name.partition(".")
    if top == "tinynet":
        return rest.partition(".")[0] or None
    return top if top == "tinynet_cli" else None


def package_imports():
    """Yield (importer, imported) for every import between two packages."""
    for name, path in FILES.items():
        importer = package_of(name)
        for imported in map(package_of, imports(path)):
            if {importer, imported} <= LEVEL.keys() and importer != imported:
                yield importer, imported


def test_every_package_has_a_level():
    packages = {package_of(name) for name in FILES} - {None}
    assert packages == LEVEL.keys(), "LEVELS must list the packages that exist"


def test_imports_point_downwards():
    upward = {f"{a} -> {b}" for a, b in package_imports() if LEVEL[a] < LEVEL[b]}
    assert not upward


def test_no_circular_imports():
    graph = {name: {n for n in imports(path) if n in FILES} for name, path in FILES.items()}
    graphlib.TopologicalSorter(graph).prepare()


def test_builtin_types_import_only_what_plugins_may():
    """So any plugin can do what a built-in type does."""
    builtin = set(LEVELS[2].split())
    wrong = {f"{a} -> {b}" for a, b in package_imports() if a in builtin and LEVEL[b] > 1}
    assert not wrong


def test_example_plugins_import_the_two_lowest_levels_only():
    packages = [path.parent for path in (ROOT / "plugins").glob("*/*/__init__.py")]
    assert packages
    for package in packages:
        for path in package.rglob("*.py"):
            used = {package_of(name) for name in imports(path)} - {None}
            assert all(LEVEL[name] <= 1 for name in used), path


def test_conformance_kit_imports_no_training_or_checkpoint():
    """Only checkpoints import training, whose state they save."""
    apart = {"training", "checkpoint", "testing"}
    links = {(a, b) for a, b in package_imports() if {a, b} <= apart}
    assert links <= {("checkpoint", "training")}


def test_registry_imports_no_builtin_type():
    """Only the types that a spec names are imported."""
    assert not {b for a, b in package_imports() if a == "registry" and LEVEL[b] == 2}


def test_every_import_is_a_declared_dependency():
    """An undeclared import works in development and fails for a user."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    declared = [*project["dependencies"], *(name for extra in extras for name in extra)]
    names = {re.match(r"[\w-]+", requirement)[0] for requirement in declared}
    ours = {
        "IPython": "ipython",
        "PIL": "pillow",
        "annotated_types": "pydantic",
        "mlflow": "mlflow-skinny",
        "pydantic_core": "pydantic",
        "python_multipart": "python-multipart",
        "ruamel": "ruamel",
        "sklearn": "scikit-learn",
        "starlette": "fastapi",
    }
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
def test_installation_adds_no_generic_import_name(kind, tmp_path):
    """`import tests` in another project must never find ours."""
    pytest.importorskip("setuptools", minversion="77")
    project, out, site = tmp_path / "project", tmp_path / "out", tmp_path / "site"
    out.mkdir()
    for name in ("tinynet", "cli"):
        copytree(ROOT / name, project / name)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (project / name).write_bytes((ROOT / name).read_bytes())
    for name in GENERIC:
        (project / name).mkdir(exist_ok=True)
        (project / name / "__init__.py").touch()
    build = f"from setuptools import build_meta; build_meta.build_{kind}({str(out)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=project, check=True, capture_output=True)
    (wheel,) = out.iterdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    importable = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LOOK, str(site)],
        cwd=tmp_path, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert importable.stdout.splitlines() == ["[]", "[]"]
