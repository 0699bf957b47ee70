"""The built-in parametrizations: weight normalization and spectral normalization.

Both see a parameter as a matrix: its rows are the units of the option ``axis``, and the columns are
all other axes. Units are the last axis of a dense layer or a convolution, axis -2 of a transposed
convolution, (..., out, in), and the last two of a depthwise one, (..., channels, multiplier). Sums
are computed in float64, and without BLAS, whose results depend on the number of threads.
"""

import math
from collections.abc import Mapping

import numpy as np
from pydantic import Field

from tinynet.builtin._axes import Axes, axes_of
from tinynet.errors import ShapeError, SpecError
from tinynet.parametrization import ParametrizationConfig
from tinynet.types import Array, Shape

_FIRST_ITERATIONS = 15
"""Power iterations for the initial vectors of `SpectralNorm`, as in PyTorch."""


class _AxisConfig(ParametrizationConfig):
    axis: Axes = Field(
        default=(-1,),
        min_length=1,
        description="The axis of the units, or several: the last one in dense layers and"
        " convolutions, -2 in transposed convolutions, [-2, -1] in depthwise ones.",
    )


def _unit_axes(shape: Shape, axis: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes of the units, from 0 and in ascending order."""
    if len(shape) < 2:
        raise ShapeError(
            f"it needs a parameter of at least 2 axes, such as a weight; the shape is {shape}"
        )
    axes = axes_of(shape, axis)
    if len(axes) == len(shape):
        raise ShapeError(
            f"axis {[*axis]} names every axis of a parameter of shape {shape}, so each unit is a"
            " single number; leave one out"
        )
    return axes


class WeightNorm:
    """Weight normalization: w = g * v / |v| for each unit, with the Euclidean norm.

    The length ``g`` (units,), which has as many axes as there are of units, and the direction
    ``v``, of the shape of the weight, are trained. At the start v is the initial weight and g its
    norms, so the weight is unchanged.

    Salimans and Kingma, "Weight normalization: a simple reparameterization to accelerate training
    of deep neural networks", 2016.
    """

    class Config(_AxisConfig):
        """Options of `weight_norm`."""

    def __init__(self, config: Config) -> None:
        self._axis = config.axis

    def shapes(self, shape: Shape) -> dict[str, Shape]:
        return {"g": tuple(shape[axis] for axis in _unit_axes(shape, self._axis)), "v": shape}

    def params_of(self, value: Array) -> dict[str, Array]:
        norms = self._norms(value)
        if not norms.all():
            raise SpecError(
                "the initial weights of a unit are all 0, which has no direction; choose another"
                " initializer, or exclude the parameter"
            )
        g = norms.reshape(self.shapes(value.shape)["g"])
        return {"g": g.astype(value.dtype), "v": value.copy()}

    def value(self, params: Mapping[str, Array], buffers: Mapping[str, Array]) -> Array:
        v = params["v"]
        scales = self._each(params["g"], v) / self._safe_norms(v)
        value: Array = v * scales.astype(v.dtype)
        return value

    def gradients(
        self, params: Mapping[str, Array], buffers: Mapping[str, Array], d_value: Array
    ) -> dict[str, Array]:
        g, v = params["g"], params["v"]
        norms = self._safe_norms(v)
        directions = v / norms
        d_g = (d_value * directions).sum(axis=self._others(v), keepdims=True)
        d_v = self._each(g, v) / norms * (d_value - d_g * directions)
        return {"g": d_g.reshape(g.shape).astype(g.dtype), "v": d_v.astype(v.dtype)}

    def _others(self, v: Array) -> tuple[int, ...]:
        """Return all axes but those of the units."""
        units = _unit_axes(v.shape, self._axis)
        return tuple(axis for axis in range(v.ndim) if axis not in units)

    def _norms(self, v: Array) -> Array:
        """Return the norm of each unit in float64, with axes of length 1 for the others."""
        squares: Array = np.square(v, dtype=np.float64)
        norms: Array = np.sqrt(squares.sum(axis=self._others(v), keepdims=True))
        return norms

    def _safe_norms(self, v: Array) -> Array:
        """Return the norms, with 1 in place of 0: a unit of zeros stays 0."""
        norms = self._norms(v)
        norms[norms == 0] = 1
        return norms

    def _each(self, g: Array, v: Array) -> Array:
        """Return g in float64, with the axes of the weight."""
        return np.expand_dims(g.astype(np.float64), self._others(v))


class SpectralNorm:
    """Spectral normalization: the weight divided by an estimate of its largest singular value.

    The estimate is u^T W v for the matrix W (units, rest) of the weight. The vectors ``u`` (units,)
    and ``v`` (rest,) are buffers that power iterations after each update bring closer to the
    singular vectors; gradients treat them as constants. The weight as it is before the division is
    trained, under its own name.

    Miyato et al., "Spectral normalization for generative adversarial networks", 2018.
    """

    class Config(_AxisConfig):
        """Options of `spectral_norm`."""

        power_iterations: int = Field(
            default=1, ge=1, le=10_000, description="Power iterations after each update."
        )
        epsilon: float = Field(
            default=1e-12, gt=0, description="The least norm that a vector is divided by."
        )

    def __init__(self, config: Config) -> None:
        self._config = config

    def shapes(self, shape: Shape) -> dict[str, Shape]:
        _unit_axes(shape, self._config.axis)
        return {"": shape}

    def params_of(self, value: Array) -> dict[str, Array]:
        return {"": value.copy()}

    def buffer_shapes(self, shape: Shape) -> dict[str, Shape]:
        units = math.prod(shape[axis] for axis in _unit_axes(shape, self._config.axis))
        return {"u": (units,), "v": (math.prod(shape) // units,)}

    def initial_buffers(
        self, params: Mapping[str, Array], rng: np.random.Generator
    ) -> dict[str, Array]:
        weight = params[""]
        if not weight.any():
            raise SpecError(
                "the initial weights are all 0, whose largest singular value is 0; choose other"
                " weights or another initializer, or exclude the parameter"
            )
        buffers = {
            name: self._normalized(rng.standard_normal(shape)).astype(weight.dtype)
            for name, shape in self.buffer_shapes(weight.shape).items()
        }
        self._iterate(params, buffers, _FIRST_ITERATIONS + self._config.power_iterations)
        return buffers

    def advance(self, params: Mapping[str, Array], buffers: Mapping[str, Array]) -> None:
        self._iterate(params, buffers, self._config.power_iterations)

    def value(self, params: Mapping[str, Array], buffers: Mapping[str, Array]) -> Array:
        weight = params[""]
        scaled: Array = weight / weight.dtype.type(self._largest(self._columns(weight), buffers))
        return scaled

    def gradients(
        self, params: Mapping[str, Array], buffers: Mapping[str, Array], d_value: Array
    ) -> dict[str, Array]:
        weight = self._columns(params[""])
        d_columns = self._columns(d_value)
        largest = self._largest(weight, buffers)
        share = (d_columns * weight).sum() / largest**2
        u, v = (buffers[name].astype(np.float64) for name in ("u", "v"))
        gradient = d_columns / largest - share * np.multiply.outer(v, u)
        axes = _unit_axes(d_value.shape, self._config.axis)
        moved = gradient.reshape(_with_last(d_value, axes).shape)
        restored = np.moveaxis(moved, range(-len(axes), 0), axes)
        return {"": np.ascontiguousarray(restored, d_value.dtype)}

    def _columns(self, weight: Array) -> Array:
        """Return the transpose of W, (rest, units), in float64."""
        axes = _unit_axes(weight.shape, self._config.axis)
        (units,) = self.buffer_shapes(weight.shape)["u"]
        return _with_last(weight, axes).reshape(-1, units).astype(np.float64)

    def _largest(self, columns: Array, buffers: Mapping[str, Array]) -> float:
        """Return the estimate of the largest singular value."""
        u, v = (buffers[name].astype(np.float64) for name in ("u", "v"))
        found = float((np.einsum("ru,r->u", columns, v) * u).sum())
        return found or self._config.epsilon

    def _iterate(
        self, params: Mapping[str, Array], buffers: Mapping[str, Array], iterations: int
    ) -> None:
        columns = self._columns(params[""])
        v = buffers["v"].astype(np.float64)
        for _ in range(iterations):
            u = self._normalized(np.einsum("ru,r->u", columns, v))
            v = self._normalized(np.einsum("ru,u->r", columns, u))
        buffers["u"][...], buffers["v"][...] = u, v

    def _normalized(self, vector: Array) -> Array:
        norm = math.sqrt(float(np.square(vector).sum()))
        scaled: Array = vector / max(norm, self._config.epsilon)
        return scaled


def _with_last(weight: Array, axes: tuple[int, ...]) -> Array:
    """Return the weight with these axes last, in their order."""
    return np.moveaxis(weight, axes, range(-len(axes), 0))
