"""Updates of optimizers: the bits of NumPy, whatever the length, the values and the parts."""

import numpy as np
import pytest
from tinynet_native import NativeKernels

from tinynet.kernels import updates as REFERENCE  # noqa: N812

pytestmark = pytest.mark.usefixtures("level")

NATIVE = NativeKernels()


UPDATES = {
    "sgd": ("sgd", 1, (None, 0.0, False, 0.0, 0.1)),
    "sgd with decay": ("sgd", 1, (None, 0.0, False, 0.01, 0.1)),
    "momentum": ("sgd", 1, (0, 0.9, False, 0.0, 0.1)),
    "nesterov": ("sgd", 1, (0, 0.9, True, 0.01, 0.1)),
    "adam": ("adam", 2, (0, 1, 0.9, 0.999, 1e-8, 0.0, False, 7, 0.01)),
    "adam with decay": ("adam", 2, (0, 1, 0.9, 0.999, 1e-8, 0.1, False, 1, 0.01)),
    "adamw": ("adam", 2, (0, 1, 0.9, 0.999, 1e-8, 0.1, True, 1000, 0.01)),
    "amsgrad": ("amsgrad", 3, (0, 1, 2, 0.9, 0.999, 1e-8, 0.1, False, 7, 0.01)),
    "decoupled amsgrad": ("amsgrad", 3, (0, 1, 2, 0.9, 0.999, 1e-8, 0.1, True, 7, 0.01)),
    "adamax": ("adamax", 2, (0, 1, 0.9, 0.999, 1e-8, 0.0, 7, 0.01)),
    "adamax with decay": ("adamax", 2, (0, 1, 0.9, 0.1, 1e-8, 0.1, 7, 0.01)),
    "nadam": ("nadam", 2, (0, 1, 0.9, 0.999, 1e-8, 0.0, 0.7, 0.4, 7, 0.01)),
    "nadam with decay": ("nadam", 2, (0, 1, 0.9, 0.999, 1e-8, 0.1, 0.7, 0.4, 7, 0.01)),
    "radam": ("radam", 2, (0, 1, 0.9, 0.999, 1e-8, 0.0, 7, 0.01)),
    "radam with decay": ("radam", 2, (0, 1, 0.9, 0.99, 1e-8, 0.1, 100, 0.01)),
    "radam without a variance": ("radam", 2, (0, 1, 0.9, 0.999, 1e-8, 0.1, 5, 0.01)),
    "radam of the last gradient": ("radam", 2, (0, 1, 0.0, 0.0, 1e-8, 0.1, 50, 0.01)),
    "adagrad": ("adagrad", 1, (0, 1e-8, 0.0, 0.01)),
    "adagrad with decay": ("adagrad", 1, (0, 1e-8, 0.1, 0.01)),
    "adadelta": ("adadelta", 2, (0, 1, 0.9, 1e-6, 0.0, 0.01)),
    "adadelta with decay": ("adadelta", 2, (0, 1, 0.9, 1e-6, 0.1, 0.01)),
    "rprop": ("rprop", 2, (0, 1, 0.5, 1.2, 0.06, 0.12, 0.01)),
    "rmsprop": ("rmsprop", 3, (0, None, None, 0.9, 0.0, 1e-8, 0.0, 0.01)),
    "rmsprop with momentum": ("rmsprop", 3, (0, None, 2, 0.9, 0.5, 1e-8, 0.1, 0.01)),
    "centered rmsprop": ("rmsprop", 3, (0, 1, None, 0.9, 0.0, 1e-8, 0.0, 0.01)),
    "centered rmsprop with momentum": ("rmsprop", 3, (0, 1, 2, 0.9, 0.5, 1e-8, 0.0, 0.01)),
}


def updated(kernels, name, size, dtype, cuts=()):
    """Return parameter and state after one update, in parts that end at the cuts."""
    function, slot_count, _ = UPDATES[name]
    rng = np.random.default_rng(size)
    param, grad = (rng.normal(size=size).astype(dtype) for _ in range(2))
    slots = [(0.1 * rng.random(size) + 0.1 * (i == 0)).astype(dtype) for i in range(slot_count)]
    if function == "rprop":
        slots[1] = rng.integers(-1, 2, size).astype(dtype)  # gradients of both signs, and 0
    for begin, end in zip((0, *cuts), (*cuts, size), strict=True):
        cut = [array[begin:end] for array in (param, grad, *slots)]
        update(kernels, name, *cut)
    return param, *slots


def update(kernels, name, param, grad, *slots):
    """Update once: numbers among the first options of a case stand for slots."""
    function, slot_count, options = UPDATES[name]
    state = [None if option is None else slots[option] for option in options[:slot_count]]
    getattr(kernels, function)(param, grad, *state, *options[slot_count:])


@pytest.mark.parametrize("name", UPDATES)
def test_updates_of_any_length_have_the_bits_of_numpy(name, dtype):
    """The arithmetic is the same, operation by operation, so no tolerance is needed."""
    for size in (0, 1, 2, 15, 16, 17, 100, 1001):
        actual, expected = (updated(kernels, name, size, dtype) for kernels in (NATIVE, REFERENCE))
        for a, b in zip(actual, expected, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", UPDATES)
def test_updates_of_nan_and_infinities_are_those_of_numpy(name, dtype):
    """A largest value keeps NaN; a run that diverges must do so with any kernels."""
    _, slot_count, _ = UPDATES[name]
    values = np.array([np.nan, np.inf, -np.inf, 0.0, 1.0, -2.0])
    grids = [g.ravel().astype(dtype) for g in np.meshgrid(*[values] * (2 + slot_count))]
    actual, expected = ([grid.copy() for grid in grids] for _ in range(2))
    with np.errstate(all="ignore"):
        update(NATIVE, name, *actual)
        update(REFERENCE, name, *expected)
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_denormal_moments_become_zero(dtype):
    """A denormal number would never reach zero, and takes many times as long to compute with."""
    tiny = np.finfo(dtype).tiny
    param, grad, first, second = (np.full(1001, value, dtype) for value in (1, 0, tiny / 8, 1))
    NATIVE.adam(param, grad, first, second, 0.9, 0.999, 1e-8, 0.0, False, 7, 0.01)
    assert not first.any()
    assert (second * tiny / 2).all(), "denormal numbers of the caller's own are left to it"


@pytest.mark.parametrize("name", UPDATES)
def test_an_update_in_parts_has_the_same_bits(name, dtype):
    """Threads compute parts of the elements: their number must not change a run."""
    whole = updated(NATIVE, name, 203, dtype)
    for cuts in [(1,), (16, 64), (7, 50, 51, 130)]:
        for a, b in zip(updated(NATIVE, name, 203, dtype, cuts), whole, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kernels", [NATIVE, REFERENCE], ids=["native", "reference"])
@pytest.mark.parametrize("name", UPDATES)
def test_an_update_of_several_parameters_is_that_of_each(kernels, name, dtype):
    """The engine updates all parameters in one call."""
    _, slot_count, _ = UPDATES[name]
    rng = np.random.default_rng(1)
    several = [
        [rng.random(size).astype(dtype) for size in (5, 64, 0, 1)] for _ in range(2 + slot_count)
    ]
    each = [[array.copy() for array in arrays] for arrays in several]
    for arrays in zip(*each, strict=True):
        update(NATIVE, name, *arrays)
    update(kernels, name, *several)
    for a, b in zip(several, each, strict=True):
        for actual, expected in zip(a, b, strict=True):
            np.testing.assert_array_equal(actual, expected)


def test_lists_of_another_length_are_an_error():
    param = np.zeros(3)
    with pytest.raises(IndexError):
        NATIVE.sgd([param, param], [param], None, 0.0, False, 0.0, 0.1)
