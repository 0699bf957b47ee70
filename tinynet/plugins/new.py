"""A new plugin from a template: a distribution that installs, is listed, and passes its tests."""

import importlib.util
import keyword
import re
import shutil
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import chain, count
from pathlib import Path
from string import Template

from tinynet import __version__, registry
from tinynet.discovery import find_distribution, normalise
from tinynet.errors import TinynetError, explaining_io
from tinynet.registry import KINDS
from tinynet.text.wording import quoted, suggest

TEMPLATES = "templates"
COMMON = "common"
SUFFIX = ".template"

PLACES = {
    "README.md": "README.md",
    "plugin.py": "{package}/__init__.py",
    "pyproject.toml": "pyproject.toml",
    "spec.json": "spec.json",
    "test_plugin.py": "tests/test_{package}.py",
}
"""Where each template goes."""

_NAME = re.compile(r"[a-z0-9]|[a-z0-9][a-z0-9._-]*[a-z0-9]", re.IGNORECASE | re.ASCII)


class NotMadeError(TinynetError):
    """A new plugin that cannot be made as it is asked for; the message says what could be."""


@dataclass(frozen=True)
class Names:
    """What the parts of a new plugin are called.

    Attributes:
        distribution: As pip calls it: ``my-layer``.
        package: As ``import`` calls it, and a spec: ``my_layer``.
        class_name: ``MyLayer``.
        kind: One of the values of `tinynet.registry.KINDS`.
        group: The kind's key there.
    """

    distribution: str
    package: str
    class_name: str
    kind: str
    group: str


@dataclass(frozen=True)
class NewPlugin:
    """What was made.

    Attributes:
        names: What its parts are called.
        folder: Where it is.
        files: Its files, relative to the folder.
    """

    names: Names
    folder: Path
    files: tuple[str, ...]


def kinds() -> list[str]:
    """The kinds of plugin that there is a template for."""
    found = {part.name for part in (files(__package__) / TEMPLATES).iterdir()}
    return [kind for kind in KINDS.values() if kind in found]


def new_plugin(name: str, kind: str = "layer", into: Path | str = ".") -> NewPlugin:
    """Write a distribution of one plugin; all of it, or nothing.

    Args:
        name: Of the distribution, and of the folder.
        kind: One of `kinds`.
        into: Folder that it is made in.

    Raises:
        NotMadeError: for a name that cannot be used or is taken, or a place that is.
        CheckpointIOError: if the disk refuses.
    """
    names = _names(name, kind)
    parent = Path(into)
    if not parent.is_dir():
        raise NotMadeError(f"there is no folder {quoted(str(parent))} to make it in")
    folder = parent / name
    texts = _rendered(names)
    with explaining_io(folder):
        try:
            folder.mkdir()
        except FileExistsError:
            raise NotMadeError(
                f"{folder} is there already; give the plugin another name, or another place"
            ) from None
        try:
            for place, text in texts.items():
                path = folder / place
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8")
        except BaseException:
            shutil.rmtree(folder)
            raise
    return NewPlugin(names, folder, tuple(texts))


def _names(name: str, kind: str) -> Names:
    """What the parts are called, if all of them can be."""
    if kind not in kinds():
        raise NotMadeError(f"there is no template for a {quoted(kind)}; {suggest(kind, kinds())}")
    if not _NAME.fullmatch(name):
        raise NotMadeError(
            f"{quoted(name)} cannot be the name of a distribution: letters, digits, and '-', '_' or"
            " '.' between them"
        )
    names = _named(name, kind)
    obstacle = _obstacle(names)
    if obstacle:
        others = chain([f"my-{name}"], (f"my-{name}-{number}" for number in count(2)))
        free = next(other for other in others if not _obstacle(_named(other, kind)))
        raise NotMadeError(f"{obstacle}; {quoted(free)} would do")
    return names


def _named(name: str, kind: str) -> Names:
    package = normalise(name).replace("-", "_")
    class_name = "".join(word.capitalize() for word in package.split("_"))
    group = next(group for group, its_kind in KINDS.items() if its_kind == kind)
    return Names(name, package, class_name, kind, group)


def _obstacle(names: Names) -> str:
    """Why the parts of a plugin cannot be called so; empty if they can."""
    package, class_name = quoted(names.package), quoted(names.class_name)
    for word in (names.package, names.class_name):
        if not word.isidentifier() or keyword.iskeyword(word):
            return f"{quoted(word)} cannot be a name in Python"
    taken = [e for e in registry.default().entries(names.group) if e.name == names.package]
    if taken:
        return f"{taken[0].distribution} has the {names.kind} {package} already"
    if names.package == "tests" or importlib.util.find_spec(names.package):
        return f"the package would be called {package}, which is something else's name already"
    if find_distribution(normalise(names.distribution)):
        return f"a distribution {quoted(names.distribution)} is installed already"
    if re.search(rf"\b{names.class_name}\b", _template(names.kind, "plugin.py")):
        return f"the class would be called {class_name}, a name that its own code needs"
    return ""


def _rendered(names: Names) -> dict[str, str]:
    """The text of each file."""
    major, minor = __version__.split(".")[:2]
    core = {"minor": f"{major}.{minor}", "next_major": str(int(major) + 1)}
    words = {**vars(names), **core}
    return {
        place.format(package=names.package): Template(_template(names.kind, name)).substitute(words)
        for name, place in PLACES.items()
    }


def _template(kind: str, name: str) -> str:
    folders: list[Traversable] = [files(__package__) / TEMPLATES / part for part in (kind, COMMON)]
    return next(
        path.read_text(encoding="utf-8")
        for path in (folder / f"{name}{SUFFIX}" for folder in folders)
        if path.is_file()
    )
