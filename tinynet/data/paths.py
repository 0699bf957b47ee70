"""Resolution of data paths, which must lie in the spec's folder or in the data root.

A spec may be untrusted, so it reads other folders only if the user passes a data root.
"""

import glob
import json
import os.path
import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic.fields import FieldInfo

from tinynet.config import Frozen
from tinynet.dataset import DataPath
from tinynet.errors import DataError
from tinynet.text.options import option, overrides, together

ConfigT = TypeVar("ConfigT", bound=Frozen)


def resolve_paths(config: ConfigT, root: Path) -> ConfigT:
    """Return a dataset's config with every data path absolute.

    Raises:
        DataError: for a path outside of ``root``, where relative paths start.
    """
    require_inside({"data": config}, root)
    resolved: ConfigT = _replaced(config, "data", False, lambda _, path: _absolute(path, root))
    return resolved


def require_inside(configs: Mapping[str, Frozen], root: Path) -> None:
    """Require the data paths of configs, by place in the spec, to lie in ``root``.

    Raises:
        DataError: listing every path outside of it, with the options that allow them.
    """
    paths = {key: path for place, config in configs.items() for key, path in _paths(config, place)}
    targets = {key: _absolute(value, root) for key, value in paths.items()}
    inside = os.path.abspath(root)
    outside = [key for key, path in targets.items() if not Path(path).is_relative_to(inside)]
    if not outside:
        return
    lines = [f"{paths[key]!r} ({key}) leads to {targets[key]}" for key in outside]
    rule = f"outside of {inside}, where a spec's data must lie"
    missing = [targets[key] for key in outside if not _exists(targets[key])]
    if missing:
        advice = f"{missing[0]} does not exist: correct the path"
    else:
        advice = f"to allow it, add: {_options(paths, targets)}"
    if len(lines) == 1:
        raise DataError(f"{lines[0]}, {rule}; {advice}")
    raise DataError("\n  ".join([f"paths lead {rule}:", *lines, advice]))


def _exists(path: str) -> bool:
    """Return True if there is such a file or folder, or a file that the path is a pattern of."""
    with suppress(ValueError, OSError):
        return os.path.exists(path) or bool(glob.glob(path))
    return False


def _options(paths: Mapping[str, str], targets: Mapping[str, str]) -> str:
    """Return the options that allow the paths.

    Relative paths start at the data root, so all of them are rewritten.
    """
    common = os.path.commonpath([os.path.dirname(path) for path in targets.values()])
    changes = [
        f"{key}={_json_or_text(os.path.relpath(targets[key], common))}"
        for key, value in paths.items()
        if not os.path.isabs(value)
    ]
    words = [word for change in changes for word in ("--set", change)]
    in_python = [f"data_root={common!r}", *([overrides(*changes)] if changes else [])]
    return option(shlex.join(["--data-root", common, *words]), together(*in_python))


def _json_or_text(path: str) -> str:
    """Return a path as a value of ``--set``, which parses JSON if it can."""
    try:
        json.loads(path)
    except ValueError:
        return path
    return json.dumps(path)


def paths_in(config: Frozen) -> list[str]:
    """Return every data path of a dataset's config."""
    return [path for _, path in _paths(config, "data")]


def paths_by_key(config: Frozen) -> dict[str, str]:
    """Return every data path of a dataset's config by its key, such as ``path``."""
    return {key.removeprefix("data."): path for key, path in _paths(config, "data")}


def _paths(config: Frozen, place: str) -> list[tuple[str, str]]:
    """Return key and value of every data path in a config."""
    paths = []

    def record(key: str, path: str) -> str:
        paths.append((key, path))
        return path

    _replaced(config, place, False, record)
    return paths


def _replaced(value: Any, key: str, is_path: bool, replace: Callable[[str, str], str]) -> Any:
    """Return a part of a config with ``replace(key, path)`` in place of every data path."""
    if isinstance(value, Frozen):
        changes = {
            name: _replaced(getattr(value, name), f"{key}.{name}", _holds_paths(field), replace)
            for name, field in type(value).model_fields.items()
        }
        return value.model_copy(update=changes)
    if isinstance(value, dict):
        return {n: _replaced(part, f"{key}.{n}", is_path, replace) for n, part in value.items()}
    if isinstance(value, list | tuple):
        parts = enumerate(value)
        return type(value)(_replaced(part, f"{key}.{i}", is_path, replace) for i, part in parts)
    return replace(key, value) if is_path and isinstance(value, str) else value


def _holds_paths(field: FieldInfo) -> bool:
    return any(isinstance(mark, DataPath) for mark in field.metadata) or _marked(field.annotation)


def _marked(annotation: Any) -> bool:
    marks = getattr(annotation, "__metadata__", ())
    return any(isinstance(mark, DataPath) for mark in marks) or any(
        _marked(part) for part in get_args(annotation)
    )


def _absolute(value: str, root: Path) -> str:
    # Links are not resolved: a link inside the root was made by the user.
    return os.path.abspath(Path(os.path.abspath(root)) / value)
