"""Readers of a run that was killed: they name the step they use and the steps that are lost."""

import pytest

import tinynet
from tests.small_spec import HUNDRED, small_spec
from tinynet.commands.exchange import export_weights
from tinynet.errors import DivergedError
from tinynet.events import Evaluated, StepDone, Warned
from tinynet.run.folder import RunFolder
from tinynet.run.lock import locked

SAVED, LOGGED = 4, 6
SPEC = small_spec(
    "unsaved",
    data=HUNDRED,
    epochs=3,
    batch_size=50,
    checkpoint={"every_steps": SAVED},
    optimizer={"type": "sgd", "learning_rate": 0.001},
)


@pytest.fixture
def killed(tmp_path):
    """Return the folder of a run that was killed after the last line of its log."""
    folder = RunFolder(tinynet.train(SPEC, tmp_path / "run").path)
    folder.checkpoint(LOGGED).unlink()
    return folder


def warnings(path, **settings):
    """Return the warnings of loading a run."""
    events = []
    tinynet.load_model(path, observer=events.append, **settings)
    return [event.message for event in events if isinstance(event, Warned)]


def test_a_killed_run_is_not_taken_for_a_complete_one(killed):
    (text,) = warnings(killed.path)
    assert f"step {SAVED} is used, but the log goes up to step {LOGGED}" in text
    assert text.endswith(f"Continue with: tinynet resume {killed.path}")
    texts = []
    export_weights(killed.path, killed.path.parent / "w.npz", warn=texts.append)
    assert texts == [text]
    tinynet.resume(killed.path)
    assert warnings(killed.path) == []


def test_a_new_run_that_starts_from_a_killed_one_warns(killed, tmp_path):
    events = []
    tinynet.train(SPEC, tmp_path / "new", source=killed.path, observer=events.append)
    assert any(isinstance(e, Warned) and f"step {SAVED} is used" in e.message for e in events)


def test_a_file_that_the_user_names_needs_no_warning(killed):
    assert warnings(killed.path, checkpoint=killed.checkpoint(SAVED).name) == []
    assert warnings(killed.checkpoint(SAVED)) == []


def test_a_run_that_trains_needs_no_warning(killed):
    """Its next checkpoint is on the way."""
    with locked(killed.lock):
        assert warnings(killed.path) == []


def test_an_older_best_checkpoint_needs_no_warning(tmp_path):
    worse = {"optimizer": {"type": "sgd", "learning_rate": 0.3}, "checkpoint": {"keep_best": {}}}
    run = tinynet.train({**SPEC, "training": {**SPEC["training"], **worse}}, tmp_path / "run")
    assert warnings(run.path) == []


def test_a_damaged_last_line_is_ignored(killed):
    log = killed.log.read_bytes()
    for damage in (b'{"step": 9', b"no JSON\n", b"\xff\x00\n", b"\n\n", b'{"step": "x"}\n'):
        killed.log.write_bytes(log + damage)
        assert f"the log goes up to step {LOGGED}" in warnings(killed.path)[0]
    killed.log.write_bytes(b"no JSON\n")
    assert warnings(killed.path) == []


@pytest.mark.parametrize("state", ["stopped", "diverged"])
def test_an_untrained_network_is_named(tmp_path, state):
    """Its predictions are random, and nothing else says so."""

    def fail(event):
        if isinstance(event, StepDone):
            raise DivergedError("the loss is not finite") if state == "diverged" else OSError

    with pytest.raises((DivergedError, OSError)):
        tinynet.train(SPEC, tmp_path / "run", observer=fail)
    (text,) = warnings(tmp_path / "run")
    assert "the network is as it was before training (step 0)" in text
    assert f": tinynet resume {tmp_path / 'run'}" in text
    assert ("--set" in text) == (state == "diverged")
    with locked(RunFolder(tmp_path / "run").lock):
        assert warnings(tmp_path / "run") == []


def test_a_run_that_diverged_is_resumed_with_a_smaller_rate(tmp_path):
    """Resumed as it is, the run would diverge again."""

    def explode(event):
        if isinstance(event, Evaluated) and event.step == LOGGED - 2:
            raise DivergedError("the loss is not finite")

    spec = {**SPEC, "training": {**SPEC["training"], "checkpoint": {"every_steps": 100}}}
    with pytest.raises(DivergedError):
        tinynet.train({**spec, "training": {**spec["training"], "log_every_steps": 1}},
                      tmp_path / "run", observer=explode)  # fmt: skip
    (text,) = warnings(tmp_path / "run")
    assert "step 0 is used" in text
    assert "--set training.optimizer.learning_rate=0.0001" in text
