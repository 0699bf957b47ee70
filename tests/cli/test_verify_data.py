"""`--verify-data` reads what an earlier command has read already."""

import json
from contextlib import contextmanager

import pytest

from tinynet.run import evaluation, preparation

from .conftest import DIGITS


@pytest.fixture
def verified(monkeypatch):
    """Record for each opening of the data whether they are to be read again."""
    calls = []

    @contextmanager
    def record(everything=True):
        calls.append(everything)
        yield

    for module in (evaluation, preparation):
        monkeypatch.setattr(module, "verifying", record)
    return calls


@pytest.mark.parametrize(
    "command",
    [
        ("train", "spec.json", "--run", "run", "--resume"),
        ("resume", "run", "--set", "training.epochs=3"),
        ("evaluate", "run"),
    ],
)
def test_the_option_reaches_the_data(tinynet, folder, verified, command):
    (folder / "spec.json").write_text(json.dumps(DIGITS))
    assert tinynet("train", "spec.json", "--run", "run", "--quiet").code == 0
    assert not any(verified)
    verified.clear()
    assert tinynet(*command, "--verify-data").code == 0
    assert verified[0] is True
