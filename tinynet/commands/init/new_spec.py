"""A new spec for data, tried before it is written."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinynet.commands.init.draft import Draft
from tinynet.commands.init.json_text import format_json
from tinynet.commands.init.table_spec import PARQUET, Task, draft_of_table
from tinynet.commands.init.templates import Template, templates
from tinynet.commands.init.text_spec import draft_of_text
from tinynet.data.data import Data
from tinynet.errors import DataError, UsageError, explaining_io
from tinynet.files.atomic import replacing_output
from tinynet.files.nearby import suggest_path
from tinynet.spec.data_spec import DataSpec
from tinynet.spec.reading import load_spec
from tinynet.training.trainer import Trainer

TABLES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".tab", ".tab.gz", ".data", *PARQUET)
"""Endings of files that are read as tables."""

TEXTS = (".txt", ".txt.gz", ".md")
"""Endings of files that are read as one long text."""


@dataclass(frozen=True)
class NewSpec:
    """A spec that was written.

    Attributes:
        path: Its file.
        text: Its content.
        samples: The samples for training, validation and test.
        params: The parameters of its network.
        notes: Remarks about choices that may surprise, a line each.
        description: Lines about the data.
        data_root: The folder where its data path starts; None for the spec's own.
    """

    path: Path
    text: str
    samples: tuple[int, int, int]
    params: int
    notes: tuple[str, ...]
    description: tuple[str, ...]
    data_root: Path | None

    @property
    def is_tried(self) -> bool:
        """True if its first step was tried; False for a template whose data do not exist yet."""
        return any(self.samples)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        root = None if self.data_root is None else str(self.data_root)
        train, val, test = self.samples
        return {
            "path": str(self.path),
            "spec": json.loads(self.text),
            "samples": {"train": train, "val": val, "test": test},
            "params": self.params,
            "notes": list(self.notes),
            "data": list(self.description),
            "data_root": root,
        }


def new_spec(
    source: str | Path,
    output: str | Path | None = None,
    *,
    targets: Sequence[str] = (),
    task: Task | None = None,
    header: bool | None = None,
    force: bool = False,
) -> NewSpec:
    """Write a spec for a table, a folder of images or texts, or a text.

    Args:
        source: The data.
        output: The spec's file; by default the data's name with ``.json`` in the current folder.
        targets: The columns of a table to predict.
        task: The task of a table; by default by the target.
        header: True if a table's first row names its columns; by default it is detected.
        force: Overwrite an existing file.

    Raises:
        DataError: for data that cannot be trained on.
        UsageError: for arguments that do not fit the data, and for an existing output.
    """
    data = Path(source)
    file = Path(output) if output is not None else Path(f"{_stem(data)}.json")
    if file.exists() and not force:
        raise UsageError(f"{file} exists; add --force to overwrite it, or -o with another name")
    if not data.exists():
        if template := _template(data):
            return _from_template(template, file)
        near = suggest_path(data, "data", lambda entry: not entry.name.startswith("."))
        raise DataError(f"no such file or folder: {data}{near}; tinynet init lists the templates")
    root = file.resolve().parent
    is_inside = Path(os.path.abspath(data)).is_relative_to(root)
    data_root = root if is_inside else Path(os.path.abspath(data)).parent
    path = os.path.relpath(os.path.abspath(data), data_root).replace(os.sep, "/")
    draft = _draft(data, path, targets, task, header)
    opened = Data(DataSpec.model_validate(_parsed(draft)), data_root, 1)
    content = draft.spec(opened)
    trainer = Trainer(load_spec(content), root=data_root, data=opened, threads=1)
    trainer.check()
    text = format_json(content) + "\n"
    _write(file, text)
    return _described(file, text, trainer, draft.notes, None if is_inside else data_root)


def _template(source: Path) -> Template | None:
    found = [template for template in templates() if template.name == str(source)]
    return found[0] if found else None


def _from_template(template: Template, file: Path) -> NewSpec:
    spec = load_spec(json.loads(template.text))
    if template.needs and not (file.resolve().parent / template.needs).exists():
        _write(file, template.text)
        note = f"it reads {template.needs}, which does not exist yet: change data.path in {file}"
        return NewSpec(file, template.text, (0, 0, 0), 0, (note,), (), None)
    trainer = Trainer(spec, root=file.resolve().parent, threads=1)
    trainer.check()
    _write(file, template.text)
    return _described(file, template.text, trainer, (), None)


def _write(file: Path, text: str) -> None:
    with explaining_io(file), replacing_output(file) as write_at:
        write_at(0, text.encode())


def _described(
    file: Path, text: str, trainer: Trainer, notes: Sequence[str], data_root: Path | None
) -> NewSpec:
    data = trainer.data
    return NewSpec(
        file,
        text,
        (data.size("train"), data.size("val"), data.size("test")),
        sum(array.size for array in trainer.network.params.values()),
        tuple(notes),
        tuple(data.description()),
        data_root,
    )


def _parsed(draft: Draft) -> object:
    """Return the data of a draft as those of a spec are validated."""
    part = load_spec({**_NO_NETWORK, "name": draft.name, "data": draft.data}).data
    assert part is not None
    return part


_NO_NETWORK = {
    "tinynet": 1,
    "network": {"layers": ["identity"]},
    "training": {"epochs": 1, "loss": "mse", "optimizer": "sgd"},
}
"""A spec in which only the data matter."""


def _draft(
    data: Path, path: str, targets: Sequence[str], task: Task | None, header: bool | None
) -> Draft:
    name = data.name.lower()
    if data.is_file() and not name.endswith(TEXTS) and (name.endswith(TABLES) or targets):
        return draft_of_table(data, path, targets, task, header)
    for given, option in ((targets, "--target"), (task, "--task"), (header, "--header")):
        if given:
            raise UsageError(f"{option} is for tables, and {data} is not one")
    if data.is_file():
        if not name.endswith(TEXTS):
            raise UsageError(
                f"{data} is not a file that init can read: tables ({', '.join(TABLES)}), texts"
                f" ({', '.join(TEXTS)}), or folders of images or texts; for a table with another"
                " ending add --target COLUMN"
            )
        return draft_of_text(data, path)
    from tinynet.commands.init.folder_spec import draft_of_folder  # it may import Pillow

    return draft_of_folder(data, path)


def _stem(data: Path) -> str:
    return Path(os.path.abspath(data)).name.split(".")[0] or "spec"
