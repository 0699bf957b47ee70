"""The layer that scales images to another size."""

import math
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import DTypeLike
from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from tinynet.builtin.layers._onnx import gathered, mixed
from tinynet.builtin.layers._resampling import (
    cubic,
    filtered,
    interpolation,
    operations,
    resample,
    resample_backward,
    triangle,
)
from tinynet.builtin.layers._window import check_image
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


def _factors(value: Any) -> Any:
    factors = tuple(value) if isinstance(value, list | tuple) else (value, value)
    if len(factors) == 2 and all(type(f) in (int, float) and 0 < f < math.inf for f in factors):
        return tuple(map(float, factors))
    raise PydanticCustomError("factor", "a number above 0 or [height, width] is expected")


_Factor: TypeAlias = Annotated[float, Field(gt=0)]

Factors: TypeAlias = Annotated[
    tuple[float, float],
    BeforeValidator(_factors, json_schema_input_type=_Factor | tuple[_Factor, _Factor]),
]


class Resizing:
    """Each image scaled to another size.  (N, H, W, C) -> (N, Ho, Wo, C).

    ``"bilinear"`` interpolates between pixel centers, with the edge pixels extended outwards:
    y[i] = x((i + 1/2) * scale - 1/2) along each axis, where scale is H / Ho, or 1 / factor. With
    ``align_corners``, the centers of the outermost pixels stay where they are: y[i] = x(i * scale),
    where scale is (H - 1) / (Ho - 1). ``"nearest"`` takes the pixel in which (i + 1/2) * scale
    lies. An axis that keeps its size stays as it is. These are the meanings of Keras and of
    PyTorch's ``interpolate``, whose name for ``"nearest"`` is ``"nearest-exact"``.

    ``"bicubic"`` weights the 4 pixels around a place by the cubic of Keys (1981), those that exist
    as Keras does. PyTorch's has a ``cubic_coefficient`` of -0.75 and does not ``exclude_outside``.

    With ``antialias``, an image that becomes smaller is smoothed: scale times as many pixels are
    weighted for one pixel of the output. PyTorch's options are then those of Keras.

    Raises:
        ShapeError: if the input is not an image, or the output would have no pixel.
    """

    family = "reshaping"
    example: ClassVar = {"height": 32, "width": 32}
    per_sample = True
    examples = ({"options": {"factor": 1.5}},)

    class Config(LayerConfig):
        """Parameters of a `resizing` node."""

        height: int | None = Field(default=None, ge=1, description="Height of the output.")
        width: int | None = Field(default=None, ge=1, description="Width of the output.")
        factor: Factors | None = Field(
            default=None,
            description="Factor of the size, in place of height and width: one number, or [height,"
            " width]. The output's size is rounded down.",
        )
        interpolation: Literal["bilinear", "nearest", "bicubic"] = Field(
            default="bilinear",
            description="Interpolation: 'bilinear' (linear between pixel centers), 'nearest' (the"
            " nearest pixel) or 'bicubic' (a cubic through four pixels along each axis).",
        )
        align_corners: bool = Field(
            default=False,
            description="True if the centers of the corner pixels of both images coincide, instead"
            " of the corners of the images; not with 'nearest'.",
        )
        antialias: bool = Field(
            default=False,
            description="True to smooth an image that becomes smaller; not with 'nearest'.",
        )
        cubic_coefficient: float = Field(
            default=-0.5,
            ge=-1,
            le=0,
            description="Slope of the cubic one pixel from its center, of 'bicubic': -0.5 as in"
            " Keras, -0.75 as in PyTorch without antialias.",
        )
        exclude_outside: bool = Field(
            default=True,
            description="True to weight only pixels of the image, false to repeat the outermost"
            " ones outwards, as PyTorch does for 'bicubic' without antialias; for 'bicubic' and"
            " antialias.",
        )

        @model_validator(mode="after")
        def _one_size(self) -> Self:
            sizes = [value is not None for value in (self.height, self.width)]
            if any(sizes) if self.factor is not None else not all(sizes):
                raise PydanticCustomError("size", "set height and width, or factor alone")
            return self

        @model_validator(mode="after")
        def _options_that_apply(self) -> Self:
            nearest, bicubic = (self.interpolation == kind for kind in ("nearest", "bicubic"))
            fields = type(self).model_fields
            changed = {name for name in fields if getattr(self, name) != fields[name].default}
            if nearest and changed & {"align_corners", "antialias"}:
                (name, *_) = sorted(changed & {"align_corners", "antialias"})
                message = f"{name} needs interpolation 'bilinear' or 'bicubic'"
                raise PydanticCustomError("interpolation", message)
            if self.antialias and self.align_corners:
                raise PydanticCustomError("antialias", "antialias needs align_corners false")
            if "cubic_coefficient" in changed and not bicubic:
                message = "cubic_coefficient needs interpolation 'bicubic'"
                raise PydanticCustomError("cubic_coefficient", message)
            if "exclude_outside" in changed and not (bicubic or self.antialias):
                message = "exclude_outside needs interpolation 'bicubic', or antialias"
                raise PydanticCustomError("exclude_outside", message)
            return self

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        check_image("resizing", in_shape)
        height, width, channels = in_shape
        if config.height is not None and config.width is not None:
            sizes = config.height, config.width
        elif config.factor is not None:
            down, across = config.factor
            sizes = math.floor(height * down), math.floor(width * across)
        if min(sizes) < 1:
            raise ShapeError(
                f"resizing would make {sizes} pixels of {(height, width)}: take a larger factor"
            )
        self.out_shape = (*sizes, channels)
        self.params: dict[str, Array] = {}
        self._config = config
        self._in_shape = in_shape
        self._itemsize = build.dtype.itemsize

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        if self._config.interpolation != "nearest":
            return resample(ctx, x, self._maps(x.dtype)), None
        for axis, pixels in enumerate(self._nearest(), start=1):
            shape = (*x.shape[:axis], len(pixels), *x.shape[axis + 1 :])
            x = np.take(x, pixels, axis, out=ctx.empty(shape, x.dtype), mode="clip")
        return x, None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        if self._config.interpolation != "nearest":
            return (resample_backward(ctx, dy, self._maps(dy.dtype)),), {}
        for axis, pixels in enumerate(self._nearest(), start=1):
            # The pixels are in ascending order, so the copies of one are neighbors.
            taken, first = np.unique(pixels, return_index=True)
            dx = ctx.empty(
                (*dy.shape[:axis], self._in_shape[axis - 1], *dy.shape[axis + 1 :]), dy.dtype
            )
            dx.fill(0)
            dx[(slice(None),) * axis + (taken,)] = np.add.reduceat(dy, first, axis)
            dy = dx
        return (dy,), {}

    def cost(self) -> tuple[int, int]:
        (*sizes, channels), (*out_sizes, _) = self._in_shape, self.out_shape
        nearest = self._config.interpolation == "nearest"
        size = math.prod(self.out_shape) * self._itemsize
        return 0 if nearest else operations(sizes, out_sizes, channels), size

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        if self._config.interpolation != "nearest":
            return mixed(graph, x, self._in_shape, self._maps(graph.dtype))
        for axis, pixels in enumerate(self._nearest(), start=1):
            x = gathered(graph, x, axis, pixels)
        return x

    def _maps(self, dtype: DTypeLike) -> list[Array]:
        """Return the weights of input pixels in output pixels, along each axis."""
        return [self._map(axis, dtype) for axis in (0, 1)]

    def _map(self, axis: int, dtype: DTypeLike) -> Array:
        config, size = self._config, self._in_shape[axis]
        places = self._places(axis) - 0.5
        bicubic = config.interpolation == "bicubic"
        if not bicubic and not config.antialias:
            return interpolation(places, size, dtype)
        by = cubic(config.cubic_coefficient) if bicubic else triangle()
        stretch = max(1.0, self._scale(axis)) if config.antialias else 1.0
        return filtered(places, size, dtype, by, stretch, config.exclude_outside)

    def _nearest(self) -> list[Array]:
        """Return the pixel of the input that each output pixel takes, along each axis."""
        return [
            np.minimum(self._places(axis).astype(np.intp), self._in_shape[axis] - 1)
            for axis in (0, 1)
        ]

    def _places(self, axis: int) -> Array:
        """Return the places of the output's pixel centers on the input, whose pixels have size 1.

        The places along one axis are in ascending order.
        """
        size, out_size = self._in_shape[axis], self.out_shape[axis]
        centers = np.arange(out_size) + 0.5
        if self._config.align_corners:
            return (centers - 0.5) * (size - 1) / max(1, out_size - 1) + 0.5
        if self._config.factor is not None and out_size != size:
            return centers / self._config.factor[axis]
        return centers * size / out_size

    def _scale(self, axis: int) -> float:
        """Return the pixels of the input for one of the output."""
        size, out_size = self._in_shape[axis], self.out_shape[axis]
        if self._config.factor is not None and out_size != size:
            return 1 / self._config.factor[axis]
        return size / out_size
