"""Arrays of PyTorch's modules that no layer here has, with the reason."""

import re
from collections.abc import Iterable

_REMOVE = "before the file is written, call {call} on the module, which computes its weight"

_REASONS = (
    (
        re.compile(r"(?:(.*)\.)?weight_hr_l[0-9]+(?:_reverse)?"),
        "{module} is an LSTM with projections (proj_size), which `lstm` does not have",
    ),
    (
        re.compile(r"(?:(.*)\.)?bias_[kv]"),
        "{module} has a key and a value that are learned (add_bias_kv=True), which"
        " `multi_head_attention` does not have",
    ),
    (
        re.compile(r"(?:(.*)\.)?parametrizations\..*"),
        "{module} has a parametrization of PyTorch (spectral_norm, orthogonal, or weight_norm of a"
        " recurrent layer): "
        + _REMOVE.format(
            call="torch.nn.utils.parametrize.remove_parametrizations(module, NAME), with the name"
            " of each of its parametrized weights,"
        ),
    ),
    (
        re.compile(r"(?:(.*)\.)?weight_(?:orig|mask)"),
        "{module} has a weight that is computed: "
        + _REMOVE.format(
            call='torch.nn.utils.remove_spectral_norm(module) or prune.remove(module, "weight")'
        ),
    ),
)


def reasons(names: Iterable[str]) -> list[str]:
    """Return why arrays of these names have no place, once for each module."""
    found: dict[str, None] = {}
    for name in names:
        for pattern, reason in _REASONS:
            if match := pattern.fullmatch(name):
                found[reason.format(module=match[1] or "the model")] = None
                break
    return list(found)
