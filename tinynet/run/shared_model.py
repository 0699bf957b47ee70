"""A trained network and its data in several processes: the first one reads the run for all."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.environment import environment
from tinynet.checkpoint.plugin_lock import TypeFacts, types_of
from tinynet.checkpoint.sections import DataFacts
from tinynet.data.data import Data
from tinynet.engine.process_group import ProcessGroup
from tinynet.layer.build import MAX_PARAMS
from tinynet.network.kernel_choice import choose_kernels
from tinynet.prediction.model import Model, open_model
from tinynet.run.joining import other_data, other_software, require_same
from tinynet.run.models import open_run
from tinynet.run.options import Settings, data_root, observer
from tinynet.training.events import RunEvent


@dataclass(frozen=True, eq=False)
class SharedModel:
    """A trained network, as the first process shares it with the others.

    Attributes:
        file: The file of the checkpoint.
        checkpoint: The checkpoint, with the parameters and buffers alone.
        environment: The software and hardware of the first process.
        types: The distributions of the types there.
    """

    file: Path
    checkpoint: Checkpoint
    environment: dict[str, str]
    types: dict[str, TypeFacts]


def open_run_together(
    path: str | Path, which: str | Path | None, settings: Settings, group: ProcessGroup | None
) -> tuple[Path, Checkpoint, Model]:
    """Return the file of a checkpoint, its content and its model, in each of several processes.

    The first process alone reads the file. In the others, the settings get an observer that ignores
    every event.

    Args:
        path: A run folder, or a checkpoint.
        which: ``"best"``, ``"last"``, or a file; see `find_checkpoint`.
        settings: See `Settings`.
        group: The processes; None for one.

    Raises:
        CheckpointError: if it cannot be read, or does not fit what is installed.
        CheckpointMismatchError: if this process would compute something else than the first.
        PluginError: if a type that it needs is not installed here.
        PeerFailure: if another process fails.
    """
    if group is None or group.first:
        opened = open_run(path, which, settings, observer(settings))
        if group is not None:
            group.share(_shared(*opened))
        return opened
    settings["observer"] = _ignore
    shared: SharedModel = group.share()
    state, kernels = shared.checkpoint, choose_kernels(settings.get("kernels"))
    first = replace(state, environment=shared.environment, types=shared.types)
    require_same(other_software(first, state.load_spec(), kernels))
    limit = settings.get("max_params", MAX_PARAMS)
    return shared.file, state, open_model(state, limit, kernels, _ignore_text)


def load_model_together(
    path: str | Path,
    checkpoint: str | Path | None,
    settings: Settings,
    group: ProcessGroup | None,
) -> Model:
    """Return a trained network with its preprocessing, in each of several processes.

    The arguments and errors are those of `open_run_together`.
    """
    _, _, model = open_run_together(path, checkpoint, settings, group)
    for problem in model.without_labels():
        model.warn(problem)
    return model


def open_data_together(
    opened: Callable[[Callable[[], Path]], Data],
    root: Callable[[], Path],
    settings: Settings,
    group: ProcessGroup | None,
) -> Data:
    """Return the data of this process, which are the same in all of them.

    Args:
        opened: Return the data, for a function that returns the folder of relative paths.
        root: Return that folder in the first process; by default it is that of all.
        settings: See `Settings`.
        group: The processes; None for one.

    Raises:
        CheckpointMismatchError: if these data differ from those of the first process.
    """
    if group is None:
        return opened(root)
    if group.first:
        data = opened(root)
        group.share((data.root.absolute(), DataFacts.of(data)))
        return data
    there, facts = group.share()
    data = opened(lambda: data_root(settings, there))
    require_same(other_data(facts, DataFacts.of(data)))
    return data


def _shared(file: Path, state: Checkpoint, model: Model) -> SharedModel:
    needed = replace(state, tensors=state.weights)
    here = environment(model.network.kernels)
    return SharedModel(file.absolute(), needed, here, types_of(model.spec))


def _ignore(event: RunEvent) -> None:
    """Observe nothing: the first process calls the observers."""


def _ignore_text(text: str) -> None:
    """Warn of nothing: the first process does."""
