"""The training loop. It touches no file: its caller logs and saves between the events."""

from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from tinynet.data.data import Data
from tinynet.data.given import GivenData
from tinynet.data.ranges import naming_samples
from tinynet.engine.engine import Engine
from tinynet.engine.inputs import Inputs
from tinynet.engine.process_group import ProcessGroup
from tinynet.engine.shard_pass import RandomKey
from tinynet.engine.tensor_names import require_match
from tinynet.errors import DataError, Problem, SpecError
from tinynet.kernels import Kernels
from tinynet.layer.build import MAX_PARAMS
from tinynet.network.from_spec import network_from_spec
from tinynet.network.losses import targets_of
from tinynet.network.network import Network
from tinynet.spec.consistency import AVERAGE
from tinynet.spec.models import Spec
from tinynet.spec.reading import load_spec
from tinynet.training.accumulation import StepResult
from tinynet.training.advice import advice
from tinynet.training.average import WeightAverage
from tinynet.training.checks import check_training
from tinynet.training.class_weights import class_weights, naming_class_weights
from tinynet.training.evaluation import Figures
from tinynet.training.evaluation_rounds import SplitBatches, evaluate_in_rounds
from tinynet.training.events import Evaluated, Evaluating, Event, StepDone, Stopping, StopReason
from tinynet.training.exchange import Abandoned, Exchange, Requests
from tinynet.training.learning_rate import LearningRate
from tinynet.training.loader import Loader, steps_per_epoch
from tinynet.training.monitor import update_best
from tinynet.training.progress import Progress
from tinynet.training.purity import check_purity
from tinynet.training.run_length import RunLength, require_lengths
from tinynet.training.state_arrays import StateArrays
from tinynet.training.state_guard import StateGuard
from tinynet.training.statistics import StepStatistics
from tinynet.training.step_arguments import StepArguments
from tinynet.training.step_samples import StepSamples, StepShare
from tinynet.training.update import Update
from tinynet.types import Array


class Trainer:
    """A network in training, in memory.

    Attributes:
        spec: The spec.
        network: The network, with its losses.
        progress: The position in the run.
        group: The processes that train together; None for one process.
    """

    def __init__(
        self,
        spec: Spec | str | Path | Mapping[str, Any],
        *,
        root: Path | None = None,
        fitted: Mapping[str, Array] | None = None,
        data: Any = None,
        validation: Any = None,
        test: Any = None,
        max_params: int = MAX_PARAMS,
        threads: int | None = None,
        kernels: Kernels | None = None,
        group: ProcessGroup | None = None,
    ) -> None:
        """Build the network.

        The data are read only if they determine the input's shape, or a length is in epochs.

        Args:
            spec: A spec, its file, or a dict like one.
            root: Folder of relative data paths; by default the spec's folder.
            fitted: State of fitted transforms, from an earlier run.
            data: Samples in memory, in place of the spec's data: (x, y), a dict of arrays, or a
                dataset; see `tinynet.train`. Or the `Data` of the spec, if they are open already.
            validation: Samples for validation, with ``data``.
            test: Samples for the test, with ``data``.
            max_params: Most elements of parameters and buffers together.
            threads: Number of threads; by default the number of cores. Any number gives the same
                result.
            kernels: The numerical kernels; by default those that are installed.
            group: The processes that train together, each with a trainer of the same spec and data;
                None for one process.

        Raises:
            SpecError: for a wrong spec.
            ShapeError: listing every node whose inputs have a wrong shape.
            DataError: for data that cannot be used for training.
            PluginError: for a plugin that is missing or broken.
        """
        self._data = data if isinstance(data, Data) else None
        self._given = None if self._data is not None else GivenData.of(data, validation, test)
        if self._given is not None:
            spec = self._given.in_spec(spec)
        spec = spec if isinstance(spec, Spec) else load_spec(spec)
        self.spec = spec
        self._root = root or spec.folder
        self._fitted = fitted
        training = spec.training
        data_shapes = self.data.input_shapes if spec.network.input_shape is None else None
        self._length = RunLength(training, lambda: steps_per_epoch(self.data, training))
        require_lengths(training, self._length)
        self.network = network_from_spec(spec, data_shapes, max_params=max_params, kernels=kernels)
        self._average: WeightAverage | None = None
        if training.average is not None:
            second = network_from_spec(spec, data_shapes, max_params=max_params, kernels=kernels)
            average = self._length.in_steps(training.average, AVERAGE)
            self._average = WeightAverage(average, self.network, second)
        self.progress = Progress()
        self._guard = StateGuard()
        self.group = group
        self._exchange = Exchange(group)
        if training.shards is None and group is None:
            self.network.program = self.network.program.of_whole_batches()
        self._engine = Engine(self.network.program, threads, shards=training.shards, group=group)
        self._evaluator = self._engine
        if self._average is not None:
            self._evaluator = Engine(self._average.network.program, threads)
        self._update = update = Update(
            training, self.network, self._engine, self._exchange, self._average
        )
        self._figures = update.figures
        self._rate = LearningRate(update.updater.learning_rate, training.schedule, self._length)
        self._arrays = StateArrays(
            self.network,
            self._average,
            update.lookahead,
            update.updater,
            self._rate,
            self._figures,
        )
        self._arguments = StepArguments(self.network, self._data_targets)
        self._statistics = StepStatistics(training.log_statistics_every_steps, self.network)

    @property
    def evaluated_network(self) -> Network:
        """The network of evaluations: with averaged weights if the spec has an average."""
        return self.network if self._average is None else self._average.network

    @property
    def step(self) -> int:
        """Number of updates done."""
        return self.progress.step

    @cached_property
    def data(self) -> Data:
        """The data, opened at the first access."""
        if self._data is not None:
            return self._data
        if self.spec.data is None:
            raise SpecError(
                "the spec has no 'data': name a dataset; to train by hand, with train_step alone,"
                " network.input_shape is enough"
            )
        given = None if self._given is None else self._given.datasets(self.spec)
        return Data(self.spec.data, self._root, self.spec.training.seed, self._fitted, given)

    @cached_property
    def _target_names(self) -> dict[str, str]:
        """Name of the target of each loss."""
        return targets_of(self.network.losses, self.data.targets, self.data.inputs)

    @cached_property
    def _loader(self) -> Loader:
        training, names = self.spec.training, self._target_names
        weights = class_weights(training.class_weights, self.network.losses, self.data, names)
        share = None if self.group is None else self._engine.share
        return Loader(self.data, training, names, weights, share)

    def _data_targets(self) -> Collection[str]:
        """Return the names of the targets in the data; the usual name if they cannot be opened."""
        if self.spec.data is not None:
            with suppress(DataError):
                return self.data.targets
        return ("target",)

    # One update -----------------------------------------------------------------------------

    def train_step(
        self,
        x: Inputs,
        y: Array | Mapping[str, Array] | None = None,
        weights: Array | None = None,
    ) -> float:
        """Update every trainable parameter once.

        Args:
            x: (N, *input_shape), or such an array for each input by name. If N is larger than the
                batch size, gradients are accumulated over several batches.
            y: Targets, (N, *target_shape), or such an array for each target by name; None if no
                loss has a target besides the inputs.
            weights: Weight of each sample, (N,), or of each position, (N, T); by default 1. The
                weighted sum of a loss is divided by N, or by the number of positions that count if
                the loss is a mean over positions.

        Returns:
            The mean weighted loss of the N samples before the update, without penalties.

        Raises:
            UsageError: for the name of a target that does not exist.
            SpecError: if the target of an output is ambiguous, or a loss takes no weights.
            ShapeError: if the arrays do not fit each other or the network.
            DataError: for a target that the loss cannot use.
            DivergedError: if the loss or a penalty is not finite; nothing is changed.
            PluginError: if a plugin raises an exception, or returns a wrong value.
            KeyboardInterrupt: either before anything is changed, or after the update.
            TinynetError: if an exception ended an earlier update before it was complete.
        """
        self._guard.require_whole()
        samples = whole = self._arguments.samples(x, y, weights)
        if self.group is not None:
            size = self.spec.training.batch_size
            samples = whole.of_share(StepShare.of(len(whole), size, self._engine.share))
        make, rate = self._make_update, self.learning_rate
        return self._update.in_context(make, samples, rate, 0, lambda: whole)

    def _make_update(
        self, samples: StepSamples, rate: float, advance: int, whole: Callable[[], StepSamples]
    ) -> float:
        """Update once, and advance the position in the epoch; see `train_step`.

        ``whole`` returns the samples of all processes.
        """
        result = self._update.compute(samples, self.step, whole)
        self._statistics.record_gradients(result.gradients, self.step + 1)
        self._guard.change(self._apply, result, samples, rate, advance)
        return result.loss

    def _apply(self, result: StepResult, samples: StepSamples, rate: float, advance: int) -> None:
        self._update.apply(result, samples, self.progress, rate)
        self.progress.position += advance

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next update."""
        return self.rate_at(self.progress.step)

    def rate_at(self, step: int, total_steps: int | None = None) -> float:
        """Return the learning rate of the update after `step`.

        Args:
            step: Number of earlier updates.
            total_steps: Updates in the whole run; by default as many as the spec says.

        A schedule that sees the results of evaluations has its state as it is now.
        """
        return self._rate.at(step, total_steps)

    # The loop -------------------------------------------------------------------------------

    @property
    def steps_per_epoch(self) -> int:
        """Number of updates in an epoch; the last one may have fewer samples."""
        return self._length.steps_per_epoch

    @property
    def total_steps(self) -> int:
        """Number of updates in the whole run, without early stopping."""
        return self._length.total_steps

    @property
    def stopped_early(self) -> bool:
        """True if early stopping has ended the run."""
        return self._length.stopped_early(self.progress)

    @property
    def stop_reason(self) -> StopReason | None:
        """The reason why the run ended; None while it is not finished."""
        return self._length.stop_reason(self.progress)

    @property
    def finished(self) -> bool:
        """True if the training and its last evaluation are complete."""
        return self._length.finished(self.progress)

    def check(self) -> None:
        """Raise the errors that would end the run later; nothing is changed.

        Raises:
            SpecError: if nothing is trainable, or for wrong class weights.
            ShapeError: if inputs, outputs, targets and metrics do not fit together.
            DataError: for a target that the loss or a metric cannot use, with its file and row.
            PluginError: for a layer, loss or optimizer that breaks its protocol in the next step.
        """
        check_training(self.spec, self.network, self.data, self._target_names)
        self._update.check()
        self.network.parametrizations.check()
        self._rate.check(self._figures)
        for step in sorted({min(self.step, self.total_steps - 1), self.total_steps - 1}):
            self.rate_at(step)
        progress, training = self.progress, self.spec.training
        if progress.position < self.steps_per_epoch:
            first = self._loader.gather(progress.epoch, progress.position, training.batch_size)
            key = RandomKey(training.seed, self.step)
            with naming_class_weights(self.network.losses, first.weights, first.sample_weights):
                check_purity(self.network, first.x, first.y, first.weights, key)

    def advice(self) -> list[Problem]:
        """Return warnings about a spec that trains, but probably not as intended."""
        return advice(self.spec, self.network, self.data, self._target_names)

    def run(self) -> Generator[Event, None, None]:
        """Train until the end; after each event the state is complete and can be saved.

        Raises:
            DataError: for data that cannot be read, or that the network cannot use.
            DivergedError: if the loss is not finite.
            PluginError: if a plugin raises an exception, or returns a wrong value.
            TinynetError: if an exception ended an earlier update before it was complete.
        """
        try:
            yield from self._events()
        except Abandoned:
            yield Stopping(self.agreed)

    def _events(self) -> Iterator[Event]:
        while not self.finished:
            self._guard.require_whole()
            self._exchange.begin()
            evaluates = self._length.evaluation_is_due(self.progress)
            if self.group is not None:
                after = f"the evaluation after step {self.step:,}"
                self.group.doing = after if evaluates else f"step {self.step + 1:,}"
            if evaluates:
                yield from self._evaluate()
            elif self._length.epoch_ended(self.progress):
                self._guard.change(self._begin_epoch)
            else:
                yield self._next_step()

    def request(self, requests: Requests) -> None:
        """Request something of all processes, which agree on it in the next step; see `agreed`.

        They stop before that step changes anything, and `run` ends with the event `Stopping`.
        """
        self._exchange.request(requests)

    @property
    def shards(self) -> int:
        """The number of shards of a full batch, which the processes of a group divide."""
        size = min(self.spec.training.batch_size, self.data.size("train"))
        return len(self._engine.training_slices(size))

    @property
    def agreed(self) -> Requests:
        """The requests that the processes agreed on in the last step or round of evaluation."""
        return self._exchange.agreed

    def _next_step(self) -> StepDone:
        progress = self.progress
        epoch, position, rate = progress.epoch, progress.position, self.learning_rate
        samples = self._loader.load(epoch, position)
        whole = partial(self._whole_step, epoch, position, samples)
        with naming_samples(partial(self._loader.place, epoch, position)):
            loss = self._update.in_context(self._make_update, samples, rate, 1, whole)
        step, count, statistics = progress.step, len(samples), None
        if self.group is None or self.group.first:
            statistics = self._statistics.of_step(step, epoch + 1, whole)
        return StepDone(step, epoch + 1, progress.position, loss, rate, count, statistics)

    def _whole_step(self, epoch: int, position: int, own: StepSamples) -> StepSamples:
        """Return the samples of a step that all processes have together."""
        if own.share is None:
            return own
        self._loader.stop()
        return self._loader.gather(epoch, position, whole=True)

    def _evaluate(self) -> Iterator[Event]:
        """Evaluate. No state changes until the evaluation is complete, so an interrupt is safe."""
        self._loader.stop()
        figures = {f"train/{name}": value for name, value in self._figures.result().items()}
        total = self.data.size("val")
        if total:
            evaluated = Figures(self.spec.training.metrics, self.evaluated_network)
            size = self.spec.training.batch_size
            batches = SplitBatches(self.data, "val", size, self._target_names)
            for count in evaluate_in_rounds(evaluated, self._evaluator, batches, self._exchange):
                yield Evaluating(count, total)
            figures |= {f"val/{name}": value for name, value in evaluated.result().items()}
        yield self._guard.change(self._finish_evaluation, figures)

    def _finish_evaluation(self, figures: dict[str, float]) -> Evaluated:
        progress, epoch_ended = self.progress, self._length.epoch_ended(self.progress)
        improved = update_best(self.spec.training, self._figures.metrics, figures, progress)
        rate = self.rate_at(progress.step - 1)
        self._rate.update(figures, self._figures.metrics, progress.step)
        figures["learning_rate"] = rate
        done = Evaluated(progress.step, progress.epoch + 1, figures, improved, epoch_ended)
        progress.evaluated_step = progress.step
        if epoch_ended or self.spec.training.evaluate_every_steps is not None:
            self._figures.reset()
        if epoch_ended:
            self._begin_epoch()
        return done

    def _begin_epoch(self) -> None:
        self.progress.epoch, self.progress.position = self.progress.epoch + 1, 0

    # State ----------------------------------------------------------------------------------

    def state(self) -> dict[str, Array]:
        """Return every array that the next step depends on, by name; the arrays are live.

        Raises:
            TinynetError: if an exception ended an update before it was complete.
        """
        self._guard.require_whole()
        return self._arrays.named()

    def renew_slots(self) -> None:
        """Initialize the state of optimizer and lookahead, after parameters were set from outside.

        Parametrized parameters are computed, and before the first step averages start again.
        """
        self.network.refresh()
        self._update.restart()
        if self._average is not None and self.step == 0:
            self._average.update(0)

    def load_state(self, arrays: Mapping[str, Array], progress: Progress) -> None:
        """Load a saved state, completely or not at all.

        Args:
            arrays: The arrays of `state`.
            progress: The value of `progress` that belongs to them.

        Raises:
            CheckpointMismatchError: listing every array that is missing, superfluous, or of another
                shape or dtype.
        """
        require_match(self._arrays.named(), arrays)
        self._guard.change(self._load, arrays, progress)

    def _load(self, arrays: Mapping[str, Array], progress: Progress) -> None:
        self._arrays.load(arrays)
        self.progress = replace(progress)
