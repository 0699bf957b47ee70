"""The training loop. It touches no file: whoever runs it logs and saves between its steps."""

import math
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tinynet.build import MAX_PARAMS
from tinynet.data.data import Data
from tinynet.dataset import Batch
from tinynet.errors import (
    CheckpointMismatchError,
    DataError,
    DivergedError,
    Problem,
    ShapeError,
    SpecError,
)
from tinynet.loss import CheckedLoss, Loss
from tinynet.network.engine import Engine, Inputs, ShardResult
from tinynet.network.execution import PassKey
from tinynet.network.network import Network
from tinynet.progress import Progress
from tinynet.spec.models import Spec
from tinynet.spec.reading import load_spec
from tinynet.training.class_weights import class_weights, weights_of
from tinynet.training.evaluation import Figures
from tinynet.training.events import EpochDone, Evaluating, Event, StepDone
from tinynet.training.judging import judge
from tinynet.training.updater import Updater
from tinynet.types import Array, Shape


class Trainer:
    """A network in training, in memory.

    Attributes:
        spec: What it was made from.
        network: The network; its loss included.
        progress: Where in the run it is.
    """

    def __init__(
        self,
        spec: Spec | str | Path | Mapping[str, Any],
        *,
        root: Path | None = None,
        fitted: Mapping[str, Array] | None = None,
        max_params: int = MAX_PARAMS,
        threads: int | None = None,
    ) -> None:
        """Build the network. Reads no data unless the input's shape must come from them.

        Args:
            spec: A spec, its file, or a dict like one.
            root: Where relative data paths start; by default the spec's folder.
            fitted: What the transforms learned in an earlier run.
            max_params: Elements of parameters and buffers that may be allocated.
            threads: How many compute; by default as many as there are cores. The result is the
                same for any number.

        Raises:
            SpecError: for a spec that is wrong.
            ShapeError: listing every node that its inputs do not fit.
            DataError: for data that cannot be trained on.
            PluginError: for a plugin that is missing or broken.
        """
        spec = spec if isinstance(spec, Spec) else load_spec(spec)
        self.spec = spec
        self._root = root or spec.folder
        self._fitted = fitted
        training = spec.training
        shape = spec.network.input_shape
        self.network = Network(
            spec.network,
            self.data.input_shapes if shape is None else shape,
            seed=training.seed,
            loss=training.loss,
            max_params=max_params,
        )
        self.progress = Progress()
        self._engine = Engine(self.network, threads)
        self._updater = Updater(
            self.network.params, self.network.trainable, training.optimizer, training.schedule
        )
        self._figures = Figures(training.metrics, self.network.out_shape)
        self._epoch_order: tuple[int, Array] = (-1, np.empty(0, np.int64))

    @property
    def step(self) -> int:
        """Updates done."""
        return self.progress.step

    @property
    def loss(self) -> Loss:
        """What is minimised."""
        assert self.network.loss is not None
        return self.network.loss

    @cached_property
    def data(self) -> Data:
        """The data, opened when first asked for."""
        if self.spec.data is None:
            raise SpecError(
                "the spec has no 'data': name a dataset; to train by hand, with train_step alone,"
                " network.input_shape is enough"
            )
        return Data(self.spec.data, self._root, self.spec.training.seed, self._fitted)

    # One update -----------------------------------------------------------------------------

    def train_step(self, x: Inputs, y: Array, weights: Array | None = None) -> float:
        """One update of every trainable parameter.

        Args:
            x: (N, *input_shape), or such an array for each input by name. More samples than a
                batch are taken a batch at a time, and their gradients summed.
            y: Targets, (N, *target_shape).
            weights: How much each sample counts, (N,); by default each counts 1. The sum of the
                weighted losses is divided by N, whatever the weights.

        Returns:
            The mean loss of the N samples before the update, weighted.

        Raises:
            ShapeError: if the arrays do not fit together, or not the network.
            DataError: for a target that the loss cannot use.
            DivergedError: if the loss is not finite; nothing was changed.
        """
        y = np.asanyarray(y)
        _require_rows(x, y, weights)
        self._check_target_shape(y.shape[1:])
        bad = self._first_bad_target(y)
        if bad is not None:
            raise DataError(f"target {bad[0]} of the batch: {bad[1]}")
        return self._update(x, y, weights)

    def _update(self, x: Inputs, y: Array, weights: Array | None) -> float:
        if weights is not None:
            weights = np.asarray(weights, self.network.dtype)
        results: list[ShardResult] = []
        gradients: dict[str, Array] = {}
        size = self.spec.training.batch_size
        for number, start in enumerate(range(0, len(y), size)):
            rows = slice(start, start + size)
            key = PassKey(self.spec.training.seed, self.step, number)
            part = {n: a[rows] for n, a in x.items()} if isinstance(x, Mapping) else x[rows]
            part_weights = None if weights is None else weights[rows]
            shards = self._engine.train(part, y[rows], part_weights, key, gradients)
            if not all(math.isfinite(shard.loss) for shard in shards):
                raise DivergedError(self._explain_divergence(part, key))
            results += shards
        for gradient in gradients.values():
            gradient *= 1 / len(y)
        self._figures.update(results, y)
        self._updater.update(
            gradients, self.step - self.progress.optimizer_start, self.learning_rate
        )
        for shard in results:
            shard.run.commit()
        self.progress.step += 1
        return sum(shard.loss for shard in results) / len(y)

    @property
    def learning_rate(self) -> float:
        """The rate of the next update."""
        return self._rate(self.step)

    def _rate(self, step: int) -> float:
        return self._updater.rate(step, self.total_steps if self._updater.scheduled else 0)

    def _explain_divergence(self, x: Inputs, key: PassKey) -> str:
        """Name the first layer whose output is not finite, by running the pass once more."""
        bad = self._engine.first_not_finite(x, key)
        culprit = (
            f"the first output that is not finite is that of {bad!r}"
            if bad is not None
            else "every layer's output is finite, the loss alone is not"
        )
        return (
            f"the loss is not finite at step {self.step + 1}: {culprit}."
            " A smaller learning_rate or a clip_norm may help"
        )

    # The loop -------------------------------------------------------------------------------

    @cached_property
    def steps_per_epoch(self) -> int:
        """Updates in an epoch; the last one may see fewer samples."""
        training = self.spec.training
        return math.ceil(self.data.size("train") / (training.batch_size * training.accumulate))

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
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        reached = self.progress.step >= self.total_steps
        return (reached or self.stopped_early) and self.progress.evaluated_step == self.step

    def check(self) -> None:
        """Find what would fail later: data that do not fit, splits that are needed and empty.

        Raises:
            SpecError: if nothing is trainable, or for class weights of classes that are not there.
            ShapeError: if inputs, outputs, targets and metrics do not fit together.
            DataError: for a target that the loss or a metric cannot use; it names file and row.
        """
        if not self.network.trainable:
            raise SpecError(
                [
                    Problem(
                        "nothing is trainable: every layer is frozen or has no parameters",
                        "/network",
                    )
                ]
            )
        _require_shapes(self.network.input_shapes, self.data.input_shapes)
        self._check_target_shape(self.data.targets[self.data.target].shape)
        trial = Figures(self.spec.training.metrics, self.network.out_shape)

        def first_bad(targets: Array) -> tuple[int, str] | None:
            bad = self._first_bad_target(targets)
            if bad is None:
                outputs = np.zeros((len(targets), *self.network.out_shape), self.network.dtype)
                trial.count(self.loss.predict(outputs), targets)
            return bad

        self.data.check_targets(first_bad)
        training = self.spec.training
        watchers = (training.early_stopping, training.checkpoint.keep_best)
        if any(w is not None and w.metric.startswith("val/") for w in watchers):
            self.data.require("val")
        if training.class_weights is not None:
            class_weights(training.class_weights, self.data)

    def _check_target_shape(self, shape: Shape) -> None:
        if isinstance(self.loss, CheckedLoss):
            try:
                self.loss.check_shapes(self.network.out_shape, shape)
            except ShapeError as error:
                raise ShapeError([Problem(str(error), "/training/loss")]) from error

    def _first_bad_target(self, targets: Array) -> tuple[int, str] | None:
        if not isinstance(self.loss, CheckedLoss):
            return None
        return self.loss.bad_target(self.network.out_shape, targets)

    def run(self) -> Generator[Event, None, None]:
        """Train until the end; between two events the state is complete and may be saved."""
        while not self.finished:
            over = self.progress.position >= self.steps_per_epoch
            if over or self.step >= self.total_steps:
                yield from self._end_epoch()
            else:
                yield self._next_step()

    def _next_step(self) -> StepDone:
        training, progress = self.spec.training, self.progress
        size = training.batch_size * training.accumulate
        start = progress.position * size
        positions = self._order(progress.epoch)[start : start + size]
        batch = self.data.batch("train", positions, epoch=progress.epoch)
        rate = self.learning_rate
        targets = batch.targets[self.data.target]
        loss = self._update(batch.inputs, targets, self._weights(batch, targets))
        progress.position += 1
        return StepDone(
            progress.step, progress.epoch + 1, progress.position, loss, rate, len(positions)
        )

    def _order(self, epoch: int) -> Array:
        if self._epoch_order[0] != epoch:
            self._epoch_order = (epoch, self.data.order(epoch))
        return self._epoch_order[1]

    def _weights(self, batch: Batch, targets: Array) -> Array | None:
        weights = batch.weights
        if self._class_weights is not None:
            by_class = weights_of(targets, self._class_weights)
            weights = by_class if weights is None else weights * by_class
        return weights

    @cached_property
    def _class_weights(self) -> Array | None:
        wanted = self.spec.training.class_weights
        return None if wanted is None else class_weights(wanted, self.data)

    def _end_epoch(self) -> Iterator[Event]:
        """Evaluate; nothing changes before the last batch, so this may be broken off."""
        figures = {f"train/{name}": value for name, value in self._figures.result().items()}
        total = self.data.size("val")
        if total:
            seen = Figures(self.spec.training.metrics, self.network.out_shape)
            for batch in self.data.batches("val", self.spec.training.batch_size):
                targets = batch.targets[self.data.target]
                seen.update(self._engine.evaluate(batch.inputs, targets), targets)
                yield Evaluating(seen.samples, total)
            figures |= {f"val/{name}": value for name, value in seen.result().items()}
        progress = self.progress
        improved = judge(self.spec.training, self._figures.metrics, figures, progress)
        figures["learning_rate"] = self._rate(progress.step - 1)
        done = EpochDone(progress.step, progress.epoch + 1, figures, improved)
        progress.evaluated_step = progress.step
        if progress.position >= self.steps_per_epoch:
            progress.epoch, progress.position = progress.epoch + 1, 0
            self._figures.reset()
        yield done

    # State ----------------------------------------------------------------------------------

    def state(self) -> dict[str, Array]:
        """Every array that the next step depends on, by name; the arrays are live."""
        slots = {
            f"{address}/{name}": array
            for address, slots in self._updater.slots.items()
            for name, array in slots.items()
        }
        return {
            **_prefixed("params", self.network.params),
            **_prefixed("buffers", self.network.buffers),
            **_prefixed("slots", slots),
            **_prefixed("figures", self._figures.state()),
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
        own = self.state()
        if problems := mismatches(own, arrays):
            raise CheckpointMismatchError(
                "the checkpoint does not fit the network:\n  " + "\n  ".join(problems)
            )
        for name, array in own.items():
            array[...] = arrays[name]
        self._figures.load_state(_under("figures", arrays))
        self.progress = replace(progress)


def _require_rows(x: Inputs, y: Array, weights: Array | None) -> None:
    arrays = dict(x) if isinstance(x, Mapping) else {"x": x}
    arrays |= {"y": y} if weights is None else {"y": y, "weights": weights}
    rows = {name: np.shape(array)[:1] for name, array in arrays.items()}
    flat = weights is None or np.ndim(weights) == 1
    if len(set(rows.values())) > 1 or rows["y"] in ((), (0,)) or not flat:
        shapes = ", ".join(f"{name} {np.shape(array)}" for name, array in arrays.items())
        raise ShapeError(
            "a step needs a row for each sample in every array, and a single weight in each row of"
            f" weights; they are {shapes}"
        )


def _require_shapes(network: Mapping[str, Shape], data: Mapping[str, Shape]) -> None:
    for name, shape in network.items():
        found = data.get(name.partition(":")[2] or name)
        if found is None:
            message = f"the data have no {name!r}; their inputs are {', '.join(data)}"
            raise ShapeError([Problem(message, "/network")])
        if found != shape:
            message = f"{name} has the shape {shape} here, and {found} in the data"
            raise ShapeError([Problem(message, "/network/input_shape")])


def mismatches(own: Mapping[str, Array], given: Mapping[str, Array]) -> list[str]:
    """Every way in which ``given`` does not fit ``own``, a line each."""
    lines = [f"{name} is missing" for name in sorted(own.keys() - given.keys())]
    lines += [f"{name} belongs to nothing" for name in sorted(given.keys() - own.keys())]
    for name in sorted(own.keys() & given.keys()):
        ours, theirs = own[name], given[name]
        if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
            lines.append(
                f"{name} is {theirs.dtype} {theirs.shape}, and {ours.dtype} {ours.shape} here"
            )
    return lines


def _prefixed(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {f"{prefix}/{name}": array for name, array in arrays.items()}


def _under(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    start = f"{prefix}/"
    return {n.removeprefix(start): a for n, a in arrays.items() if n.startswith(start)}
