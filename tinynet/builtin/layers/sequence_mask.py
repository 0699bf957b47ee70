"""The layer that marks the positions of a padded sequence that count."""

import math
from typing import ClassVar, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from tinynet.errors import DataError
from tinynet.layer import Array, Build, Cache, Context, LayerConfig, OnnxGraph, Shape, ShapeError


class SequenceMask:
    """The mask of a padded sequence, (N, T): 1 where a position counts, 0 where it is padding.

    - From tokens (N, T): 1 where the token differs from ``padding_value``. Floats are compared as
      they are, so the mask of a series comes before any scaling of it.
    - With ``max_length`` T, from lengths (N,) or (N, 1): 1 at the positions before the length, so a
      length of T or more marks them all.

    The output has the network's dtype. The input has no gradient.

    Attributes:
        integer_inputs: True: the network passes integers without converting them.

    Raises:
        ShapeError: if the input has another shape.
        DataError: in `forward`, for a length that is not a whole number of at least 0.
    """

    family = "core"
    example: ClassVar = {"inputs": "input"}
    per_sample = True
    integer_inputs = True
    differentiable = False

    class Config(LayerConfig):
        """Parameters of a `sequence_mask` node."""

        max_length: int | None = Field(
            default=None,
            ge=1,
            description="Length of the mask, for an input of lengths; null for an input of tokens.",
        )
        padding_value: int = Field(
            default=0, description="Token that is padding; only without max_length."
        )

        @model_validator(mode="after")
        def _padding_of_tokens(self) -> Self:
            if self.max_length is not None and self.padding_value != 0:
                raise PydanticCustomError(
                    "padding_value",
                    "padding_value is that of tokens, and max_length is for lengths; remove one",
                )
            return self

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        self._max_length = config.max_length
        self._padding_value = config.padding_value
        self._dtype = build.dtype
        self.params: dict[str, Array] = {}
        if config.max_length is not None:
            if in_shape not in ((), (1,)):
                raise ShapeError(
                    f"sequence_mask with max_length needs lengths of shape () or (1,); it got"
                    f" {in_shape}: remove max_length if these are tokens"
                )
            self.out_shape: Shape = (config.max_length,)
        else:
            if len(in_shape) != 1:
                raise ShapeError(
                    f"sequence_mask needs tokens of shape (T,); it got {in_shape}"
                    + ("" if in_shape else ": set max_length if these are lengths")
                )
            self.out_shape = in_shape

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        mask = ctx.empty((len(x), *self.out_shape), self._dtype)
        if self._max_length is None:
            np.not_equal(x, self._padding_value, out=mask)
        else:
            lengths = x.reshape(-1, 1)
            _check_lengths(lengths, ctx)
            np.less(np.arange(self._max_length), lengths, out=mask)
        return mask, None

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        x = graph.cast(x, np.float64)  # which holds tokens of any dtype
        if self._max_length is None:
            padding = graph.cast(graph.constant(self._padding_value), np.float64)
            counts = graph.node("Not", graph.node("Equal", x, padding))
        else:
            positions = graph.cast(graph.constant(np.arange(self._max_length)), np.float64)
            counts = graph.node("Less", positions, graph.reshape(x, (1,)))
        return graph.cast(counts, graph.dtype)

    def cost(self) -> tuple[int, int]:
        size = math.prod(self.out_shape)
        return size, size * self._dtype.itemsize


def _check_lengths(lengths: Array, ctx: Context) -> None:
    good = lengths >= 0  # so written, NaN is bad too
    if lengths.dtype.kind == "f":
        good &= np.floor(lengths) == lengths
    if not good.all():
        sample = int(np.argmin(good))
        raise DataError(
            f"{ctx.node or 'sequence_mask'}: length {lengths[sample, 0]} (sample"
            f" {ctx.first_sample + sample} of the batch) is not a whole number of at least 0;"
            " correct the data, or use the lengths as they were before any scaling"
        )
