"""The names of arrays of Keras: ``conv2d/kernel:0``, or ``layers/conv2d/vars/0`` of a file."""

import re
from collections.abc import Iterable, Mapping

from tinynet.checkpoint.layouts.modules import ALONE, ModuleList, group_modules
from tinynet.files.array_header import ArrayHeader

_CELL = re.compile(r"(?:lstm_|gru_|simple_rnn_)?cell(?:_[0-9]+)?")
_DIRECTION = re.compile(r"(forward|backward)_.+")
_PROJECTION = re.compile(r"(query|key|value|attention_output|output_dense)(?:_dense)?")
_ROLES = frozenset(
    "kernel bias recurrent_kernel depthwise_kernel pointwise_kernel embeddings position_embeddings"
    " gamma scale beta moving_mean moving_variance alpha".split()
)
"""Names of the variables of layers."""

_NOT_NEEDED = re.compile(r"(?:^|/)(?:seed_generator(?:_[0-9]+)?|optimizer|metrics)/")


def keras_modules(headers: Mapping[str, ArrayHeader], *, in_order: bool) -> ModuleList:
    """Return the modules of a file of Keras's names.

    The role of a variable that has only a number, ``vars/0``, is the number. The variables of a
    layer that was saved alone have only their roles: ``kernel``, ``bias``.
    """
    ignored = [name for name in headers if _NOT_NEEDED.search(name)]
    parts = {name: _parts(name) for name in headers if name not in ignored}
    attention = _attention_layers(path for path, _ in parts.values())
    places = {name: _place(path, role, attention) for name, (path, role) in parts.items()}
    if all(not path and (role in _ROLES or role.isdecimal()) for path, role in parts.values()):
        places = {name: (ALONE, role) for name, (_, role) in parts.items()}
    # Files of Keras name the variables by number, and sort the layers.
    in_order = in_order and not any(role.isdecimal() for _, role in parts.values())
    return group_modules(headers, places, ignored, in_order=in_order)


def _parts(name: str) -> tuple[list[str], str]:
    """Return the path of a variable's layer, and its role."""
    *path, role = name.removesuffix(":0").split("/")
    if path and path[-1] == "vars":
        path.pop()
    return path, role


def _attention_layers(paths: Iterable[list[str]]) -> set[str]:
    """Return the names of the layers that have projections of queries, keys and values."""
    parts: dict[str, set[str]] = {}
    for path in paths:
        if path and (match := _PROJECTION.fullmatch(path[-1])):
            parts.setdefault("/".join(path[:-1]), set()).add(match[1])
    return {name for name, own in parts.items() if {"query", "key", "value"} <= own}


def _place(path: list[str], role: str, attention: set[str]) -> tuple[str, str]:
    """Return the module and the role of a variable."""
    parent = "/".join(path[:-1])
    if path and parent in attention and (match := _PROJECTION.fullmatch(path[-1])):
        projection = "output" if "output" in match[1] else match[1]
        return parent, f"{projection}.{role}"
    if len(path) > 1 and _CELL.fullmatch(path[-1]):
        path = path[:-1]
    if len(path) > 1 and (match := _DIRECTION.fullmatch(path[-1])):
        return "/".join(path[:-1]), f"{match[1]}.{role}"
    return "/".join(path) or role, role if path else "value"
