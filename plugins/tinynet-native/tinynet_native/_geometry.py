"""The numbers that a window comes down to."""

from typing import TypeAlias

from tinynet.kernels import Window

Six: TypeAlias = tuple[int, int, int, int, int, int]


def out_size(window: Window, height: int, width: int) -> tuple[int, int]:
    """`Window.out_size`, in a tenth of its time: a small layer takes no longer than that itself."""
    rows, columns = window.kernel_size
    down, right = window.strides
    row_step, column_step = window.dilation
    (top, bottom), (left, right_side) = window.padding
    return (
        (height + top + bottom - (rows - 1) * row_step - 1) // down + 1,
        (width + left + right_side - (columns - 1) * column_step - 1) // right + 1,
    )


def six(window: Window) -> Six:
    """Strides, padding above and to the left, and dilation, each (down, right).

    The padding on the other sides follows from the size of the output.
    """
    (top, _), (left, _) = window.padding
    return (*window.strides, top, left, *window.dilation)
