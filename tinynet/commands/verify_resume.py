"""Verification that a killed and resumed run equals an uninterrupted one, on this machine.

Every training process is a new one, killed by SIGKILL at a step drawn from a seed.
"""

import json
import os
import pickle
import random
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tinynet import errors
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.commands.diff import compare_checkpoints, is_essential
from tinynet.commands.inspect import inspect_checkpoint
from tinynet.errors import CheckpointError, LocatedError, RunExistsError, TinynetError
from tinynet.run.folder import RunFolder
from tinynet.run.log import read_log
from tinynet.run.training_run import train
from tinynet.spec.reading import load_spec
from tinynet.text.options import named_for_command_line
from tinynet.training.events import RunEvent, Started, StepDone


@dataclass(frozen=True)
class Verification:
    """The result of a verification."""

    steps: int  # of the whole run
    killed_after: tuple[int, ...]  # the steps after which a process was killed
    whole: str  # digest of all tensors of the uninterrupted run
    resumed: str  # digest of all tensors of the killed run
    differences: tuple[str, ...]  # of the two runs, one line each

    @property
    def exact(self) -> bool:
        """True if both runs end with the same bits."""
        return not self.differences

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {"exact": self.exact, **asdict(self)}


def verify_exact_resume(
    spec: str | Path,
    folder: str | Path,
    *,
    kills: int = 3,
    seed: int = 0,
    overrides: Mapping[str, Any] | None = None,
    data_root: str | Path | None = None,
    threads: int | None = None,
) -> Verification:
    """Train a spec twice: once uninterrupted, once killed and resumed; compare every byte.

    The runs are ``whole`` and ``killed`` in ``folder``. The steps after which processes are killed
    are drawn from ``seed``. The uninterrupted run has one thread.

    Raises:
        RunExistsError: if ``folder`` already has such runs.
        CheckpointError: if a killed run cannot be resumed.
        TinynetError: if training fails by itself, as `train` would raise it: SpecError, DataError,
            DivergedError, ...
    """
    load_spec(spec, overrides)
    whole, killed = Path(folder) / "whole", Path(folder) / "killed"
    if taken := [path for path in (whole, killed) if path.exists()]:
        raise RunExistsError(f"{taken[0]} already exists; choose another folder")
    job = {
        "spec": str(spec),
        # Loggers do not affect a run, and may reach beyond its folder.
        "overrides": {**(overrides or {}), "training.loggers": []},
        "data_root": None if data_root is None else str(data_root),
    }
    _run({**job, "run_dir": str(whole), "threads": 1})
    steps = RunFolder(whole).steps()[-1]
    drawn = sorted(random.Random(seed).sample(range(steps), min(kills, steps)))
    for earlier, step in zip((None, *drawn), (*drawn, None), strict=True):
        try:
            _run({**job, "run_dir": str(killed), "threads": threads, "kill_after": step})
        except TinynetError as error:
            if earlier is None:
                raise
            message = f"the run that was killed after step {earlier} cannot be resumed: {error}"
            raise CheckpointError(message) from error
    differences = [
        *_differing_checkpoints(RunFolder(whole), RunFolder(killed)),
        *_differing_logs(RunFolder(whole), RunFolder(killed)),
    ]
    digests = [
        inspect_checkpoint(RunFolder(run).checkpoint(steps)).digest for run in (whole, killed)
    ]
    return Verification(steps, tuple(drawn), digests[0], digests[1], tuple(differences))


def _run(job: dict[str, Any]) -> None:
    """Train in a new process, which ends by itself or is killed at the job's step.

    Raises:
        TinynetError: the error of training; or that the process ended otherwise.
    """
    code = "from tinynet.commands.verify_resume import child; child()"
    with TemporaryDirectory() as temporary:
        failure = Path(temporary) / "error"
        words = [json.dumps({**job, "failure": str(failure)})]
        done = subprocess.run(
            [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
        )
        if failure.exists():
            error: TinynetError = pickle.loads(failure.read_bytes())
            raise error
    kill_after = job.get("kill_after")
    if done.returncode == 0 and kill_after is not None:
        raise CheckpointError(f"training ended before step {kill_after}")
    if done.returncode != (0 if kill_after is None else -signal.SIGKILL):
        raise TinynetError(f"training failed (exit code {done.returncode}): {done.stderr.strip()}")


@named_for_command_line()
def child() -> None:
    """Start or resume the run of a job, and kill this process after the job's step.

    An error of training is pickled to the job's file ``failure``.
    """
    job = json.loads(sys.argv[1])
    kill_after, failure = job.pop("kill_after", None), Path(job.pop("failure"))

    def observe(event: RunEvent) -> None:
        if isinstance(event, Started | StepDone) and event.step == kill_after:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        own: dict[str, Any] = {"resume": True, "observer": observe, "fleet": "none"}
        train(job.pop("spec"), job.pop("run_dir"), **own, **job)
    except TinynetError as error:
        failure.write_bytes(pickle.dumps(_public(error)))


def _public(error: TinynetError) -> TinynetError:
    """Return an error as an instance of its class in `tinynet.errors`, which can be pickled."""
    bases = type(error).__mro__
    kind: type[Any] = next(base for base in bases if base.__module__ == errors.__name__)
    plain: TinynetError
    if isinstance(error, LocatedError):
        plain = kind(error.problems, error.source)
    else:
        plain = kind(str(error))
    return plain


def _differing_checkpoints(whole: RunFolder, killed: RunFolder) -> list[str]:
    """Describe the differences of the last and the best checkpoints."""
    if whole.steps()[-1] != killed.steps()[-1]:
        return [f"the last steps are {whole.steps()[-1]} and {killed.steps()[-1]}"]
    last = whole.steps()[-1]
    best = Checkpoint.read(whole.checkpoint(last)).progress.best
    lines: list[str] = []
    for step in {last, best.step if best is not None else last}:
        difference = compare_checkpoints(
            whole.checkpoint(step), killed.checkpoint(step), warn=lines.append
        )
        changes = [*difference.spec, *filter(is_essential, difference.facts)]
        tensors = [f"{tensor.name}: {tensor.kind}" for tensor in difference.tensors]
        lines += [f"step {step}: {line}" for line in (*map(str, changes), *tensors)]
    return lines


def _differing_logs(whole: RunFolder, killed: RunFolder) -> list[str]:
    """Describe the lines of the two logs that differ, apart from times."""
    logs = [
        [{key: value for key, value in record.items() if key != "wall"} for record in read_log(log)]
        for log in (whole.log, killed.log)
    ]
    if len(logs[0]) != len(logs[1]):
        return [f"the logs have {len(logs[0])} and {len(logs[1])} lines"]
    return [
        f"metrics.jsonl, line {number}: {a} and {b}"
        for number, (a, b) in enumerate(zip(*logs, strict=True), 1)
        if a != b
    ]
