"""Long short-term memory."""

from typing import Any

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._recurrent import Recurrent, Run
from tinynet.builtin.layers._recurrent_config import RecurrentConfig
from tinynet.builtin.layers._recurrent_onnx import RecurrentOperator
from tinynet.initializer import Initializer
from tinynet.kernels import Recurrence, RecurrentGradients, RecurrentNeeds, States
from tinynet.layer import Array, Build, Context, InitializerReference, Shape


class LSTM(Recurrent):
    """Long short-term memory: a recurrent layer with a state and a cell.

    The output is the state.

        i = sigmoid(x @ W_i + state @ R_i + b_i), f and o alike
        c = tanh(x @ W_c + state @ R_c + b_c)
        cell = f * cell + i * c
        state = o * tanh(cell)

    Inputs: the sequence (N, T, C); optionally its mask (N, T); with ``initial_state`` then the
    state and the cell before the first step, (N, units) each, which else are zeros. Outputs: with
    ``return_sequences`` (N, T, units), else that of the last step, (N, units); with
    ``return_state`` also ``state`` and ``cell`` after the last step. Where the mask is 0, state and
    cell stay as they are, and the output is that of the step before.

    With ``bidirectional``, a second set of parameters processes the steps in reverse order. Its
    output at a step is joined to that of the first set, or added, ... as ``merge_mode`` says. The
    states of both are four: ``state``, ``cell``, ``backward_state``, ``backward_cell``.

    ``dropout`` and ``recurrent_dropout`` draw one mask for each sample, which is the same in all
    time steps (Gal and Ghahramani, 2016).

    Parameters, with the gates in the order i, f, c, o: ``weight`` (C, 4 * units),
    ``recurrent_weight`` (units, 4 * units), ``bias`` (4 * units,); with ``bidirectional`` also
    ``backward_weight``, ... Source: Hochreiter and Schmidhuber, 1997, with the forget gate of Gers
    et al., 2000.
    """

    spec_name = "lstm"
    gates = 4
    state_names = ("state", "cell")
    kept_arrays = 6

    class Config(RecurrentConfig):
        """Parameters of an `lstm` node."""

        unit_forget_bias: bool = Field(
            default=True, description="True to initialize the bias of the forget gate with ones."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        self._unit_forget_bias = config.unit_forget_bias
        super().__init__(config, in_shapes, build)

    def _bias_initializer(self, build: Build) -> InitializerReference | Initializer:
        reference, units, create = self._config.bias_initializer, self._config.units, build.create
        if not self._unit_forget_bias or create is None:
            return reference

        def initial(
            rng: np.random.Generator,
            shape: Shape,
            fan_in: int,
            fan_out: int,
            dtype: np.dtype[Any],
            /,
        ) -> Array:
            bias = np.array(create(reference)(rng, shape, fan_in, fan_out, dtype))
            bias[units : 2 * units] = 1
            return bias

        return initial

    def _onnx_operator(self) -> RecurrentOperator:
        return RecurrentOperator("LSTM", gates=(0, 3, 1, 2))

    def _forward(self, ctx: Context, call: Recurrence) -> tuple[Array, States, Any]:
        return ctx.kernels.lstm(call, ctx.empty, ctx.keep)

    def _backward(
        self,
        ctx: Context,
        dy: Array | None,
        dstates: tuple[Array | None, ...],
        run: Run,
        needs: RecurrentNeeds,
    ) -> RecurrentGradients:
        return ctx.kernels.lstm_backward(dy, dstates, run.call, run.saved, ctx.empty, needs)
