"""Creation of a starter project: a spec, its data, a README, and the same in Python."""

import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from string import Template
from unicodedata import normalize

from tinynet.commands.init.draft import spec_name
from tinynet.commands.init.new_spec import NewSpec, new_spec
from tinynet.commands.init.table_spec import Task
from tinynet.commands.init.templates import templates
from tinynet.errors import UsageError, explaining_io
from tinynet.files.strict import kind_of
from tinynet.text.wording import quote

DEFAULT = "digits_cnn"
"""The template of a project without data."""

_FILES = {"README.md": "README.md", "train.py": "train.py", "gitignore": ".gitignore"}
"""The files of a project by the names of their templates."""

_NAME = re.compile(r"\w[\w.-]*")


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
        raise UsageError(f"{quote(str(folder))} exists already; choose another name")
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
        made_spec = new_spec(data, draft / file, targets=targets, task=task)
        _rename(made_spec.path, spec_name(Path(name)))
        for place, text in _texts(name, file, "" if is_file else _needs(source)).items():
            (draft / place).write_text(text, encoding="utf-8")
        names = sorted(str(path.relative_to(draft)) for path in draft.rglob("*") if path.is_file())
        draft.rename(folder)
    notes = tuple(note.replace(str(draft), str(folder)) for note in made_spec.notes)
    return NewProject(folder, tuple(names), replace(made_spec, path=folder / file, notes=notes))


def _rename(spec: Path, name: str) -> None:
    """Set the name of a spec, which run folders are named after; its layout stays."""
    text = spec.read_text(encoding="utf-8")
    renamed = re.sub(r'"name": "[^"]*"', f'"name": "{name}"', text, count=1)
    spec.write_text(renamed, encoding="utf-8")


def _require_name(name: str) -> None:
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
    words = {
        "title": name,
        "spec": spec,
        "run": spec.removesuffix(".json"),
        "needs": f"- Put your data into `{needs}` first." if needs else "",
    }
    folder = files(__package__) / "templates"
    texts = {}
    for template, place in _FILES.items():
        text = (folder / f"{template}.template").read_text(encoding="utf-8")
        texts[place] = Template(text).substitute(words).rstrip("\n") + "\n"
    return texts
