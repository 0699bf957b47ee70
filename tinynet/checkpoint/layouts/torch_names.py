"""The names of arrays in a `state_dict` of PyTorch: ``features.0.weight``."""

import re
from collections.abc import Iterable, Mapping

from tinynet.checkpoint.layouts.modules import ALONE, ModuleList, group_modules
from tinynet.files.array_header import ArrayHeader

_RECURRENT = re.compile(r"((?:weight|bias)_[ih]h)_l([0-9]+)(_reverse)?")

_ATTENTION = {
    "q_proj.weight": "q_proj_weight",
    "k_proj.weight": "k_proj_weight",
    "v_proj.weight": "v_proj_weight",
    "qkv.weight": "in_proj_weight",
    "qkv.bias": "in_proj_bias",
    "proj.weight": "out_proj.weight",
    "proj.bias": "out_proj.bias",
    "o_proj.weight": "out_proj.weight",
    "o_proj.bias": "out_proj.bias",
}
"""Names in attention modules of other libraries, each with that of `nn.MultiheadAttention`."""

_PARTS = frozenset(("q_proj", "k_proj", "v_proj", "qkv", "out_proj", "proj", "o_proj"))
"""Modules within an attention module."""

_ROLES = frozenset(
    "weight bias running_mean running_var gamma beta weight_ih weight_hh bias_ih bias_hh"
    " in_proj_weight in_proj_bias q_proj_weight k_proj_weight v_proj_weight bias_k bias_v"
    " weight_g weight_v".split()
)
"""Names of the arrays of modules; another one is a parameter that a model has itself."""

_IGNORED = frozenset(("num_batches_tracked",))


def torch_modules(headers: Mapping[str, ArrayHeader], *, in_order: bool) -> ModuleList:
    """Return the modules of a file of PyTorch's names.

    A recurrent module of several layers is several modules: ``rnn.l0``, ``rnn.l1``. The arrays of
    a module that was saved alone have only their roles: ``weight``, ``bias``.
    """
    ignored = [name for name in headers if name.rpartition(".")[2] in _IGNORED]
    names = [name for name in headers if name not in ignored]
    attention = _attention_modules(names)
    stacked = {name.rpartition(".")[0] for name in names if re.search(r"_l[1-9][0-9]*\b", name)}
    places = {name: _place(name, attention, stacked, alone=True) for name in names}
    roles = {role for _, role in places.values()}
    if any(module for module, _ in places.values()) or roles == {"bias"}:
        places = {name: _place(name, attention, stacked) for name in names}
    else:
        places = {name: (ALONE, role) for name, (_, role) in places.items()}
    return group_modules(headers, places, ignored, in_order=in_order)


def _attention_modules(names: Iterable[str]) -> set[str]:
    """Return the names of the modules that hold the projections of queries, keys and values."""
    parts: dict[str, set[str]] = {}
    for name in names:
        module, _, role = name.rpartition(".")
        parts.setdefault(module, set()).add(role)
        parent, _, part = module.rpartition(".")
        parts.setdefault(parent, set()).add(part)
    return {
        module
        for module, own in parts.items()
        if "in_proj_weight" in own
        or "q_proj_weight" in own
        or {"qkv", "proj"} <= own
        or {"q_proj", "k_proj", "v_proj"} <= own
    }


_WEIGHT_NORM = re.compile(r"(?:(.*)\.)?parametrizations\.weight\.original([01])")
"""The arrays of `nn.utils.parametrizations.weight_norm`: the norms, and the directions."""


def _place(
    name: str, attention: set[str], stacked: set[str], *, alone: bool = False
) -> tuple[str, str]:
    """Return the module and the role of an array.

    A role without a module is a parameter of the whole model, unless the module is ``alone``.
    """
    module, _, role = name.rpartition(".")
    if match := _WEIGHT_NORM.fullmatch(name):
        return match[1] or ("" if alone else "weight"), ("weight_g", "weight_v")[int(match[2])]
    parent, _, part = module.rpartition(".")
    if part in _PARTS and parent in attention:
        role = f"{part}.{role}"
        return parent, _ATTENTION.get(role, role)
    if match := _RECURRENT.fullmatch(role):
        layer = f"{module}.l{match[2]}".removeprefix(".") if module in stacked else module
        return layer, match[1] + (match[3] or "")
    return (module, role) if (module or alone) and role in _ROLES else (name, "value")
