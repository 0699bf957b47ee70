"""Errors about paths that are not a run folder or a checkpoint, with suggestions."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from tinynet.errors import CheckpointCorruptError, CheckpointIOError
from tinynet.files.nearby import names_in, suggest_path
from tinynet.files.strict import kind_of
from tinynet.run.study_hint import is_study, study_hint
from tinynet.text.options import option
from tinynet.text.shell import shell_path
from tinynet.text.wording import closest, format_list
from tinynet.text.yaml_document import ENDINGS as YAML_ENDINGS


def no_run(path: Path) -> CheckpointIOError:
    """Return the error about a path that is not a run folder with a checkpoint."""
    if not os.path.lexists(path):
        return CheckpointIOError(f"no such run: {path}{_suggest(path, 'runs', is_run)}")
    if not path.is_dir():
        is_spec = path.suffix.lower() in (".json", *YAML_ENDINGS)
        spec = f"; to train a spec: tinynet train {path}" if is_spec else ""
        return CheckpointIOError(f"{path} is {kind_of(path)}, not a run folder{spec}")
    if path.name == "checkpoints":
        return CheckpointIOError(f"{path} is a part of a run; did you mean {path.parent}?")
    if is_run_folder(path):
        return CheckpointIOError(f"{path} holds no checkpoint{_why_none(path)}")
    if is_study(path):
        return CheckpointIOError(study_hint(path))
    runs = names_in(path, is_run)
    return CheckpointIOError(
        f"{path} is not a run folder" + (f"; runs in it: {format_list(runs)}" if runs else "")
    )


def none_intact(path: Path, faults: Iterable[str]) -> CheckpointCorruptError:
    """Return the error about a run folder whose checkpoints are all damaged, with each fault."""
    reasons = "\n  ".join(faults)
    return CheckpointCorruptError(
        f"no checkpoint of {path} is intact; restore one of these files from a copy, or train again"
        f" in a new folder ({option('--run', 'run_dir')}):\n  {reasons}"
    )


def newest_damaged(path: Path, intact: Path, faults: Iterable[str]) -> CheckpointCorruptError:
    """Return the error about a run folder whose newest checkpoint is damaged."""
    older, run = shell_path(intact), shell_path(path)
    return CheckpointCorruptError(
        f"the newest checkpoint of {path} is damaged ({'; '.join(faults)}); restore it from a copy,"
        f" continue from the older one (tinynet resume {run}), or give the older one instead of the"
        f" run: {older}"
    )


def _why_none(run: Path) -> str:
    """Return the reason why a run folder has no checkpoint, with a command that starts it."""
    damaged = names_in(run / "checkpoints", lambda entry: entry.name.endswith(".bad"))
    if damaged:
        return (
            f" that can be read: {format_list(damaged)} were set aside as damaged; train again in"
            " a new folder: tinynet train SPEC --run NEW_FOLDER"
        )
    log = run / "metrics.jsonl"
    if log.is_file() and log.stat().st_size > 0:
        return (
            f", although {log} shows training; restore one from a copy, or train again"
            " in a new folder: tinynet train SPEC --run NEW_FOLDER"
        )
    return (
        ": its training ended before the first save; start it again:"
        f" tinynet train SPEC --run {shell_path(run)} --resume"
    )


def is_run(entry: os.DirEntry[str]) -> bool:
    """Return True if an entry of a folder is a run folder."""
    return is_run_folder(entry.path)


def is_run_folder(path: str | Path) -> bool:
    """Return True for a run folder, also one that has lost its checkpoints."""
    if os.path.isdir(os.path.join(path, "checkpoints")):
        return True
    return all(os.path.isfile(os.path.join(path, name)) for name in ("spec.json", "metrics.jsonl"))


def _is_run_or_checkpoint(entry: os.DirEntry[str]) -> bool:
    return is_run(entry) or entry.name.endswith(".msgpack")


def no_checkpoint(path: Path) -> CheckpointIOError:
    """Return the error for a path that is neither a run folder nor a checkpoint."""
    hint = _suggest(path, "runs and checkpoints", _is_run_or_checkpoint)
    return CheckpointIOError(f"no such run or checkpoint: {path}{hint}")


def _suggest(path: Path, kind: str, matches: Callable[[os.DirEntry[str]], bool]) -> str:
    """Return the end of a message; runs are also looked up in the folder ``runs``."""
    here = names_in(path.parent, matches)
    default = Path("runs") / path.name
    if path.parent == Path() and closest(path.name, here) is None and default.parent.is_dir():
        return suggest_path(default, kind, matches)
    return suggest_path(path, kind, matches)


def no_checkpoint_of(run: Path, which: str) -> CheckpointIOError:
    """Return the error for a checkpoint of a run that does not exist."""
    names = names_in(run / "checkpoints", lambda entry: entry.name.endswith(".msgpack"))
    return CheckpointIOError(
        f"{run} has no checkpoint {which}; available: {format_list(['best', 'last', *names])}"
    )
