"""Construction of the layers of a network, and the checks of a new layer."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tinynet import registry
from tinynet.archive.header import tensor_problem
from tinynet.config import InitializerReference
from tinynet.engine.layer_calls import described
from tinynet.engine.node import Node, TiedParam
from tinynet.engine.tensor_names import BUFFERS
from tinynet.errors import PluginError, Problem, ShapeError, SpecError, TinynetError
from tinynet.initializer import Initializer
from tinynet.layer import Buffered, Layer, MultiOutput
from tinynet.layer.build import Build
from tinynet.network.shared_build import SharedBuild, arrays_of, require_shared
from tinynet.network.tied_build import TyingBuild, require_tied
from tinynet.spec.graph import GraphNode, needed_nodes, node_of
from tinynet.spec.network_spec import TRANSPOSED
from tinynet.spec.parts import NAME, NAME_RULE
from tinynet.text.places import join_pointer
from tinynet.text.plugin_errors import PluginErrors, located_cause, plugin_error
from tinynet.text.wording import quote, suggest
from tinynet.types import Array, Shape


def build_nodes(
    graph: list[GraphNode], input_shapes: Mapping[str, Shape], build: Callable[[str], Build]
) -> dict[str, Node]:
    """Build every node whose inputs could be built.

    Args:
        graph: The nodes in topological order.
        input_shapes: Shape of one sample of each input of the network.
        build: Returns the source of arrays for the layer of a node, by the node's name.

    Raises:
        ShapeError: listing every node whose inputs have a wrong shape.
        SpecError: for a layer that is larger than the limit.
        PluginError: for a layer that is missing or broken.
    """
    built: dict[str, Node] = {}
    by_name = {node.name: node for node in graph}
    shapes = dict(input_shapes)
    problems = []
    for declared in graph:
        if not built.keys() >= set(needed_nodes(declared)):
            continue
        inputs = tuple(_value(source, built) for source in declared.inputs)
        if wrong := list(_unknown_outputs(declared, inputs, shapes, built)):
            problems += wrong
            continue
        node = replace(declared, inputs=inputs)
        in_shapes = tuple(shapes[source] for source in inputs)
        try:
            if (shared := node.spec.shared_node) is not None:
                owner, owned = by_name[shared], built[shared]
                built[node.name] = share_layer(node, owner, in_shapes, owned, build(node.name))
            else:
                tied = _shared_params(node, built)
                built[node.name] = _build_node(node, in_shapes, build, tied)
            shapes |= built[node.name].values
        except ShapeError as error:
            message = f"{node.name}: {error}; {_describe_inputs(node.inputs, shapes)}"
            problems.append(Problem(message, node.pointer))
        except (SpecError, PluginError) as error:
            placed = [Problem(p.message, p.pointer or node.pointer) for p in error.problems]
            raise type(error)(placed) from error.__cause__
    if problems:
        raise ShapeError(problems)
    return built


def output_values(outputs: Mapping[str, str], nodes: Mapping[str, Node]) -> dict[str, str]:
    """Return the value of each output of the network, by the output's name.

    Args:
        outputs: The values as the spec names them.
        nodes: The nodes by name.

    Raises:
        SpecError: listing every value that its node does not compute.
    """
    values = {name: _value(reference, nodes) for name, reference in outputs.items()}
    wrong = [
        Problem(
            _no_output(nodes[node_of(value)], value), "/network" + join_pointer(["outputs", name])
        )
        for name, value in values.items()
        if value not in nodes[node_of(value)].values
    ]
    if wrong:
        raise SpecError(wrong)
    return values


def _value(reference: str, built: Mapping[str, Node]) -> str:
    """Return the name of the value that a node reads; a main output has the name of its node."""
    name, _, output = reference.partition(":")
    node = built.get(name)
    is_main = node is not None and node.out_shapes and output == next(iter(node.out_shapes))
    return name if is_main else reference


def _unknown_outputs(
    node: GraphNode, inputs: Sequence[str], shapes: Mapping[str, Shape], built: Mapping[str, Node]
) -> Iterator[Problem]:
    """Yield a problem for each input that is an output which its node does not have."""
    for index, value in enumerate(inputs):
        if value not in shapes:
            message = _no_output(built[node_of(value)], value)
            yield Problem(message, f"{node.pointer}/inputs/{index}")


def _no_output(node: Node, value: str) -> str:
    """Return the message about an output that a node does not have."""
    output = value.partition(":")[2]
    if node.out_shapes is None:
        return f"{quote(node.name)} has a single output; read it as {quote(node.name)}"
    message = f"{quote(node.name)} has no output {quote(output)}"
    return f"{message}; {suggest(output, node.out_shapes)}"


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


def _shared_params(node: GraphNode, built: Mapping[str, Node]) -> dict[str, TiedParam]:
    """Return the parameters of other nodes that a node uses, by their names in its layer."""
    tied, wrong = {}, []
    for name, shared in node.spec.shared_params.items():
        owner = built[shared.node]
        pointer = f"{node.pointer}/shares{join_pointer([name])}"
        if shared.param not in owner.layer.params:
            available = owner.layer.params or ["(no parameter)"]
            message = f"{quote(owner.name)} has no parameter {quote(shared.param)}"
            wrong.append(Problem(f"{message}; {suggest(shared.param, available)}", pointer))
        elif (original := owner.tied.get(shared.param)) is not None:
            is_transposed = shared.transposed != original.transposed
            address = f"{original.address}{TRANSPOSED if is_transposed else ''}"
            message = f"{quote(str(shared))} is itself shared; name the original:"
            wrong.append(Problem(f"{message} {quote(address)}", pointer))
        else:
            tied[name] = TiedParam(
                f"{owner.owner}/{shared.param}",
                owner.layer.params[shared.param],
                shared.transposed,
                trainable=shared.param in owner.trainable_params,
            )
    if wrong:
        raise SpecError(wrong)
    return tied


def _build_node(
    node: GraphNode,
    in_shapes: tuple[Shape, ...],
    build: Callable[[str], Build],
    tied: Mapping[str, TiedParam],
) -> Node:
    entry, own_build = registry.default().resolve(node.spec), build(node.name)
    if tied:
        own_build = TyingBuild.of(own_build, tied)
    who = f"{node.name} ({entry.qualified} {entry.version})"
    layer = _construct(who, node, in_shapes, own_build)
    _check(who, node.name, layer, own_build)
    require_tied(who, layer, tied)
    own = {name for name in layer.params if name not in tied or tied[name].trainable}
    return Node(
        name=node.name,
        layer=layer,
        inputs=node.inputs,
        in_shapes=in_shapes,
        out_shape=layer.out_shape,
        dtype=own_build.dtype,
        type=entry.qualified,
        version=entry.version,
        owner=node.name,
        trainable=node.spec.trainable,
        trainable_params=frozenset(own if node.spec.trainable else ()),
        integer_inputs=bool(getattr(layer, "integer_inputs", False)),
        pointer=node.pointer,
        eval_mode=not node.spec.trainable,
        out_shapes=layer.out_shapes if isinstance(layer, MultiOutput) else None,
        tied=tied,
    )


def share_layer(
    node: GraphNode, owner: GraphNode, in_shapes: tuple[Shape, ...], owned: Node, build: Build
) -> Node:
    """Return a node that shares the layer of another.

    For other input shapes it gets a second layer that uses the same arrays.

    Args:
        node: The node, as the spec declares it.
        owner: The node that owns the layer, as the spec declares it.
        in_shapes: Shape of one sample of each input.
        owned: The built node that owns the layer.
        build: A build of the network; nothing is allocated with it.
    """
    shared = replace(owned, name=node.name, inputs=node.inputs, pointer=node.pointer)
    if owned.in_shapes == in_shapes:
        return shared
    arrays = arrays_of(owned.layer)
    own_build = SharedBuild(
        node=node.name, dtype=build.dtype, dry=build.dry, owner=owned.name, arrays=arrays
    )
    who = f"{node.name} ({owned.type} {owned.version})"
    layer = _construct(who, owner, in_shapes, own_build)
    _check(who, node.name, layer, own_build)
    require_shared(who, layer, own_build)
    return replace(
        shared,
        layer=layer,
        in_shapes=in_shapes,
        out_shape=layer.out_shape,
        out_shapes=layer.out_shapes if isinstance(layer, MultiOutput) else None,
    )


def _construct(who: str, node: GraphNode, in_shapes: tuple[Shape, ...], build: Build) -> Layer:
    cls = registry.default().load_type(node.spec)
    config = registry.default().config(node.spec)
    try:
        layer: Layer = cls(config, in_shapes, build)
    except TinynetError:
        raise
    except MemoryError as error:
        raise SpecError(f"{node.name} does not fit into memory: {error}") from error
    except (Exception, SystemExit) as error:
        # Layers unpack in_shapes into as many names as they have inputs.
        if isinstance(error, ValueError) and "values to unpack" in str(error):
            count = f"{len(in_shapes)} input{'s' if len(in_shapes) > 1 else ''}"
            raise ShapeError(f"{node.spec.type} does not take {count}") from error
        raise PluginError(f"{who}: it could not be built: {located_cause(error)}") from error
    return layer


def _check_shapes(who: str, layer: Layer) -> None:
    shape = getattr(layer, "out_shape", None)
    if not _is_shape(shape):
        raise PluginError(
            f"{who}: out_shape must be the shape of one sample of the output, a tuple of positive"
            f" integers; it is {shape!r}"
        )
    if not isinstance(layer, MultiOutput):
        return
    shapes = layer.out_shapes
    if not isinstance(shapes, Mapping) or not shapes or not all(map(_is_shape, shapes.values())):
        raise PluginError(
            f"{who}: out_shapes must be a dict of the shape of one sample of each output, by its"
            f" name; it is {shapes!r}"
        )
    for name in shapes:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise PluginError(f"{who}: an output cannot be called {name!r}; a name is {NAME_RULE}")
    if next(iter(shapes.values())) != shape:
        raise PluginError(
            f"{who}: the first of out_shapes must be the main output, of the shape out_shape,"
            f" {shape}; it is {next(iter(shapes.values()))}"
        )


def _is_shape(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(n, int) and n > 0 for n in value)


def _check(who: str, node: str, layer: Layer, build: Build) -> None:
    _check_shapes(who, layer)
    params = getattr(layer, "params", None)
    if not isinstance(params, Mapping):
        raise PluginError(
            f"{who}: params must be a dict of arrays by name; it is {described(params)}"
        )
    if params and not getattr(layer, "differentiable", True):
        raise PluginError(
            f"{who}: a layer with differentiable = False cannot have parameters, because they get"
            " no gradient; use build.buffer for arrays that are saved but not trained"
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
