"""Dropout."""

from pydantic import Field

from tinynet.builtin.layers._noise import Noise, Noisy
from tinynet.layer import Array, Build, Context, LayerConfig, Shape


class Dropout(Noise):
    """Random elements set to 0 while training.  (N, ...) -> (N, ...).

    Each element is dropped with probability ``rate``, and the others become x / (1 - rate), so
    that the expectation stays; in evaluation y = x. Source: Srivastava et al., 2014.
    """

    replayable = True

    class Config(LayerConfig):
        """Parameters of a `dropout` node."""

        rate: float = Field(ge=0, lt=1, description="Probability that an element is dropped.")

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.amount = config.rate

    def noisy(self, ctx: Context, x: Array) -> Noisy:
        uniform = ctx.uniform(x.shape)  # float32 for any dtype of x: the same mask
        return ctx.kernels.dropout(x, uniform, self.amount, ctx.empty)
