"""Normalization of each sample over groups of its channels."""

import math
from typing import ClassVar

from pydantic import Field

from tinynet.builtin.layers._affine import computed, needs, rectified
from tinynet.builtin.layers._normalization import NormConfig, affine_params
from tinynet.builtin.layers._onnx import affine
from tinynet.layer import (
    Array,
    Build,
    Cache,
    Context,
    Gradients,
    Layer,
    OnnxGraph,
    Shape,
    ShapeError,
)


class _GroupNorm:
    """y = (x - mean) / sqrt(variance + epsilon) * gamma + beta, over groups of channels."""

    family = "normalization"
    replayable = True
    per_sample = True

    def __init__(self, config: NormConfig, groups: int, in_shape: Shape, build: Build) -> None:
        self.out_shape = in_shape
        self.params = affine_params(config, in_shape[-1:], build)
        self._groups = groups
        self._epsilon, self._itemsize = config.epsilon, build.dtype.itemsize

    def forward(self, ctx: Context, x: Array, *, relu: bool = False) -> tuple[Array, Cache]:
        gamma, beta = self.params.get("gamma"), self.params.get("beta")
        return ctx.kernels.group_norm(
            x, self._groups, gamma, beta, self._epsilon, ctx.empty, ctx.keep, relu
        )

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        dx, dgamma, dbeta = ctx.kernels.group_norm_backward(
            dy, cache, self.params.get("gamma"), ctx.empty, needs(ctx, self.params, "gamma", "beta")
        )
        return (dx,), computed(gamma=dgamma, beta=dbeta)

    def with_relu(self) -> Layer | None:
        # A subclass with a `forward` of its own may compute something else, without the ReLU.
        return rectified(self) if type(self).forward is _GroupNorm.forward else None

    def cost(self) -> tuple[int, int]:
        size = math.prod(self.out_shape)
        # Sum, subtract, square, sum, and the two of the affine map.
        return 6 * size, size * self._itemsize

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        channels, groups = self.out_shape[-1], self._groups
        first = graph.channels_first(x)
        parts = graph.reshape(first, (groups, math.prod(self.out_shape) // groups))
        ones, zeros = graph.constant([1.0] * groups), graph.constant([0.0] * groups)
        normal = graph.node("InstanceNormalization", parts, ones, zeros, epsilon=self._epsilon)
        y = graph.channels_last(graph.reshape(normal, (channels, *self.out_shape[:-1])))
        return affine(graph, y, self.params)


class GroupNorm(_GroupNorm):
    """Normalization of each sample over groups of neighboring channels.

    (N, ..., C) -> (N, ..., C).

        y = (x - mean) / sqrt(variance + epsilon) * gamma + beta

    Mean and biased variance are taken over the C / groups channels of a group at all positions.
    Parameters: ``gamma`` (C,), ``beta`` (C,). Source: Wu and He, 2018.

    Raises:
        ShapeError: if ``groups`` does not divide the channels, or a group is a single number.
    """

    example: ClassVar = {"groups": 4}
    examples = ({"options": {"groups": 2}},)

    class Config(NormConfig):
        """Parameters of a `group_norm` node."""

        groups: int = Field(
            default=32, ge=1, description="Number of groups; it divides the number of channels."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        if not in_shape:
            raise ShapeError("group_norm needs an input of shape (..., channels); it got ()")
        channels, groups, size = in_shape[-1], config.groups, math.prod(in_shape)
        if size == 1:
            raise ShapeError(
                f"group_norm would normalize the single number of an input of shape {in_shape}, and"
                " give 0 for any number of groups; remove the layer"
            )
        if channels % groups:
            raise ShapeError(
                f"group_norm cannot divide {channels} channels into {groups} groups; set"
                f' "groups" to a divisor of {channels}, such as {_divisor(in_shape, groups)}'
            )
        if size == groups:
            raise ShapeError(
                f"group_norm with {groups} groups would normalize single numbers of an input of"
                f' shape {in_shape}, and give 0; set "groups" to a smaller divisor of {channels},'
                f" such as {_divisor(in_shape, groups)}"
            )
        super().__init__(config, groups, in_shape, build)


def _divisor(in_shape: Shape, groups: int) -> int:
    """Return a number of groups that a sample with more than one number can have.

    It is the largest up to ``groups``, or the largest up to 1024, which is quick to find.
    """
    channels, size = in_shape[-1], math.prod(in_shape)
    largest = min(groups, channels, size - 1, 1024)
    return next(number for number in range(largest, 0, -1) if channels % number == 0)


class InstanceNorm(_GroupNorm):
    """Normalization of each channel of a sample over all positions.  (N, ..., C) -> (N, ..., C).

        y = (x - mean) / sqrt(variance + epsilon) * gamma + beta

    Mean and biased variance are taken over every axis but the last, for each sample by itself.
    Parameters: ``gamma`` (C,), ``beta`` (C,). Source: Ulyanov et al., 2016.

    Raises:
        ShapeError: if a channel of a sample has a single number.
    """

    class Config(NormConfig):
        """Parameters of an `instance_norm` node."""

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        if math.prod(in_shape[:-1]) == 1:
            raise ShapeError(
                "instance_norm needs an input of shape (..., positions, channels), with more than"
                f" one position; it got {in_shape}"
            )
        super().__init__(config, in_shape[-1], in_shape, build)
