"""Arrays that transforms learn from have names that a checkpoint can hold."""

import re

import numpy as np
import pytest

from tinynet.data.data import Data
from tinynet.errors import SpecError
from tinynet.spec.data_spec import DataSpec


@pytest.fixture
def open_data(tmp_path):
    """Open a file whose input has a name, with a transform of it."""
    np.savez(tmp_path / "a.npz", x=np.arange(40.0).reshape(20, 2), y=np.arange(20) % 2)

    def open_named(name, transform):
        spec = {
            "type": "npz",
            "path": "a.npz",
            "inputs": {name: "x"},
            "transforms": [{**transform, "on": name}],
        }
        return Data(DataSpec.model_validate(spec), tmp_path, 0)

    return open_named


@pytest.mark.parametrize("name", ["größe", "two words", ".hidden", "a//b", "x" * 250])
def test_an_array_with_fitted_state_needs_an_ascii_name(open_data, name):
    """The run must not fail at its first save."""
    with pytest.raises(
        SpecError, match=f"named '{re.escape(name)}'; rename it.* ASCII letters"
    ) as e:
        open_data(name, {"type": "standardize"})
    assert e.value.problems[0].pointer == "/data/transforms/0/on"
    # Nothing is learned here, so nothing is saved under the name.
    open_data(name, {"type": "scale", "factor": 2})


def test_a_name_of_ascii_letters_digits_and_signs_is_saved(open_data):
    data = open_data("a/size_2-x.y", {"type": "standardize"})
    assert set(data.preprocessing.state()) == {
        "0/a/size_2-x.y/mean",
        "0/a/size_2-x.y/std",
    }
