"""The layer that selects a range of one axis."""

from typing import ClassVar

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from tinynet.builtin.layers._axes import sample_axis
from tinynet.builtin.layers._onnx import sliced
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


class Slice:
    """A range of one axis, as x[start:stop:step] in Python: (N, ..., A, ...) -> (N, ..., B, ...).

    Negative ``start`` and ``stop`` count from the end, and those beyond the end are cut to it; a
    negative ``step`` reverses the order. The axis stays, also with one element: ``start`` -1 on
    axis 1 is the last position of a sequence, (N, T, C) -> (N, 1, C).

    Raises:
        ShapeError: if the axis does not exist, or nothing of it is selected.
    """

    family = "reshaping"
    example: ClassVar = {"axis": 1, "start": -1}
    per_sample = True

    class Config(LayerConfig):
        """Parameters of a `slice` node."""

        axis: int = Field(
            default=-1,
            description="The axis to select from. Axis 0 is the batch; negative numbers count from"
            " the end.",
        )
        start: int | None = Field(
            default=None,
            description="First index; negative numbers count from the end. null: from the start.",
        )
        stop: int | None = Field(
            default=None,
            description="Index after the last one; negative numbers count from the end. null: to"
            " the end.",
        )
        step: int = Field(
            default=1, description="Distance of indices; a negative one reverses the order."
        )

        @field_validator("step")
        @classmethod
        def _check(cls, step: int) -> int:
            if not step:
                raise PydanticCustomError("step", "a number other than 0 is expected")
            return step

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        axis = sample_axis("slice", config.axis, in_shape)
        selected = slice(config.start, config.stop, config.step)
        size = len(range(*selected.indices(in_shape[axis])))
        if not size:
            raise ShapeError(
                f"slice selects nothing: it has {_described(config)}, and axis {config.axis} of a"
                f" sample of shape {in_shape} has the size {in_shape[axis]}"
            )
        self.out_shape = (*in_shape[:axis], size, *in_shape[axis + 1 :])
        self.params: dict[str, Array] = {}
        self._in_shape = in_shape
        self._place = (*[slice(None)] * (1 + axis), selected)

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return x[self._place], None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        dx = ctx.empty((len(dy), *self._in_shape), dy.dtype)
        dx.fill(0)
        dx[self._place] = dy
        return (dx,), {}

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        axis = len(self._place) - 1
        start, stop, step = self._place[axis].indices(self._in_shape[axis - 1])
        return sliced(graph, x, axis, start, stop, step)

    def cost(self) -> tuple[int, int]:
        return 0, 0


def _described(config: Slice.Config) -> str:
    """Return the options that are set, for a message: ``start 4 and step 2``."""
    options = {"start": config.start, "stop": config.stop, "step": config.step}
    return " and ".join(f"{name} {value}" for name, value in options.items() if value is not None)
