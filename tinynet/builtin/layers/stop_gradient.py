"""The layer that no gradient passes."""

from tinynet.layer import Array, Build, Cache, Context, LayerConfig, OnnxGraph, Shape


class StopGradient:
    """The input itself, as a constant that no gradient passes.

    Nothing before this layer gets a gradient through it. (N, ...) -> (N, ...).
    """

    family = "core"
    per_sample = True
    differentiable = False
    Config = LayerConfig

    def __init__(self, config: LayerConfig, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (self.out_shape,) = in_shapes
        self.params: dict[str, Array] = {}

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return x, None

    def cost(self) -> tuple[int, int]:
        return 0, 0

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return x
