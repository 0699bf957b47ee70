import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tinynet.builtin.layers.pad import Pad
from tinynet.layer import Build, Context, ShapeError
from tinynet.layer.context import Needs


def build(in_shape, pad_width, dtype="float64", **options):
    config = Pad.Config(pad_width=pad_width, **options)
    return Pad(config, (in_shape,), Build(dtype=np.dtype(dtype)))


def padded(x, pad_width, **options):
    return build(x.shape[1:], pad_width, **options).forward(Context(), x)[0]


@settings(deadline=None)
@given(
    in_shape=st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple),
    mode=st.sampled_from(["constant", "reflect", "edge", "wrap"]),
    data=st.data(),
)
def test_every_mode_is_that_of_numpy(in_shape, mode, data):
    most = [{"reflect": size - 1, "wrap": size}.get(mode, 6) for size in in_shape]
    widths = [data.draw(st.tuples(*[st.integers(0, n)] * 2)) for n in most]
    x = np.random.default_rng(0).standard_normal((2, *in_shape))
    y = padded(x, [[*width] for width in widths], mode=mode)
    np.testing.assert_array_equal(y, np.pad(x, [(0, 0), *widths], mode=mode))


def test_a_number_is_for_both_sides_and_missing_axes_are_left():
    """[1, 1] pads height and width of an image, as zero padding of a convolution does."""
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    y = padded(x, [1, [0, 2]], constant_values=0.5)
    expected = np.pad(x, [(0, 0), (1, 1), (0, 2), (0, 0)], constant_values=0.5)
    np.testing.assert_array_equal(y, expected)


def test_the_gradient_of_an_element_counts_its_copies():
    for mode, expected in (
        ("constant", [1, 1, 1]),
        ("edge", [3, 1, 2]),
        ("reflect", [1, 3, 2]),
        ("wrap", [2, 2, 2]),
    ):
        layer, ctx = build((3,), [[2, 1]], mode=mode), Context(training=True)
        _, cache = layer.forward(ctx, np.zeros((1, 3)))
        (dx,), _ = layer.backward(ctx, cache, np.ones((1, 6)))
        np.testing.assert_array_equal(dx, [expected])


def test_widths_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match=r"pad_width of 2 axes needs .* it got \(3,\)"):
        build((3,), [1, 1])
    with pytest.raises(ShapeError, match=r"at most 2 elements .* axis of size 3, not 3"):
        build((3,), [[0, 3]], mode="reflect")
    with pytest.raises(ShapeError, match=r"'wrap' can add at most 3 elements .*, not 4"):
        build((3,), [[4, 0]], mode="wrap")


@pytest.mark.parametrize("width", [[], 1, [-1], [[1]], [[1, 2, 3]], [[1, -1]]])
def test_widths_that_mean_nothing_are_refused(width):
    with pytest.raises(ValidationError):
        Pad.Config(pad_width=width)


def test_a_gradient_that_is_not_needed_is_omitted():
    ctx = Context(training=True, needs=Needs((False,), frozenset()))
    assert build((3,), [1]).backward(ctx, None, np.zeros((1, 5))) == ((None,), {})


def test_cost():
    assert build((4, 3), [1], dtype="float32").cost() == (0, 72)
