"""The convolution of volumes."""

from pydantic import Field

from tinynet.builtin.layers._convolution import Convolution, ConvolutionConfig, grouped_params
from tinynet.builtin.layers._depth_taps import DepthTaps, plane_kernel, volume_weight
from tinynet.builtin.layers._onnx import Axis, axes_of
from tinynet.builtin.layers._sides import PositiveTriple
from tinynet.builtin.layers._window import check_axes, fit_axes
from tinynet.builtin.layers._window3d import PADDING3D_DESCRIPTION, Padding3D
from tinynet.kernels import ThreeGradients, Window
from tinynet.layer import Array, Build, Cache, Context, Shape


class Conv3D(Convolution):
    """Convolution of volumes with learned filters, which are not flipped.

        y[n, h, i, j, f] = bias[f] + sum over d, a, b, c of
            x[n, h * stride + d * dilation - front, i * stride + a * dilation - top,
              j * stride + b * dilation - left, c] * weight[d, a, b, c, f]

    Input (N, D, H, W, C), output (N, Do, Ho, Wo, filters), where
    Do = floor((D - (kernel_depth - 1) * dilation - 1 + front + back) / stride) + 1, and Ho and Wo
    alike. With ``groups``, channels and filters are split into that many equal groups, and each
    filter reads only the channels of its group. Parameters: ``weight`` (kernel_depth,
    kernel_height, kernel_width, C / groups, filters), ``bias`` (filters,).
    """

    class Config(ConvolutionConfig):
        """Parameters of a `conv3d` node."""

        kernel_size: PositiveTriple = Field(
            description="Cells of the kernel: one integer, or [depth, height, width]."
        )
        strides: PositiveTriple = Field(
            default=(1, 1, 1),
            description="Voxels between neighboring windows, along [depth, height, width].",
        )
        padding: Padding3D = Field(default="valid", description=PADDING3D_DESCRIPTION)
        dilation_rate: PositiveTriple = Field(
            default=(1, 1, 1),
            description="Voxels between neighboring kernel cells, along [depth, height, width].",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        check_axes("conv3d", in_shape, 3)
        size, strides, dilation = config.kernel_size, config.strides, config.dilation_rate
        (depth, rows, columns), counts = fit_axes(
            "conv3d",
            in_shape[:3],
            size=size,
            strides=strides,
            padding=config.padding,
            dilation=dilation,
        )
        params = grouped_params("conv3d", config, size, in_shape[3], build)
        window = Window(size[1:], strides[1:], (rows, columns), dilation[1:])
        depth_window = Window((1, size[0]), (1, strides[0]), ((0, 0), depth), (1, dilation[0]))
        self._depth_window = depth_window
        self._taps = DepthTaps(depth_window, in_shape, config.groups)
        out_shape = (*counts, config.filters)
        super().__init__(window, in_shape, out_shape, params, params["weight"].shape)

    def cost(self) -> tuple[int, int]:
        operations, size = super().cost()
        return operations, size + self._taps.size() * self.params["weight"].itemsize

    def _compute(self, ctx: Context, images: Array, relu: bool) -> tuple[Array, Cache]:
        return super()._compute(ctx, self._taps.gather(ctx, images), relu)

    def _gradients(
        self, ctx: Context, cache: Cache, dy: Array, needed: tuple[bool, bool, bool]
    ) -> ThreeGradients:
        planes = dy.reshape(len(dy) * dy.shape[1], *dy.shape[2:])
        dx, dweight, dbias = super()._gradients(ctx, cache, planes, needed)
        if dx is not None:
            dx = self._taps.scatter(ctx, dx)
        if dweight is not None:
            dweight = volume_weight(dweight, self.params["weight"].shape)
        return dx, dweight, dbias

    def _kernel(self) -> Array:
        return plane_kernel(self.params["weight"])

    def _axes(self) -> list[Axis]:
        return [axes_of(self._depth_window)[1], *axes_of(self._window)]
