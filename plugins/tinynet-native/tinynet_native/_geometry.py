"""The numbers that a window comes down to."""

from typing import TypeAlias

from tinynet.kernels import Window

Six: TypeAlias = tuple[int, int, int, int, int, int]


def six(window: Window) -> Six:
    """Strides, padding above and to the left, and dilation, each (down, right).

    The padding on the other sides follows from the size of the output.
    """
    (top, _), (left, _) = window.padding
    return (*window.strides, top, left, *window.dilation)
