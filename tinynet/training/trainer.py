"""The training loop. It touches no file: whoever runs it logs and saves between its steps."""

import math
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from tinynet.data.data import Data
from tinynet.data.ranges import naming_samples
from tinynet.engine.computing import compute
from tinynet.engine.engine import BatchResult, Engine
from tinynet.engine.inputs import Inputs
from tinynet.engine.shard_pass import PassKey
from tinynet.errors import (
    CheckpointMismatchError,
    DataError,
    Problem,
    ShapeError,
    SpecError,
)
from tinynet.kernels import Kernels
from tinynet.layer.build import MAX_PARAMS
from tinynet.network.from_spec import network_from_spec
from tinynet.network.losses import targets_of
from tinynet.spec.models import Spec
from tinynet.spec.reading import load_spec
from tinynet.training.accumulation import add_gradients, rows_of_step
from tinynet.training.advice import advice
from tinynet.training.compatibility import check_training
from tinynet.training.consistency import Consistency
from tinynet.training.divergence import divergence
from tinynet.training.evaluation import Figures
from tinynet.training.events import EpochDone, Evaluating, Event, StepDone, StopReason
from tinynet.training.feed import Feed
from tinynet.training.fitting import first_bad_target, require_rows, target_problems
from tinynet.training.judging import judge
from tinynet.training.progress import Progress
from tinynet.training.purity import probe
from tinynet.training.state import mismatches, prefixed, under
from tinynet.training.updater import Updater
from tinynet.types import Array, Shape


class Trainer:
    """A network in training, in memory.

    Attributes:
        spec: What it was made from.
        network: The network; its losses included.
        progress: Where in the run it is.
    """

    def __init__(
        self,
        spec: Spec | str | Path | Mapping[str, Any],
        *,
        root: Path | None = None,
        fitted: Mapping[str, Array] | None = None,
        data: Data | None = None,
        max_params: int = MAX_PARAMS,
        threads: int | None = None,
        kernels: Kernels | None = None,
    ) -> None:
        """Build the network. Reads no data unless the input's shape must come from them.

        Args:
            spec: A spec, its file, or a dict like one.
            root: Where relative data paths start; by default the spec's folder.
            fitted: What the transforms learned in an earlier run.
            data: The data, where they are open already; they must be those of the spec.
            max_params: Elements of parameters and buffers that may be allocated.
            threads: How many compute; by default as many as there are cores. The result is the
                same for any number.
            kernels: What to compute with; by default what is installed.

        Raises:
            SpecError: for a spec that is wrong.
            ShapeError: listing every node that its inputs do not fit.
            DataError: for data that cannot be trained on.
            PluginError: for a plugin that is missing or broken.
        """
        spec = spec if isinstance(spec, Spec) else load_spec(spec)
        self.spec = spec
        self._root = root or spec.folder
        self._fitted, self._data = fitted, data
        training = spec.training
        data_shapes = self.data.input_shapes if spec.network.input_shape is None else None
        self.network = network_from_spec(spec, data_shapes, max_params=max_params, kernels=kernels)
        self.progress = Progress()
        self._consistency = Consistency()
        self._engine = Engine(self.network.program, threads)
        self._updater = Updater(
            self.network.params,
            self.network.trainable,
            training.optimizer,
            training.schedule,
            self.network.kernels,
            self._engine.threads,
        )
        self._figures = Figures(training.metrics, self.network.trained_shapes)
        self._fitting_shapes: dict[str, Shape] = {}

    @property
    def step(self) -> int:
        """Updates done."""
        return self.progress.step

    @cached_property
    def data(self) -> Data:
        """The data, opened when first asked for."""
        if self._data is not None:
            return self._data
        if self.spec.data is None:
            raise SpecError(
                "the spec has no 'data': name a dataset; to train by hand, with train_step alone,"
                " network.input_shape is enough"
            )
        return Data(self.spec.data, self._root, self.spec.training.seed, self._fitted)

    @cached_property
    def _target_names(self) -> dict[str, str]:
        """Name of the target that each output is compared with."""
        return targets_of(self.network.losses, self.data.targets)

    @cached_property
    def _feed(self) -> Feed:
        """The training samples of each step."""
        return Feed(self.data, self.spec.training, self._target_names)

    # One update -----------------------------------------------------------------------------

    def train_step(
        self, x: Inputs, y: Array | Mapping[str, Array], weights: Array | None = None
    ) -> float:
        """One update of every trainable parameter.

        Args:
            x: (N, *input_shape), or such an array for each input by name. More samples than a
                batch are taken a batch at a time, and their gradients summed.
            y: Targets, (N, *target_shape), or such an array for each target by name.
            weights: How much each sample counts, (N,); by default each counts 1. The sum of the
                weighted losses is divided by N, whatever the weights.

        Returns:
            The mean loss of the N samples before the update, weighted.

        Raises:
            SpecError: if it cannot be told with which target an output is to be compared.
            ShapeError: if the arrays do not fit together, or not the network.
            DataError: for a target that the loss cannot use.
            DivergedError: if the loss is not finite; nothing was changed.
            KeyboardInterrupt: either before anything is changed, or after the update.
            TinynetError: if another exception ended an earlier update before it was complete.
        """
        self._consistency.require()
        targets = self._given_targets(y)
        require_rows(x, targets, weights)
        shapes = {output: array.shape[1:] for output, array in targets.items()}
        if shapes != self._fitting_shapes:
            if problems := target_problems(self.network, shapes):
                raise ShapeError(problems)
            self._fitting_shapes = shapes
        bad = first_bad_target(self.network, targets)
        if bad is not None:
            raise DataError(f"target {bad[0]} of the batch: {bad[1]}")
        return self._update(x, targets, weights, weights, advance=0)

    def _given_targets(self, y: Array | Mapping[str, Array]) -> dict[str, Array]:
        """What each output is compared with, by the output's name."""
        heads = self.network.losses
        if isinstance(y, Mapping):
            names = targets_of(heads, y)
            return {output: np.asanyarray(y[name]) for output, name in names.items()}
        if len(heads) > 1:
            outputs = ", ".join(self.network.outputs)
            raise ShapeError(f"the network has the outputs {outputs}; give a dict of targets")
        return {heads[0].output: np.asanyarray(y)}

    def _update(
        self,
        x: Inputs,
        y: Mapping[str, Array],
        weights: Array | None,
        sample_weights: Array | None,
        *,
        advance: int,
    ) -> float:
        # BLAS is limited once for the passes and the update: setting its threads takes time.
        engine = self._engine
        return compute(
            self.network.kernels, engine.threads, self._step, x, y, weights, sample_weights, advance
        )

    def _step(
        self,
        x: Inputs,
        y: Mapping[str, Array],
        weights: Array | None,
        sample_weights: Array | None,
        advance: int,
    ) -> float:
        samples = len(next(iter(y.values())))
        if weights is not None:
            weights = np.asarray(weights, self.network.dtype)
        results: list[BatchResult] = []
        gradients: dict[str, Array] = {}
        size = self.spec.training.batch_size
        starts = range(0, samples, size)
        for number, start in enumerate(starts):
            batch = x, y, weights
            if len(starts) > 1:
                batch = rows_of_step(slice(start, start + size), x, y, weights)
            key = PassKey(self.spec.training.seed, self.step, number)
            predict = bool(self._figures.metrics)
            result = self._engine.train(*batch, key, samples, predict=predict)
            if not math.isfinite(result.loss):
                raise divergence(self._engine, result, *batch[:2], key, start, self.network.dtype)
            gradients = result.gradients if len(starts) == 1 else add_gradients(gradients, result)
            results.append(result)

        def apply() -> None:
            self._figures.update(results, y, sample_weights)
            self._updater.update(
                gradients, self.step - self.progress.optimizer_start, self.learning_rate
            )
            for result in results:
                result.commit()
            self.progress.step += 1
            self.progress.position += advance

        self._consistency.change(apply)
        return sum(result.loss for result in results) / samples

    @property
    def learning_rate(self) -> float:
        """The rate of the next update."""
        return self._rate(self.step)

    def _rate(self, step: int) -> float:
        return self.rate_at(step, self.total_steps if self._updater.scheduled else 0)

    def rate_at(self, step: int, total_steps: int) -> float:
        """Return the learning rate of the update after ``step`` in a run of some length."""
        return self._updater.rate(step, total_steps)

    # The loop -------------------------------------------------------------------------------

    @property
    def steps_per_epoch(self) -> int:
        """Updates in an epoch; the last one may see fewer samples."""
        return self._feed.steps_per_epoch

    @cached_property
    def total_steps(self) -> int:
        """Updates in the whole run, early stopping aside."""
        training = self.spec.training
        return training.steps or (training.epochs or 0) * self.steps_per_epoch

    @property
    def stopped_early(self) -> bool:
        """Whether early stopping has ended the run."""
        stopping = self.spec.training.early_stopping
        return stopping is not None and self.progress.stale >= stopping.patience

    @property
    def stop_reason(self) -> StopReason | None:
        """The reason why the run ended; None while it is not finished."""
        if not self.finished:
            return None
        if self.progress.step < self.total_steps:
            return "early_stopping"
        return "epochs" if self.spec.training.steps is None else "steps"

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        reached = self.progress.step >= self.total_steps
        return (reached or self.stopped_early) and self.progress.evaluated_step == self.step

    def check(self) -> None:
        """Raise errors now that would end the run later; nothing is changed.

        Raises:
            SpecError: if nothing is trainable, or for class weights that do not fit.
            ShapeError: if inputs, outputs, targets and metrics do not fit together.
            DataError: for a target that the loss or a metric cannot use; it names file and row.
            PluginError: for a layer, loss or optimizer that breaks its protocol in the next step.
        """
        check_training(self.spec, self.network, self.data, self._target_names)
        self._updater.check()
        for step in sorted({min(self.step, self.total_steps - 1), self.total_steps - 1}):
            self._rate(step)
        progress, training = self.progress, self.spec.training
        if progress.position < self.steps_per_epoch:
            seen = self._feed.first(progress.epoch, progress.position, training.batch_size)
            probe(self.network, seen.x, seen.y, seen.weights, PassKey(training.seed, self.step))

    def advice(self) -> list[Problem]:
        """Return warnings about a spec that trains, but probably not as intended."""
        return advice(self.spec, self.network, self.data, self._target_names)

    def run(self) -> Generator[Event, None, None]:
        """Train until the end; between two events the state is complete and may be saved."""
        while not self.finished:
            over = self.progress.position >= self.steps_per_epoch
            if over or self.step >= self.total_steps:
                yield from self._end_epoch()
            else:
                yield self._next_step()

    def _next_step(self) -> StepDone:
        self._consistency.require()
        progress = self.progress
        rate = self.learning_rate
        samples = self._feed.samples(progress.epoch, progress.position)
        with naming_samples(partial(self._feed.place, progress.epoch, progress.position)):
            loss = self._update(
                samples.x, samples.y, samples.weights, samples.sample_weights, advance=1
            )
        return StepDone(
            progress.step, progress.epoch + 1, progress.position, loss, rate, len(samples)
        )

    def _end_epoch(self) -> Iterator[Event]:
        """Evaluate; nothing changes before the last batch, so this may be broken off."""
        self._feed.stop()
        figures = {f"train/{name}": value for name, value in self._figures.result().items()}
        total = self.data.size("val")
        if total:
            seen = Figures(self.spec.training.metrics, self.network.trained_shapes)
            for batch in self.data.batches("val", self.spec.training.batch_size):
                targets = self._feed.targets(batch.targets)
                result = self._engine.evaluate(batch.inputs, targets, batch.weights)
                seen.update([result], targets, batch.weights)
                yield Evaluating(seen.samples, total)
            figures |= {f"val/{name}": value for name, value in seen.result().items()}
        yield self._consistency.change(partial(self._finish_epoch, figures))

    def _finish_epoch(self, figures: dict[str, float]) -> EpochDone:
        progress = self.progress
        improved = judge(self.spec.training, self._figures.metrics, figures, progress)
        figures["learning_rate"] = self._rate(progress.step - 1)
        done = EpochDone(progress.step, progress.epoch + 1, figures, improved)
        progress.evaluated_step = progress.step
        if progress.position >= self.steps_per_epoch:
            progress.epoch, progress.position = progress.epoch + 1, 0
            self._figures.reset()
        return done

    # State ----------------------------------------------------------------------------------

    def state(self) -> dict[str, Array]:
        """Every array that the next step depends on, by name; the arrays are live.

        Raises:
            TinynetError: if an exception ended an update before it was complete.
        """
        self._consistency.require()
        return self._arrays()

    def _arrays(self) -> dict[str, Array]:
        slots = {
            f"{address}/{name}": array
            for address, slots in self._updater.slots.items()
            for name, array in slots.items()
        }
        return {
            **prefixed("params", self.network.params),
            **prefixed("buffers", self.network.buffers),
            **prefixed("slots", slots),
            **prefixed("figures", self._figures.state()),
        }

    def renew_slots(self) -> None:
        """Make the optimizer's state anew, for parameters that were set from outside."""
        self._updater.renew_slots()

    def load_state(self, arrays: Mapping[str, Array], progress: Progress) -> None:
        """Go back (or ahead) to a state, all of it or none.

        Args:
            arrays: What `state` gave.
            progress: What `progress` was.

        Raises:
            CheckpointMismatchError: listing every array that is missing, left over, or of
                another shape or dtype.
        """
        own = self._arrays()
        if problems := mismatches(own, arrays):
            raise CheckpointMismatchError(
                "the checkpoint does not fit the network:\n  " + "\n  ".join(problems)
            )

        def load() -> None:
            for name, array in own.items():
                array[...] = arrays[name]
            self._figures.load_state(under("figures", arrays))
            self.progress = replace(progress)

        self._consistency.replace(load)
