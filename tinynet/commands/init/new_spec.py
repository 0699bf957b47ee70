"""A new spec for data, tried before it is written."""

import json
import os
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tinynet.builtin.tables.parquet_files import ENDINGS as PARQUET
from tinynet.commands.init.draft import Draft, Part, spec_name
from tinynet.commands.init.json_text import format_json
from tinynet.commands.init.table_spec import Task, draft_of_table
from tinynet.commands.init.tag_spec import ENDINGS as TAGS
from tinynet.commands.init.tag_spec import draft_of_tags, has_tags
from tinynet.commands.init.templates import Template, templates
from tinynet.commands.init.text_spec import draft_of_text
from tinynet.commands.init.yaml_text import format_yaml
from tinynet.data.data import Data
from tinynet.errors import DataError, UsageError, explaining_io
from tinynet.files.atomic import replacing_output
from tinynet.files.nearby import suggest_path
from tinynet.spec.data_spec import DataSpec
from tinynet.spec.reading import load_spec
from tinynet.text.wording import closest
from tinynet.text.yaml_document import ENDINGS as YAML_ENDINGS
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
        text: Its text.
        content: Its content.
        samples: The samples for training, validation and test.
        params: The parameters of its network.
        notes: Remarks about choices that may surprise, a line each.
        description: Lines about the data.
        data_root: The folder where its data path starts; None for the spec's own.
    """

    path: Path
    text: str
    content: Mapping[str, Any]
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
            "spec": dict(self.content),
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
    overrides: Mapping[str, Any] | None = None,
    force: bool = False,
) -> NewSpec:
    """Write a spec for a table, a folder of images or texts, or a text.

    Args:
        source: The data; a table may be a pattern of files, or a folder of Parquet files.
        output: The spec's file, JSON or YAML by its ending; by default the data's name with
            ``.json`` in the current folder.
        targets: The columns of a table to predict.
        task: The task of a table; by default by the target.
        header: True if a table's first row names its columns; by default it is detected.
        overrides: Options of a table's dataset, by paths such as ``data.decimal``.
        force: Overwrite an existing file.

    Raises:
        DataError: for data that cannot be trained on.
        UsageError: for arguments that do not fit the data, and for an existing output.
    """
    data = Path(source)
    file = Path(output) if output is not None else Path(f"{spec_name(data)}.json")
    if file.exists() and not force:
        raise UsageError(f"{file} exists; add --force to overwrite it, or -o with another name")
    if not data.exists() and not _is_pattern(data):
        if template := _template(data):
            return _from_template(template, file)
        near = suggest_path(data, "data", lambda entry: not entry.name.startswith("."))
        meant = None if data.suffix else closest(str(data), (part.name for part in templates()))
        if meant is not None and "did you mean" not in near:
            near = f"; did you mean the template {meant}?"
        raise DataError(f"no such file or folder: {data}{near}; tinynet init lists the templates")
    root = file.resolve().parent
    is_inside = Path(os.path.abspath(data)).is_relative_to(root)
    data_root = root if is_inside else Path(os.path.abspath(data)).parent
    path = os.path.relpath(os.path.abspath(data), data_root).replace(os.sep, "/")
    draft, opened = _opened(
        _draft(data, path, targets, task, header, _settings(overrides or {})), data_root
    )
    content = draft.spec(opened)
    trainer = Trainer(load_spec(content), root=data_root, data=opened, threads=1)
    trainer.check()
    text = _formatted(content, file)
    _write(file, text)
    return _described(file, text, content, trainer, draft.notes, None if is_inside else data_root)


def _template(source: Path) -> Template | None:
    found = [template for template in templates() if template.name == str(source)]
    return found[0] if found else None


def _formatted(content: Mapping[str, Any], file: Path) -> str:
    """Return a spec as the text of its file, by the ending of its name."""
    if file.suffix.lower() in YAML_ENDINGS:
        return format_yaml(content)
    return format_json(content) + "\n"


def _from_template(template: Template, file: Path) -> NewSpec:
    content = json.loads(template.text)
    spec = load_spec(content)
    text = _formatted(content, file) if file.suffix.lower() in YAML_ENDINGS else template.text
    if template.needs and not (file.resolve().parent / template.needs).exists():
        _write(file, text)
        note = f"it reads {template.needs}, which does not exist yet: change data.path in {file}"
        return NewSpec(file, text, content, (0, 0, 0), 0, (note,), (), None)
    trainer = Trainer(spec, root=file.resolve().parent, threads=1)
    trainer.check()
    _write(file, text)
    return _described(file, text, content, trainer, (), None)


def _write(file: Path, text: str) -> None:
    with explaining_io(file):
        file.parent.mkdir(parents=True, exist_ok=True)
    with explaining_io(file), replacing_output(file) as write_at:
        write_at(0, text.encode())


def _described(
    file: Path,
    text: str,
    content: Mapping[str, Any],
    trainer: Trainer,
    notes: Sequence[str],
    data_root: Path | None,
) -> NewSpec:
    data = trainer.data
    return NewSpec(
        file,
        text,
        content,
        (data.size("train"), data.size("val"), data.size("test")),
        sum(array.size for array in trainer.network.params.values()),
        tuple(notes),
        tuple(data.description()),
        data_root,
    )


def _parsed(draft: Draft) -> DataSpec:
    """Return the data of a draft, validated as those of a spec."""
    part = load_spec({**_NO_NETWORK, "name": draft.name, "data": draft.data}).data
    assert part is not None
    return part


_NO_NETWORK = {
    "tinynet": 1,
    "network": {"layers": ["identity"]},
    "training": {"epochs": 1, "loss": "mse", "optimizer": "sgd"},
}
"""A spec in which only the data matter."""


def _opened(draft: Draft, root: Path) -> tuple[Draft, Data]:
    """Return a draft with its data, repaired if they cannot be opened without it."""
    try:
        return draft, Data(_parsed(draft), root, 1)
    except DataError:
        for repair in draft.repairs:
            repaired = replace(draft.repaired(repair), repairs=())
            with suppress(DataError):
                return _opened(repaired, root)
        raise


def _settings(overrides: Mapping[str, Any]) -> Part:
    """Return the options of a dataset from changes of a spec."""
    settings: Part = {}
    for path, value in overrides.items():
        part, _, option = path.partition(".")
        if part != "data" or not option:
            raise UsageError(
                f"--set {path}: init takes options of a table, such as data.decimal; change the"
                " rest in the new spec"
            )
        option, _, column = option.partition(".")
        if column:
            value = settings.get(option, {}) | {column: value}
        settings[option] = value
    return settings


def _draft(
    data: Path,
    path: str,
    targets: Sequence[str],
    task: Task | None,
    header: bool | None,
    settings: Part,
) -> Draft:
    if _is_table(data, bool(targets)):
        return draft_of_table(data, path, targets, task, header, settings)
    for given, option in (
        (targets, "--target"),
        (task, "--task"),
        (header, "--header"),
        (settings, "--set"),
    ):
        if given:
            raise UsageError(f"{option} is for tables, and {data} is not one")
    name = data.name.lower()
    if data.is_file():
        if not name.endswith(TEXTS) and has_tags(data):
            return draft_of_tags(data, path)
        if not name.endswith(TEXTS):
            raise UsageError(
                f"{data} is not a file that init can read: tables ({', '.join(TABLES)}), texts"
                f" ({', '.join(TEXTS)}), tokens with tags ({', '.join(TAGS)}), or folders of images"
                " or texts; for a table with another ending add --target COLUMN"
            )
        return draft_of_text(data, path)
    from tinynet.commands.init.folder_spec import draft_of_folder  # it may import Pillow

    return draft_of_folder(data, path)


def _is_table(data: Path, has_target: bool) -> bool:
    """Return True for tables; any file is one if a column of it is the target."""
    if data.is_dir():
        files = [entry.name.lower() for entry in data.iterdir() if entry.is_file()]
        pattern = next((e for e in TABLES[:4] if any(n.endswith(e) for n in files)), None)
        if has_target and pattern and not any(n.endswith(PARQUET) for n in files):
            raise UsageError(
                f"{data} is a folder; for all tables in it: tinynet init"
                f" {shlex.quote(str(data / f'*{pattern}'))}"
            )
        return any(name.endswith(PARQUET) for name in files)
    if has_target or _is_pattern(data):
        return True
    return data.name.lower().endswith(TABLES) and not has_tags(data)


def _is_pattern(data: Path) -> bool:
    return not data.exists() and bool({"*", "?"} & {*str(data)})
