"""The start of `tinynet tune`: a new study, or one that is resumed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinynet.commands.tune.plan import Plan, read_plan
from tinynet.commands.tune.preparation import Wishes, prepare
from tinynet.commands.tune.study import StudyFolder, new_study_folder, require_study
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

    Raises:
        UsageError: for options that contradict each other, or another plan than the study has.
        TinynetError: the errors of `prepare`.
    """
    with importing("tune", "tinynet tune"):
        import optuna  # noqa: F401

    if resume and run_dir is None:
        raise UsageError("--resume needs the study's folder: add --run FOLDER")
    prepared = None
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
            return folder, plan, True
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
    """Return the plan of a study that exists, with the number of trials that is asked for."""
    if prepared is None:
        given: dict[str, Any] = {
            "metric": wishes.metric,
            "sampler": wishes.sampler,
            "pruner": wishes.pruner,
            "seed": wishes.seed,
            "overrides": dict(overrides) if overrides else None,
            "data_root": None if data_root is None else str(Path(data_root).resolve()),
        }
        changes = {key: value for key, value in given.items() if value is not None}
        params = {**old.params, **wishes.params}
        prepared = old.model_copy(update={**changes, "params": params})
    old.require_same(prepared)
    if wishes.trials is None:
        return old
    most = old.space.grid_size if old.sampler == "grid" else wishes.trials
    return old.model_copy(update={"trials": min(wishes.trials, most)})
