"""The folder of a study, and the study of Optuna in it.

    study.json       the plan
    journal.log      Optuna's journal: the trials, their values and states
    study.lock       locked while a process runs the study
    trials/0007/     the run of trial 7
    best.json        the spec with the best values
    trials.csv       the trials as a table

The journal decides which trials exist; the last two files are written from it.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from tinynet.commands.tune.plan import Plan
from tinynet.commands.tune.samplers import make_pruner, make_sampler
from tinynet.errors import (
    CheckpointCorruptError,
    CheckpointIOError,
    RunExistsError,
    explaining_io,
)
from tinynet.extras import importing
from tinynet.files.atomic import sync_folder
from tinynet.files.strict import (
    APPEND,
    READ,
    kind_of,
    open_strictly,
    require_folder,
    require_regular,
)
from tinynet.text.shell import shell_path
from tinynet.text.wording import cause


class StudyFolder:
    """The files of the study in the folder ``path``, as the module lists them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.plan = path / "study.json"
        self.journal = path / "journal.log"
        self.lock = path / "study.lock"
        self.trials = path / "trials"
        self.best = path / "best.json"
        self.table = path / "trials.csv"

    def require_plain(self) -> None:
        """Require regular files and folders, which may come from a stranger, instead of links.

        Raises:
            CheckpointIOError: for a link, a pipe or a device.
        """
        plots = [self.path / f"importance.{kind}" for kind in ("png", "svg")]
        for file in (self.plan, self.journal, self.lock, self.best, self.table, *plots):
            if os.path.lexists(file):
                with explaining_io(file):
                    require_regular(file)
        if os.path.lexists(self.trials):
            with explaining_io(self.trials):
                require_folder(self.trials)
                for run in self.trials.iterdir():
                    require_folder(run)

    def run(self, number: int) -> Path:
        """Return the run folder of a trial."""
        return self.trials / f"{number:04d}"


def new_study_folder(path: Path | None, name: str) -> StudyFolder:
    """Create the folder of a new study: ``path``, or by default ``runs/NAME-tune-001``, ...

    Raises:
        RunExistsError: if ``path`` exists and is not an empty folder.
    """
    parent = Path("runs") if path is None else path.parent
    with explaining_io(parent):
        parent.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            folder = path or parent / f"{name}-tune-{number:03d}"
            try:
                folder.mkdir()
            except FileExistsError:
                if path is None:
                    continue
                _require_empty(path)
            sync_folder(parent)
            break
    return StudyFolder(folder)


def _require_empty(path: Path) -> None:
    if not path.is_dir():
        raise RunExistsError(f"{path} is {kind_of(path)}; a study needs a folder")
    if not (StudyFolder(path).plan).exists() and not any(path.iterdir()):
        return
    is_study = os.path.lexists(StudyFolder(path).plan)
    hint = "add --resume to continue it" if is_study else "it is not a study"
    raise RunExistsError(f"{path} already exists; {hint}, or choose another folder")


@dataclass(frozen=True)
class Study:
    """A study of Optuna: this process alone writes its journal."""

    folder: StudyFolder
    plan: Plan
    optuna: Any

    def unfinished(self) -> list[int]:
        """Return the trials that a killed process left."""
        return [t.number for t in self.trials() if not t.state.is_finished()]

    def trials(self) -> list[Any]:
        """Return Optuna's trials in order."""
        trials: list[Any] = self.optuna.get_trials(deepcopy=False)
        return trials

    def start(self) -> tuple[int, dict[str, JsonValue]]:
        """Start the next trial; return its number and its values."""
        number = len(self.trials())
        self.optuna.sampler = make_sampler(self.plan, number)
        with explaining_io(self.folder.journal):
            trial = self.optuna.ask()
            return number, self.plan.space.suggest(trial)

    def resume(self, number: int) -> dict[str, JsonValue]:
        """Return the values of an unfinished trial; those that it lacks are drawn."""
        self.optuna.sampler = make_sampler(self.plan, number)
        with explaining_io(self.folder.journal):
            return self.plan.space.suggest(self._trial(number))

    def report(self, number: int, evaluation: int, value: float) -> bool:
        """Record an evaluation; return True if the trial is to be pruned."""
        trial = self._trial(number)
        if evaluation not in self.trials()[number].intermediate_values:
            with explaining_io(self.folder.journal):
                trial.report(value, evaluation)
            trial = self._trial(number)
        return bool(trial.should_prune())  # NumPy's bool is not JSON

    def finish(self, number: int, value: float | None, facts: dict[str, JsonValue]) -> None:
        """Record the result of a trial; None for a failed one, whose fact ``error`` explains it."""
        from optuna.trial import TrialState

        trial = self._trial(number)
        with explaining_io(self.folder.journal):
            trial.set_user_attr("result", facts)
            if facts.get("pruned"):
                self.optuna.tell(number, state=TrialState.PRUNED)
            elif value is None:
                self.optuna.tell(number, state=TrialState.FAIL)
            else:
                self.optuna.tell(number, value)

    def _trial(self, number: int) -> Any:
        from optuna.trial import Trial

        return Trial(self.optuna, self.trials()[number]._trial_id)


@contextmanager
def opened(folder: StudyFolder, plan: Plan, warn: Callable[[str], None]) -> Iterator[Study]:
    """Open the study of Optuna; the folder is locked.

    Raises:
        CheckpointCorruptError: for a damaged journal.
    """
    with importing("tune", "tinynet tune"):
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

    _repair(folder.journal, warn)
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        try:
            study = optuna.create_study(
                study_name=plan.name,
                storage=JournalStorage(JournalFileBackend(str(folder.journal))),
                direction="maximize" if plan.greater else "minimize",
                pruner=make_pruner(plan),
                sampler=make_sampler(plan, 0),
                load_if_exists=True,
            )
        except OSError as error:
            message = f"{folder.journal}: {error.strerror or error}"
            raise CheckpointIOError(message) from error
        except Exception as error:  # Optuna has no error of its own for a damaged journal
            raise _damaged(folder, f"is damaged ({cause(error)})") from error
        made = Study(folder, plan, study)
        _require_complete(made)
        yield made
    finally:
        optuna.logging.set_verbosity(verbosity)


def _require_complete(study: Study) -> None:
    """Require that the journal has every trial that has a run."""
    folder, known = study.folder, len(study.trials())
    with explaining_io(folder.trials):
        names = [run.name for run in folder.trials.iterdir()] if folder.trials.exists() else []
    lost = sorted(name for name in names if name.isdecimal() and int(name) >= known)
    if lost:
        state = f"has no entry of trial {int(lost[0])}" if known else "is missing or empty"
        raise _damaged(folder, f"{state}, although {folder.run(int(lost[0]))} exists")


def _damaged(folder: StudyFolder, fault: str) -> CheckpointCorruptError:
    """Return the error about a journal that cannot be used."""
    command = f"tinynet runs {shell_path(folder.path)}"
    return CheckpointCorruptError(
        f"{folder.journal} {fault}, so the study cannot be continued; restore it from a copy, or"
        f" start a new study. Its runs can still be used: {command}"
    )


def _repair(journal: Path, warn: Callable[[str], None]) -> None:
    """Remove the rest of an entry that a killed process did not complete, and its lock."""
    lock = journal.with_name(f"{journal.name}.lock")
    with explaining_io(journal):
        lock.unlink(missing_ok=True)
        with open(open_strictly(journal, APPEND), "r+b") as file:
            text = file.read()
            complete = text.rfind(b"\n") + 1
            if complete < len(text):
                file.truncate(complete)
                warn(f"{journal} ended in the middle of an entry, which was removed")


def require_study(folder: StudyFolder) -> None:
    """Require that a folder holds a study.

    Raises:
        CheckpointIOError: if not.
    """
    if not os.path.lexists(folder.plan):
        raise CheckpointIOError(
            f"{folder.path} is not a study: it has no {folder.plan.name}; give the folder that"
            " tinynet tune created, or start a study with tinynet tune SPEC --run FOLDER"
        )
    with explaining_io(folder.plan):
        os.close(open_strictly(folder.plan, READ))
