"""The calls of a layer's methods, held to what the protocol promises.

Whatever a layer does wrong is told here, where its node and its distribution are known, and not by
whoever stumbles over it later. Only what costs next to nothing is looked at; see `probe` for more.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from math import prod
from typing import Any, cast

import numpy as np

from tinynet.errors import PluginError, Problem, TinynetError
from tinynet.layer import Buffered, Cache, Costed, Fusable, Gradients, Layer, Summarized
from tinynet.layer.context import Context, Needs
from tinynet.network.node import Node
from tinynet.registry import Blaming
from tinynet.text.blame import located_cause
from tinynet.text.wording import quoted, suggest
from tinynet.types import Array, Shape


def forward(node: Node, ctx: Context, inputs: Sequence[Array]) -> tuple[Array, Cache]:
    """The output and the cache of a node's layer.

    Raises:
        PluginError: if the layer fails, or returns anything but what it announced.
    """
    # As `_blaming`, and twice as fast: this and `backward` are called for every layer and shard.
    try:
        returned = node.layer.forward(ctx, *inputs)
    except (TinynetError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        raise fault(node, f"forward raised {located_cause(error)}") from error
    return _checked_output(node, "forward", returned, len(inputs[0]))


def summarize(node: Node, ctx: Context, inputs: Sequence[Array]) -> Any:
    """What a node's layer tells of some samples to the other parts of their batch.

    Raises:
        PluginError: if the layer fails.
    """
    with _blaming(node, "summarize"):
        return cast(Summarized, node.layer).summarize(ctx, *inputs)


def forward_with(
    node: Node, ctx: Context, summaries: Sequence[Any], inputs: Sequence[Array]
) -> tuple[Array, Cache]:
    """As `forward`, for a part of a batch with the summaries of all parts."""
    with _blaming(node, "forward_with"):
        returned = cast(Summarized, node.layer).forward_with(ctx, summaries, *inputs)
    return _checked_output(node, "forward_with", returned, len(inputs[0]))


def summarize_gradient(
    node: Node, ctx: Context, needs: Needs, cache: Cache, dy: Array
) -> tuple[Any, Mapping[str, Array]]:
    """What a node's layer tells of ``dy`` to the other parts, and its parameters' gradients.

    Raises:
        PluginError: if the layer fails, or does not return the gradients that it was asked for.
    """
    with _blaming(node, "summarize_gradient"):
        returned = cast(Summarized, node.layer).summarize_gradient(ctx, cache, dy)
    if not isinstance(returned, tuple) or len(returned) != 2:
        message = "summarize_gradient must return (summary, gradients of the parameters)"
        raise fault(node, f"{message}; it returned {described(returned)}")
    _check_params(node, needs, returned[1])
    return returned


def backward_with(
    node: Node, ctx: Context, needs: Needs, cache: Cache, summaries: Sequence[Any], dy: Array
) -> Sequence[Array | None]:
    """The gradients of the inputs, for a part of a batch with the summaries of all parts.

    Raises:
        PluginError: if the layer fails, or does not return the gradients that it was asked for.
    """
    with _blaming(node, "backward_with"):
        d_inputs: Sequence[Array | None] = cast(Summarized, node.layer).backward_with(
            ctx, cache, summaries, dy
        )
    _check_inputs(node, needs, d_inputs, len(dy))
    return d_inputs


def backward(node: Node, ctx: Context, needs: Needs, cache: Cache, dy: Array) -> Gradients:
    """The gradients of a node's layer: at least those that ``needs`` wants.

    Raises:
        PluginError: if the layer fails, or does not return the gradients that it was asked for.
    """
    try:
        returned = node.layer.backward(ctx, cache, dy)
    except (TinynetError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        raise fault(node, f"backward raised {located_cause(error)}") from error
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
    with _blaming(node, "commit"):
        layer = cast(Buffered, node.layer)
        before = dict(layer.buffers)
        layer.commit(cache)
    # The network saves the arrays that the layer was built with.
    for name in {**before, **layer.buffers}:
        if layer.buffers.get(name) is not before.get(name):
            message = f"commit put another array in the place of its buffer {name!r}"
            raise fault(node, f"{message}; change it in place: buffer[...] = value")


def fuse_into(node: Node, previous: Layer) -> Layer | None:
    """A layer that does what ``previous`` and a node's layer do, if there is one.

    Raises:
        PluginError: if the node's layer fails.
    """
    with _blaming(node, "fuse_into"):
        return cast(Fusable, node.layer).fuse_into(previous)


def operations(node: Node) -> int:
    """Operations of one sample's forward pass through a node, as far as its layer knows them.

    Raises:
        PluginError: if the layer fails.
    """
    layer = node.layer
    if not isinstance(layer, Costed):
        return prod(node.out_shape) + 2 * sum(param.size for param in layer.params.values())
    with _blaming(node, "cost"):
        return int(layer.cost()[0])


def _blaming(node: Node, method: str) -> Blaming:
    return Blaming(partial(fault, node), method)


def _checked_output(node: Node, method: str, returned: Any, samples: int) -> tuple[Array, Cache]:
    if not isinstance(returned, tuple) or len(returned) != 2:
        message = f"{method} must return (output, cache); it returned {described(returned)}"
        raise fault(node, message)
    if not _is_array(node, returned[0], (samples, *node.out_shape)):
        raise _array_fault(node, "the output", returned[0], (samples, *node.out_shape))
    return returned


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
    for place, wanted in enumerate(needs.inputs):
        shape = (samples, *node.in_shapes[place])
        if wanted and not _is_array(node, d_inputs[place], shape):
            raise _input_fault(node, node.inputs[place], d_inputs[place], shape)


def _input_fault(node: Node, source: str, gradient: Any, shape: Shape) -> PluginError:
    if gradient is None:
        return fault(
            node,
            f"backward gives no gradient of the input {source!r}, so nothing before it"
            ' can learn: say "trainable": false there',
        )
    return _array_fault(node, f"the gradient of the input {source!r}", gradient, shape)


def _check_params(node: Node, needs: Needs, d_params: Any) -> None:
    if not isinstance(d_params, dict | Mapping):
        raise fault(
            node,
            "backward must return the gradients of the parameters as a dict by name; it"
            f" returned {described(d_params)}",
        )
    params = node.layer.params
    if d_params and not d_params.keys() <= params.keys():
        name = str(next(name for name in d_params if name not in params))
        raise fault(
            node,
            f"backward returned a gradient of {quoted(name)}, which is no parameter of the"
            f" layer; {suggest(name, params)}",
        )
    for name in params:
        if name not in needs.params:
            continue
        gradient, shape = d_params.get(name), params[name].shape
        if gradient is None:
            raise fault(node, f"backward returned no gradient of the parameter {name!r}")
        if not _is_array(node, gradient, shape):
            raise _array_fault(node, f"the gradient of the parameter {name!r}", gradient, shape)


def _is_array(node: Node, value: Any, shape: Shape) -> bool:
    # Not an isinstance: NumPy's scalars, and arrays of other libraries, are as good.
    return getattr(value, "shape", None) == shape and value.dtype == node.dtype


def _array_fault(node: Node, what: str, value: Any, shape: Shape) -> PluginError:
    if getattr(value, "shape", None) != shape:
        return fault(node, f"{what} must be an array of shape {shape}; it is {described(value)}")
    return fault(node, f"{what} {dtype_fault(node.dtype, value.dtype)}")
