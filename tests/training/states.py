"""The states of trainers, compared."""

import numpy as np


def snapshot(trainer):
    """Return the bytes of all arrays of the state, by name."""
    return {name: array.tobytes() for name, array in trainer.state().items()}


def assert_same_state(one, other, **tolerance):
    """Require equal states of two trainers, or close ones if there is a tolerance."""
    ours, theirs = one.state(), other.state()
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        np.testing.assert_allclose(array, theirs[name], **{"rtol": 0, **tolerance}, err_msg=name)
