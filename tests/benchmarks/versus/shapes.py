"""Shapes of the outputs and of the parameters of layers, in tinynet's layout."""

import math
from typing import Any

Shape = tuple[int, ...]

GATES = {"lstm": 4, "gru": 3}
BIASES = {"lstm": (), "gru": (2,)}
"""Leading axes of the bias: the second one of gru is added before the reset gate."""


def shapes_of(kind: str, options: dict[str, Any], shape: Shape) -> tuple[Shape, dict[str, Shape]]:
    """Return the shape of one sample of a layer's output, and the shapes of its parameters.

    Args:
        kind: The type of the layer.
        options: Its options as in a spec.
        shape: Shape of one sample of its input, channels last.
    """
    match kind:
        case "dense":
            return _affine((*shape[:-1], options["units"]), shape[-1:])
        case "conv2d":
            size, out = options["kernel_size"], (*_windows(options, shape), options["filters"])
            return _affine(out, (size, size, shape[-1]), options.get("use_bias", True))
        case "depthwise_conv2d" if not options.get("use_bias", True):
            size = options["kernel_size"]
            return (*_windows(options, shape), shape[-1]), {"weight": (size, size, shape[-1], 1)}
        case "conv1d" if options["padding"] == "causal":
            lead = options["kernel_size"], shape[-1]
            return _affine((shape[0], options["filters"]), lead, options.get("use_bias", True))
        case "lstm" | "gru":
            units, columns = options["units"], GATES[kind] * options["units"]
            weights = {"weight": (shape[-1], columns), "recurrent_weight": (units, columns)}
            return (units,), {**weights, "bias": (*BIASES[kind], columns)}
        case "multi_head_attention":
            params: dict[str, Shape] = {}
            for part in ("query", "key", "value", "output"):
                params |= {f"{part}_weight": shape[-1:] * 2, f"{part}_bias": shape[-1:]}
            return shape, params
        case "embedding":
            weight = options["input_dim"], options["output_dim"]
            return (*shape, weight[1]), {"weight": weight}
        case "position_embedding":
            return shape, {"weight": shape}
        case "batch_norm" | "layer_norm" | "group_norm":
            return shape, {"gamma": shape[-1:], "beta": shape[-1:]}
    return _without_params(kind, options, shape), {}


def _windows(options: dict[str, Any], shape: Shape) -> Shape:
    """Return the height and width of a convolution's output."""
    size, strides = options["kernel_size"], options.get("strides", 1)
    before = before_and_after(options)
    return tuple((length + 2 * before - size) // strides + 1 for length in shape[:2])


def before_and_after(options: dict[str, Any]) -> int:
    """Return the padding of a convolution on each side."""
    padding = options.get("padding", "valid")
    if padding == "same" and (options["kernel_size"] % 2 == 0 or options.get("strides", 1) != 1):
        raise ValueError('the benchmark\'s sides pad alike on both sides; set "padding" to pixels')
    named = {"valid": 0, "same": options["kernel_size"] // 2}
    return named[padding] if isinstance(padding, str) else padding


def _affine(out: Shape, lead: Shape, use_bias: bool = True) -> tuple[Shape, dict[str, Shape]]:
    params = {"weight": (*lead, out[-1])}
    return out, params | ({"bias": out[-1:]} if use_bias else {})


def _without_params(kind: str, options: dict[str, Any], shape: Shape) -> Shape:
    match kind:
        case "relu" | "gelu" | "dropout":
            return shape
        case "max_pool2d":
            size = options["pool_size"]
            return (shape[0] // size, shape[1] // size, shape[2])
        case "flatten":
            return (math.prod(shape),)
        case "global_avg_pool1d" | "global_avg_pool2d":
            return shape[-1:]
        case "slice" if options["axis"] == 1:
            return (len(range(shape[0])[options["start"] :]), *shape[1:])
    raise ValueError(f"the benchmark knows no layer {kind!r} of this kind")
