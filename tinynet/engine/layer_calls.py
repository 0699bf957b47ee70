"""Checked calls of a layer's methods: they validate what the layer returns.

So a mistake is reported here, with the node and its distribution, and not in code that runs later.
Only checks that cost next to nothing are made here; `tinynet.training.purity` makes more.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any, TypeAlias, cast

import numpy as np

from tinynet.engine.node import Node
from tinynet.errors import PluginError, TinynetError
from tinynet.layer import (
    Buffered,
    Cache,
    Costed,
    Fusable,
    Gradients,
    Incremental,
    Layer,
    Mergeable,
    Summarized,
)
from tinynet.layer.context import Context, Needs
from tinynet.text.plugin_errors import PluginErrors, located_cause, plugin_error
from tinynet.text.wording import quote, suggest
from tinynet.types import Array, Shape

Outputs: TypeAlias = tuple[Array, ...]
"""The outputs of a layer, (n, *out_shape) each: a single one for most layers."""

OutputGradients: TypeAlias = tuple[Array | None, ...]
"""The gradient of each output of a layer; None where no loss depends on the output."""


def forward(node: Node, ctx: Context, inputs: Sequence[Array]) -> tuple[Outputs, Cache]:
    """Return the outputs and the cache of a node's layer.

    Raises:
        PluginError: if the layer raises an exception, or an output has another shape or dtype.
    """
    # As `_errors_of`, and twice as fast: this and `backward` are called for every layer and shard.
    try:
        returned = node.layer.forward(ctx, *inputs)
    except (TinynetError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        raise node_error(node, f"forward raised {located_cause(error)}") from error
    return _checked_outputs(node, "forward", returned, len(inputs[0]))


def summarize(node: Node, ctx: Context, inputs: Sequence[Array]) -> Any:
    """Return the layer's summary of some samples for the other shards of their batch.

    Raises:
        PluginError: if the layer raises an exception.
    """
    with _errors_of(node, "summarize"):
        return cast(Summarized, node.layer).summarize(ctx, *inputs)


def forward_with(
    node: Node, ctx: Context, summaries: Sequence[Any], inputs: Sequence[Array]
) -> tuple[Outputs, Cache]:
    """Return the outputs and the cache of a shard, from the summaries of all shards, in order.

    Raises:
        PluginError: if the layer raises an exception, or an output has another shape or dtype.
    """
    with _errors_of(node, "forward_with"):
        returned = cast(Summarized, node.layer).forward_with(ctx, summaries, *inputs)
    return _checked_outputs(node, "forward_with", returned, len(inputs[0]))


def merge_summaries(node: Node, first: Any, second: Any) -> Any:
    """Return the layer's summary of the samples of two summaries.

    Raises:
        PluginError: if the layer raises an exception.
    """
    with _errors_of(node, "merge_summaries"):
        return cast(Mergeable, node.layer).merge_summaries(first, second)


def merge_gradient_summaries(node: Node, first: Any, second: Any) -> Any:
    """Return the layer's summary of the ``dy`` of two summaries.

    Raises:
        PluginError: if the layer raises an exception.
    """
    with _errors_of(node, "merge_gradient_summaries"):
        return cast(Mergeable, node.layer).merge_gradient_summaries(first, second)


def summarize_gradient(
    node: Node, ctx: Context, needs: Needs, cache: Cache, dy: OutputGradients
) -> tuple[Any, Mapping[str, Array]]:
    """Return the layer's summary of ``dy`` for the other shards, and its parameters' gradients.

    Raises:
        PluginError: if the layer raises an exception, or omits a required gradient.
    """
    with _errors_of(node, "summarize_gradient"):
        returned = cast(Summarized, node.layer).summarize_gradient(ctx, cache, _passed(node, dy))
    if not isinstance(returned, tuple) or len(returned) != 2:
        message = "summarize_gradient must return (summary, gradients of the parameters)"
        raise node_error(node, f"{message}; it returned {described(returned)}")
    _check_params(node, "summarize_gradient", needs, returned[1])
    return returned


def backward_with(
    node: Node,
    ctx: Context,
    needs: Needs,
    cache: Cache,
    summaries: Sequence[Any],
    dy: OutputGradients,
) -> Sequence[Array | None]:
    """Return the gradients of a shard's inputs, from the summaries of all shards, in order.

    Raises:
        PluginError: if the layer raises an exception, or omits a required gradient.
    """
    with _errors_of(node, "backward_with"):
        d_inputs: Sequence[Array | None] = cast(Summarized, node.layer).backward_with(
            ctx, cache, summaries, _passed(node, dy)
        )
    _check_inputs(node, "backward_with", needs, d_inputs, dy)
    return d_inputs


def backward(
    node: Node, ctx: Context, needs: Needs, cache: Cache, dy: OutputGradients
) -> Gradients:
    """Return the gradients of the inputs and of the parameters: at least those in ``needs``.

    Raises:
        PluginError: if the layer raises an exception, or omits a required gradient.
    """
    passed: Any = dy[0] if node.out_shapes is None else dy
    try:
        returned = node.layer.backward(ctx, cache, passed)
    except (TinynetError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        raise node_error(node, f"backward raised {located_cause(error)}") from error
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise node_error(
            node,
            "backward must return (gradients of the inputs, gradients of the parameters);"
            f" it returned {described(returned)}",
        )
    d_inputs, d_params = returned
    _check_inputs(node, "backward", needs, d_inputs, dy)
    _check_params(node, "backward", needs, d_params)
    return d_inputs, d_params


def start_cache(node: Node, samples: int, length: int) -> Any:
    """Return the cache of a layer that computes sequences one position at a time.

    Raises:
        ShapeError: if the layer cannot compute as many positions.
        PluginError: if the layer raises another exception.
    """
    with _errors_of(node, "start_cache"):
        return cast(Incremental, node.layer).start_cache(samples, length)


def forward_next(
    node: Node, ctx: Context, cache: Any, position: int, inputs: Sequence[Array]
) -> Outputs:
    """Return the next positions of a node's outputs, as many as the inputs have.

    The shapes of the node are those of one position.

    Raises:
        PluginError: if the layer raises an exception, or an output has another shape or dtype.
    """
    # As in `forward`: this is called for every position.
    try:
        returned = cast(Incremental, node.layer).forward_next(ctx, cache, position, *inputs)
    except (TinynetError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        raise node_error(node, f"forward_next raised {located_cause(error)}") from error
    samples, positions = inputs[0].shape[:2]
    if positions > 1:
        node = _of_positions(node, positions)
    return _checked_outputs(node, "forward_next", (returned, None), samples)[0]


def _of_positions(node: Node, positions: int) -> Node:
    """Return a node with the shapes of one position as one with those of several."""
    main, *_ = shapes = [(positions, *shape[1:]) for shape in node.values.values()]
    outputs = node.out_shapes and dict(zip(node.out_shapes, shapes, strict=True))
    return replace(node, out_shape=main, out_shapes=outputs)


def to_commit(node: Node, cache: Cache) -> Cache:
    """Return what `commit` needs of a cache, in memory that no later pass uses.

    Raises:
        PluginError: if the layer raises an exception.
    """
    own: Callable[[Cache], Cache] | None = getattr(node.layer, "to_commit", None)
    if own is None:
        return cache
    with _errors_of(node, "to_commit"):
        return own(cache)


def commit(node: Node, cache: Cache) -> None:
    """Update the running statistics of a node's layer.

    Raises:
        PluginError: if the layer raises an exception, or replaces a buffer by another array.
    """
    with _errors_of(node, "commit"):
        layer = cast(Buffered, node.layer)
        before = dict(layer.buffers)
        layer.commit(cache)
    # The network saves the arrays that the layer was built with.
    for name in {**before, **layer.buffers}:
        if layer.buffers.get(name) is not before.get(name):
            message = f"commit replaced the buffer {name!r}"
            raise node_error(node, f"{message}; change it in place: buffer[...] = value")


def fuse_into(node: Node, previous: Layer) -> Layer | None:
    """Return a layer that computes ``previous`` and then the node's layer, or None.

    Raises:
        PluginError: if the node's layer raises an exception.
    """
    with _errors_of(node, "fuse_into"):
        return cast(Fusable, node.layer).fuse_into(previous)


def forward_flops(node: Node) -> int:
    """Return the arithmetic operations of a node's forward pass for one sample, or an estimate.

    Raises:
        PluginError: if the layer raises an exception.
    """
    layer = node.layer
    if not isinstance(layer, Costed):
        return sum(map(prod, node.values.values())) + 2 * sum(
            param.size for param in layer.params.values()
        )
    with _errors_of(node, "cost"):
        return int(layer.cost()[0])


def _errors_of(node: Node, method: str) -> PluginErrors:
    return PluginErrors(str(node), f"{method} raised", node.pointer)


def _passed(node: Node, dy: OutputGradients) -> Any:
    """Return the gradients of the outputs as the layer's methods take them."""
    return dy[0] if node.out_shapes is None else dy


def _checked_outputs(node: Node, method: str, returned: Any, samples: int) -> tuple[Outputs, Cache]:
    if not isinstance(returned, tuple) or len(returned) != 2:
        message = f"{method} must return (output, cache); it returned {described(returned)}"
        raise node_error(node, message)
    outputs, cache = returned
    if node.out_shapes is None:
        if not _is_array(node, outputs, (samples, *node.out_shape)):
            raise _array_error(node, "the output", outputs, (samples, *node.out_shape))
        return (outputs,), cache
    if not isinstance(outputs, tuple) or len(outputs) != len(node.out_shapes):
        names = ", ".join(node.out_shapes)
        message = f"{method} must return (({names}), cache), with a tuple of all outputs;"
        raise node_error(node, f"{message} its outputs are {described(outputs)}")
    for (name, shape), y in zip(node.out_shapes.items(), outputs, strict=True):
        if not _is_array(node, y, (samples, *shape)):
            raise _array_error(node, f"the output {name!r}", y, (samples, *shape))
    return outputs, cache


def node_error(node: Node, message: str) -> PluginError:
    """Return an error about a node's layer, located where the spec names it."""
    return plugin_error(str(node), message, node.pointer)


def described(value: Any) -> str:
    """Describe a value that a plugin returned in place of another."""
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a value of type {type(value).__name__}"


def dtype_problem(required: np.dtype[np.generic], actual: np.dtype[np.generic]) -> str:
    """Return the end of a message about an array of another dtype than the network's."""
    message = f"must be {required}, as the network is; it is {actual}"
    if actual == np.float64:
        message += (
            f". Python floats keep {required}; NumPy's float64 scalars (np.sqrt(2.0)) and arrays"
            " created without a dtype turn it into float64"
        )
    return message


def _check_inputs(
    node: Node, method: str, needs: Needs, d_inputs: Any, dy: OutputGradients
) -> None:
    if not isinstance(d_inputs, tuple | list):
        raise node_error(
            node,
            f"{method} must return the gradients of the inputs as a tuple, such as (dx,);"
            f" it returned {described(d_inputs)}",
        )
    if len(d_inputs) != len(node.inputs):
        raise node_error(
            node,
            f"{method} must return a gradient for each of {len(node.inputs)} input(s); it"
            f" returned {len(d_inputs)}",
        )
    samples = next(len(gradient) for gradient in dy if gradient is not None)
    for index, needed in enumerate(needs.inputs):
        shape = (samples, *node.in_shapes[index])
        if needed and not _is_array(node, d_inputs[index], shape):
            raise _input_error(node, method, node.inputs[index], d_inputs[index], shape)


def _input_error(node: Node, method: str, source: str, gradient: Any, shape: Shape) -> PluginError:
    if gradient is None:
        return node_error(
            node,
            f"{method} returned no gradient of the input {source!r}, so no layer before it"
            ' can learn; set "trainable": false on those layers',
        )
    return _array_error(node, f"the gradient of the input {source!r}", gradient, shape)


def _check_params(node: Node, method: str, needs: Needs, d_params: Any) -> None:
    if not isinstance(d_params, dict | Mapping):
        raise node_error(
            node,
            f"{method} must return the gradients of the parameters as a dict by name; it"
            f" returned {described(d_params)}",
        )
    params = node.layer.params
    if d_params and not d_params.keys() <= params.keys():
        name = str(next(name for name in d_params if name not in params))
        raise node_error(
            node,
            f"{method} returned a gradient of {quote(name)}, which is not a parameter of the"
            f" layer; {suggest(name, params)}",
        )
    for name in params:
        if name not in needs.params:
            continue
        gradient, shape = d_params.get(name), params[name].shape
        if gradient is None:
            raise node_error(node, f"{method} returned no gradient of the parameter {name!r}")
        if not _is_array(node, gradient, shape):
            raise _array_error(node, f"the gradient of the parameter {name!r}", gradient, shape)


def _is_array(node: Node, value: Any, shape: Shape) -> bool:
    # Not an isinstance: NumPy's scalars, and arrays of other libraries, are as good.
    return getattr(value, "shape", None) == shape and value.dtype == node.dtype


def _array_error(node: Node, what: str, value: Any, shape: Shape) -> PluginError:
    if getattr(value, "shape", None) == shape:
        return node_error(node, f"{what} {dtype_problem(node.dtype, value.dtype)}")
    message = f"{what} must be an array of shape {shape}; it is {described(value)}"
    return node_error(node, message)
