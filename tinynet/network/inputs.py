"""The inputs of a network: their shapes, and the arrays given for them."""

from collections.abc import Mapping
from operator import index
from typing import Any

import numpy as np

from tinynet.errors import Problem, ShapeError, SpecError
from tinynet.spec.graph import INPUT, Wire, is_input
from tinynet.spec.network_spec import NetworkSpec
from tinynet.text.wording import listed, quoted
from tinynet.types import Array, Shape


def as_array(name: str, values: Any) -> Array:
    """Return the array given for an input.

    Raises:
        ShapeError: if it is not one.
    """
    try:
        return np.asanyarray(values)
    except ValueError as error:
        raise ShapeError(f"{name} is no array: {error}") from None


def input_shapes_of(
    wires: list[Wire], given: Shape | Mapping[str, Shape] | None, spec: NetworkSpec
) -> dict[str, Shape]:
    """Return the shape of one sample of each input, by name.

    Args:
        wires: The graph.
        given: The shape of the only input, or shapes by name; None for those of the spec.
        spec: The network part of a spec.

    Raises:
        SpecError: if no shape is known, or a name is not that of an input.
        ShapeError: for a shape that cannot be.
    """
    places: dict[str, str] = {}
    for w in wires:
        for place, source in enumerate(w.inputs):
            if is_input(source):
                places.setdefault(source, f"{w.pointer}/inputs/{place}")
    if given is None:
        given = spec.input_shape
    if given is None:
        raise SpecError(
            [Problem("the input's shape is not known: give 'input_shape' or a dataset", "")]
        )
    if not isinstance(given, Mapping):
        given = dict.fromkeys(places, given)
    known = {name if is_input(name) else f"{INPUT}:{name}": shape for name, shape in given.items()}
    unknown = [
        Problem(f"there is no {quoted(name)}, only {listed([*known])}", place)
        for name, place in places.items()
        if name not in known
    ]
    if unknown:
        raise SpecError(unknown)
    return {name: _checked_shape(name, known[name]) for name in places}


def _checked_shape(name: str, shape: Any) -> Shape:
    try:
        sizes = tuple(index(size) for size in shape)
    except TypeError:
        raise ShapeError(
            f"{name} cannot have the shape {shape!r}: a tuple of integers is expected, such as"
            " (28, 28, 1)"
        ) from None
    if any(size < 1 for size in sizes):
        raise ShapeError(f"{name} cannot have the shape {sizes}: every axis is at least 1")
    return sizes
