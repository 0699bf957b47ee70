"""The calls of a layer's methods, held to what the protocol promises.

Whatever a layer does wrong is told here, where its node and its distribution are known, and not by
whoever stumbles over it later. Only what costs next to nothing is looked at; see `probe` for more.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinynet.context import Context, Needs
from tinynet.errors import PluginError, Problem, TinynetError
from tinynet.layer import Buffered, Cache, Gradients
from tinynet.network.node import Node
from tinynet.text.wording import cause, quoted, suggest
from tinynet.types import Array, Shape


def forward(node: Node, ctx: Context, inputs: Sequence[Array]) -> tuple[Array, Cache]:
    """The output and the cache of a node's layer.

    Raises:
        PluginError: if the layer fails, or returns anything but what it announced.
    """
    try:
        returned = node.layer.forward(ctx, *inputs)
    except (TinynetError, MemoryError):
        raise
    except Exception as error:
        raise fault(node, f"forward raised {cause(error)}") from error
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise fault(node, f"forward must return (output, cache); it returned {described(returned)}")
    y, cache = returned
    _require_array(node, "the output", y, (len(inputs[0]), *node.out_shape))
    return y, cache


def backward(node: Node, ctx: Context, needs: Needs, cache: Cache, dy: Array) -> Gradients:
    """The gradients of a node's layer: at least those that ``needs`` wants.

    Raises:
        PluginError: if the layer fails, or does not return the gradients that it was asked for.
    """
    try:
        returned = node.layer.backward(ctx, cache, dy)
    except (TinynetError, MemoryError):
        raise
    except Exception as error:
        raise fault(node, f"backward raised {cause(error)}") from error
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise fault(
            node,
            "backward must return (gradients of the inputs, gradients of the parameters);"
            f" it returned {described(returned)}",
        )
    d_inputs, d_params = returned
    _check_inputs(node, needs, d_inputs, len(dy))
    _check_params(node, needs, d_params)
    return d_inputs, d_params


def commit(node: Node, cache: Cache) -> None:
    """Let a node's layer move its running statistics.

    Raises:
        PluginError: if the layer fails.
    """
    assert isinstance(node.layer, Buffered)
    try:
        node.layer.commit(cache)
    except (TinynetError, MemoryError):
        raise
    except Exception as error:
        raise fault(node, f"commit raised {cause(error)}") from error


def fault(node: Node, message: str) -> PluginError:
    """What a node's layer does wrong, where the spec names it."""
    return PluginError([Problem(f"{node}: {message}", node.pointer)])


def described(value: Any) -> str:
    """What a plugin returned, where something else was expected."""
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a value of type {type(value).__name__}"


def dtype_fault(wanted: np.dtype[np.generic], found: np.dtype[np.generic]) -> str:
    """What to say of an array of another dtype than the network's."""
    message = f"must be {wanted}, as the network is; it is {found}"
    if found == np.float64:
        message += (
            f". Python's numbers leave an array {wanted}; NumPy's float64 scalars (np.sqrt(2.0))"
            " and new arrays without a dtype do not"
        )
    return message


def _check_inputs(node: Node, needs: Needs, d_inputs: Any, samples: int) -> None:
    if not isinstance(d_inputs, tuple | list):
        raise fault(
            node,
            "backward must return the gradients of the inputs as a tuple, such as (dx,);"
            f" it returned {described(d_inputs)}",
        )
    if len(d_inputs) != len(node.inputs):
        raise fault(
            node,
            f"backward must return a gradient for each of {len(node.inputs)} input(s); it"
            f" returned {len(d_inputs)}",
        )
    for source, wanted, shape, gradient in zip(
        node.inputs, needs.inputs, node.in_shapes, d_inputs, strict=True
    ):
        if not wanted:
            continue
        if gradient is None:
            raise fault(
                node,
                f"backward gives no gradient of the input {source!r}, so nothing before it"
                ' can learn: say "trainable": false there',
            )
        _require_array(node, f"the gradient of the input {source!r}", gradient, (samples, *shape))


def _check_params(node: Node, needs: Needs, d_params: Any) -> None:
    if not isinstance(d_params, Mapping):
        raise fault(
            node,
            "backward must return the gradients of the parameters as a dict by name; it"
            f" returned {described(d_params)}",
        )
    params = node.layer.params
    if not d_params.keys() <= params.keys():
        name = str(next(name for name in d_params if name not in params))
        raise fault(
            node,
            f"backward returned a gradient of {quoted(name)}, which is no parameter of the"
            f" layer; {suggest(name, params)}",
        )
    for name in params:
        if name not in needs.params:
            continue
        gradient = d_params.get(name)
        if gradient is None:
            raise fault(node, f"backward returned no gradient of the parameter {name!r}")
        of = f"the gradient of the parameter {name!r}"
        _require_array(node, of, gradient, params[name].shape)


def _require_array(node: Node, what: str, value: Any, shape: Shape) -> None:
    # Not an isinstance: NumPy's scalars, and arrays of other libraries, are as good.
    found = getattr(value, "shape", None)
    if found != shape:
        raise fault(node, f"{what} must be an array of shape {shape}; it is {described(value)}")
    if value.dtype != node.dtype:
        raise fault(node, f"{what} {dtype_fault(node.dtype, value.dtype)}")
