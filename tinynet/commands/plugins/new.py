"""Creation of plugins from templates: distributions with a type, a spec and tests."""

import importlib.util
import keyword
import re
import shutil
import sys
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import chain, count
from pathlib import Path
from string import Template
from unicodedata import normalize

from tinynet import __version__, registry
from tinynet.errors import TinynetError, explaining_io
from tinynet.registry.discovery import find_distribution, normalize_name
from tinynet.text.kinds import KINDS
from tinynet.text.wording import quote, suggest

TEMPLATES = "templates"
COMMON = "common"
SUFFIX = ".template"

PLACES = {
    "README.md": "README.md",
    "plugin.py": "src/{package}/__init__.py",
    "points.txt": "src/{package}/points.txt",
    "pyproject.toml": "pyproject.toml",
    "spec.json": "spec.json",
    "test_plugin.py": "tests/test_{package}.py",
}
"""The place of each template's text, for the kinds that have it.

The package is in ``src``: otherwise Python, run in the parent folder, would import the project's
folder of the same name instead.
"""

_NAME = re.compile(r"[a-z0-9]|[a-z0-9][a-z0-9._-]*[a-z0-9]", re.IGNORECASE | re.ASCII)


class NotMadeError(TinynetError):
    """A plugin that cannot be created as requested; the message suggests a remedy."""


@dataclass(frozen=True)
class Names:
    """The names of the parts of a new plugin."""

    distribution: str  # name for pip, and of the folder: ``my-layer``
    package: str  # name in ``import``, and of the type in a spec: ``my_layer``
    class_name: str  # ``MyLayer``
    kind: str  # one of the values of `tinynet.text.kinds.KINDS`
    group: str  # the kind's key there


@dataclass(frozen=True)
class NewPlugin:
    """A created plugin."""

    names: Names
    folder: Path
    files: tuple[str, ...]  # relative to the folder


def kinds() -> list[str]:
    """Return the kinds of plugin that have a template."""
    names = {part.name for part in (files(__package__) / TEMPLATES).iterdir()}
    return [kind for kind in KINDS.values() if kind in names]


def new_plugin(name: str, kind: str = "layer", into: Path | str = ".") -> NewPlugin:
    """Write a distribution with one plugin, completely or not at all.

    Args:
        name: Name of the distribution, or of the class: ``my-layer`` or ``MyLayer``.
        kind: One of `kinds`.
        into: The parent folder.

    Raises:
        NotMadeError: for a name that cannot be used or is taken, or a folder that exists.
        CheckpointIOError: if the files cannot be written.
    """
    names = _names(name, kind)
    parent = Path(into)
    if not parent.is_dir():
        raise NotMadeError(f"there is no folder {quote(str(parent))}; create it first")
    folder = parent / names.distribution
    texts = _rendered(names)
    with explaining_io(folder):
        try:
            folder.mkdir()
        except FileExistsError:
            raise NotMadeError(
                f"{quote(str(folder))} exists already; give the plugin another name, or make it in"
                " another folder with --into FOLDER"
            ) from None
        try:
            for place, text in texts.items():
                path = folder / place
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        except BaseException:
            shutil.rmtree(folder)
            raise
    return NewPlugin(names, folder, tuple(texts))


def _names(name: str, kind: str) -> Names:
    """Return the names of the parts; raise `NotMadeError` if one cannot be used."""
    if kind not in kinds():
        raise NotMadeError(f"there is no template for a {quote(kind)}; {suggest(kind, kinds())}")
    if not _NAME.fullmatch(name):
        raise NotMadeError(
            f"{quote(name)} cannot be the name of a distribution: ASCII letters and digits, with"
            f" '-', '_' or '.' between them{_ascii_hint(name)}"
        )
    names = _named(name, kind)
    obstacle = _obstacle(names)
    if obstacle:
        raise NotMadeError(f"{obstacle}; try {quote(_free_name(names.distribution, kind))}")
    return names


def _ascii_hint(name: str) -> str:
    """Suggest the nearest name in ASCII letters."""
    letters = normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^a-zA-Z0-9._-]+", "-", letters).strip("-_.")
    return f"; try {quote(plain)}" if _NAME.fullmatch(plain) else ""


def _free_name(distribution: str, kind: str) -> str:
    start = f"my-{distribution}"
    others = chain([start], (f"{start}-{number}" for number in count(2)))
    return next(other for other in others if not _obstacle(_named(other, kind)))


def _named(name: str, kind: str) -> Names:
    """Return the names of the parts; the type of ``MyLayer`` and ``my-layer`` is ``my_layer``."""
    words = re.sub(r"([a-z])([A-Z])", r"\1-\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1-\2", name))
    distribution = normalize_name(words)
    package = distribution.replace("-", "_")
    is_class_name = name[0].isupper() and name.isidentifier() and "_" not in name
    class_name = "".join(word.capitalize() for word in package.split("_"))
    group = next(group for group, its_kind in KINDS.items() if its_kind == kind)
    return Names(distribution, package, name if is_class_name else class_name, kind, group)


def _obstacle(names: Names) -> str:
    """Return the reason why the names cannot be used, or empty."""
    package, class_name = quote(names.package), quote(names.class_name)
    for word in (names.package, names.class_name):
        if not word.isidentifier() or keyword.iskeyword(word):
            return f"{quote(word)} cannot be a name in Python"
    for entry in registry.default().entries(names.group):
        if entry.name.replace("_", "") == names.package.replace("_", ""):
            return f"{entry.distribution} has the {names.kind} {quote(entry.name)} already"
    if names.package in {"tests", *sys.stdlib_module_names} or _can_be_imported(names.package):
        return f"a module {package} exists already"
    if find_distribution(names.distribution):
        return f"a distribution {quote(names.distribution)} is installed already"
    if re.search(rf"\b{names.class_name}\b", _template(names.kind, "plugin.py")):
        return f"the class would be called {class_name}, a name that its own code needs"
    return ""


def _can_be_imported(package: str) -> bool:
    spec = importlib.util.find_spec(package)
    # A folder without __init__.py (origin None) does not hide a package.
    return spec is not None and spec.origin is not None


def _rendered(names: Names) -> dict[str, str]:
    """Return the text of each file by its place."""
    major, minor = __version__.split(".")[:2]
    core = {"minor": f"{major}.{minor}", "next_major": str(int(major) + 1)}
    words = {**vars(names), **core}
    texts = {name: _template(names.kind, name) for name in PLACES}
    return {
        PLACES[name].format(package=names.package): Template(text).substitute(words)
        for name, text in texts.items()
        if text
    }


def _template(kind: str, name: str) -> str:
    """Return the text of a template; empty if the kind has none."""
    folders: list[Traversable] = [files(__package__) / TEMPLATES / part for part in (kind, COMMON)]
    paths = (folder / f"{name}{SUFFIX}" for folder in folders)
    return next((path.read_text(encoding="utf-8") for path in paths if path.is_file()), "")
