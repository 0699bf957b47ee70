"""The checks of `tinynet tune` before its first trial, which find every wrong range."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinynet import registry
from tinynet.commands.check import Checked, check_spec
from tinynet.commands.tune.places import require_separate
from tinynet.commands.tune.plan import Plan
from tinynet.commands.tune.probe import Probe
from tinynet.commands.tune.space import Space
from tinynet.data.paths import paths_in
from tinynet.errors import Problem, SpecError, UsageError
from tinynet.layer.build import MAX_PARAMS
from tinynet.spec.consistency import loss_figures
from tinynet.spec.models import Spec
from tinynet.spec.reading import load_spec, open_document
from tinynet.spec.training_spec import LossReference, TrainingSpec
from tinynet.spec.tuning_spec import ParamSpec, Pruner, Sampler, TuningSpec
from tinynet.text.wording import quote, suggest

DEFAULT_TRIALS = 20


@dataclass(frozen=True)
class Wishes:
    """The options of the command line; each None stands for the spec's own, or the default."""

    params: Mapping[str, ParamSpec]
    trials: int | None = None
    metric: str | None = None
    sampler: Sampler | None = None
    pruner: Pruner | None = None
    seed: int | None = None
    jobs: int | None = None
    output: str | None = None


def prepare(
    path: str | Path,
    wishes: Wishes,
    *,
    overrides: Mapping[str, Any] | None = None,
    data_root: str | Path | None = None,
    max_params: int = MAX_PARAMS,
) -> Plan:
    """Return the plan of a study; every value of each range was tried on the spec.

    Raises:
        SpecError: for a spec that is wrong, or a range that it refuses; with line and column for
            ranges that the spec declares.
        ShapeError: for a range whose networks do not fit.
        DataError: for data that cannot be used for training.
        UsageError: for options that contradict each other.
    """
    overrides = dict(overrides or {})
    spec = load_spec(path, overrides)
    tuning = spec.tuning or TuningSpec()
    # A path goes before those that begin with it, whose values it would replace.
    every = {**tuning.params, **wishes.params}
    params = dict(sorted(every.items(), key=lambda item: item[0].count(".")))
    if not params:
        raise UsageError(
            f"{path} declares nothing to tune; add --param"
            " training.optimizer.learning_rate=log:1e-4:1e-1, or a section"
            ' "tuning": {"params": ...}'
        )
    require_separate(path, params, overrides)
    space = Space(params)
    sampler, pruner = wishes.sampler or tuning.sampler, wishes.pruner or tuning.pruner
    trials = wishes.trials or tuning.trials
    if sampler == "grid":
        trials = min(trials or space.grid_size, space.grid_size)
    probe = Probe(path, overrides, spec, space, frozenset(wishes.params))
    first = probe.check_values()
    checked = check_spec(
        path,
        overrides={**overrides, **space.first()},
        data_root=data_root,
        max_params=max_params,
        read_tuning=False,
    )
    root = Path(data_root).resolve() if data_root is not None else spec.folder
    probe.check_networks(first, root, max_params)
    metric = _metric(wishes.metric, tuning, first, checked)
    document = {k: v for k, v in open_document(path).items() if k not in ("tuning", "$schema")}
    training = first.training
    plan = Plan(
        name=spec.name,
        document=document,
        data_root=str(root),
        reads_files=_reads_files(first),
        overrides=overrides,
        params=params,
        trials=trials or DEFAULT_TRIALS,
        metric=metric,
        greater=_greater_is_better(metric, training),
        sampler=sampler,
        pruner=pruner,
        seed=tuning.seed if wishes.seed is None else wishes.seed,
        evaluations=_evaluations(training, checked),
        every_steps=training.evaluate_every_steps,
        fingerprints=dict(checked.fingerprints),
        jobs=wishes.jobs or 1,
        spec_file=str(Path(path).absolute()),
        output=None if wishes.output is None else str(Path(wishes.output).absolute()),
    )
    # The best checkpoint by the metric is kept, which the spec may contradict.
    load_spec(path, plan.changes(space.first()))
    return plan


def _evaluations(training: TrainingSpec, checked: Checked) -> int:
    """Return the number of evaluations of a trial."""
    samples = checked.splits.train if checked.splits is not None else 1
    steps_per_epoch = max(1, -(-samples // (training.batch_size * training.accumulate)))
    steps = training.steps or (training.epochs or 1) * steps_per_epoch
    return max(1, -(-steps // (training.evaluate_every_steps or steps_per_epoch)))


def _reads_files(spec: Spec) -> bool:
    if spec.data is None:
        return False
    parts = filter(None, (spec.data, spec.data.validation, spec.data.test))
    return any(paths_in(registry.default().config(part)) for part in parts)


def _metric(wish: str | None, tuning: TuningSpec, spec: Spec, checked: Checked) -> str:
    """Return the figure to improve.

    Raises:
        SpecError: if there is no such figure.
    """
    training = spec.training
    losses = (
        spec.network.output_names
        if isinstance(training.loss, LossReference)
        else tuple(training.loss)
    )
    names = [*loss_figures(losses), *(metric.label for metric in training.metrics)]
    validates = checked.splits is not None and checked.splits.val > 0
    figures = [f"{split}/{name}" for split in ("val", "train")[not validates :] for name in names]
    keep_best, stopping = training.checkpoint.keep_best, training.early_stopping
    monitor = keep_best or stopping
    chosen = wish or tuning.metric or (monitor.metric if monitor is not None else figures[0])
    if chosen in figures:
        return chosen
    message = f"no metric is called {quote(chosen)}; {suggest(chosen, figures)}"
    if wish is None and tuning.metric is not None:
        raise spec.locate(SpecError([Problem(message, "/tuning/metric")]))
    raise UsageError(f"--metric: {message}")


def _greater_is_better(metric: str, training: TrainingSpec) -> bool:
    label = metric.partition("/")[2]
    for reference in training.metrics:
        if reference.label == label:
            return registry.default().load_type(reference).greater_is_better is True
    return False
