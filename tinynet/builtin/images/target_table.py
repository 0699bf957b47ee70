"""The table of a folder of images: names of files, and their targets."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tinynet.builtin.datasets._arrays import Source, TargetConfig
from tinynet.builtin.datasets._faulty_cells import FaultyCells
from tinynet.builtin.datasets._labels import Labels
from tinynet.builtin.datasets._table import find_column, open_table
from tinynet.builtin.images.listing import Listing, find_images
from tinynet.errors import DataError
from tinynet.text.wording import format_list

MAX_SHOWN = 10
"""Rows that a message names for one kind of fault."""


def list_from_table(
    folder: str,
    table: str,
    file_column: str | None,
    targets: Mapping[str, str | tuple[str, ...]],
    kinds: Mapping[str, TargetConfig],
    *,
    delimiter: str,
    ending: str,
) -> Listing:
    """Return the images that a table names, with the targets in its other columns.

    Args:
        folder: The folder of the images; names in the table are relative to it.
        table: The CSV file.
        file_column: The column of file names; by default the first one.
        targets: Column of each target by its name; several columns are numbers.
        kinds: Kind and classes of each target of one column.
        delimiter: The character between two cells.
        ending: Appended to each name, such as ``.jpg``.

    Raises:
        DataError: listing cells that cannot be used, and files that do not exist.
    """
    names, rows = open_table(table, delimiter, True)
    of_files = 0 if file_column is None else find_column(table, names, file_column, delimiter)
    columns = [
        c for given in targets.values() for c in ([given] if isinstance(given, str) else given)
    ]
    positions = {c: find_column(table, names, c, delimiter) for c in dict.fromkeys(columns)}
    files, lines = list[str](), list[int]()
    cells: dict[str, list[str]] = {column: [] for column in positions}
    seen: dict[str, str] = {}
    for line, row in rows:
        lines.append(line)
        files.append(row[of_files].strip())
        for column, position in positions.items():
            cell = row[position].strip()
            cells[column].append(seen.setdefault(cell, cell))
    if not lines:
        raise DataError(f"{table} has a header and no rows")
    number = TargetConfig(target_type="number")
    kind_of = {
        column: kinds[name] if isinstance(given, str) else number
        for name, given in targets.items()
        for column in ([given] if isinstance(given, str) else given)
    }
    labels = {
        column: Labels(table, column, cells[column], lines, kind)
        for column, kind in kind_of.items()
    }
    _refuse_faults(table, names, labels)
    sources = {column: label.source() for column, label in labels.items()}
    found = find_images(folder)
    paths = _paths(folder, table, names[of_files], files, lines, found.images, ending)
    unused = sorted({found.path(name) for name in found.images}.difference(paths))
    notes = list(found.notes)
    if unused:
        shown = format_list([os.path.relpath(path, folder) for path in unused])
        notes.append(f"{folder}: images that are not in {table}: {shown}")
    joined = {name: _joined(sources, given) for name, given in targets.items()}
    return Listing(folder, paths, joined, notes=tuple(notes))


def _joined(sources: Mapping[str, Source], columns: str | Sequence[str]) -> Source:
    """Return one column, (N,), or the numbers of several, (N, F)."""
    if isinstance(columns, str):
        return sources[columns]
    values = np.stack([sources[column].values[:] for column in columns], axis=1)
    return replace(sources[columns[0]], values=values, names=tuple(columns), column=None)


def _refuse_faults(table: str, names: Sequence[str], labels: Mapping[str, Labels]) -> None:
    faults, remedies = FaultyCells(), list[str]()
    for column, label in labels.items():
        label.add_faults(faults)
        if column in faults.columns:
            remedies += [remedy for remedy in label.remedies() if remedy not in remedies]
    if faults.columns:
        raise DataError(faults.message(table, names, dict.fromkeys(labels, "a target"), remedies))


def _paths(
    folder: str,
    table: str,
    column: str,
    files: Sequence[str],
    lines: Sequence[int],
    images: Sequence[str],
    ending: str,
) -> list[str]:
    """Return the path of each file.

    Raises:
        DataError: listing names that are empty, lead out of the folder, or are not files in it.
    """
    paths, wrong, missing = list[str](), list[str](), list[str]()
    for name, line in zip(files, lines, strict=True):
        relative = os.path.normpath(name + ending) if name else ""
        path = os.path.join(folder, relative)
        paths.append(path)
        if not name or os.path.isabs(relative) or relative.split(os.sep)[0] in ("..", "."):
            wrong.append(f"{name!r} (line {line})")
        elif not os.path.lexists(path):
            missing.append(f"{name + ending} (line {line})")
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
