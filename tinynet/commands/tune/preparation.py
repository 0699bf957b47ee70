"""The checks of `tinynet tune` before its first trial, which find every wrong range."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from tinynet import registry
from tinynet.commands.check import Checked, check_spec
from tinynet.commands.summary import dry_network
from tinynet.commands.tune.plan import KEEP_BEST, Plan
from tinynet.commands.tune.space import Space
from tinynet.data.data import Data
from tinynet.data.paths import paths_in
from tinynet.errors import LocatedError, Problem, ShapeError, SpecError, UsageError
from tinynet.layer.build import MAX_PARAMS
from tinynet.network.losses import targets_of
from tinynet.spec.consistency import loss_figures
from tinynet.spec.models import Spec
from tinynet.spec.reading import load_spec, open_document
from tinynet.spec.training_spec import LossReference, TrainingSpec
from tinynet.spec.tuning_spec import ParamSpec, Pruner, Sampler, TuningSpec
from tinynet.text.places import join_pointer
from tinynet.text.wording import format_value, quote, suggest
from tinynet.training.checks import check_training, shape_problems

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
    _require_free(params, overrides)
    space = Space(params)
    sampler, pruner = wishes.sampler or tuning.sampler, wishes.pruner or tuning.pruner
    trials = wishes.trials or tuning.trials
    if sampler == "grid":
        trials = min(trials or space.grid_size, space.grid_size)
    probe = _Probe(path, overrides, spec, space, frozenset(wishes.params))
    first = probe.check_values()
    checked = check_spec(
        path, overrides={**overrides, **space.first()}, data_root=data_root, max_params=max_params
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
    )
    # The best checkpoint by the metric is kept, which the spec may contradict.
    load_spec(path, plan.changes(space.first()))
    return plan


def _require_free(params: Mapping[str, ParamSpec], overrides: Mapping[str, Any]) -> None:
    """Require that each range varies a value that nothing else sets.

    Raises:
        UsageError: listing those that do not.
    """
    wrong = [
        f"{quote(path)} is set by --set and varied; remove one of the two"
        for path in params
        if path in overrides
    ]
    for path in params:
        if f"{path}.".startswith("tuning."):
            wrong.append(f"{quote(path)} is a setting of the search, which cannot vary itself")
        if f"{path}.".startswith(f"{KEEP_BEST}."):
            wrong.append(f"{quote(path)} is set by the search, to its metric; use --metric")
    if wrong:
        raise UsageError("\n  ".join(wrong))


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


@dataclass(frozen=True)
class _Probe:
    """Tries the values of each range, the others at their first value."""

    path: str | Path
    overrides: Mapping[str, Any]
    spec: Spec
    space: Space
    from_options: frozenset[str]  # the paths of --param

    def check_values(self) -> Spec:
        """Load the spec with every value; return that with the first values.

        Raises:
            SpecError: listing every range with a value that the spec refuses.
        """
        try:
            first = self._load({})
        except LocatedError as error:
            wrong = list(self._wrong_alone()) or [self._wrong_together(error)]
        else:
            wrong = list(self._wrong_values())
            if not wrong:
                return first
        raise self._located(SpecError(wrong))

    def _load(self, values: Mapping[str, JsonValue]) -> Spec:
        return load_spec(self.path, {**self.overrides, **self.space.first(), **values})

    def _wrong_alone(self) -> Iterator[Problem]:
        """Yield the ranges whose first value is refused without the others."""
        for path, value in self.space.first().items():
            try:
                load_spec(self.path, {**self.overrides, path: value})
            except LocatedError as error:
                yield self._problem(path, value, error)

    def _wrong_together(self, error: LocatedError) -> Problem:
        first = ", ".join(f"{k}={format_value(v)}" for k, v in self.space.first().items())
        why = "; ".join(problem.message for problem in error.problems)
        return Problem(f"the spec refuses the values {first} together: {why}")

    def _wrong_values(self) -> Iterator[Problem]:
        """Yield the values that are refused together with the first ones of the other ranges."""
        for path, param in self.space.params.items():
            for value in param.probes():
                try:
                    self._load({path: value})
                except LocatedError as error:
                    yield self._problem(path, value, error)
                    if param.choices is None:
                        break

    def check_networks(self, first: Spec, root: Path, max_params: int) -> None:
        """Build the network of every value, without memory.

        Raises:
            ShapeError: listing every value whose network does not fit.
        """
        data = None
        wrong = []
        for path, param in self.space.params.items():
            for value in param.probes():
                spec = self._load({path: value})
                if spec.network == first.network or spec.data != first.data:
                    continue
                if data is None and spec.data is not None:
                    data = Data(spec.data, root, spec.training.seed)
                try:
                    _check_network(spec, data, max_params)
                except LocatedError as error:
                    wrong.append(self._problem(path, value, error))
        if wrong:
            raise self._located(ShapeError(wrong))

    def _located(self, error: LocatedError) -> LocatedError:
        """Return the error with line and column, unless it is about options alone."""
        return self.spec.locate(error) if any(p.pointer for p in error.problems) else error

    def _problem(self, path: str, value: JsonValue, error: LocatedError) -> Problem:
        """Return the problem of a range whose value the spec refuses."""
        why = "; ".join(_sentence(problem, path) for problem in error.problems)
        shown = f"{path}={format_value(value)}"
        if path in self.from_options:
            return Problem(f"--param {shown}: {why}")
        pointer = "/tuning/params" + join_pointer([path])
        return Problem(f"{shown}: {why}", pointer)


def _check_network(spec: Spec, data: Data | None, max_params: int) -> None:
    network = dry_network(spec, data, max_params)
    if data is not None:
        names = targets_of(network.losses, data.targets, data.inputs)
        if wrong := shape_problems(spec.training, network, data, names):
            raise ShapeError(wrong)
        check_training(spec, network, data, names)


def _sentence(problem: Problem, path: str) -> str:
    message = problem.message.removesuffix(f" (override {path})")
    message = message.removeprefix(f"cannot set {quote(path)}: ")
    return str(replace(problem, message=message, pointer="", line=None, column=None))
