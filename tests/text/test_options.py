"""Options in messages: a caller can write what a message advises."""

import pytest

import tinynet
from tests.small_spec import HUNDRED, small_spec
from tinynet.errors import CheckpointMismatchError
from tinynet.text import options
from tinynet.text.options import named_for_command_line, option, overrides, together


@pytest.fixture
def in_python(monkeypatch):
    """Name options as a Python program has them."""
    monkeypatch.setattr(options, "_command_line", False)


CHANGES = ("training.loss=mse", "data.gap=2", "data.weights=null", "network.input_shape=[8,8]")


def test_options_of_the_command_line():
    assert option("--threads 1", "threads=1") == "--threads 1"
    assert overrides(*CHANGES[:2]) == "--set training.loss=mse --set data.gap=2"
    assert together("--set a=1", "--set b=2") == "--set a=1 --set b=2"


def test_options_of_a_python_program(in_python):
    assert option("--threads 1", "threads=1") == "threads=1"
    assert together("threads=1", "lock=False") == "threads=1 and lock=False"
    expected = {
        "training.loss": "mse",
        "data.gap": 2,
        "data.weights": None,
        "network.input_shape": [8, 8],
    }
    assert eval(f"dict({overrides(*CHANGES)})") == {"overrides": expected}


def test_the_command_line_ends_with_its_block(in_python):
    with named_for_command_line():
        assert option("-a", "a") == "-a"
    assert option("-a", "a") == "a"


def test_a_python_program_can_follow_a_refusal(tmp_path, in_python):
    """A message that names --allow-reset would be of no use there."""
    run = tinynet.train(small_spec(data=HUNDRED, epochs=1), tmp_path / "run").path
    changes = {"training.optimizer": "sgd", "training.optimizer.learning_rate": 0.01}
    longer = {**changes, "training.epochs": 2}
    with pytest.raises(CheckpointMismatchError, match=r"state; add allow_reset=True to continue"):
        tinynet.resume(run, overrides=longer)
    with pytest.warns(UserWarning, match="reset the optimizer's state"):
        assert tinynet.resume(run, overrides=longer, allow_reset=True).finished
