"""The shapes of a network's inputs."""

from collections.abc import Mapping
from operator import index
from typing import Any

from tinynet.engine.inputs import input_name
from tinynet.errors import Problem, ShapeError, SpecError
from tinynet.spec.graph import GraphNode, is_input
from tinynet.spec.network_spec import NetworkSpec
from tinynet.text.wording import format_list, quote
from tinynet.types import Shape


def input_shapes_of(
    graph: list[GraphNode], input_shape: Shape | Mapping[str, Shape] | None, spec: NetworkSpec
) -> dict[str, Shape]:
    """Return the shape of one sample of each input, by name.

    Args:
        graph: The nodes of the network.
        input_shape: Shape of the only input, or shapes by name; None for those of the spec.
        spec: The network part of a spec.

    Raises:
        SpecError: if there is no shape, or none for an input that a node reads.
        ShapeError: for an impossible shape.
    """
    pointers: dict[str, str] = {}  # of the first node that reads each input
    for node in graph:
        for position, source in enumerate(node.inputs):
            if is_input(source):
                pointers.setdefault(source, f"{node.pointer}/inputs/{position}")
    shape = spec.input_shape if input_shape is None else input_shape
    if shape is None:
        raise SpecError(
            [Problem("the input's shape is not known: set 'input_shape', or add a dataset", "")]
        )
    if not isinstance(shape, Mapping):
        shape = dict.fromkeys(pointers, shape)
    shapes = {input_name(name): its_shape for name, its_shape in shape.items()}
    unknown = [
        Problem(f"there is no {quote(name)}, only {format_list([*shapes])}", pointer)
        for name, pointer in pointers.items()
        if name not in shapes
    ]
    if unknown:
        raise SpecError(unknown)
    return {name: _valid_shape(name, shapes[name]) for name in pointers}


def _valid_shape(name: str, shape: Any) -> Shape:
    try:
        sizes = tuple(index(size) for size in shape)
    except TypeError:
        raise ShapeError(
            f"{name} cannot have the shape {shape!r}: a shape is a tuple of integers, such as"
            " (28, 28, 1)"
        ) from None
    if any(size < 1 for size in sizes):
        raise ShapeError(f"{name} cannot have the shape {sizes}: each axis must be at least 1")
    return sizes
