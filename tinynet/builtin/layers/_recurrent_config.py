"""The options that all recurrent layers have, and the inputs that follow from them."""

from typing import Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from tinynet.builtin.layers._merge_modes import MergeMode
from tinynet.layer import InitializerReference, LayerConfig, Shape, ShapeError


class RecurrentConfig(LayerConfig):
    """Parameters of every recurrent node."""

    units: int = Field(ge=1, description="Size of the state.")
    return_sequences: bool = Field(
        default=False,
        description="True for the output of every time step; false for that of the last one.",
    )
    return_state: bool = Field(
        default=False, description="True for further outputs: the states after the last step."
    )
    go_backwards: bool = Field(
        default=False,
        description="True to process the last time step first, and to return the outputs in this"
        " order.",
    )
    bidirectional: bool = Field(
        default=False,
        description="True for a second set of parameters, which processes the time steps in"
        " reverse order.",
    )
    merge_mode: MergeMode = Field(
        default="concat", description="Combination of the outputs of both directions."
    )
    initial_state: bool = Field(
        default=False,
        description="True to take the states before the first step from the last inputs; false for"
        " zeros.",
    )
    use_bias: bool = Field(default=True, description="True to add a learned bias.")
    dropout: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Probability that a channel of the input is dropped, in all time steps of a"
        " sample alike.",
    )
    recurrent_dropout: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Probability that an element of the state is dropped where the gates read it,"
        " in all time steps of a sample alike.",
    )
    weight_initializer: InitializerReference = Field(
        default=InitializerReference(type="glorot_uniform"),
        description="Initializer of `weight`.",
    )
    recurrent_initializer: InitializerReference = Field(
        default=InitializerReference(type="orthogonal"),
        description="Initializer of `recurrent_weight`.",
    )
    bias_initializer: InitializerReference = Field(
        default=InitializerReference(type="zeros"),
        description="Initializer of `bias`.",
    )

    @model_validator(mode="after")
    def _merges_two_directions(self) -> Self:
        if self.merge_mode != "concat" and not self.bidirectional:
            raise PydanticCustomError(
                "merge_mode",
                'merge_mode "{mode}" needs two directions: set "bidirectional" to true',
                {"mode": self.merge_mode},
            )
        return self


def has_mask(
    layer: str, config: RecurrentConfig, states: tuple[str, ...], in_shapes: tuple[Shape, ...]
) -> bool:
    """Return True if the second input is a mask, which follows from the number of inputs.

    Args:
        layer: The layer's name in a spec.
        config: Its options.
        states: The names of its states, in both directions.
        in_shapes: Shapes of its inputs.

    Raises:
        ShapeError: for another number of inputs, or other shapes.
    """
    initial = states if config.initial_state else ()
    count = len(in_shapes) - len(initial)
    if count not in (1, 2):
        raise ShapeError(_wrong_count(layer, initial, len(in_shapes)))
    sequence, others = in_shapes[0], in_shapes[count:]
    if len(sequence) != 2:
        remedy = 'put an "embedding" before it if these are tokens, or else a "reshape"'
        raise ShapeError(
            f"{layer} needs a sequence of shape (steps, channels); it got {sequence}: "
            + (remedy if len(sequence) == 1 else 'put a "reshape" before it')
        )
    if count == 2 and in_shapes[1] != sequence[:1]:
        is_state = in_shapes[1] == (config.units,) and not initial
        raise ShapeError(
            f"{layer}: the second input is the mask of the sequence, of shape {sequence[:1]}; it"
            f" has shape {in_shapes[1]}"
            + (': set "initial_state" to true if it is a state' if is_state else "")
        )
    for name, shape in zip(initial, others, strict=True):
        if shape != (config.units,):
            raise ShapeError(
                f"{layer}: the initial {name} must have shape {(config.units,)}, as units says; it"
                f" has shape {shape}"
            )
    return count == 2


def _wrong_count(layer: str, initial: tuple[str, ...], count: int) -> str:
    if initial:
        return (
            f'{layer} with "initial_state" needs a sequence, optionally its mask, and then the'
            f" initial {', '.join(initial)}; it got {count} inputs"
        )
    return (
        f"{layer} needs a sequence, and optionally its mask; it got {count} inputs: set"
        ' "initial_state" to true if the last ones are states'
    )
