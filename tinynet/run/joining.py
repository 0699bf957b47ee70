"""The start of a run in several processes: the first one prepares it, and the others join it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.environment import environment
from tinynet.checkpoint.plugin_lock import check_types, types_of
from tinynet.checkpoint.sections import DataFacts, LogMark
from tinynet.data.data import Data
from tinynet.data.given import GivenData
from tinynet.engine.process_group import ProcessGroup
from tinynet.errors import CheckpointMismatchError
from tinynet.files.scan_cache import verifying
from tinynet.kernels import Kernels
from tinynet.layer.build import MAX_PARAMS
from tinynet.network.kernel_choice import choose_kernels
from tinynet.run.joined_session import JoinedSession
from tinynet.run.locating import locating_errors
from tinynet.run.options import Settings, data_root, threads
from tinynet.spec.models import Spec
from tinynet.training.events import RunEvent
from tinynet.training.trainer import Trainer


@dataclass(frozen=True, eq=False)
class SharedStart:
    """The start of a run, as the first process shares it with the others.

    Attributes:
        checkpoint: The state before the next step.
        root: The folder where relative data paths start.
        is_new: True for a new run, False for a resumed one.
        profile: The setting of the first process; see `Settings`.
    """

    checkpoint: Checkpoint
    root: Path
    is_new: bool
    profile: bool | int | None


def share_start(trainer: Trainer, draft: Checkpoint, settings: Settings, *, is_new: bool) -> None:
    """Let the other processes join a run, in the first one; nothing happens in a single process.

    Args:
        trainer: The trainer, which is at the step to start from.
        draft: The `draft_checkpoint` of the trainer.
        settings: See `Settings`.
        is_new: True for a new run, False for a resumed one.

    Raises:
        PeerFailure: if one of the others cannot compute the same.
    """
    group = trainer.group
    if group is None:
        return
    progress = replace(trainer.progress)
    checkpoint = replace(draft, tensors=trainer.state(), progress=progress, log=LogMark())
    root, profile = trainer.data.root.absolute(), settings.get("profile")
    group.share(SharedStart(checkpoint, root, is_new, profile))
    group.gather(None)


def join(group: ProcessGroup, settings: Settings, given: GivenData | None) -> JoinedSession:
    """Join the run that the first process starts or resumes, in one of the others.

    Raises:
        CheckpointMismatchError: if this process would compute something else.
        PluginError: if a type that the run needs is not installed here.
        DataError: if its data cannot be read here.
        PeerFailure: if another process fails.
    """
    start: SharedStart = group.share()
    checkpoint = start.checkpoint
    settings["observer"] = _ignore
    settings["profile"] = start.profile
    kernels = choose_kernels(settings.get("kernels"))
    spec = checkpoint.load_spec()
    require_same(other_software(checkpoint, spec, kernels))
    trainer = _trainer(group, start, spec, settings, given, kernels)
    trainer.load_state(checkpoint.tensors, checkpoint.progress)
    group.gather(None)
    return JoinedSession(trainer, start.is_new)


def _trainer(
    group: ProcessGroup,
    start: SharedStart,
    spec: Spec,
    settings: Settings,
    given: GivenData | None,
    kernels: Kernels,
) -> Trainer:
    """Return a trainer that has passed every check before the first step."""
    root, checkpoint = data_root(settings, start.root), start.checkpoint
    assert spec.data is not None
    datasets = None
    if given is not None:
        given.require_memory(spec)
        datasets = given.datasets(spec)
    with locating_errors(spec), verifying(settings.get("verify_data", False)):
        seed, fitted = spec.training.seed, checkpoint.transforms
        data = Data(spec.data, root, seed, fitted, datasets)
        require_same(other_data(checkpoint.data, DataFacts.of(data)))
        trainer = Trainer(
            spec,
            root=root,
            data=data,
            max_params=settings.get("max_params", MAX_PARAMS),
            threads=threads(settings, group),
            kernels=kernels,
            group=group,
        )
        trainer.check()
    return trainer


def other_software(checkpoint: Checkpoint, spec: Spec, kernels: Kernels) -> Iterator[str]:
    """Yield the differences from the software and hardware of the first process, a line each."""
    there, here = checkpoint.environment, environment(kernels)
    for part in sorted(there.keys() | here.keys()):
        if there.get(part) != here.get(part):
            yield f"{part} is {here.get(part, 'unknown')}, not {there.get(part, 'unknown')}"
    check_types(checkpoint.types)
    versions = {facts.distribution: facts.version for facts in checkpoint.types.values()}
    for distribution, version in sorted(
        {(facts.distribution, facts.version) for facts in types_of(spec).values()}
    ):
        if (other := versions.get(distribution, version)) != version:
            yield f"{distribution} has the version {version}, not {other}"


def other_data(there: DataFacts, here: DataFacts) -> Iterator[str]:
    """Yield the differences from the data of the first process, a line each."""
    for part in sorted(there.fingerprints.keys() | here.fingerprints.keys()):
        if there.fingerprints.get(part) != here.fingerprints.get(part):
            alike = here.root == there.root
            place = "" if alike else f" in {here.root}"
            first = "that of process 0" if alike else f"in {there.root}"
            yield f"the dataset {part!r}{place} has other content than {first}"
    same = replace(here, fingerprints=there.fingerprints)
    yield from there.changes(same)


def require_same(differences: Iterable[str]) -> None:
    """Raise `CheckpointMismatchError` if there are differences from the first process."""
    if lines := "\n  ".join(differences):
        raise CheckpointMismatchError(
            f"this process would compute something else than process 0:\n  {lines}"
        )


def _ignore(event: RunEvent) -> None:
    """Observe nothing: the first process calls the observers."""
