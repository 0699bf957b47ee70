"""The start of `tinynet tune`: a new study, or one that is resumed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinynet.commands.tune.data_check import check_data
from tinynet.commands.tune.plan import Plan, read_plan
from tinynet.commands.tune.preparation import Wishes, prepare
from tinynet.commands.tune.study import StudyFolder, new_study_folder, require_study
from tinynet.commands.tune.tuned_spec import require_new_output
from tinynet.errors import UsageError
from tinynet.extras import importing
from tinynet.layer.build import MAX_PARAMS


def begin(
    spec: str | Path | None,
    run_dir: str | Path | None,
    wishes: Wishes,
    *,
    resume: bool = False,
    overrides: Mapping[str, Any] | None = None,
    data_root: str | Path | None = None,
    max_params: int = MAX_PARAMS,
    allow_data_change: bool = False,
) -> tuple[StudyFolder, Plan, bool]:
    """Return the folder and the plan of a study, and True if it is resumed.

    Args:
        spec: The file of the spec; None for a study that exists.
        run_dir: The study's folder; by default a new one in ``runs``.
        wishes: The options.
        resume: Continue the study if ``run_dir`` has one.
        overrides: JSON values by dotted path.
        data_root: The folder that relative data paths start in; by default the spec's.
        max_params: Elements of parameters and buffers that may be allocated.
        allow_data_change: Resume a study although its data have changed.

    Raises:
        UsageError: for options that contradict each other, or another plan than the study has.
        CheckpointMismatchError: for a study whose data have changed.
        TinynetError: the errors of `prepare`.
    """
    with importing("tune", "tinynet tune"):
        import optuna  # noqa: F401

    if resume and run_dir is None:
        raise UsageError("--resume needs the study's folder: add --run FOLDER")
    prepared = None
    known = StudyFolder(Path(run_dir)) if resume and run_dir is not None else None
    require_new_output(wishes.output, known)
    if spec is not None:
        prepared = prepare(
            spec, wishes, overrides=overrides, data_root=data_root, max_params=max_params
        )
    if resume and run_dir is not None:
        folder = StudyFolder(Path(run_dir))
        if prepared is None:
            require_study(folder)
        if folder.plan.exists():
            plan = _continued(read_plan(folder.plan), prepared, wishes, overrides, data_root)
            now = None if prepared is None else prepared.fingerprints
            return folder, check_data(plan, folder.path, now, allow=allow_data_change), True
    if prepared is None:
        raise UsageError("SPEC is missing; only --run FOLDER --resume works without it")
    folder = new_study_folder(None if run_dir is None else Path(run_dir), prepared.name)
    prepared.write(folder.plan)
    return folder, prepared, False


def _continued(
    old: Plan,
    prepared: Plan | None,
    wishes: Wishes,
    overrides: Mapping[str, Any] | None,
    data_root: str | Path | None,
) -> Plan:
    """Return the plan of a study that exists, with the changes that are allowed."""
    made = None
    if prepared is None:
        given: dict[str, Any] = {
            "metric": wishes.metric,
            "sampler": wishes.sampler,
            "pruner": wishes.pruner,
            "seed": wishes.seed,
            "overrides": dict(overrides) if overrides else None,
        }
        changes = {key: value for key, value in given.items() if value is not None}
        params = {**old.params, **wishes.params}
        prepared = made = old.model_copy(update={**changes, "params": params})
    old.require_same(prepared)
    files = {"spec_file": prepared.spec_file, "output": wishes.output or old.output}
    allowed: dict[str, Any] = {"data_root": prepared.data_root, "jobs": wishes.jobs or old.jobs}
    if data_root is not None:
        allowed["data_root"] = str(Path(data_root).resolve())
    # A study may come from a stranger, whose plan must not choose files elsewhere.
    known = {wishes.output, None if prepared is made else prepared.spec_file}
    allowed |= {key: _near(path, path in known) for key, path in files.items()}
    if wishes.trials is not None:
        most = old.space.grid_size if old.sampler == "grid" else wishes.trials
        allowed["trials"] = min(wishes.trials, most)
    return old.model_copy(update=allowed)


def _near(path: str | None, is_given: bool) -> str | None:
    """Return the absolute path of a file that was given, or is in the current folder; or None."""
    if path is None:
        return None
    full = Path(path).absolute()
    return str(full) if is_given or full.resolve().is_relative_to(Path.cwd()) else None
