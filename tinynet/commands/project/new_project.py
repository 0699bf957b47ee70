"""Creation of a starter project: a spec, its data, a README, and the same in Python."""

import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from string import Template
from unicodedata import normalize

from tinynet.commands.init.draft import spec_name
from tinynet.commands.init.new_spec import NewSpec, new_spec
from tinynet.commands.init.table_spec import NoTargetError, Task
from tinynet.commands.init.templates import templates
from tinynet.errors import TinynetError, UsageError, explaining_io
from tinynet.files.strict import kind_of
from tinynet.text.wording import quote

DEFAULT = "digits_cnn"
"""The template of a project without data."""

_FILES = {"README.md": "README.md", "train.py": "train.py", "gitignore": ".gitignore"}
"""The files of a project by the names of their templates."""

_NAME = re.compile(r"\w[\w.-]*")

_PACKAGES = ("tinynet", "tinynet_cli")
"""Packages that Python would not find beside a folder of the same name."""


@dataclass(frozen=True)
class NewProject:
    """A created project.

    Attributes:
        folder: Its folder.
        files: The files in it, relative to it.
        spec: The spec, as `tinynet init` writes it.
    """

    folder: Path
    files: tuple[str, ...]
    spec: NewSpec


def new_project(
    name: str,
    source: str | Path | None = None,
    *,
    targets: Sequence[str] = (),
    task: Task | None = None,
    into: str | Path = ".",
) -> NewProject:
    """Write a starter project, completely or not at all.

    Args:
        name: The name of the project and its folder.
        source: A template of `tinynet init`, or a file of data, which is copied; by default the
            template `DEFAULT`.
        targets: The columns of a table to predict.
        task: The task of a table; by default by the target.
        into: The parent folder.

    Raises:
        UsageError: for a name that cannot be used, a folder that exists, or a source that is a
            folder.
        DataError: for data that cannot be trained on.
        CheckpointIOError: if a file cannot be written.
    """
    _require_name(name)
    parent, source = Path(into), Path(source or DEFAULT)
    folder = parent / name
    if not parent.is_dir():
        raise UsageError(f"there is no folder {quote(str(parent))}; create it first")
    if folder.exists():
        raise _exists(folder)
    is_file = source.is_file()
    if source.exists() and not is_file:
        raise UsageError(
            f"{source} is {kind_of(source)}, which is not copied into a project; write a spec where"
            f" it is: tinynet init {source}"
        )
    with (
        explaining_io(folder),
        tempfile.TemporaryDirectory(prefix=f".{name}-", dir=parent) as made,
    ):
        draft = Path(made) / name
        draft.mkdir()
        data = source
        if is_file:
            data = draft / "data" / source.name
            data.parent.mkdir()
            shutil.copyfile(source, data)
        file = spec_name(Path(name)) + ".json"
        with _naming(data, source, name):
            made_spec = new_spec(data, draft / file, targets=targets, task=task)
        _rename(made_spec.path, spec_name(Path(name)))
        for place, text in _texts(name, file, "" if is_file else _needs(source)).items():
            (draft / place).write_text(text, encoding="utf-8")
        names = sorted(str(path.relative_to(draft)) for path in draft.rglob("*") if path.is_file())
        try:
            draft.rename(folder)
        except OSError as error:
            if not folder.exists():
                raise
            raise _exists(folder) from error  # created in the meantime, by another process
    notes = tuple(note.replace(str(draft), str(folder)) for note in made_spec.notes)
    return NewProject(folder, tuple(names), replace(made_spec, path=folder / file, notes=notes))


def _exists(folder: Path) -> UsageError:
    return UsageError(f"{quote(str(folder))} exists already; choose another name")


@contextmanager
def _naming(copy: Path, source: Path, project: str) -> Iterator[None]:
    """Let messages about a copied file name the file that was given."""
    try:
        yield
    except NoTargetError as error:
        command = shlex.join(["tinynet", "new", project, str(source)])
        raise UsageError(error.message(str(source), command)) from error
    except TinynetError as error:
        for path in (copy.absolute(), copy):
            error.args = tuple(str(part).replace(str(path), str(source)) for part in error.args)
        raise


def _rename(spec: Path, name: str) -> None:
    """Set the name of a spec, which run folders are named after; its layout stays."""
    text = spec.read_text(encoding="utf-8")
    renamed = re.sub(r'"name": "[^"]*"', f'"name": "{name}"', text, count=1)
    spec.write_text(renamed, encoding="utf-8")


def _require_name(name: str) -> None:
    if name.lower() in _PACKAGES:
        raise UsageError(
            f"{quote(name)} cannot be the name of a project, as Python would take its folder for"
            f" the package; try {quote(f'my-{name}')}"
        )
    if _NAME.fullmatch(name):
        return
    plain = normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^\w.-]+", "-", plain).strip("-.")
    hint = f"; try {quote(plain)}" if _NAME.fullmatch(plain) else ""
    raise UsageError(
        f"{quote(name)} cannot be the name of a project: letters and digits, with '-', '_' or '.'"
        f" between them{hint}"
    )


def _needs(source: Path) -> str:
    """Return the file that a template reads; empty if it can be trained as it is."""
    return next((part.needs for part in templates() if part.name == str(source)), "")


def _texts(name: str, spec: str, needs: str) -> dict[str, str]:
    run = spec.removesuffix(".json")
    rows = [
        (f"tinynet check {spec}", "mistakes, layers and data"),
        (f"tinynet train {spec}", f"creates runs/{run}-001"),
        (f"tinynet evaluate runs/{run}-001", "figures on the test data"),
        (f"tinynet resume runs/{run}-001", "continues after Ctrl-C, kill -9 or a power loss"),
    ]
    width = max(len(command) for command, _ in rows)
    words = {
        "title": name,
        "commands": "\n".join(f"{command:<{width}}  # {text}" for command, text in rows),
        "spec": spec,
        "needs": f"- Put your data into `{needs}` first." if needs else "",
    }
    folder = files(__package__) / "templates"
    texts = {}
    for template, place in _FILES.items():
        text = (folder / f"{template}.template").read_text(encoding="utf-8")
        texts[place] = Template(text).substitute(words).rstrip("\n") + "\n"
    return texts
