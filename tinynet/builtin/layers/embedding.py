"""Learned vectors for whole numbers."""

import math
from typing import ClassVar

import numpy as np
from pydantic import Field

from tinynet.errors import DataError
from tinynet.layer import (
    Array,
    Build,
    Cache,
    Context,
    Gradients,
    InitializerReference,
    LayerConfig,
    OnnxGraph,
    Shape,
)


class Embedding:
    """A learned vector for each index.

    y[n, ...] = weight[x[n, ...]]. Input (N, ...) of whole numbers in [0, input_dim), of an integer
    or a floating dtype; output (N, ..., output_dim). Parameter: ``weight`` (input_dim, output_dim).
    The input has no gradient.

    Attributes:
        integer_inputs: True: the network passes integers without converting them.

    Raises:
        DataError: in `forward`, for an index that is not a whole number in that range.
    """

    family = "core"
    example: ClassVar = {"input_dim": 1000, "output_dim": 64}
    per_sample = True
    integer_inputs = True

    class Config(LayerConfig):
        """Parameters of an `embedding` node."""

        input_dim: int = Field(ge=1, description="Number of indices: 0 ... input_dim - 1.")
        output_dim: int = Field(ge=1, description="Length of the vector of one index.")
        weight_initializer: InitializerReference = Field(
            default=InitializerReference(type="uniform"),
            description="Initializer of `weight`.",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        self.out_shape = (*in_shape, config.output_dim)
        self.params = {
            "weight": build.param(
                "weight", (config.input_dim, config.output_dim), config.weight_initializer
            )
        }

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        weight = self.params["weight"]
        indices = _indices(x, len(weight), ctx)
        y = ctx.empty((*x.shape, weight.shape[1]), weight.dtype)
        # The indices were checked: "clip" only spares NumPy a copy that "raise" would make.
        np.take(weight, indices, axis=0, out=y, mode="clip")
        return y, indices if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_param("weight"):
            return (None,), {}
        weight = self.params["weight"]
        indices = cache.reshape(-1)
        order = np.argsort(indices, kind="stable")
        sorted_indices = indices[order]
        starts = np.flatnonzero(np.diff(sorted_indices, prepend=-1))
        grad = np.zeros(weight.shape, dy.dtype)
        rows = dy.reshape(-1, dy.shape[-1])[order]
        grad[sorted_indices[starts]] = np.add.reduceat(rows, starts, axis=0)
        return (None,), {"weight": grad}

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        indices = graph.cast(x, np.int64)
        # ONNX counts negative indices from the end; one beyond the last is refused, as here.
        zero, beyond = (
            graph.constant(index, dtype=np.int64) for index in (0, len(self.params["weight"]))
        )
        indices = graph.node("Where", graph.node("Less", indices, zero), beyond, indices)
        return graph.node("Gather", graph.param("weight"), indices, axis=0)

    def cost(self) -> tuple[int, int]:
        return 0, math.prod(self.out_shape) * self.params["weight"].itemsize


def _indices(x: Array, limit: int, ctx: Context) -> Array:
    """``x`` as array indices, once each is known to be a whole number in [0, limit)."""
    bad = ~((x >= 0) & (x < limit))  # so written, NaN is bad too
    if not bad.any():
        indices = x.astype(np.intp, copy=False)
        bad = indices != x
        if not bad.any():
            return indices
    sample, *place = np.argwhere(bad)[0].tolist()
    where = f"sample {ctx.first_sample + sample}" + (f", position {place}" if place else "")
    raise DataError(
        f"{ctx.node or 'embedding'}: index {x[sample, *place]} ({where} of the batch) is not one"
        f" of the whole numbers 0 to {limit - 1}; correct the data, or raise input_dim"
    )
