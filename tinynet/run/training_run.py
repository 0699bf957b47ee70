"""Start and resume runs: the training loop with a folder, its lock, log and checkpoints."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from tinynet.checkpoint.continuation import ResumeRules
from tinynet.checkpoint.layouts.names import Layout
from tinynet.checkpoint.plugin_lock import recorded_names
from tinynet.checkpoint.transfer_rules import STRICT, TransferRules
from tinynet.data.given import GivenData
from tinynet.engine.process_group import ProcessGroup
from tinynet.errors import SpecError
from tinynet.run.arguments import check_arguments
from tinynet.run.ending_together import processes
from tinynet.run.folder import RunFolder
from tinynet.run.joining import join
from tinynet.run.options import Settings, shown_progress
from tinynet.run.preparation import (
    changed_spec,
    new_session,
    plan_start,
    read_spec,
    resumed_session,
)
from tinynet.run.result import Run, train_joined, train_session
from tinynet.run.start_request import StartRequest
from tinynet.spec.models import Spec
from tinynet.text.warning import warnings_to

if TYPE_CHECKING:
    from tinynet.checkpoint.transfer import TransferPlan


def train(
    spec: Spec | str | Path | Mapping[str, Any],
    run_dir: str | Path | None = None,
    *,
    data: Any = None,
    validation: Any = None,
    test: Any = None,
    resume: bool = False,
    exact: bool = False,
    overrides: Mapping[str, Any] | None = None,
    source: str | Path | None = None,
    rules: TransferRules = STRICT,
    layout: Layout | None = None,
    progress: bool = False,
    **settings: Unpack[Settings],
) -> Run:
    """Train the network of a spec.

    Args:
        spec: A spec, its file, or a dict of its content.
        run_dir: The run folder; by default ``runs/<name>-001``, or the next number.
        data: Samples in memory, in place of the spec's data, whose splits and transforms stay:
            (x, y) or (x, y, weights), each an array or a dict of arrays by name; a dict of all
            arrays; the inputs alone; or an object with the protocol of a dataset. The spec may
            leave out ``data``, or their ``type``; the resolved spec has the type ``memory``.
        validation: Samples for validation, likewise, with ``data``.
        test: Samples for the test, likewise, with ``data``.
        resume: Resume the run if ``run_dir`` has one; otherwise start it.
        exact: With ``resume``: see `resume`.
        overrides: JSON values by dotted path; only for a file or a dict.
        source: A run folder, a checkpoint or a file of weights (.npz, .safetensors) whose
            parameters a new run starts with; of a run, the best checkpoint if it keeps one, else
            the last. A resumed run ignores it.
        rules: The allowed differences from the network of ``source``.
        layout: The framework whose layout a file of weights has, ``"torch"`` or ``"keras"``: its
            names and axes are converted. By default that of `tinynet export`.
        progress: Show the progress: in a notebook as a table and a bar, else on stderr.
        **settings: See `Settings`.

    Raises:
        SpecError: for a spec that is wrong.
        CheckpointMismatchError: for a ``source`` that does not fit under the rules.
        ShapeError: for layers that do not fit.
        DataError: for data that cannot be used for training.
        PluginError: for a plugin that is missing or broken.
        RunExistsError: if the folder is in use and ``resume`` is False.
        RunBusyError: if another process trains the run.
        CheckpointError: if a checkpoint cannot be read or saved.
        DivergedError: if the loss is not finite; the last good checkpoint is kept.
        PeerFailure: in each of several processes, if one of them fails.
        Interrupted: after SIGINT, SIGTERM or SIGHUP; the run is saved.
    """
    arguments = dict(locals())
    with processes("train", settings, arguments) as group:
        check_arguments("train", arguments)
        if resume and run_dir is None:
            raise SpecError(
                "resume=True (--resume) needs the run folder: add run_dir (--run FOLDER)"
            )
        given = GivenData.of(data, validation, test)
        if group is not None and not group.first:
            return _train_joined(group, settings, given)
        folder = None if run_dir is None else RunFolder(Path(run_dir))
        with shown_progress(progress, settings):
            if resume and folder is not None and folder.steps():
                prepared = resumed_session(
                    folder,
                    lambda state: read_spec(spec, overrides, given, recorded_names(state.types)),
                    ResumeRules(exact=exact),
                    settings,
                    given,
                    group,
                )
            else:
                new = read_spec(spec, overrides, given)
                start = StartRequest(source, rules, layout)
                prepared = new_session(new, folder, start, settings, given, group, reuse=resume)
            with prepared as session:
                return train_session(session, settings, given)


def plan_fine_tuning(
    spec: Spec | str | Path | Mapping[str, Any],
    source: str | Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    rules: TransferRules = STRICT,
    layout: Layout | None = None,
    **settings: Unpack[Settings],
) -> tuple[Path, "TransferPlan"]:
    """Return the source checkpoint's file and the transfer that `train` would make."""
    check_arguments("plan_fine_tuning", locals(), required="source")
    request = StartRequest(source, rules, layout)
    start, _, plan = plan_start(read_spec(spec, overrides), request, settings)
    return start.path, plan


def resume(
    run_dir: str | Path,
    *,
    data: Any = None,
    validation: Any = None,
    test: Any = None,
    overrides: Mapping[str, Any] | None = None,
    exact: bool = False,
    allow_data_change: bool = False,
    allow_reset: bool = False,
    progress: bool = False,
    **settings: Unpack[Settings],
) -> Run:
    """Resume a run from its newest intact checkpoint and finish training.

    Args:
        run_dir: The run folder.
        data: The samples in memory that the run was started with; see `train`.
        validation: Those for validation.
        test: Those for the test.
        overrides: Changes of its spec, JSON values by dotted path: ``{"training.epochs": 40}``.
        exact: Refuse to resume unless the result is bit-identical to an uninterrupted run: if the
            software or the data have changed. Otherwise that is a warning.
        allow_data_change: Resume although the data have changed.
        allow_reset: Allow changes that reset part of the state, such as a new optimizer.
        progress: Show the progress; see `train`.
        **settings: See `Settings`.

    Raises:
        CheckpointError: if there is no usable checkpoint.
        DataError: if the run's data are arrays in memory, and ``data`` is missing.
        RunBusyError: if another process trains the run.
        PluginError: if a type that it needs is not installed.
        CheckpointMismatchError: for changes that do not fit the state.
        SpecError: for overrides that are wrong, or end the run before the step it has reached.
        PeerFailure: in each of several processes, if one of them fails.
        Interrupted: after SIGINT, SIGTERM or SIGHUP; the run is saved.
    """
    arguments = dict(locals())
    with processes("resume", settings, arguments) as group:
        check_arguments("resume", arguments, required="run_dir")
        given = GivenData.of(data, validation, test)
        if group is not None and not group.first:
            return _train_joined(group, settings, given)
        with shown_progress(progress, settings):
            prepared = resumed_session(
                RunFolder(Path(run_dir)),
                lambda checkpoint: changed_spec(checkpoint, overrides),
                ResumeRules(exact, allow_data_change, allow_reset),
                settings,
                given,
                group,
            )
            with prepared as session:
                return train_session(session, settings, given)


def _train_joined(group: ProcessGroup, settings: Settings, given: GivenData | None) -> Run:
    """Train in another process than the first, which alone shows warnings."""
    with warnings_to(lambda text: None):
        return train_joined(join(group, settings, given), settings, given)
