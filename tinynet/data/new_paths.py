"""Paths of new samples that take the place of those in a spec."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from tinynet.errors import DataError
from tinynet.text.wording import format_list

Paths = dict[str, str]
"""Absolute paths by their keys in the spec."""


def replaced_paths(
    old: Mapping[str, str], new: str, kind: str, root: Callable[[], Path]
) -> Iterator[Paths]:
    """Yield sets of paths to try in order, in place of the paths of a dataset.

    One path is replaced. Of several, a folder replaces the folder that all of them are in, and a
    file the one with the same ending: the other paths are beside it, are its folder, or stay.

    Args:
        old: The paths in the spec, by key.
        new: The file or folder of new samples.
        kind: The type of the dataset, for messages.
        root: Return the folder in which relative paths of the spec start.

    Raises:
        DataError: if the new path can take no place.
    """
    absolute = os.path.abspath(new)
    alike = [key for key, path in old.items() if Path(path).suffix == Path(new).suffix]
    if any("." in key for key in old) or not old:
        alike = []
    elif len(old) == 1:
        yield dict.fromkeys(old, absolute)
        return
    elif os.path.isdir(new):
        yield _in_folder(old, absolute)
        return
    if len(alike) != 1:
        held = f"reads several ({format_list([*old])})" if old else "reads no file"
        raise DataError(
            f"{new} cannot take the place of the run's data, since its dataset {kind!r} {held}; in"
            " Python, pass the samples: tinynet.evaluate(run, data=(x, y))"
        )
    folder = os.path.dirname(absolute)
    others = [path for key, path in old.items() if key not in alike]
    beside = [os.path.join(folder, os.path.basename(path)) for path in others]
    if all(map(os.path.exists, beside)):
        yield _with_file(old, alike[0], absolute, beside)
        return
    yield _with_file(old, alike[0], absolute, [folder] * len(others))
    yield _with_file(old, alike[0], absolute, [str(root() / path) for path in others])


def _with_file(old: Mapping[str, str], key: str, file: str, others: Iterable[str]) -> Paths:
    """Return the path of a file at a key, and the other paths at the other keys, in order."""
    rest = iter(others)
    return {name: file if name == key else next(rest) for name in old}


def _in_folder(old: Mapping[str, str], folder: str) -> Paths:
    """Return the paths in a folder, which are named as those in the spec.

    Raises:
        DataError: naming those that do not exist.
    """
    common = os.path.commonpath([os.path.dirname(os.path.normpath(path)) for path in old.values()])
    names = {key: os.path.relpath(path, common or ".") for key, path in old.items()}
    paths = {key: os.path.join(folder, name) for key, name in names.items()}
    if missing := [names[key] for key, path in paths.items() if not os.path.exists(path)]:
        raise DataError(
            f"{folder} lacks {format_list(missing)}; it takes the place of the run's data, so it"
            f" needs the names that these have: {format_list([*names.values()])}"
        )
    return paths
