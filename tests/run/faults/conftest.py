"""A run whose training is disturbed by a fault, and checks of its folder."""

import json

import pytest
from tinynet_cli import progress
from tinynet_cli.main import main

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.files import atomic
from tinynet.run.folder import RunFolder
from tinynet.run.log import read_log
from tinynet.training.events import StepDone

STEPS = 24
EVERY = 4

SPEC = {
    "tinynet": 1,
    "name": "faults",
    "data": {
        "type": "digits",
        "split": {"validation": 60, "test": 1637},
        "transforms": [{"type": "scale", "factor": 0.0625}],
    },
    "network": {
        "layers": [
            "flatten",
            {"type": "dropout", "rate": 0.2},
            {"type": "dense", "units": 400},
            "relu",
            {"type": "dense", "units": 10},
        ]
    },
    "training": {
        "steps": STEPS,
        "batch_size": 16,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "adam", "learning_rate": 0.001},
        "checkpoint": {"every_steps": EVERY, "keep_last": 2},
    },
}
"""Its checkpoints take 370 KB."""


def run_command(*words):
    """Run the command in this process and return its exit code."""
    try:
        main([str(word) for word in words])
    except SystemExit as left:
        return left.code
    return 0


def outcome(run):
    """Return the progress, the log without times and the tensors of a finished run."""
    assert run.steps()[-1] == STEPS
    last = Checkpoint.read(run.checkpoint(STEPS))
    log = [{key: value for key, value in r.items() if key != "wall"} for r in read_log(run.log)]
    return last.progress, log, {name: a.tobytes() for name, a in last.tensors.items()}


class FaultyRun:
    """A run in the current folder, beside its spec.json.

    Attributes:
        folder: The run folder.
        uninterrupted: The outcome of a run without faults.
        spec: The content of the spec.
        steps: The steps of the run.
        every: The steps between two checkpoints.
    """

    spec, steps, every = SPEC, STEPS, EVERY

    def __init__(self, folder, uninterrupted, capfd, monkeypatch):
        self.folder = folder
        self.uninterrupted = uninterrupted
        self._capfd = capfd
        self._monkeypatch = monkeypatch

    def command(self, *words, on=lambda event: None):
        """Return the exit code of the command and its stderr; ``on`` is called with every event."""

        def observe(display, event):
            on(event)
            show(display, event)

        show = progress.Display.__call__
        with self._monkeypatch.context() as patch:
            patch.setattr(progress.Display, "__call__", observe)
            self._capfd.readouterr()
            code = run_command(*words, "--quiet")
        err = self._capfd.readouterr().err
        assert "Traceback" not in err, err
        return code, err

    def train(self, on=lambda event: None):
        return self.command("train", "spec.json", "--run", "run", "--resume", on=on)

    def stop_at(self, step):
        """Start the run, and interrupt it after ``step`` like a killed process."""

        def on(event):
            if isinstance(event, StepDone) and event.step == step:
                raise KeyboardInterrupt

        assert self.train(on)[0] == 130

    def outcome(self):
        return outcome(self.folder)

    def assert_intact(self, newest):
        """Assert that the newest step is ``newest``, all are intact, and no temporary is left."""
        folder = self.folder
        assert folder.steps()[-1] == newest
        for step in folder.steps():
            assert Checkpoint.read(folder.checkpoint(step)).progress.step == step
        assert atomic.leftovers(folder.checkpoints) == atomic.leftovers(folder.path) == []

    def assert_resumes(self):
        """Assert that the resumed run ends as an uninterrupted one."""
        assert self.command("resume", self.folder.path)[0] == 0
        assert self.outcome() == self.uninterrupted


@pytest.fixture(scope="package")
def uninterrupted(tmp_path_factory):
    """Return the outcome of a run without faults."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    (folder / "spec.json").write_text(json.dumps(SPEC))
    assert run_command("train", folder / "spec.json", "--run", folder / "run", "--quiet") == 0
    return outcome(RunFolder(folder / "run"))


@pytest.fixture
def run(tmp_path, monkeypatch, capfd, uninterrupted):
    (tmp_path / "spec.json").write_text(json.dumps(SPEC))
    monkeypatch.chdir(tmp_path)
    return FaultyRun(RunFolder(tmp_path / "run"), uninterrupted, capfd, monkeypatch)
