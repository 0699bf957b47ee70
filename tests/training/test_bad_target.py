"""The results that a loss's `bad_target` may return."""

import re
from typing import ClassVar

import numpy as np
import pytest

from tinynet.builtin.losses.regression import MSE
from tinynet.errors import PluginError
from tinynet.network.network import Network
from tinynet.training.compatibility import first_bad_target


class Judged(MSE):
    """A loss that returns from `bad_target` the value that a test sets."""

    returned: ClassVar = None

    def bad_target(self, out_shape, targets):
        return self.returned


@pytest.fixture
def first_bad(register, monkeypatch):
    """Return the first bad target of five, by a loss that returns some value."""
    register("losses", "judged", Judged)
    network = Network({"layers": [{"type": "dense", "units": 1}]}, (2,), loss="judged")

    def find(returned):
        monkeypatch.setattr(Judged, "returned", returned)
        return first_bad_target(network, {next(iter(network.outputs)): np.zeros((5, 1))})

    return find


def test_valid_results_of_bad_target(first_bad):
    assert first_bad(None) is None
    assert first_bad((np.int64(4), "is odd")) == (4, "is odd")


@pytest.mark.parametrize("returned", ["x", 3, (5, "is odd"), (-1, "is odd"), ("a", "b"), (0, None)])
def test_invalid_results_of_bad_target_name_the_plugin(first_bad, returned):
    """A row out of range, or a missing row, once ended in a traceback."""
    message = "test-plugin:judged (version 1.0): bad_target must return None, or (a row from 0 to 4"
    with pytest.raises(PluginError, match=re.escape(message)):
        first_bad(returned)
