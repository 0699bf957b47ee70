"""The variables of Keras's layers, each with the parameter of a layer here.

Both keep channels last, and the gates of recurrent layers in one order. Few shapes differ.
"""

from collections.abc import Mapping

from tinynet.checkpoint.layouts.slots import LayerFacts, ParamSource, Slot
from tinynet.checkpoint.layouts.steps import Reshape, Step

_KERNELS = {"kernel": "weight", "bias": "bias"}
_NORM = {
    "gamma": "gamma",
    "scale": "gamma",
    "beta": "beta",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
_EMBEDDINGS = {"embeddings": "weight", "position_embeddings": "weight"}
_RECURRENT = {"kernel": "weight", "recurrent_kernel": "recurrent_weight", "bias": "bias"}
_SEPARABLE = {
    "depthwise_kernel": "depthwise_weight",
    "pointwise_kernel": "pointwise_weight",
    "bias": "bias",
}

_VARIABLES: Mapping[str, Mapping[str, str]] = {
    "dense": _KERNELS,
    "embedding": _EMBEDDINGS,
    "position_embedding": _EMBEDDINGS,
    "prelu": {"alpha": "alpha"},
    **{f"conv{n}d{kind}": _KERNELS for n in (1, 2, 3) for kind in ("", "_transpose")},
    **{f"depthwise_conv{n}d": {"depthwise_kernel": "weight", **_KERNELS} for n in (1, 2)},
    **{f"separable_conv{n}d": _SEPARABLE for n in (1, 2)},
    **dict.fromkeys(("batch_norm", "group_norm", "instance_norm", "layer_norm", "rms_norm"), _NORM),
    **dict.fromkeys(("lstm", "gru", "simple_rnn"), _RECURRENT),
}
"""The parameter of each variable, by the type of the layer; in the order of Keras."""


def keras_slots(layer: LayerFacts) -> list[Slot]:
    """Return the slot of a layer for a layer of Keras."""
    if layer.type == "multi_head_attention":
        variables = {
            f"{part}.{variable}": f"{part}_{param}"
            for part in ("query", "key", "value", "output")
            for variable, param in _KERNELS.items()
        }
        numbers = [f"{part}.{n}" for part in ("query", "key", "value", "output") for n in (0, 1)]
    elif layer.type in ("lstm", "gru", "simple_rnn") and "backward_weight" in layer.params:
        variables = {
            f"{direction}.{variable}": prefix + param
            for direction, prefix in (("forward", ""), ("backward", "backward_"))
            for variable, param in _RECURRENT.items()
        }
        numbers = [f"{way}.{n}" for way in ("forward", "backward") for n in range(3)]
    else:
        variables = dict(_VARIABLES.get(layer.type, {name: name for name in layer.params}))
        numbers = [str(number) for number in range(len(layer.params))]
    sources: dict[str, tuple[ParamSource, ...]] = {}
    for variable, param in variables.items():
        if param in layer.params:
            source = ParamSource((variable,), _steps(layer, param))
            sources[param] = (*sources.get(param, ()), source)
    return [Slot(layer, _numbered(layer, sources, numbers))]


def _numbered(
    layer: LayerFacts, sources: dict[str, tuple[ParamSource, ...]], numbers: list[str]
) -> dict[str, tuple[ParamSource, ...]]:
    """Return the sources with the numbers that files of Keras have in place of names."""
    per_group: dict[str, list[str]] = {}
    for number in numbers:
        per_group.setdefault(number.rpartition(".")[0], []).append(number)
    result = {}
    for param, own in sources.items():
        group = own[0].roles[0].rpartition(".")[0]
        number = per_group[group].pop(0)
        result[param] = (*own, ParamSource((number,), _steps(layer, param)))
    return result


def _steps(layer: LayerFacts, param: str) -> tuple[Step, ...]:
    """Return the change of a variable that has more axes in Keras, such as one for the heads."""
    has_more = layer.type == "multi_head_attention" or param == "pointwise_weight"
    return (Reshape(layer.params[param]),) if has_more else ()
