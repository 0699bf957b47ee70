"""The built-in parametrizations: weight normalization and spectral normalization.

Both see a parameter as a matrix: its rows are the units of the option ``axis``, in a dense layer or
a convolution the last axis, and the columns are all other axes. Sums are computed in float64, and
without BLAS, whose results depend on the number of threads.
"""

import math
from collections.abc import Mapping

import numpy as np
from pydantic import Field

from tinynet.errors import ShapeError, SpecError
from tinynet.parametrization import ParametrizationConfig
from tinynet.types import Array, Shape

_FIRST_ITERATIONS = 15
"""Power iterations for the initial vectors of `SpectralNorm`, as in PyTorch."""


class _AxisConfig(ParametrizationConfig):
    axis: int = Field(
        default=-1,
        description="The axis of the units; in a dense layer and in convolutions the last one.",
    )


def _require_axis(shape: Shape, axis: int) -> None:
    if len(shape) < 2:
        raise ShapeError(
            f"it needs a parameter of at least 2 axes, such as a weight; the shape is {shape}"
        )
    if not -len(shape) <= axis < len(shape):
        raise ShapeError(f"axis {axis} does not exist in a parameter of shape {shape}")


class WeightNorm:
    """Weight normalization: w = g * v / |v| for each unit, with the Euclidean norm.

    The length ``g`` (units,) and the direction ``v``, of the shape of the weight, are trained. At
    the start v is the initial weight and g its norms, so the weight is unchanged.

    Salimans and Kingma, "Weight normalization: a simple reparameterization to accelerate training
    of deep neural networks", 2016.
    """

    class Config(_AxisConfig):
        """Options of `weight_norm`."""

    def __init__(self, config: Config) -> None:
        self._axis = config.axis

    def shapes(self, shape: Shape) -> dict[str, Shape]:
        _require_axis(shape, self._axis)
        return {"g": (shape[self._axis],), "v": shape}

    def params_of(self, value: Array) -> dict[str, Array]:
        norms = self._norms(value)
        if not norms.all():
            raise SpecError(
                "the initial weights of a unit are all 0, which has no direction; choose another"
                " initializer, or exclude the parameter"
            )
        return {"g": norms.ravel().astype(value.dtype), "v": value.copy()}

    def value(self, params: Mapping[str, Array], buffers: Mapping[str, Array]) -> Array:
        v = params["v"]
        scales = self._each(params["g"], v.ndim) / self._safe_norms(v)
        value: Array = v * scales.astype(v.dtype)
        return value

    def gradients(
        self, params: Mapping[str, Array], buffers: Mapping[str, Array], d_value: Array
    ) -> dict[str, Array]:
        g, v = params["g"], params["v"]
        norms = self._safe_norms(v)
        directions = v / norms
        d_g = (d_value * directions).sum(axis=self._others(v), keepdims=True)
        d_v = self._each(g, v.ndim) / norms * (d_value - d_g * directions)
        return {"g": d_g.ravel().astype(g.dtype), "v": d_v.astype(v.dtype)}

    def _others(self, v: Array) -> tuple[int, ...]:
        """Return all axes but that of the units."""
        return tuple(axis for axis in range(v.ndim) if axis != self._axis % v.ndim)

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

    def _each(self, g: Array, ndim: int) -> Array:
        """Return g in float64, with the axes of the weight."""
        shape = [1] * ndim
        shape[self._axis] = g.size
        return g.astype(np.float64).reshape(shape)


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
        _require_axis(shape, self._config.axis)
        return {"": shape}

    def params_of(self, value: Array) -> dict[str, Array]:
        if not value.any():
            raise SpecError(
                "the initial weights are all 0, which has no largest singular value; choose another"
                " initializer, or exclude the parameter"
            )
        return {"": value.copy()}

    def buffer_shapes(self, shape: Shape) -> dict[str, Shape]:
        units = shape[self._config.axis]
        return {"u": (units,), "v": (math.prod(shape) // units,)}

    def initial_buffers(
        self, params: Mapping[str, Array], rng: np.random.Generator
    ) -> dict[str, Array]:
        weight = params[""]
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
        moved = np.moveaxis(gradient.reshape(self._moved(d_value).shape), -1, self._config.axis)
        return {"": np.ascontiguousarray(moved, d_value.dtype)}

    def _moved(self, weight: Array) -> Array:
        """Return the weight with the axis of the units last."""
        return np.moveaxis(weight, self._config.axis, -1)

    def _columns(self, weight: Array) -> Array:
        """Return the transpose of W, (rest, units), in float64."""
        moved = self._moved(weight)
        return moved.reshape(-1, moved.shape[-1]).astype(np.float64)

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
