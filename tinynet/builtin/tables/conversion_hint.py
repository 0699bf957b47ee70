"""The command that converts a table which does not fit into memory."""

import os
import shlex
from typing import Any

from tinynet.builtin.tables.dialect import DialectConfig


def conversion_command(config: Any, path: str) -> str:
    """Return the ``tinynet convert`` command for the table of a dataset's config.

    Columns are named as in the config, as far as the command can name them.
    """
    words = ["tinynet", "convert", path, _destination(path)]
    target, features = getattr(config, "target", None), getattr(config, "features", None)
    if isinstance(target, str | int):
        words += ["--target", str(target)]
    if isinstance(features, tuple) and not any("," in str(name) for name in features):
        words += ["--columns", ",".join(map(str, features))]
    if isinstance(config, DialectConfig):
        words += _dialect(config)
    return shlex.join(words)


def _destination(path: str) -> str:
    folder, name = os.path.split(path)
    stem = name.partition(".")[0]
    is_new = stem and stem != name and not set("*?") & set(stem)
    return os.path.join(folder, stem if is_new else "converted")


def _dialect(config: DialectConfig) -> list[str]:
    words = [] if config.header else ["--no-header"]
    for name in DialectConfig.model_fields:
        value = getattr(config, name)
        if name == "header" or value == DialectConfig.model_fields[name].default:
            continue
        words += [f"--{name.replace('_', '-')}", "\\t" if value == "\t" else str(value)]
    return words
