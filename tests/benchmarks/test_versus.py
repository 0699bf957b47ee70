"""The sides of the comparison compute the same networks."""

import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parent


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "versus"]:
        del sys.modules[name]


def made(library, action, network, batch):
    options = {"kernels": "numpy"} if library == "tinynet" else {}
    side = import_module(f"versus.{library}_side")
    return getattr(side, action)(network, batch, threads=1, dropout=False, **options)


@pytest.mark.oracle
@pytest.mark.parametrize("network", ["lstm", "gru", "gpt", "tcn", "separable", "group_norm"])
@pytest.mark.parametrize("library", ["torch", "jax"])
def test_the_losses_of_two_steps_agree(library, network):
    pytest.importorskip(library)
    ours, theirs = (made(name, "train", network, 2) for name in ("tinynet", library))
    np.testing.assert_allclose([ours(), ours()], [theirs(), theirs()], rtol=1e-4)


@pytest.mark.oracle
@pytest.mark.parametrize("library", ["torch", "jax"])
def test_both_write_the_same_text(library):
    pytest.importorskip(library)
    ours, theirs = (made(name, "generate", "gpt", 1)() for name in ("tinynet", library))
    assert ours == theirs
    assert len(ours) == 128
