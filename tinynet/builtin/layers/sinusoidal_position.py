"""Fixed vectors of positions."""

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._elementwise import SameShape
from tinynet.builtin.layers._positions import angles, require_sequence
from tinynet.layer import Array, Build, Cache, Context, Gradients, LayerConfig, OnnxGraph, Shape


class SinusoidalPosition(SameShape):
    """Sines and cosines of the position, added to a sequence.  (N, T, C) -> (N, T, C).

        y[n, t, 2 i]     = x[n, t, 2 i]     + sin(t / base^(2 i / C))
        y[n, t, 2 i + 1] = x[n, t, 2 i + 1] + cos(t / base^(2 i / C))

    Source: Vaswani et al., 2017.
    """

    family = "attention"
    operations = 1
    several_positions = True

    class Config(LayerConfig):
        """Parameters of a `sinusoidal_position` node."""

        base: float = Field(
            default=10_000.0,
            gt=1,
            description="Ratio of the longest wavelength to the shortest, for many channels.",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self._base, self._dtype = config.base, build.dtype
        steps, self._channels = require_sequence("sinusoidal_position", self.out_shape)
        self._table = self._rows(range(0 if build.dry else steps))

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return np.add(x, self._table, out=ctx.empty(x.shape, x.dtype)), None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return (dy if ctx.needs_input() else None,), {}

    def start_cache(self, samples: int, length: int) -> Cache:
        return None

    def forward_next(self, ctx: Context, cache: Cache, position: int, x: Array) -> Array:
        rows = self._rows(range(position, position + x.shape[1]))
        return np.add(x, rows, out=ctx.empty(x.shape, x.dtype))

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("Add", x, graph.constant(self._table))

    def _rows(self, positions: range) -> Array:
        """Return the vectors of positions, (T, C)."""
        channels, base = self._channels, self._base
        rows = np.empty((len(positions), channels), self._dtype)
        rows[:, 0::2] = np.sin(angles(positions, (channels + 1) // 2, channels, base))
        rows[:, 1::2] = np.cos(angles(positions, channels // 2, channels, base))
        return rows
