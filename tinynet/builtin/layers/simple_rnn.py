"""The simple recurrent layer."""

from typing import Any, Literal

from pydantic import Field

from tinynet.builtin.layers._recurrent import Recurrent, Run
from tinynet.builtin.layers._recurrent_config import RecurrentConfig
from tinynet.builtin.layers._recurrent_onnx import RecurrentOperator
from tinynet.kernels import Recurrence, RecurrentGradients, RecurrentNeeds, States
from tinynet.layer import Array, Build, Context, Shape


class SimpleRNN(Recurrent):
    """Fully connected recurrent layer, whose output is its state.

        state = f(x @ weight + state @ recurrent_weight + bias)

    where f is ``activation``. Inputs, outputs, and what happens at masked time steps are as in
    `lstm`, but there is no cell. Parameters: ``weight`` (C, units), ``recurrent_weight`` (units,
    units), ``bias`` (units,); with ``bidirectional`` also ``backward_weight``, ... Source: Elman,
    1990.
    """

    spec_name = "simple_rnn"
    gates = 1
    kept_arrays = 1

    class Config(RecurrentConfig):
        """Parameters of a `simple_rnn` node."""

        activation: Literal["tanh", "relu"] = Field(
            default="tanh", description="Activation function of the state."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self._relu = config.activation == "relu"

    def _onnx_operator(self) -> RecurrentOperator:
        activations = {"activations": ["Relu" if self._relu else "Tanh"]}
        return RecurrentOperator("RNN", gates=(0,), attributes=activations)

    def _forward(self, ctx: Context, call: Recurrence) -> tuple[Array, States, Any]:
        return ctx.kernels.simple_rnn(call, ctx.empty, ctx.keep, self._relu)

    def _backward(
        self,
        ctx: Context,
        dy: Array | None,
        dstates: tuple[Array | None, ...],
        run: Run,
        needs: RecurrentNeeds,
    ) -> RecurrentGradients:
        return ctx.kernels.simple_rnn_backward(
            dy, dstates, run.call, run.saved, ctx.empty, needs, self._relu
        )
