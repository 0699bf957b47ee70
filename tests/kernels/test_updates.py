"""Updates may be cut anywhere: on another number of threads a run must end with the same bits."""

import numpy as np
import pytest

from tinynet.kernels import update_pieces, updates

SIZE = 1000

UPDATES = {
    "sgd": lambda p, g: updates.sgd(p, g, None, 0.0, False, 0.1, 0.01),
    "momentum": lambda p, g, v: updates.sgd(p, g, v, 0.9, True, 0.1, 0.01),
    "adam": lambda p, g, m, v: updates.adam(p, g, m, v, 0.9, 0.999, 1e-8, 0.1, False, 3, 0.01),
    "adamw": lambda p, g, m, v: updates.adam(p, g, m, v, 0.9, 0.999, 1e-8, 0.1, True, 3, 0.01),
    "rmsprop": lambda p, g, s, m, v: updates.rmsprop(p, g, s, m, v, 0.9, 0.5, 1e-8, 0.1, 0.01),
    "amsgrad": lambda p, g, m, v, w: updates.amsgrad(
        p, g, m, v, w, 0.9, 0.999, 1e-8, 0.1, True, 3, 0.01
    ),
    "adamax": lambda p, g, m, n: updates.adamax(p, g, m, n, 0.9, 0.999, 1e-8, 0.1, 3, 0.01),
    "nadam": lambda p, g, m, v: updates.nadam(p, g, m, v, 0.9, 0.999, 1e-8, 0.1, 0.7, 0.4, 3, 0.01),
    "radam": lambda p, g, m, v: updates.radam(p, g, m, v, 0.9, 0.999, 1e-8, 0.1, 3, 0.01),
    "rectified": lambda p, g, m, v: updates.radam(p, g, m, v, 0.9, 0.999, 1e-8, 0.1, 9, 0.01),
    "adagrad": lambda p, g, s: updates.adagrad(p, g, s, 1e-8, 0.1, 0.01),
    "adadelta": lambda p, g, s, d: updates.adadelta(p, g, s, d, 0.9, 1e-8, 0.1, 0.01),
    "rprop": lambda p, g, f, h: updates.rprop(p, g, f, h, 0.5, 1.2, 0.1, 5.0, 0.01),
}


def arrays(count):
    """A parameter, its gradient, and slots, none of which is negative."""
    rng = np.random.default_rng(0)
    drawn = [rng.standard_normal(SIZE).astype(np.float32) for _ in range(count)]
    return [*drawn[:2], *map(np.abs, drawn[2:])]


@pytest.mark.parametrize("name", UPDATES)
def test_a_piece_of_any_size_gives_the_same_bits(name, monkeypatch):
    update = UPDATES[name]
    count = update.__code__.co_argcount
    whole, pieces = arrays(count), arrays(count)
    update(*whole)
    monkeypatch.setattr(update_pieces, "PIECE", 7)
    update(*pieces)
    for one, other in zip(whole, pieces, strict=True):
        assert one.tobytes() == other.tobytes()
    np.testing.assert_array_equal(whole[1], arrays(count)[1], "the gradient is not to be changed")


@pytest.mark.parametrize("name", UPDATES)
def test_arrays_of_any_shape_are_updated(name):
    update = UPDATES[name]
    count = update.__code__.co_argcount
    flat, shaped = arrays(count), [a.reshape(10, 20, 5) for a in arrays(count)]
    update(*flat)
    update(*shaped)
    for one, other in zip(flat, shaped, strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("name", UPDATES)
def test_several_parameters_are_updated_as_each(name, monkeypatch):
    """Small ones are copied into one array, and must be copied back."""
    monkeypatch.setattr(update_pieces, "SMALL", 300)
    update = UPDATES[name]
    count = update.__code__.co_argcount
    whole, cut = arrays(count), [np.split(a, [5, 5, 500, 501, 800]) for a in arrays(count)]
    update(*whole)
    update(*cut)
    for one, parts in zip(whole, cut, strict=True):
        assert one.tobytes() == np.concatenate(parts).tobytes()
