"""The training loop. It touches no file: whoever runs it logs and saves between its steps."""

import math
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from tinynet.build import MAX_PARAMS
from tinynet.data import Data
from tinynet.dataset import Batch
from tinynet.engine import Engine, Inputs, ShardResult, sum_gradients
from tinynet.errors import CheckpointMismatchError, DivergedError, SpecError
from tinynet.evaluation import Figures
from tinynet.events import EpochDone, Evaluating, Event, StepDone
from tinynet.execution import Node, PassKey
from tinynet.loss import Loss
from tinynet.network import Network
from tinynet.progress import Best, Progress
from tinynet.spec import EarlyStoppingSpec, KeepBestSpec, Spec
from tinynet.types import Array
from tinynet.updater import Updater


class Trainer:
    """A network in training, in memory.

    Attributes:
        spec: What it was made from.
        network: The network; its loss included.
        progress: Where in the run it is.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        root: Path | None = None,
        fitted: Mapping[str, Array] | None = None,
        max_params: int = MAX_PARAMS,
        threads: int | None = None,
    ) -> None:
        """Build the network. Reads no data unless the input's shape must come from them.

        Args:
            spec: A spec, from `tinynet.load_spec`.
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
        self.spec = spec
        self._root = root or spec.folder
        self._fitted = fitted
        training = spec.training
        self.network = Network(
            spec.network,
            spec.network.input_shape or self.data.input_shapes,
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
            raise SpecError("the spec has no 'data': give it a dataset, or an 'input_shape'")
        return Data(self.spec.data, self._root, self.spec.training.seed, self._fitted)

    # One update -----------------------------------------------------------------------------

    def train_step(self, x: Inputs, y: Array, weights: Array | None = None) -> float:
        """One update of every trainable parameter.

        Args:
            x: (N, *input_shape), or such an array for each input by name. More samples than a
                batch are taken a batch at a time, and their gradients summed.
            y: Targets, (N, *target_shape).
            weights: How much each sample counts, (N,); by default each counts 1.

        Returns:
            The mean loss of the N samples before the update.

        Raises:
            DivergedError: if it is not finite; nothing was changed.
        """
        results: list[ShardResult] = []
        size = self.spec.training.batch_size
        for number, start in enumerate(range(0, len(y), size)):
            rows = slice(start, start + size)
            key = PassKey(self.spec.training.seed, self.step, number)
            part = {n: a[rows] for n, a in x.items()} if isinstance(x, Mapping) else x[rows]
            part_weights = None if weights is None else weights[rows]
            shards = self._engine.gradients(part, y[rows], part_weights, key)
            if not all(math.isfinite(shard.loss) for shard in shards):
                raise DivergedError(self._explain_divergence(part, key))
            results += shards
        gradients = sum_gradients(results, 1 / len(y))
        self._updater.update(gradients, self.step, self.learning_rate)
        for shard in results:
            shard.run.commit()
        self._figures.update(results, y)
        self.progress.step += 1
        return sum(shard.loss for shard in results) / len(y)

    @property
    def learning_rate(self) -> float:
        """The rate of the next update."""
        total_steps = self.total_steps if self._updater.scheduled else 0
        return self._updater.rate(self.step, total_steps)

    def _explain_divergence(self, x: Inputs, key: PassKey) -> str:
        """Name the first layer whose output is not finite, by running the pass once more."""
        bad: list[str] = []

        def observe(node: Node, y: Array) -> None:
            if not bad and not np.isfinite(y).all():
                bad.append(node.name)

        with np.errstate(all="ignore"):
            self.network.forward(x, training=True, key=key, observe=observe)
        culprit = (
            f"the first output that is not finite is that of {bad[0]!r}"
            if bad
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
        """Find what would fail later: targets the loss cannot use, splits that are needed.

        Raises:
            DataError: naming file and row.
            ShapeError: if outputs and targets do not fit together.
        """
        self.data.check_targets(self.loss, self.network.out_shape)
        training = self.spec.training
        watchers = (training.early_stopping, training.checkpoint.keep_best)
        if any(w is not None and w.metric.startswith("val/") for w in watchers):
            self.data.require("val")
        if self._class_weights is not None:
            self.data.class_counts()

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
        targets = self._target(batch)
        loss = self.train_step(batch.inputs, targets, self._weights(batch, targets))
        progress.position += 1
        return StepDone(
            progress.step, progress.epoch + 1, progress.position, loss, rate, len(positions)
        )

    def _order(self, epoch: int) -> Array:
        if self._epoch_order[0] != epoch:
            self._epoch_order = (epoch, self.data.order(epoch))
        return self._epoch_order[1]

    _epoch_order: tuple[int, Array] = (-1, np.empty(0, np.int64))

    def _target(self, batch: Batch) -> Array:
        return next(iter(batch.targets.values()))

    def _weights(self, batch: Batch, targets: Array) -> Array | None:
        weights = batch.weights
        if self._class_weights is not None:
            by_class = self._class_weights[targets]
            weights = by_class if weights is None else weights * by_class
        return None if weights is None else weights.astype(self.network.dtype)

    @cached_property
    def _class_weights(self) -> Array | None:
        """The weight of each class, (classes,)."""
        wanted = self.spec.training.class_weights
        if wanted is None:
            return None
        counts = self.data.class_counts()
        if wanted == "balanced":
            balanced: Array = counts.sum() / (len(counts) * np.maximum(counts, 1))
            return balanced
        classes = self.data.classes or ()
        assert isinstance(wanted, dict)
        if unknown := wanted.keys() - set(classes):
            raise SpecError(
                f"training.class_weights: {min(unknown)!r} is no class of the data; they are"
                f" {', '.join(classes)}"
            )
        return np.array([wanted.get(name, 1.0) for name in classes])

    def _end_epoch(self) -> Iterator[Event]:
        """Evaluate; nothing changes before the last batch, so this may be broken off."""
        rate = self.learning_rate
        figures = {f"train/{name}": value for name, value in self._figures.result().items()}
        total = self.data.size("val")
        if total:
            seen = Figures(self.spec.training.metrics, self.network.out_shape)
            for batch in self.data.batches("val", self.spec.training.batch_size):
                targets = self._target(batch)
                seen.update(self._engine.evaluate(batch.inputs, targets), targets)
                yield Evaluating(seen.samples, total)
            figures |= {f"val/{name}": value for name, value in seen.result().items()}
        progress = self.progress
        improved = self._judge(figures)
        done = EpochDone(
            progress.step, progress.epoch + 1, {**figures, "learning_rate": rate}, improved
        )
        progress.evaluated_step = progress.step
        if progress.position >= self.steps_per_epoch:
            progress.epoch, progress.position = progress.epoch + 1, 0
            self._figures.reset()
        yield done

    def _judge(self, figures: Mapping[str, float]) -> bool:
        """Note what this evaluation means for `keep_best` and early stopping."""
        training, progress = self.spec.training, self.progress
        keep_best, stopping = training.checkpoint.keep_best, training.early_stopping
        improved = False
        if keep_best is not None:
            improved = self._better(keep_best, figures, progress.best, 0.0)
            if improved:
                progress.best = Best(figures[keep_best.metric], progress.step)
        if stopping is not None:
            better = self._better(stopping, figures, progress.best_for_stopping, stopping.min_delta)
            progress.stale = 0 if better else progress.stale + 1
            if better:
                progress.best_for_stopping = Best(figures[stopping.metric], progress.step)
        return improved

    def _better(
        self,
        watcher: KeepBestSpec | EarlyStoppingSpec,
        figures: Mapping[str, float],
        best: Best | None,
        min_delta: float,
    ) -> bool:
        value = figures[watcher.metric]
        if best is None or not math.isfinite(value):
            return math.isfinite(value)
        metric = self._figures.metrics.get(watcher.metric.partition("/")[2])
        gain = value - best.value if metric and metric.greater_is_better else best.value - value
        return gain > min_delta

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

    def load_state(self, arrays: Mapping[str, Array], progress: Progress) -> None:
        """Go back (or ahead) to a state, all of it or none.

        Args:
            arrays: What `state` gave.
            progress: What `progress` was.

        Raises:
            CheckpointMismatchError: listing every array that is missing, left over, or of
                another shape or dtype.
        """
        own = {name: a for name, a in self.state().items() if not name.startswith("figures/")}
        figures = {
            name.removeprefix("figures/"): array
            for name, array in arrays.items()
            if name.startswith("figures/")
        }
        given = {name: a for name, a in arrays.items() if not name.startswith("figures/")}
        if problems := mismatches(own, given):
            raise CheckpointMismatchError(
                "the checkpoint does not fit the network:\n  " + "\n  ".join(problems)
            )
        for name, array in own.items():
            array[...] = given[name]
        self._figures.load_state(figures)
        self.progress = replace(progress)


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
