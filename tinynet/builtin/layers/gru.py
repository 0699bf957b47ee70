"""The gated recurrent unit."""

from typing import Any

from pydantic import Field

from tinynet.builtin.layers._recurrent import Recurrent, Run
from tinynet.builtin.layers._recurrent_config import RecurrentConfig
from tinynet.builtin.layers._recurrent_onnx import RecurrentOperator
from tinynet.kernels import Recurrence, RecurrentGradients, RecurrentNeeds, States
from tinynet.layer import Array, Build, Context, Shape


class GRU(Recurrent):
    """Gated recurrent unit, whose output is its state.

        z = sigmoid(x @ W_z + state @ R_z + b_z)
        r = sigmoid(x @ W_r + state @ R_r + b_r)
        h = tanh(x @ W_h + r * (state @ R_h + c_h) + b_h)
        state = z * state + (1 - z) * h

    Without ``reset_after``, h = tanh(x @ W_h + (r * state) @ R_h + b_h). Inputs, outputs, and what
    happens at masked time steps are as in `lstm`, but there is no cell. Parameters, with the gates
    in the order z, r, h: ``weight`` (C, 3 * units), ``recurrent_weight`` (units, 3 * units), and
    ``bias`` (2, 3 * units): one for the product with each of the weights; without ``reset_after``
    (3 * units,). With ``bidirectional`` also ``backward_weight``, ... Source: Cho et al., 2014.
    """

    spec_name = "gru"
    gates = 3
    kept_arrays = 5

    class Config(RecurrentConfig):
        """Parameters of a `gru` node."""

        reset_after: bool = Field(
            default=True,
            description="True to apply the reset gate after the product with `recurrent_weight`,"
            " as cuDNN and PyTorch do; false to apply it before, as the paper of 2014 does.",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        self._reset_after = config.reset_after
        super().__init__(config, in_shapes, build)

    def _bias_shape(self) -> Shape:
        columns = super()._bias_shape()
        return (2, *columns) if self._reset_after else columns

    def _onnx_operator(self) -> RecurrentOperator:
        after = {"linear_before_reset": int(self._reset_after)}
        return RecurrentOperator("GRU", gates=(0, 1, 2), attributes=after)

    def _forward(self, ctx: Context, call: Recurrence) -> tuple[Array, States, Any]:
        return ctx.kernels.gru(call, ctx.empty, ctx.keep, self._reset_after)

    def _backward(
        self,
        ctx: Context,
        dy: Array | None,
        dstates: tuple[Array | None, ...],
        run: Run,
        needs: RecurrentNeeds,
    ) -> RecurrentGradients:
        return ctx.kernels.gru_backward(
            dy, dstates, run.call, run.saved, ctx.empty, needs, self._reset_after
        )
