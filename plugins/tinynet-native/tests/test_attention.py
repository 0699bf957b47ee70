"""Attention: the options of the interface, against NumPy, and what a query's bits depend on."""

import numpy as np
import pytest
from tinynet_native import NativeKernels, _kernels

from tinynet.kernels.numpy import NumpyKernels

from .arrays import poisoned

pytestmark = pytest.mark.usefixtures("level")

NATIVE, REFERENCE = NativeKernels(), NumpyKernels()
TOLERANCE = {"float32": 1e-4, "float64": 1e-11}
EVERY = (True, True, True)


def drawn(rng, dtype, *shape):
    return rng.standard_normal(shape).astype(dtype)


def draw_inputs(rng, dtype, *, steps, length, heads=4, groups=2, size=8, value_size=8, samples=2):
    return (
        drawn(rng, dtype, samples, steps, heads, size),
        drawn(rng, dtype, samples, length, groups, size),
        drawn(rng, dtype, samples, length, groups, value_size),
    )


def attend(kernels, inputs, *, mask=None, causal=False, uniform=None, rate=0.0, keep=True):
    scale = inputs[0].shape[-1] ** -0.5
    return kernels.attention(*inputs, mask, causal, scale, uniform, rate, poisoned, keep)


def results(kernels, inputs, needs=EVERY, **options):
    """Return the output and the gradients."""
    y, saved = attend(kernels, inputs, **options)
    dy = np.cos(np.arange(y.size)).reshape(y.shape).astype(y.dtype)
    return y, *kernels.attention_backward(dy, saved, poisoned, needs)


def agree(actual, expected, case):
    for a, b in zip(actual, expected, strict=True):
        assert (a is None) == (b is None), case
        if b is not None:
            assert (a.shape, a.dtype) == (b.shape, b.dtype), case
            tolerance = TOLERANCE[b.dtype.name] * max(1, np.abs(b).max(initial=0))
            np.testing.assert_allclose(a, b, rtol=0, atol=tolerance, err_msg=str(case))


def options_of(rng, case, dtype, samples, heads, steps, length):
    """Return every combination of masks, causality and dropout in turn."""
    options = {"causal": case % 2 == 1}
    if case % 3:
        shape = (samples, length) if case % 3 == 1 else (samples, steps, length)
        options["mask"] = (rng.random(shape) < 0.6).astype(dtype)
    if case // 6 % 2:
        options["uniform"] = rng.random((samples, heads, steps, length), np.float32)
        options["rate"] = 0.3
    return options


def test_any_shape_and_options(dtype):
    rng = np.random.default_rng(0)
    for case in range(60):
        samples, steps, length = (int(n) for n in rng.integers([0, 1, 1], [4, 100, 100]))
        groups, size, value_size = (int(n) for n in rng.integers(1, [4, 40, 40]))
        heads = groups * int(rng.integers(1, 4))
        inputs = draw_inputs(
            rng,
            dtype,
            samples=samples,
            steps=steps,
            length=length,
            heads=heads,
            groups=groups,
            size=size,
            value_size=value_size,
        )
        needs = tuple(bool(n) for n in rng.integers(0, 2, 3)) if case % 5 == 0 else EVERY
        options = options_of(rng, case, dtype, samples, heads, steps, length)
        kept = [results(kernels, inputs, needs, **options) for kernels in (NATIVE, REFERENCE)]
        agree(*kept, case=([x.shape for x in inputs], options.keys()))
        np.testing.assert_array_equal(attend(NATIVE, inputs, keep=False, **options)[0], kept[0][0])


def test_long_sequences(dtype):
    rng = np.random.default_rng(1)
    inputs = draw_inputs(rng, dtype, steps=300, length=700, size=16, value_size=24, samples=1)
    for causal in (False, True):
        agree(*(results(k, inputs, causal=causal) for k in (NATIVE, REFERENCE)), case=causal)


def test_large_scores(dtype):
    """Their exponentials are infinite."""
    rng = np.random.default_rng(2)
    query, key, value = draw_inputs(rng, "float64", steps=40, length=50, size=4)
    # Multiples of 64: the differences of scores are exact, or far beyond the smallest number.
    query, key = (np.round(4 * x) * 16 for x in (query, key))
    inputs = [x.astype(dtype) for x in (query, key, value)]
    for causal in (False, True):
        agree(*(results(k, inputs, causal=causal) for k in (NATIVE, REFERENCE)), case=causal)


def test_a_query_without_keys_gives_zeros():
    rng = np.random.default_rng(3)
    inputs = draw_inputs(rng, "float32", steps=40, length=30)
    mask = np.ones((2, 40, 30), "float32")
    mask[1, 3::7] = 0
    y, dquery, *_ = actual = results(NATIVE, inputs, mask=mask)
    agree(actual, results(REFERENCE, inputs, mask=mask), case="masked")
    assert not y[1, 3::7].any()
    assert not dquery[1, 3::7].any()
    first = mask.copy()
    first[:, :, 0] = 0  # the only key of the first query
    y, dquery, *_ = results(NATIVE, inputs, mask=first, causal=True)
    assert not y[:, 0].any()
    assert not dquery[:, 0].any()


def test_a_mask_may_be_of_any_dtype():
    rng = np.random.default_rng(4)
    inputs = draw_inputs(rng, "float32", steps=5, length=9)
    mask = rng.random((2, 9)) < 0.5
    expected = results(NATIVE, inputs, mask=mask.astype("float32"))
    for other in (mask, mask.astype("int64"), 0.5 * mask):
        for a, b in zip(results(NATIVE, inputs, mask=other), expected, strict=True):
            np.testing.assert_array_equal(a, b)


def test_memory_layout_of_inputs_does_not_matter():
    """The keys of one position at a time are the first ones of a longer array."""
    rng = np.random.default_rng(5)
    longer = draw_inputs(rng, "float32", steps=40, length=40)
    views = [x[:, :23] for x in longer]
    assert not any(x.flags.c_contiguous for x in views)
    copies = [x.copy() for x in views]
    for a, b in zip(results(NATIVE, views), results(NATIVE, copies), strict=True):
        np.testing.assert_array_equal(a, b)


def test_nan_stays_in_the_query_that_has_it():
    rng = np.random.default_rng(6)
    inputs = draw_inputs(rng, "float32", steps=40, length=30)
    clean, _ = attend(NATIVE, inputs)
    inputs[0][1, 7, 2] = np.nan
    y, _ = attend(NATIVE, inputs)
    assert np.isnan(y[1, 7, 2]).all()
    np.testing.assert_array_equal(np.isnan(y).sum(), y.shape[-1])
    y[1, 7, 2] = clean[1, 7, 2]
    np.testing.assert_array_equal(y, clean)


@pytest.mark.parametrize("size", [3, 16, 37])
def test_a_sample_does_not_depend_on_its_batch(size, dtype):
    rng = np.random.default_rng(size)
    inputs = draw_inputs(rng, dtype, steps=70, length=60, size=size, value_size=size, samples=5)
    mask = (rng.random((5, 60)) < 0.7).astype(dtype)
    together = results(NATIVE, inputs, mask=mask, causal=True)
    dy = np.cos(np.arange(together[0].size)).reshape(together[0].shape).astype(dtype)
    for n in range(5):
        y, saved = attend(NATIVE, [x[n : n + 1] for x in inputs], mask=mask[n : n + 1], causal=True)
        alone = y, *NATIVE.attention_backward(dy[n : n + 1], saved, poisoned, EVERY)
        for a, b in zip(alone, together, strict=True):
            np.testing.assert_array_equal(a[0], b[n])


def test_later_positions_change_no_bit_of_causal_attention(dtype):
    """So a text that is generated position by position is that of the whole network."""
    rng = np.random.default_rng(8)
    query, key, value = draw_inputs(rng, dtype, steps=70, length=70, size=24, value_size=33)
    whole, _ = attend(NATIVE, (query, key, value), causal=True)
    for stop in (1, 2, 17, 30, 64, 70):
        part, _ = attend(NATIVE, [x[:, :stop] for x in (query, key, value)], causal=True)
        np.testing.assert_array_equal(part, whole[:, :stop])
        last, _ = attend(NATIVE, (query[:, stop - 1 : stop], key[:, :stop], value[:, :stop]))
        np.testing.assert_array_equal(last, whole[:, stop - 1 : stop])


def test_weights_far_below_the_largest_count(dtype):
    """A sum in which small terms were lost would still be close to 1."""
    count = 4096
    query, value = np.ones((1, 1, 1, 1), dtype), np.ones((1, count, 1, 1), dtype)
    key = np.full((1, count, 1, 1), -12, dtype)
    key[:, 0], value[:, 0] = 0, 0
    y, _ = NATIVE.attention(query, key, value, None, False, 1.0, None, 0.0, poisoned, False)
    rest = (count - 1) * np.exp(-12.0)
    np.testing.assert_allclose(y.item(), rest / (1 + rest), rtol=TOLERANCE[dtype])


WRONG = {
    "other samples of the keys": {"key": (3, 7, 2, 4)},
    "other sizes of the keys": {"key": (2, 7, 2, 5)},
    "heads that the keys' do not divide": {"key": (2, 7, 3, 4), "value": (2, 7, 3, 6)},
    "no heads of keys": {"key": (2, 7, 0, 4), "value": (2, 7, 0, 6)},
    "more values than keys": {"value": (2, 8, 2, 6)},
    "a mask of other keys": {"mask": (2, 1, 8)},
    "a mask of other queries": {"mask": (2, 4, 7)},
    "a mask of other samples": {"mask": (1, 1, 7)},
    "a mask without queries": {"mask": (2, 0, 7)},
    "too few uniform numbers": {"uniform": (2, 4, 5, 6)},
    "a smaller output": {"y": (2, 5, 4, 5)},
    "too few maxima": {"top": (2, 4, 4)},
}


@pytest.mark.parametrize("name", WRONG)
def test_arrays_that_do_not_fit_together_are_an_error(name):
    shapes = {
        "query": (2, 5, 4, 4),
        "key": (2, 7, 2, 4),
        "value": (2, 7, 2, 6),
        "mask": (2, 1, 7),
        "uniform": (2, 4, 5, 7),
        "y": (2, 5, 4, 6),
        "top": (2, 4, 5),
        "inverse": (2, 4, 5),
    }
    _kernels.attention(*(np.ones(s, "float32") for s in shapes.values()), False, 1.0, 0.1)
    arrays = [np.ones(shape, "float32") for shape in (shapes | WRONG[name]).values()]
    with pytest.raises(ValueError, match=r"fit|multiple"):
        _kernels.attention(*arrays, False, 1.0, 0.1)
    *forward, y, top, inverse = arrays
    gradients = [np.ones_like(x) for x in forward[:3]]
    with pytest.raises(ValueError, match=r"fit|multiple"):
        _kernels.attention_backward(y, *forward, y, top, inverse, *gradients, False, 1.0, 0.1)
