"""Convolution and pooling both trust this geometry: an error here is an error in every image."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.kernels import Window
from tinynet.kernels.window import window_back

SMALL = st.integers(1, 4)
PAIR = st.tuples(SMALL, SMALL)
SIDE = st.tuples(st.integers(0, 3), st.integers(0, 3))


@st.composite
def fitting(draw):
    """A window and the size of an image that it fits."""
    window = Window(draw(PAIR), draw(PAIR), (draw(SIDE), draw(SIDE)), draw(PAIR))
    needed = [
        max(1, extent - sum(side))
        for extent, side in zip(window.extent, window.padding, strict=True)
    ]
    height, width = (size + draw(st.integers(0, 5)) for size in needed)
    return window, height, width


def meetings_by_hand(window, height, width):
    """Every (cell, window, pixel) that meets, found by trying all of them."""
    (top, _), (left, _) = window.padding
    rows, columns = window.out_size(height, width)
    meetings = set()
    for number, (i, j) in enumerate(np.ndindex(window.kernel_size)):
        for down, right in np.ndindex(rows, columns):
            y = down * window.strides[0] + i * window.dilation[0] - top
            x = right * window.strides[1] + j * window.dilation[1] - left
            if 0 <= y < height and 0 <= x < width:
                meetings.add((number, (down, right), (y, x)))
    return meetings


@settings(deadline=None)
@given(fitting())
def test_cells_meet_the_pixels_they_should(case):
    window, height, width = case
    out = np.array(list(np.ndindex(window.out_size(height, width))))
    out = out.reshape(1, *window.out_size(height, width), 2)
    image = np.array(list(np.ndindex(height, width))).reshape(1, height, width, 2)
    meetings = set()
    for cell in window.cells(height, width):
        assert cell.number == cell.row * window.kernel_size[1] + cell.column
        places, pixels = out[cell.windows].reshape(-1, 2), image[cell.pixels].reshape(-1, 2)
        assert len(places) == len(pixels)
        for place, pixel in zip(places.tolist(), pixels.tolist(), strict=True):
            meetings.add((cell.number, tuple(place), tuple(pixel)))
    assert meetings == meetings_by_hand(window, height, width)


@settings(deadline=None)
@given(fitting())
def test_cells_come_in_row_major_order(case):
    window, height, width = case
    numbers = [cell.number for cell in window.cells(height, width)]
    assert numbers == sorted(numbers)


@settings(deadline=None)
@given(fitting())
def test_disjoint_windows_share_no_pixel(case):
    window, height, width = case
    if window.disjoint:
        pixels = [pixel for _, _, pixel in meetings_by_hand(window, height, width)]
        assert len(pixels) == len(set(pixels))


@settings(deadline=None)
@given(fitting())
def test_the_window_back_has_the_outputs_of_a_pixel(case):
    """The gradient of a convolution is summed over these windows."""
    window, height, width = case
    back = window_back(window)
    if back is None:
        return
    last = window.kernel_size[0] * window.kernel_size[1] - 1
    turned = {(last - cell, pixel, seen) for cell, seen, pixel in meetings_by_hand(*case)}
    assert back.out_size(*window.out_size(height, width)) == (height, width)
    assert meetings_by_hand(back, *window.out_size(height, width)) == turned
