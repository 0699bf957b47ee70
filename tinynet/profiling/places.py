"""The functions whose calls are recorded in a step, besides those of layers, losses and kernels.

They are named by the attributes of the objects that compute a step. A test requires that each is
there and that its row appears in a profile.
"""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from tinynet.profiling.observed_program import (
    observed_kernels,
    observed_program,
    observed_replays,
)
from tinynet.profiling.recorder import Category, Place, Recorder, RowKey, Wrapper
from tinynet.profiling.replacements import Item
from tinynet.training.trainer import Trainer

SAMPLES = "wait for samples"
BETWEEN_LAYERS = "between layers"
GRADIENT_SUM = "sum of gradients"
REGULARIZERS = "regularizers"
UPDATE = "update"
CONSTRAINTS = "lookahead, constraints"
AVERAGE = "average of weights"
COMMIT = "running statistics"
PARAMETRIZATIONS = "parametrizations"
METRICS = "metrics"
DELAYS = "background threads"
STATISTICS = "logged statistics"
OTHER_PROCESSES = "other processes"
IDLE_THREADS = "wait for threads"
LOGGING = "logging"
SAVING = "saving"
OBSERVERS = "progress, observers"
LOOP = "training loop"

SECTIONS = (
    BETWEEN_LAYERS, IDLE_THREADS, GRADIENT_SUM, REGULARIZERS, PARAMETRIZATIONS, UPDATE,
    CONSTRAINTS, COMMIT, AVERAGE, METRICS, OTHER_PROCESSES, SAMPLES, DELAYS, STATISTICS, LOGGING,
    SAVING, OBSERVERS, LOOP,
)  # fmt: skip
"""The rows of a step that are no node and no loss, in the order of the table."""

READ_SAMPLES = "read samples"
WRITE_CHECKPOINT = "write a checkpoint"


def section(name: str) -> RowKey:
    """Return the row of a section."""
    return RowKey("section", name)


def observed_layers(trainer: Trainer, wrapper: Wrapper) -> Iterator[Item]:
    """Yield the replacement that observes all layers, which are not joined in chains for that."""
    return _observed_network(trainer, wrapper, chains=False)


def recorded_step(
    trainer: Trainer, session: object, recorder: Recorder, *, chains: bool
) -> Iterator[Item]:
    """Yield the replacements that record a step.

    Args:
        trainer: The trainer, whose training has begun.
        session: The object that logs and saves its steps, a `tinynet.run.session.Session`; another
            object is left as it is.
        recorder: The recorder.
        chains: See `observed_program`.
    """
    yield from _observed_network(trainer, recorder, chains=chains)
    for owner, name, place in _places(trainer):
        if owner is not None:
            yield owner, name, recorder.wrap(getattr(owner, name), place)
    yield from _observed_updates(trainer, recorder)
    engine: Any = trainer._engine
    yield engine._pool, "run", recorder.wrap_pool(engine._pool.run, engine._pool.size)
    if hasattr(session, "_saver"):
        yield from _of_session(session, recorder)


def replays(trainer: Any, recorder: Recorder) -> Iterator[Item]:
    """Yield the replacements that record the replays which exist now. ``trainer``: a `Trainer`."""
    return observed_replays(trainer._engine._workspaces, recorder)


def _observed_network(trainer: Any, wrapper: Wrapper, *, chains: bool) -> Iterator[Item]:
    engine = trainer._engine
    kernels = observed_kernels(engine._program.kernels, wrapper)
    program = observed_program(engine._program, kernels, wrapper, chains=chains)
    yield engine, "_program", program


def _places(trainer: Any) -> Iterator[tuple[Any, str, Place]]:
    engine, update, network = trainer._engine, trainer._update, trainer.network
    yield trainer._loader, "load", _place("load", SAMPLES)
    # In the thread of the loader, or in `load` if the samples were not prefetched.
    yield trainer._loader, "gather", _place(READ_SAMPLES, SAMPLES, "background")
    # Called in the numeric context, whose start takes time.
    yield trainer, "_make_update", _place("make the update", LOOP)
    yield update, "compute", _place("forward and backward", LOOP)
    yield engine, "compute", _place("compute", BETWEEN_LAYERS)
    yield engine, "complete", _place("complete", BETWEEN_LAYERS)
    yield engine._gradient_sum, "sum", _place("sum of gradients", GRADIENT_SUM)
    yield update._regularization, "added_to", _place("regularizers", REGULARIZERS)
    yield network.parametrizations, "gradients", _place("gradients", PARAMETRIZATIONS)
    yield trainer._statistics, "record_gradients", _place("statistics of gradients", STATISTICS)
    yield update, "apply", _place("apply", LOOP)
    yield update.figures, "add_losses", _place("losses", METRICS)
    yield update.figures, "count_results", _place("metrics", METRICS)
    yield update.updater, "update", _place("update", UPDATE)
    yield update.lookahead, "update", _place("lookahead, constraints", CONSTRAINTS)
    yield engine, "commit", _place("running statistics", COMMIT)
    yield network.parametrizations, "advance", _place("parametrizations", PARAMETRIZATIONS)
    yield trainer._average, "update", _place("average of weights", AVERAGE)
    yield trainer._statistics, "of_step", _place("statistics", STATISTICS)
    for name in ("gather", "share", "swap", "all_to_all", "all_gather_array"):
        yield trainer.group, name, _place(f"{name} (other processes)", OTHER_PROCESSES)


def _place(name: str, row: str, category: Category = "section") -> Place:
    return Place(name, category, section(row))


def _observed_updates(trainer: Any, recorder: Recorder) -> Iterator[Item]:
    """Yield the replacement of optimizers by those with observed kernels."""
    updater = trainer._update.updater
    kernels = observed_kernels(trainer.network.kernels, recorder)
    groups = []
    for group in updater._groups:
        observed = type(group)(group.optimizer, group._rate_factor, kernels)
        observed.params = group.params
        groups.append(observed)
    yield updater, "_groups", groups


def _of_session(session: Any, recorder: Recorder) -> Iterator[Item]:
    tell = session.tell
    yield tell, "_observer", recorder.wrap(tell._observer, _place("observers", OBSERVERS))
    yield session, "_record", recorder.wrap(session._record, _place("log", LOGGING))
    yield session, "_save", recorder.wrap(session._save, _place("save", SAVING))
    start = session._saver.start
    written = Place(WRITE_CHECKPOINT, "background", section(SAVING))

    @wraps(start)
    def start_recorded(arrays: Any, save: Callable[..., Any]) -> Any:
        return start(arrays, recorder.wrap(save, written))

    yield session._saver, "start", start_recorded
