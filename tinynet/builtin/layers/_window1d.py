"""The base of layers with a window that slides over a sequence: the option `padding`, and shapes.

Such a window is that of an image of one row, so sequences have the same kernels as images.
"""

from typing import Annotated, Literal, TypeAlias

from tinynet.builtin.layers._sides import Pair, pair_validator
from tinynet.builtin.layers._window import SamePadding, check_axes, fit_axes
from tinynet.kernels import Window
from tinynet.layer import Shape

Padding1D: TypeAlias = Annotated[SamePadding | Pair, pair_validator("valid", "same", "same_lower")]
"""The field type of `padding`."""

CausalPadding: TypeAlias = Annotated[
    Literal["valid", "same", "same_lower", "causal"] | Pair,
    pair_validator("valid", "same", "same_lower", "causal"),
]
"""The field type of `padding` where it may be ``"causal"``."""

_FORMS = (
    "'valid' (none), 'same' (output length = input length / strides, rounded up; the odd step at"
    " the end), 'same_lower' (as 'same'; the odd step at the start), "
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
    padding: str | Pair,
    dilation: int = 1,
) -> tuple[Window, int]:
    """Return the window over sequences (T, C), as images of one row, and the number of windows.

    ``what`` is the layer's type, for messages; ``dilation`` is the distance between neighboring
    cells.

    Raises:
        ShapeError: if ``in_shape`` is not a sequence, or shorter than a window.
    """
    check_sequence(what, in_shape)
    (side,), (steps,) = fit_axes(
        what,
        in_shape[:1],
        size=(size,),
        strides=(strides,),
        padding=padding if isinstance(padding, str) else (padding,),
        dilation=(dilation,),
    )
    return Window((1, size), (1, strides), ((0, 0), side), (1, dilation)), steps


def check_sequence(what: str, in_shape: Shape) -> None:
    """Raise ShapeError unless a sample is a sequence (T, C)."""
    check_axes(what, in_shape, 1)
