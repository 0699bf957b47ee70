"""The base of layers with a window that slides over a sequence: the option `padding`, and shapes.

Such a window is that of an image of one row, so sequences have the same kernels as images.
"""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from tinynet.builtin.layers._window import Pair, arithmetic, same_padding
from tinynet.kernels import Window
from tinynet.layer import Shape, ShapeError

_Count: TypeAlias = Annotated[int, Field(ge=0)]


def _validator(*words: str) -> BeforeValidator:
    """Accept some words and counts; a single count becomes (count, count)."""

    def padding(value: Any) -> Any:
        if isinstance(value, str) and value in words:
            return value
        counts = list(value) if isinstance(value, list | tuple) else [value, value]
        if len(counts) == 2 and all(type(count) is int and count >= 0 for count in counts):
            return tuple(counts)
        raise PydanticCustomError(
            "padding",
            "{words}, an integer of at least 0 or [left, right] is expected",
            {"words": ", ".join(f"'{word}'" for word in words)},
        )

    accepted = Literal[words] | _Count | tuple[_Count, _Count]  # type: ignore[valid-type]
    return BeforeValidator(padding, json_schema_input_type=accepted)


Padding1D: TypeAlias = Annotated[Literal["valid", "same"] | Pair, _validator("valid", "same")]
"""The field type of `padding`."""

CausalPadding: TypeAlias = Annotated[
    Literal["valid", "same", "causal"] | Pair, _validator("valid", "same", "causal")
]
"""The field type of `padding` where it may be ``"causal"``."""

_FORMS = (
    "'valid' (none), 'same' (output length = input length / strides, rounded up; the odd step at"
    " the end), "
)

PADDING1D_DESCRIPTION = (
    f"Steps added to the sequence: {_FORMS}one integer for both ends, or [left, right]."
)

CAUSAL_PADDING_DESCRIPTION = (
    f"Steps added to the sequence: {_FORMS}'causal' (only before it, so that no output depends on"
    " a later step), one integer for both ends, or [left, right]."
)


def fit_window1d(
    what: str,
    in_shape: Shape,
    *,
    size: int,
    strides: int,
    padding: Literal["valid", "same", "causal"] | Pair,
    dilation: int = 1,
) -> tuple[Window, int]:
    """Return the window over sequences (T, C), as images of one row, and the number of windows.

    ``what`` is the layer's type, for messages; ``dilation`` is the distance between neighboring
    cells.

    Raises:
        ShapeError: if ``in_shape`` is not a sequence, or shorter than a window.
    """
    check_sequence(what, in_shape)
    length, _ = in_shape
    extent = (size - 1) * dilation + 1
    if padding == "valid":
        side: Pair = (0, 0)
    elif padding == "same":
        side = same_padding(length, extent, strides)
    elif padding == "causal":
        side = (extent - 1, 0)
    else:
        side = padding
    window = Window((1, size), (1, strides), ((0, 0), side), (1, dilation))
    _, steps = window.out_size(1, length)
    if steps < 1:
        raise ShapeError(
            f"{what}: a window that spans {extent} steps does not fit a sequence of {length}; the"
            f" output's length would be {arithmetic(length, extent, side, strides)}: take a smaller"
            " window, or padding 'same'"
        )
    return window, steps


def check_sequence(what: str, in_shape: Shape) -> None:
    """Raise ShapeError unless a sample is a sequence (T, C)."""
    if len(in_shape) != 2:
        raise ShapeError(f"{what} needs sequences of shape (steps, channels); got {in_shape}")
