"""The layer that cuts one axis into several outputs."""

from typing import Annotated, ClassVar, TypeAlias

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._axes import sample_axis
from tinynet.layer import (
    Array,
    Build,
    Cache,
    Context,
    Gradients,
    LayerConfig,
    OnnxGraph,
    Shape,
    ShapeError,
)

_AtLeastOne: TypeAlias = Annotated[int, Field(ge=1)]


class Split:
    """One axis cut into consecutive sections: (N, ..., A, ...) -> (N, ..., A_i, ...) each.

    The outputs are named "0", "1", ... in order; the node's name alone stands for "0".

    Raises:
        ShapeError: if the axis does not exist, or the sections do not add up to its size.
    """

    family = "reshaping"
    example: ClassVar = {"sections": 2}
    per_sample = True

    class Config(LayerConfig):
        """Parameters of a `split` node."""

        sections: _AtLeastOne | Annotated[list[_AtLeastOne], Field(min_length=1)] = Field(
            description="Number of sections of equal size, or the list of their sizes."
        )
        axis: int = Field(
            default=-1,
            description="The axis to cut. Axis 0 is the batch; negative numbers count from the"
            " end.",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        axis = sample_axis("split", config.axis, in_shape)
        sizes = _sizes(config.sections, config.axis, in_shape[axis])
        self.out_shapes = {
            str(i): (*in_shape[:axis], size, *in_shape[axis + 1 :]) for i, size in enumerate(sizes)
        }
        self.out_shape = self.out_shapes["0"]
        self.params: dict[str, Array] = {}
        self._in_shape = in_shape
        ends = np.cumsum(sizes).tolist()
        self._places = [
            (*[slice(None)] * (1 + axis), slice(end - size, end))
            for size, end in zip(sizes, ends, strict=True)
        ]

    def forward(self, ctx: Context, x: Array) -> tuple[tuple[Array, ...], Cache]:
        return tuple(x[place] for place in self._places), None

    def backward(self, ctx: Context, cache: Cache, dy: tuple[Array | None, ...]) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        some = next(part for part in dy if part is not None)
        dx = ctx.empty((len(some), *self._in_shape), some.dtype)
        for place, part in zip(self._places, dy, strict=True):
            dx[place] = 0 if part is None else part
        return (dx,), {}

    def to_onnx(self, graph: OnnxGraph, x: str) -> tuple[str, ...]:
        axis = len(self._places[0]) - 1
        sizes = [shape[axis - 1] for shape in self.out_shapes.values()]
        return graph.nodes("Split", x, graph.constant([*sizes]), outputs=len(sizes), axis=axis)

    def cost(self) -> tuple[int, int]:
        return 0, 0


def _sizes(sections: int | list[int], axis: int, size: int) -> list[int]:
    """Return the size of each section of an axis of ``size``.

    Raises:
        ShapeError: if the sections do not add up to it.
    """
    if isinstance(sections, int):
        if size % sections:
            raise ShapeError(
                f"split cannot cut axis {axis} of size {size} into {sections} equal sections; set"
                f' "sections" to a divisor of {size}, or to a list of sizes'
            )
        return [size // sections] * sections
    if sum(sections) != size:
        raise ShapeError(
            f"split: the sections {sections} have the sum {sum(sections)}, but axis {axis} has the"
            f" size {size}; their sizes must add up to it"
        )
    return sections
