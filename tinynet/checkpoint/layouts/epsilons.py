"""Normalizations whose epsilon is not the default of the framework that a file comes from."""

from collections.abc import Iterable, Mapping

from tinynet.checkpoint.layouts.slots import LayerFacts
from tinynet.text.options import overrides, together

_NORMS = ("batch_norm", "layer_norm", "group_norm", "instance_norm")

_DEFAULTS: Mapping[str, Mapping[str, float]] = {
    "torch": {**dict.fromkeys(_NORMS, 1e-5), "rms_norm": 1.1920929e-07},
    "keras": {**dict.fromkeys(_NORMS, 1e-3), "rms_norm": 1e-6},
}
"""The defaults by the type of the layer. That of PyTorch's RMSNorm is the float32 resolution."""

_TITLES = {"torch": "PyTorch", "keras": "Keras"}


def epsilon_warnings(layers: Iterable[LayerFacts], layout: str) -> list[str]:
    """Return a warning for each other epsilon, with the options that set the default."""
    differing: dict[tuple[str, float, float], list[str]] = {}
    for layer in layers:
        expected, own = _DEFAULTS[layout].get(layer.type), layer.config.get("epsilon")
        if expected is not None and isinstance(own, float) and own != expected:
            names = differing.setdefault((layer.type, own, expected), [])
            if layer.name not in names:
                names.append(layer.name)
    return [
        f"epsilon of {', '.join(names)} is {own:g}, but the default of {_TITLES[layout]} for"
        f" {kind} is {expected:g}, and the file does not hold it; unless the model sets it to"
        f" {own:g}: {_remedy(names, expected)}"
        for (kind, own, expected), names in differing.items()
    ]


def _remedy(names: Iterable[str], epsilon: float) -> str:
    changes = [f"network.layers.{name}.epsilon={epsilon:g}" for name in names if "." not in name]
    options = [overrides(*changes)] if changes else []
    in_blocks = [name for name in names if "." in name]
    if in_blocks:
        options.append(f'"epsilon": {epsilon:g} in {", ".join(in_blocks)}')
    return together(*options)
