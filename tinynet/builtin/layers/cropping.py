"""Layers that cut off the edges of sequences, images and volumes."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from tinynet.builtin.layers._sides import Pair, pair_validator, sides_validator
from tinynet.builtin.layers._window import check_axes
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


class Cropping:
    """The base of layers that cut off the edges of a sample.

    Args:
        in_shape: (..., C).
        sides: Steps or pixels (before, after) that each axis but the last loses.

    Attributes:
        spec_name: The layer's name in specs, for messages.
    """

    family = "reshaping"
    per_sample = True
    spec_name: ClassVar[str]

    def __init__(self, in_shape: Shape, sides: Sequence[Pair]) -> None:
        check_axes(self.spec_name, in_shape, len(sides))
        axes = list(zip(in_shape[:-1], sides, strict=True))
        out_sizes = [size - sum(side) for size, side in axes]
        if min(out_sizes) < 1:
            raise ShapeError(
                f"{self.spec_name} would leave {tuple(out_sizes)} of {in_shape[:-1]}: cut off less"
                " than the input has"
            )
        self.out_shape = (*out_sizes, in_shape[-1])
        self.params: dict[str, Array] = {}
        self._in_shape = in_shape
        self._inner = (
            slice(None),
            *(slice(before, size - after) for size, (before, after) in axes),
        )

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return x[self._inner], None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        dx = ctx.empty((len(dy), *self._in_shape), dy.dtype)
        dx.fill(0)
        dx[self._inner] = dy
        return (dx,), {}

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        starts, ends = zip(*((part.start, part.stop) for part in self._inner[1:]), strict=True)
        axes = range(1, len(self._inner))
        return graph.node("Slice", x, *map(graph.constant, (starts, ends, list(axes))))

    def cost(self) -> tuple[int, int]:
        return 0, 0


class Cropping1D(Cropping):
    """A sequence without its first and last steps.  (N, T, C) -> (N, T - left - right, C).

    Raises:
        ShapeError: if the input is not a sequence, or nothing of it is left.
    """

    spec_name = "cropping1d"

    class Config(LayerConfig):
        """Parameters of a `cropping1d` node."""

        cropping: Annotated[Pair, pair_validator()] = Field(
            default=(1, 1),
            description="Steps cut off: one integer for both ends, or [left, right].",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        super().__init__(in_shape, (config.cropping,))


class Cropping2D(Cropping):
    """An image without its edges.  (N, H, W, C) -> (N, H - top - bottom, W - left - right, C).

    Raises:
        ShapeError: if the input is not an image, or nothing of it is left.
    """

    spec_name = "cropping2d"

    class Config(LayerConfig):
        """Parameters of a `cropping2d` node."""

        cropping: Annotated[tuple[Pair, Pair], sides_validator(2)] = Field(
            default=((0, 0), (0, 0)),
            description="Pixels cut off: one integer for every side, [height, width], or"
            " [[top, bottom], [left, right]].",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        super().__init__(in_shape, config.cropping)


class Cropping3D(Cropping):
    """A volume without its outer voxels.

    (N, D, H, W, C) -> (N, D - front - back, H - top - bottom, W - left - right, C).

    Raises:
        ShapeError: if the input is not a volume, or nothing of it is left.
    """

    spec_name = "cropping3d"

    class Config(LayerConfig):
        """Parameters of a `cropping3d` node."""

        cropping: Annotated[tuple[Pair, Pair, Pair], sides_validator(3)] = Field(
            default=((1, 1), (1, 1), (1, 1)),
            description="Voxels cut off: one integer for every side, [depth, height, width], or"
            " [[front, back], [top, bottom], [left, right]].",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        super().__init__(in_shape, config.cropping)
