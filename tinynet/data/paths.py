"""Where a spec's data paths lead: inside its own folder, or inside the data root, and nowhere else.

A spec may come from a stranger. Whoever wants it to read elsewhere says so with a data root.
"""

import os.path
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic.fields import FieldInfo

from tinynet.config import Frozen
from tinynet.dataset import DataPath
from tinynet.errors import DataError

ConfigT = TypeVar("ConfigT", bound=Frozen)


def resolve_paths(config: ConfigT, root: Path) -> ConfigT:
    """The config with every data path absolute.

    Args:
        config: A dataset's config.
        root: Where relative paths start, and where all must lie.

    Raises:
        DataError: for a path that leads out of ``root``.
    """
    changes = {
        name: _resolved(getattr(config, name), _holds_paths(field), root)
        for name, field in type(config).model_fields.items()
    }
    return config.model_copy(update=changes)


def _holds_paths(field: FieldInfo) -> bool:
    return any(isinstance(mark, DataPath) for mark in field.metadata) or _marked(field.annotation)


def _marked(annotation: Any) -> bool:
    marks = getattr(annotation, "__metadata__", ())
    return any(isinstance(mark, DataPath) for mark in marks) or any(
        _marked(part) for part in get_args(annotation)
    )


def _resolved(value: Any, is_path: bool, root: Path) -> Any:
    if isinstance(value, Frozen):
        return resolve_paths(value, root)
    if isinstance(value, dict):
        return {key: _resolved(part, is_path, root) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_resolved(part, is_path, root) for part in value)
    return _absolute(value, root) if is_path and isinstance(value, str) else value


def _absolute(value: str, root: Path) -> str:
    root = Path(_normalised(root))
    path = Path(_normalised(root / value))
    if not path.is_relative_to(root):
        raise DataError(
            f"{value!r} leads to {path}, outside of {root}; a spec's data lie in the spec's folder"
            " or under --data-root (--data-root / allows any path)"
        )
    return str(path)


def _normalised(path: Path) -> str:
    """Absolute, with ``..`` taken out by name alone: a link inside the root is the user's own."""
    return os.path.abspath(path)
