"""Runs killed with `kill -9` and resumed, compared bit for bit with uninterrupted runs.

Each process is a real `tinynet train`, on a network with dropout and batch norm.
"""

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.run.folder import RunFolder

MODEL = Path(__file__).parents[2] / "models" / "digits_cnn.json"
EPOCHS = 2
STEPS = 40
"""Steps in an epoch of the model."""

DRIVER = """
import os, signal, sys
from tinynet_cli import main, progress

kind, when = sys.argv[1], float(sys.argv[2])
show, events = progress.Display.__call__, 0

def show_and_die(display, event):
    global events
    events += 1
    if kind == "event" and events == when:
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "second" and events == 1:
        signal.setitimer(signal.ITIMER_REAL, when)  # not caught, so it kills the process
    show(display, event)

progress.Display.__call__ = show_and_die
main.main(sys.argv[3:])
"""


def train(run: Path, kind: str = "", when: float = 0) -> int:
    """Run the command that starts or resumes the run, and kill it at the given event or time."""
    command = [
        "train", str(MODEL), "--run", str(run), "--resume", "--quiet",
        "--set", f"training.epochs={EPOCHS}",
        "--set", "training.checkpoint.every_steps=7",
        "--set", "training.log_every_steps=3",
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, kind, str(when), *command],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode


def outcome(run: Path) -> dict[str, object]:
    """Return everything that must be equal: the log, and the last and the best checkpoint."""
    folder = RunFolder(run)
    state: dict[str, object] = {"log": log_without_wall(folder.log)}
    last = Checkpoint.read(folder.checkpoint(folder.steps()[-1]))
    assert last.progress.best is not None
    best = Checkpoint.read(folder.checkpoint(last.progress.best.step))
    for kind, checkpoint in (("last", last), ("best", best)):
        arrays = {**checkpoint.tensors, **checkpoint.transforms}
        state |= {f"{kind} {name}": array.tobytes() for name, array in arrays.items()}
        state |= {
            f"{kind} progress": checkpoint.progress,
            f"{kind} spec": checkpoint.spec,
            f"{kind} data": checkpoint.data,
        }
    return state


def log_without_wall(path: Path) -> list[str]:
    records = [json.loads(line) for line in path.read_text().splitlines()]
    return [json.dumps({k: v for k, v in record.items() if k != "wall"}) for record in records]


def assert_same(run: Path, whole: dict[str, object]) -> None:
    killed = outcome(run)
    assert killed.keys() == whole.keys()
    different = [name for name in whole if killed[name] != whole[name]]
    assert not different


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Return the outcome of an uninterrupted run."""
    run = tmp_path_factory.mktemp("whole") / "run"
    assert train(run) == 0
    state = outcome(run)
    assert any(name.startswith("last slots/") for name in state)
    assert any(name.startswith("last buffers/") for name in state)
    return state


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(1, id="before there is a checkpoint"),
        pytest.param(2, id="before the first update"),
        pytest.param(12, id="before the first epoch ends"),
        pytest.param(STEPS + 11, id="while the first epoch is evaluated"),
        pytest.param(STEPS + 35, id="in the second epoch"),
    ],
)
def test_killed_run_is_identical_to_an_uninterrupted_one(tmp_path, whole, event):
    run = tmp_path / "run"
    assert train(run, "event", event) == -signal.SIGKILL
    assert train(run) == 0
    assert_same(run, whole)


def test_run_killed_repeatedly_is_identical(tmp_path, whole):
    """Each process runs a few steps past the newest checkpoint, as on a preempted machine."""
    run, kills = tmp_path / "run", 0
    while train(run, "event", 33) == -signal.SIGKILL:
        kills += 1
    assert kills >= 3
    assert_same(run, whole)


@pytest.mark.torture
def test_runs_killed_at_random_events_and_times_are_identical(tmp_path, whole, torture_count):
    kills = {"event": 0, "second": 0}
    for number in range(torture_count):
        draw = random.Random(number)
        run, alive = tmp_path / f"run-{number}", True
        while alive:
            kind = draw.choice(sorted(kills))
            # Long enough that some processes save a checkpoint, so that the loop ends.
            when = draw.randint(1, 120) if kind == "event" else draw.uniform(0, 0.6)
            code = train(run, kind, when)
            alive = code != 0
            if alive:
                assert code in (-signal.SIGKILL, -signal.SIGALRM)
                kills[kind] += 1
        assert_same(run, whole)
    print(f"{torture_count} runs, killed at {kills}")
