"""The blocks of NumPy's attention, and what the bits of a query depend on."""

import numpy as np
import pytest

from tinynet.kernels import attention as module
from tinynet.kernels.numpy import NumpyKernels

from .used_memory import dirty

KERNELS = NumpyKernels()
EVERY = (True, True, True)


def draw(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(dtype)


def inputs(samples, steps, length, heads=4, groups=2, dtype=np.float64):
    return (
        draw(samples, steps, heads, 6, dtype=dtype),
        draw(samples, length, groups, 6, seed=1, dtype=dtype),
        draw(samples, length, groups, 5, seed=2, dtype=dtype),
    )


def attend(query, key, value, mask=None, causal=False, uniform=None, *, keep=True, empty=dirty):
    rate = 0.0 if uniform is None else 0.25
    return KERNELS.attention(query, key, value, mask, causal, 0.5, uniform, rate, empty, keep)


def results(*arguments):
    """Return the output, and the gradients for a fixed gradient of it."""
    y, saved = attend(*arguments)
    return y, *KERNELS.attention_backward(draw(*y.shape).astype(y.dtype), saved, dirty, EVERY)


def expected(query, key, value, mask=None, causal=False, uniform=None):
    """Return the same by whole matrices of weights."""
    (steps, heads), (length, groups) = query.shape[1:3], key.shape[1:3]
    k, v = (np.repeat(x, heads // groups, axis=2) for x in (key, value))
    used = np.ones((len(query), 1, steps, length), bool)
    if mask is not None:
        used = used & (mask.reshape(len(mask), 1, -1, length) != 0)
    if causal:
        used = used & np.tri(steps, length, dtype=bool)
    scores = np.where(used, 0.5 * np.einsum("nthd,nshd->nhts", query, k), -1e300)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True)) * used
    weights /= np.maximum(weights.sum(axis=-1, keepdims=True), 1e-300)
    factors = 1 if uniform is None else (uniform >= 0.25) / 0.75
    y = np.einsum("nhts,nshv->nthv", weights * factors, v)
    dy = draw(*y.shape)
    dweights = np.einsum("nthv,nshv->nhts", dy, v) * factors
    dscores = weights * (dweights - (dweights * weights).sum(axis=-1, keepdims=True)) * 0.5
    dk, dv = (
        np.einsum("nhts,nthd->nshd", a, b).reshape(*x.shape[:3], -1, x.shape[3]).sum(axis=3)
        for a, b, x in ((dscores, query, key), (weights * factors, dy, value))
    )
    return y, np.einsum("nhts,nshd->nthd", dscores, k), dk, dv


@pytest.fixture(params=["one block", "samples share blocks", "blocks of few queries"])
def blocks(request, monkeypatch):
    if request.param != "one block":
        monkeypatch.setattr(module, "MIN_QUERIES", 3)
        size = 4 * 9 * 9 * 2 if request.param == "samples share blocks" else 1
        monkeypatch.setattr(module, "BLOCK_SIZE", size)
    return request.param


def count_blocks(steps, length, *, causal):
    return len(list(module._blocks((5, 2, 2, steps), length, causal)))


def test_the_cases_have_different_blocks(blocks):
    numbers = [count_blocks(9, 9, causal=causal) for causal in (False, True)]
    known = {
        "one block": [1, 1],
        "samples share blocks": [3, 3],
        "blocks of few queries": [15, 15],
    }
    assert numbers == known[blocks]


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("masked", [None, "keys", "pairs"])
@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize(("steps", "length"), [(9, 9), (14, 5), (4, 13)])
def test_blocks_give_the_result_of_whole_matrices(causal, masked, dropout, steps, length):
    rng = np.random.default_rng(0)
    mask = uniform = None
    if masked:
        shape = (5, length) if masked == "keys" else (5, steps, length)
        mask = (rng.random(shape) < 0.6).astype(float)
        mask[0] = 0  # queries without any key
    if dropout:
        uniform = rng.random((5, 4, steps, length), np.float32)
    arguments = *inputs(5, steps, length), mask, causal, uniform
    for actual, right in zip(results(*arguments), expected(*arguments), strict=True):
        np.testing.assert_allclose(actual, right, rtol=1e-11, atol=1e-12)
    light, none = attend(*arguments, keep=False)
    np.testing.assert_array_equal(light, results(*arguments)[0])
    assert none is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [39.0, 40.0, 41.0, 80.0, 1e3, 1e4])
def test_scores_of_any_size_are_computed_without_a_warning(size, dtype):
    """The exponential of 89 overflows in float32; what is far below the maximum underflows."""
    query = np.array([1, -1, 0, 0.5]).reshape(1, 4, 1, 1)
    key = np.array([1, -1, 0, 0.5]).reshape(1, 4, 1, 1) * 2 * size
    value = draw(1, 4, 1, 5)
    right = expected(query, key, value)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        actual = results(*(x.astype(dtype) for x in (query, key, value)))
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    for a, b in zip(actual, right, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * max(1, size))


def test_an_empty_batch():
    for mask in (None, np.ones((0, 7)), np.ones((0, 3, 7))):
        y, *gradients = results(*inputs(0, 3, 7), mask)
        assert [x.shape[0] for x in (y, *gradients)] == [0] * 4


@pytest.mark.usefixtures("blocks")
def test_a_sample_does_not_depend_on_the_others():
    """Not in its last bits either, if their scores are so large that maxima are subtracted."""
    query, key, value = inputs(5, 9, 9, dtype=np.float32)
    mask = (draw(5, 9) < 0.5).astype(np.float32)
    before = results(query, key, value, mask, True)
    query[1:3] *= 100
    key[4] *= 1e4
    mask[2] = 0
    after = results(query, key, value, mask, True)
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a[[0, 3]], b[[0, 3]])
    for n in (0, 3):
        alone, _ = attend(*(x[n : n + 1] for x in (query, key, value, mask)), True)
        np.testing.assert_array_equal(alone[0], after[0][n])


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("factor", [0, 1, 1000])
def test_later_positions_change_no_bit_of_causal_attention(factor):
    query, key, value = inputs(2, 9, 9, dtype=np.float32)
    whole, _ = attend(query, key, value, None, True)
    for x in (query, key, value):
        x[:, 5:] *= factor
    changed, _ = attend(query, key, value, None, True)
    np.testing.assert_array_equal(changed[:, :5], whole[:, :5])


def test_dropout_keeps_no_array_of_all_weights(monkeypatch):
    """Its factors are computed again from the random numbers, a block at a time."""
    monkeypatch.setattr(module, "BLOCK_SIZE", 4 * 9 * 9)

    def allocated(uniform):
        sizes = []

        def empty(shape, dtype):
            sizes.append(np.prod(shape))
            return np.empty(shape, dtype)

        attend(*inputs(20, 9, 9), None, False, uniform, empty=empty)
        return sum(sizes)

    uniform = np.random.default_rng(0).random((20, 4, 9, 9), np.float32)
    assert allocated(uniform) - allocated(None) <= module.BLOCK_SIZE
