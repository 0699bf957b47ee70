"""The table of a folder of images: names of files, and their targets."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from tinynet.builtin.datasets._arrays import Source
from tinynet.builtin.datasets.csv import CSV
from tinynet.builtin.images.listing import Listing, find_images
from tinynet.builtin.images.options import ImageFolderConfig
from tinynet.builtin.tables.config import ColumnConfig
from tinynet.builtin.tables.csv_files import read_table
from tinynet.errors import DataError
from tinynet.text.wording import format_list

MAX_SHOWN = 10
"""Rows that a message names for one kind of fault."""


def list_from_table(folder: str, path: str, config: ImageFolderConfig) -> Listing:
    """Return the images in a folder that a table names, with the targets in its other columns.

    The table is read as the dataset `csv` reads it, with the names of files as its only input.

    Raises:
        DataError: listing cells that cannot be used, and files that do not exist.
    """
    options: dict[str, Any] = {"path": path, "target": config.target}
    if config.delimiter != ",":  # the default depends on the file
        options["delimiter"] = config.delimiter
    column = config.file
    if column is None:
        column = read_table(CSV.Config(**options), path, _first).header[0]
    options |= {"features": {"file": column}, "columns": _columns(column, config)}
    options |= {"target_type": config.target_type, "classes": config.classes}
    table = CSV(CSV.Config(**options))
    rows = np.arange(len(table))
    files = table.gather(rows).inputs["file"].tolist()
    found = find_images(folder)
    paths = _paths(folder, path, column, files, table.where, found.images, config.ending)
    notes = list(found.notes)
    if unused := sorted({found.path(name) for name in found.images}.difference(paths)):
        shown = format_list([os.path.relpath(name, folder) for name in unused])
        notes.append(f"{folder}: images that are not in {path}: {shown}")
    values = table.gather_targets(rows).targets
    targets = {
        name: Source(
            values[name], path, field.classes, field.names, locate=partial(table.where_in, name)
        )
        for name, field in table.targets.items()
    }
    return Listing(folder, paths, targets, notes=tuple(notes), columns=table.column_values)


def _first(names: Sequence[str]) -> Sequence[str]:
    return names[:1]


def _columns(file: str, config: ImageFolderConfig) -> dict[str, ColumnConfig]:
    """Return the options of the columns: those of the spec, and what a run recorded."""
    columns = {**(config.columns or {}), file: ColumnConfig(kind="text")}
    if config.inferred is None or config.classes is not None:
        return columns
    for target, column in config.single_targets.items():
        options, classes = columns.get(column, ColumnConfig()), config.classes_of(target)
        if options.categories is None:
            kind = options.kind or ("number" if classes is None else "category")
            columns[column] = options.model_copy(update={"kind": kind, "categories": classes})
    return columns


def _paths(
    folder: str,
    table: str,
    column: str,
    files: Sequence[str],
    where: Callable[[int], str],
    images: Sequence[str],
    ending: str,
) -> list[str]:
    """Return the path of each file.

    Raises:
        DataError: listing names that are empty, lead out of the folder, or are not files in it.
    """
    paths, wrong, missing = list[str](), list[str](), list[str]()
    for row, name in enumerate(files):
        line = where(row).removeprefix(f"{table}, ")
        relative = os.path.normpath(name + ending) if name else ""
        path = os.path.join(folder, relative)
        paths.append(path)
        if not name or os.path.isabs(relative) or relative.split(os.sep)[0] in ("..", "."):
            wrong.append(f"{name!r} ({line})")
        elif not os.path.lexists(path):
            missing.append(f"{name + ending} ({line})")
    place = f"{table}, column {column!r}"
    problems = []
    if wrong:
        problems.append(
            f"{place}: cells are not names of files inside {folder}:"
            f" {_shown(wrong)}; correct them, or remove their rows"
        )
    if missing:
        hint = _ending_hint(files, images) if not ending else ""
        problems.append(
            f"{place}: no such files in {folder}: {_shown(missing)}; add the"
            f' files, remove the rows{hint}, or name another column of files in "file"'
        )
    if problems:
        raise DataError("\n  ".join(problems))
    return paths


def _shown(items: Sequence[str]) -> str:
    more = len(items) - MAX_SHOWN
    return ", ".join(items[:MAX_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def _ending_hint(files: Sequence[str], images: Sequence[str]) -> str:
    """Return the setting of ``ending``, if names in a table lack that of the files."""
    stems = dict(map(os.path.splitext, images))
    for name in files:
        if name in stems:
            return f', set "ending": "{stems[name]}"'
    return ""
