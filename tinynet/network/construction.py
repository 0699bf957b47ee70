"""Construction of the layers of a network, and the checks of a new layer."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tinynet import registry
from tinynet.archive.header import tensor_problem
from tinynet.config import InitializerReference
from tinynet.engine.layer_calls import described
from tinynet.engine.node import Node
from tinynet.engine.tensor_names import BUFFERS
from tinynet.errors import PluginError, Problem, ShapeError, SpecError, TinynetError
from tinynet.initializer import Initializer
from tinynet.layer import Buffered, Layer
from tinynet.layer.build import Build
from tinynet.network.shared_build import SharedBuild, arrays_of, require_shared
from tinynet.spec.graph import Wire
from tinynet.text.plugin_errors import PluginErrors, located_cause, plugin_error
from tinynet.types import Array, Shape


def build_nodes(
    wires: list[Wire], input_shapes: Mapping[str, Shape], build: Callable[[str], Build]
) -> dict[str, Node]:
    """Build every node whose inputs could be built.

    Args:
        wires: The graph in topological order.
        input_shapes: Shape of one sample of each input of the network.
        build: Returns the source of arrays for the layer of a node, by the node's name.

    Raises:
        ShapeError: listing every node whose inputs have a wrong shape.
        SpecError: for a layer that is larger than the limit.
        PluginError: for a layer that is missing or broken.
    """
    nodes: dict[str, Node] = {}
    by_name = {w.name: w for w in wires}
    shapes = dict(input_shapes)
    problems = []
    for w in wires:
        sources = [*w.inputs, *([w.spec.shares] if w.spec.shares else [])]
        if any(source not in shapes for source in sources):
            continue
        in_shapes = tuple(shapes[source] for source in w.inputs)
        try:
            if w.spec.shares:
                owner, owned = by_name[w.spec.shares], nodes[w.spec.shares]
                node = _share_layer(w, owner, in_shapes, owned, build(w.name))
            else:
                node = _build_node(w, in_shapes, build)
            nodes[w.name] = node
            shapes[w.name] = nodes[w.name].out_shape
        except ShapeError as error:
            problems.append(
                Problem(f"{w.name}: {error}; {_describe_inputs(w.inputs, shapes)}", w.pointer)
            )
        except (SpecError, PluginError) as error:
            placed = [Problem(p.message, w.pointer) for p in error.problems]
            raise type(error)(placed) from error.__cause__
    if problems:
        raise ShapeError(problems)
    return nodes


def _describe_inputs(names: Iterable[str], shapes: Mapping[str, Shape]) -> str:
    inputs = [f"{name} {shapes[name]}" for name in names]
    return f"its input{'s are' if len(inputs) > 1 else ' is'} {', '.join(inputs)}"


def create_initializer(reference: InitializerReference) -> Initializer:
    """Return the initializer that a spec names; its errors name the initializer, not the layer."""
    plugins = registry.default()
    # Names in a spec were resolved already, but a name in a layer's code may match several plugins.
    name = plugins.default_name(reference)
    initializer: Initializer = plugins.create(reference.model_copy(update={"type": name}))

    def fill(
        rng: np.random.Generator, shape: Shape, fan_in: int, fan_out: int, dtype: np.dtype[Any]
    ) -> Array:
        with PluginErrors(initializer, "__call__ raised"):
            values = initializer(rng, shape, fan_in, fan_out, dtype)
        if np.shape(values) != shape:
            raise plugin_error(
                initializer,
                f"__call__ must return an array of shape {shape}; it returned {described(values)}",
            )
        actual = np.asarray(values).dtype
        if actual.kind not in "fiu":
            raise plugin_error(
                initializer, f"__call__ must return an array of {dtype}; it returned {actual}"
            )
        return values

    return fill


def _build_node(w: Wire, in_shapes: tuple[Shape, ...], build: Callable[[str], Build]) -> Node:
    entry, own_build = registry.default().resolve(w.spec), build(w.name)
    who = f"{w.name} ({entry.qualified} {entry.version})"
    layer = _construct(who, w, in_shapes, own_build)
    _check(who, w.name, layer, own_build)
    return Node(
        name=w.name,
        layer=layer,
        inputs=w.inputs,
        in_shapes=in_shapes,
        out_shape=layer.out_shape,
        dtype=own_build.dtype,
        type=entry.qualified,
        version=entry.version,
        owner=w.name,
        trainable=w.spec.trainable,
        trainable_params=frozenset(layer.params if w.spec.trainable else ()),
        integer_inputs=bool(getattr(layer, "integer_inputs", False)),
        pointer=w.pointer,
        eval_mode=not w.spec.trainable,
    )


def _share_layer(
    w: Wire, owner: Wire, in_shapes: tuple[Shape, ...], owned: Node, build: Build
) -> Node:
    """Return a node that shares the layer of another.

    For other input shapes it gets a second layer that uses the same arrays.

    Args:
        w: The node in the spec.
        owner: The node in the spec that owns the layer.
        in_shapes: Shape of one sample of each input.
        owned: The node that owns the layer.
        build: A build of the network; nothing is allocated with it.
    """
    shared = replace(owned, name=w.name, inputs=w.inputs, pointer=w.pointer)
    if owned.in_shapes == in_shapes:
        return shared
    arrays = arrays_of(owned.layer)
    own_build = SharedBuild(
        node=w.name, dtype=build.dtype, dry=build.dry, owner=owned.name, arrays=arrays
    )
    who = f"{w.name} ({owned.type} {owned.version})"
    layer = _construct(who, owner, in_shapes, own_build)
    _check(who, w.name, layer, own_build)
    require_shared(who, layer, own_build)
    return replace(shared, layer=layer, in_shapes=in_shapes, out_shape=layer.out_shape)


def _construct(who: str, w: Wire, in_shapes: tuple[Shape, ...], build: Build) -> Layer:
    cls = registry.default().load_type(w.spec)
    config = registry.default().config(w.spec)
    try:
        layer: Layer = cls(config, in_shapes, build)
    except TinynetError:
        raise
    except MemoryError as error:
        raise SpecError(f"{w.name} does not fit into memory: {error}") from error
    except (Exception, SystemExit) as error:
        # Layers unpack in_shapes into as many names as they have inputs.
        if isinstance(error, ValueError) and "values to unpack" in str(error):
            count = f"{len(in_shapes)} input{'s' if len(in_shapes) > 1 else ''}"
            raise ShapeError(f"{w.spec.type} does not take {count}") from error
        raise PluginError(f"{who}: it could not be built: {located_cause(error)}") from error
    return layer


def _check(who: str, node: str, layer: Layer, build: Build) -> None:
    shape = getattr(layer, "out_shape", None)
    if not isinstance(shape, tuple) or not all(isinstance(n, int) and n > 0 for n in shape):
        raise PluginError(
            f"{who}: out_shape must be the shape of one sample of the output, a tuple of positive"
            f" integers; it is {shape!r}"
        )
    params = getattr(layer, "params", None)
    if not isinstance(params, Mapping):
        raise PluginError(
            f"{who}: params must be a dict of arrays by name; it is {described(params)}"
        )
    if getattr(layer, "buffers", None) and not isinstance(layer, Buffered):
        raise PluginError(f"{who}: it has buffers, but no method commit(cache) to update them")
    buffers = layer.buffers if isinstance(layer, Buffered) else {}
    if not isinstance(buffers, Mapping):
        raise PluginError(
            f"{who}: buffers must be a dict of arrays by name; it is {described(buffers)}"
        )
    arrays = {**params, **buffers}
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype != build.dtype:
            actual = array.dtype if isinstance(array, np.ndarray) else described(array)
            raise PluginError(
                f"{who}: {name!r} must be an array of {build.dtype} from build.param or"
                f" build.buffer; it is {actual}"
            )
        # The longer names of an optimizer's slots are checked when the slots are made.
        if problem := tensor_problem(f"{BUFFERS}{node}/{name}", array):
            raise PluginError(f"{who}: {problem}")
