"""Layer normalization."""

import math

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._affine import computed, needs
from tinynet.builtin.layers._normalization import NormConfig, affine_params
from tinynet.layer import Array, Build, Cache, Context, Gradients, OnnxGraph, Shape, ShapeError


class LayerNorm:
    """Normalization of each sample over its last axes.  (N, ..., *S) -> (N, ..., *S).

        y = (x - mean) / sqrt(variance + epsilon) * gamma + beta

    Mean and biased variance are taken over the axes S, those that ``axis`` names: the last one by
    default. Parameters: ``gamma`` S, ``beta`` S. Source: Ba, Kiros and Hinton, 2016.
    """

    family = "normalization"
    per_sample = True
    replayable = True

    class Config(NormConfig):
        """Parameters of a `layer_norm` node."""

        axis: int | list[int] = Field(
            default=-1,
            description="The axis to normalize over, or the list of them: the last ones. Axis 0 is"
            " the batch; negative numbers count from the end.",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        self.out_shape = in_shape
        self._normal_shape = _last_axes(config.axis, in_shape)
        self._size = math.prod(self._normal_shape)
        self.params = affine_params(config, self._normal_shape, build)
        self._epsilon, self._itemsize = config.epsilon, build.dtype.itemsize

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        gamma, beta = self._flat("gamma"), self._flat("beta")
        y, saved = ctx.kernels.layer_norm(
            self._rows(x), gamma, beta, self._epsilon, ctx.empty, ctx.keep
        )
        return y.reshape(x.shape), saved

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        needed = needs(ctx, self.params, "gamma", "beta")
        dx, dgamma, dbeta = ctx.kernels.layer_norm_backward(
            self._rows(dy), cache, self._flat("gamma"), ctx.empty, needed
        )
        grads = computed(gamma=dgamma, beta=dbeta)
        grads = {name: grad.reshape(self._normal_shape) for name, grad in grads.items()}
        return (None if dx is None else dx.reshape(dy.shape),), grads

    def _rows(self, x: Array) -> Array:
        """(N, ..., *S) -> (R, D)."""
        return x.reshape(-1, self._size)

    def _flat(self, name: str) -> Array | None:
        """Return a parameter as (D,)."""
        param = self.params.get(name)
        return param if param is None or param.ndim == 1 else param.reshape(-1)

    def cost(self) -> tuple[int, int]:
        size = math.prod(self.out_shape)
        # Sum, subtract, square, sum, and the three of the affine map.
        return 7 * size, size * self._itemsize

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        ones = np.ones(self._normal_shape)
        gamma = graph.param("gamma") if "gamma" in self.params else graph.constant(ones)
        beta = [graph.param("beta")] if "beta" in self.params else []
        return graph.node(
            "LayerNormalization",
            x,
            gamma,
            *beta,
            axis=-len(self._normal_shape),
            epsilon=self._epsilon,
        )


def _last_axes(axis: int | list[int], in_shape: Shape) -> Shape:
    """Sizes of the axes that are named.

    Raises:
        ShapeError: unless they are the last ones of (N, *in_shape), without the batch.
    """
    axes = [axis] if isinstance(axis, int) else axis
    rank = 1 + len(in_shape)
    places = sorted(place % rank if -rank <= place < rank else place for place in axes)
    first = rank - len(axes)
    if not axes or first < 1 or places != list(range(first, rank)):
        raise ShapeError(
            f"layer_norm: axis {axis} does not name the last axes of an input of shape"
            f" (N, {', '.join(map(str, in_shape))}): set it to -1, or to a list such as"
            " [-2, -1]; axis 0 is the batch"
        )
    return in_shape[first - 1 :]
