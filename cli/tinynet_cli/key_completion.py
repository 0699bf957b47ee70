"""Completion of dotted names: paths of ``--set``, and the names that `tinynet explain` takes."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tinynet.registry import Registry

SPECS = (".json", ".yaml", ".yml")
"""Endings of specs."""

_NODES = "network.layers."


def overrides(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Return the paths of ``--set``: the keys of the spec on the line, and those of training.

    Nodes come before their options, so that a deep network does not list hundreds of both.
    """
    from tinynet.spec.training_spec import TrainingSpec

    keys = {f"training.{name}=" for name in TrainingSpec.model_fields}
    # Without the value of the last option, click does not know the arguments of the line.
    for word in context.obj or ():
        if not word.endswith(SPECS):
            continue
        from tinynet.errors import TinynetError
        from tinynet.spec.reading import read_document

        with suppress(TinynetError):  # The command itself reports it.
            value = read_document(Path(word)).value
            keys |= {f"{key}=" for key in _paths(value)}
            keys |= _of_types(value)
            if begun.startswith(_NODES) or _NODES.startswith(begun):
                keys |= _of_nodes(value, begun)
    return sorted(key for key in keys if key.startswith(begun))


def names(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Return types, their options (``conv2d.padding``), and the keys of a spec."""
    from tinynet.registry import default

    plugins = default()
    head, dot, _ = begun.rpartition(".")
    found = set[str]()
    if not dot:
        found = {entry.name for group in _groups(context) for entry in plugins.entries(group)}
    elif "." not in head:
        for group in _groups(context):
            found |= {f"{head}.{option}" for option in _options(plugins, group, head)}
    if "group" not in context.params or context.params["group"] is None:
        from tinynet.commands.catalog.explain import spec_paths

        found |= {path for path, _ in spec_paths() if path.count(".") <= begun.count(".")}
    return sorted(name for name in found if name.startswith(begun))


def _groups(context: click.Context) -> tuple[str, ...]:
    from tinynet.registry import GROUPS

    chosen = context.params.get("group")
    return (chosen,) if chosen else tuple(GROUPS)


def _options(plugins: "Registry", group: str, name: str) -> Iterable[str]:
    """Return the options of a type; none if there is no such type, or its plugin is broken."""
    from tinynet.errors import TinynetError

    try:
        config = getattr(plugins.load(group, name), "Config", None)
    except TinynetError:
        return ()
    return [*getattr(config, "model_fields", {})]


def _of_types(spec: Any) -> set[str]:
    """Return the options of the types that the parts of training name."""
    from tinynet.registry import default

    training = spec.get("training") if isinstance(spec, dict) else None
    found = set[str]()
    for key, group in (("optimizer", "optimizers"), ("loss", "losses")):
        part = training.get(key) if isinstance(training, dict) else None
        name = part.get("type") if isinstance(part, dict) else part
        if isinstance(name, str):
            options = ("type", *_options(default(), group, name))
            found |= {f"training.{key}.{option}=" for option in options}
    return found


def _of_nodes(spec: Any, begun: str) -> set[str]:
    """Return the nodes of a spec, or the options of the node whose name is complete."""
    from tinynet.registry import default
    from tinynet.spec.expansion.declared_nodes import declared_name, names

    network = spec.get("network") if isinstance(spec, dict) else None
    layers = network.get("layers") if isinstance(network, dict) else None
    declared = [declared_name(node, {}) for node in layers] if isinstance(layers, list) else []
    # A repeated node is changed by its declared name, or the first of its names.
    pairs = zip(declared, names(declared), strict=False)
    nodes = {node.name or own[0]: node for node, own in pairs}
    name, dot, _ = begun.removeprefix(_NODES).partition(".")
    if not dot or not begun.startswith(_NODES):
        return {f"{_NODES}{name}." for name in nodes}
    options = _options(default(), "layers", nodes[name].kind) if name in nodes else ()
    return {f"{_NODES}{name}.{option}=" for option in options}


def _paths(value: Any, path: str = "") -> Iterator[str]:
    """Yield the dotted paths to the values of a spec."""
    for key, part in value.items() if isinstance(value, dict) else ():
        inner = f"{path}.{key}" if path else key
        if key != "comment" and not key.startswith("$") and inner != _NODES[:-1]:
            yield from _paths(part, inner) if isinstance(part, dict) else (inner,)
