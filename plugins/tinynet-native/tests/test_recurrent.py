"""Recurrent layers: agreement with the reference, and bits that depend on nothing but the inputs.

The conformance kit has layers of a few units. Here tiles of several samples and of several vectors
of units are full or cut, and sequences are longer than a block of a sum.
"""

from typing import NamedTuple

import numpy as np
import pytest
from tinynet_native import NativeKernels

from tinynet.kernels import Recurrence, RecurrentNeeds
from tinynet.kernels.numpy import NumpyKernels

from .arrays import as_bytes, poisoned

pytestmark = pytest.mark.usefixtures("level")

NATIVE, REFERENCE = NativeKernels(), NumpyKernels()
TOLERANCE = {"float32": 2e-4, "float64": 1e-11}


class Layer(NamedTuple):
    """A kernel, and its last argument."""

    name: str
    gates: int
    options: tuple[bool, ...] = ()
    states: int = 1
    bias_rows: tuple[int, ...] = ()


LAYERS = {
    "simple_rnn": Layer("simple_rnn", 1, (False,)),
    "simple_rnn with relu": Layer("simple_rnn", 1, (True,)),
    "gru": Layer("gru", 3, (True,), bias_rows=(2,)),
    "gru with reset before": Layer("gru", 3, (False,)),
    "lstm": Layer("lstm", 4, states=2),
}


@pytest.fixture(params=LAYERS)
def layer(request):
    return LAYERS[request.param]


class Case(NamedTuple):
    """The arguments of a forward and a backward pass."""

    call: Recurrence
    dy: np.ndarray | None
    dstates: tuple[np.ndarray | None, ...]
    needs: RecurrentNeeds


def draw(layer, rng, dtype, samples, steps, channels, units, plain=False):
    """Return a random case; a plain one has no options."""

    def normal(*shape):
        return rng.normal(size=shape).astype(dtype)

    def chance():
        return not plain and rng.random() < 0.5

    mask = (rng.random((samples, steps)) < 0.7).astype(dtype) if chance() else None
    if mask is not None and steps > 1:
        mask[:, 1] = 0
    bias = None if chance() else normal(*layer.bias_rows, layer.gates * units)
    call = Recurrence(
        x=normal(samples, steps, channels),
        weight=normal(channels, layer.gates * units) / np.sqrt(channels).astype(dtype),
        recurrent_weight=normal(units, layer.gates * units) / np.sqrt(2 * units).astype(dtype),
        bias=bias,
        states=tuple(normal(samples, units) for _ in range(layer.states)),
        mask=mask,
        state_factors=normal(samples, units) if chance() else None,
        reverse=chance(),
    )
    dy = None if chance() else normal(samples, steps, units)
    dstates = tuple(None if chance() else normal(samples, units) for _ in range(layer.states))
    needs = (not chance(), not chance(), not chance(), bias is not None and not chance())
    return Case(call, dy, dstates, RecurrentNeeds(*needs))


def outcome(kernels, layer, case):
    """Return all results of a forward and a backward pass, None where there is none."""
    forward = getattr(kernels, layer.name)
    backward = getattr(kernels, f"{layer.name}_backward")
    y, states, saved = forward(case.call, poisoned, True, *layer.options)
    light, light_states, nothing = forward(case.call, poisoned, False, *layer.options)
    assert nothing is None
    *gradients, dstates = backward(
        case.dy, case.dstates, case.call, saved, poisoned, case.needs, *layer.options
    )
    return y, *states, light, *light_states, *gradients, *dstates


def agree(actual, expected, case):
    for index, (a, b) in enumerate(zip(actual, expected, strict=True)):
        assert (a is None) == (b is None), (index, case)
        if a is not None:
            assert (a.shape, a.dtype) == (b.shape, b.dtype), (index, case)
            tolerance = TOLERANCE[b.dtype.name]
            scale = max(1, np.abs(b).max(initial=0))
            np.testing.assert_allclose(a, b, tolerance, tolerance * scale, err_msg=str(index))


def test_any_shape_and_options_agree_with_the_reference(layer, dtype):
    rng = np.random.default_rng(1)
    for _ in range(25):
        sizes = [int(n) for n in rng.integers([0, 1, 1, 1], [34, 9, 70, 70])]
        case = draw(layer, rng, dtype, *sizes)
        agree(outcome(NATIVE, layer, case), outcome(REFERENCE, layer, case), sizes)


@pytest.mark.parametrize("sizes", [(3, 300, 4, 33), (130, 5, 33, 96), (20, 3, 300, 17)], ids=str)
def test_long_sequences_and_wide_inputs_agree_with_the_reference(layer, sizes):
    case = draw(layer, np.random.default_rng(2), "float64", *sizes, plain=True)
    agree(outcome(NATIVE, layer, case), outcome(REFERENCE, layer, case), sizes)


def test_any_number_of_threads_gives_the_same_bits(layer, dtype):
    rng = np.random.default_rng(3)
    for sizes in ((64, 12, 24, 40), (67, 9, 33, 50), (5, 60, 20, 70), (1, 5, 9, 9)):
        case = draw(layer, rng, dtype, *sizes)
        expected = as_bytes(outcome(NATIVE, layer, case))
        for count in (2, 3, 8):
            with NATIVE.on_threads(count):
                assert as_bytes(outcome(NATIVE, layer, case)) == expected, (count, sizes)


def test_result_of_a_sample_does_not_depend_on_its_batch(layer):
    case = draw(layer, np.random.default_rng(4), "float32", 40, 5, 20, 33, plain=True)
    y, *_ = outcome(NATIVE, layer, case)
    for count in (1, 2, 7, 15, 33):
        part = case.call.__dict__ | {
            "x": case.call.x[:count],
            "states": tuple(state[:count] for state in case.call.states),
        }
        alone, *_ = getattr(NATIVE, layer.name)(Recurrence(**part), np.empty, False, *layer.options)
        np.testing.assert_array_equal(alone, y[:count])


def test_memory_layout_of_inputs_does_not_matter(layer):
    case = draw(layer, np.random.default_rng(5), "float32", 7, 6, 9, 20, plain=True)
    expected = as_bytes(outcome(NATIVE, layer, case))

    def time_major(array):
        return np.ascontiguousarray(array.swapaxes(0, 1)).swapaxes(0, 1)

    changes = {
        name: np.asfortranarray(getattr(case.call, name)) for name in ("weight", "recurrent_weight")
    }
    call = Recurrence(**case.call.__dict__ | changes | {"x": time_major(case.call.x)})
    other = case._replace(call=call, dy=time_major(case.dy))
    assert as_bytes(outcome(NATIVE, layer, other)) == expected


def test_nonlinearities_are_exact_to_a_few_units_in_the_last_place(dtype):
    """Without a recurrent weight, a simple RNN is tanh(x)."""
    small = np.geomspace(1e-30, 1e-2, 300)
    x = np.concatenate([small, np.linspace(0.01, 20, 1000), [100, 1e4, np.inf]])
    x = np.concatenate([-x[::-1], [0], x]).astype(dtype)[:, np.newaxis]
    one, zeros = np.ones((1, 1), dtype), np.zeros((len(x), 1), dtype)
    call = Recurrence(
        x=x[:, np.newaxis], weight=one, recurrent_weight=0 * one, bias=None, states=(zeros,)
    )
    y, _, _ = NATIVE.simple_rnn(call, np.empty, False)
    exact, units = np.tanh(x.astype("longdouble")), 3 * np.finfo(dtype).eps
    np.testing.assert_allclose(y[:, 0], exact.astype(dtype), rtol=units, atol=0)
    # A GRU whose state is 1 and whose h is 0 has the state z, a sigmoid.
    column, gates = np.array([[1, 0, 0]], dtype), np.zeros((1, 3), dtype)
    call = Recurrence(
        x=x[:, np.newaxis], weight=column, recurrent_weight=gates, bias=None, states=(zeros + 1,)
    )
    finite = np.isfinite(x[:, 0])
    y, _, _ = NATIVE.gru(call, np.empty, False)
    exact = 1 / (1 + np.exp(-x.astype("longdouble")))
    large = exact[finite] > np.finfo(dtype).tiny
    np.testing.assert_allclose(y[finite, 0][large], exact[finite][large].astype(dtype), rtol=units)


def test_nan_and_infinity_in_a_sample_stay_in_it(layer):
    case = draw(layer, np.random.default_rng(6), "float32", 9, 4, 5, 20, plain=True)
    expected, *_ = outcome(NATIVE, layer, case)
    for bad in (np.nan, np.inf, -np.inf):
        x = case.call.x.copy()
        x[3, 2, 1] = bad
        call = Recurrence(**case.call.__dict__ | {"x": x})
        y, *_ = getattr(NATIVE, layer.name)(call, np.empty, False, *layer.options)
        np.testing.assert_array_equal(np.delete(y, 3, axis=0), np.delete(expected, 3, axis=0))
        np.testing.assert_array_equal(y[3, :2], expected[3, :2])
        assert np.isnan(y[3, 2:]).all() == np.isnan(bad)


WRONG = {
    "other channels": {"x": np.zeros((4, 3, 6), "float32")},
    "other gates": {"weight": np.zeros((5, 21), "float32")},
    "other units": {"recurrent_weight": np.zeros((8, 28), "float32")},
    "a longer bias": {"bias": np.zeros(29, "float32")},
    "fewer states": {"states": (np.zeros((3, 7), "float32"), np.zeros((4, 7), "float32"))},
    "a shorter mask": {"mask": np.ones((4, 2), "float32")},
    "fewer factors": {"state_factors": np.ones((3, 7), "float32")},
    "two dtypes": {"state_factors": np.ones((4, 7))},
}


@pytest.mark.parametrize("name", WRONG)
def test_invalid_arguments_are_an_error(name):
    """A plugin may call a kernel wrongly; that must not end the process."""
    case = draw(LAYERS["lstm"], np.random.default_rng(7), "float32", 4, 3, 5, 7, plain=True)
    outcome(NATIVE, LAYERS["lstm"], case)
    with pytest.raises(ValueError, match=r"fit together|dtype"):
        NATIVE.lstm(Recurrence(**case.call.__dict__ | WRONG[name]), np.empty, True)


def test_a_gradient_of_another_shape_is_an_error():
    case = draw(LAYERS["lstm"], np.random.default_rng(8), "float32", 4, 3, 5, 7, plain=True)
    for dy in (case.dy[:3], case.dy[:, :2], case.dy[..., :6]):
        with pytest.raises(ValueError, match="fit together"):
            outcome(NATIVE, LAYERS["lstm"], case._replace(dy=dy))
