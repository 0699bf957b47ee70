"""The base of the estimators: parameters, training in memory, and raw predictions."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from pydantic import JsonValue
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.data.given import GivenData
from tinynet.errors import UsageError
from tinynet.layer.build import MAX_PARAMS
from tinynet.network.network import Network
from tinynet.prediction.model import Model, open_model
from tinynet.prediction.predictions import Predictions
from tinynet.sklearn.inputs import is_text, validated_inputs, with_targets
from tinynet.sklearn.specs import HIDDEN_LAYER_SIZES, Completed, Source, Task, complete
from tinynet.spec.models import Spec
from tinynet.spec.reading import overrides_fault
from tinynet.text.warning import warn
from tinynet.training.events import Evaluated
from tinynet.training.progress import Progress
from tinynet.training.trainer import Trainer
from tinynet.types import Array

_SEEDS = 2**31 - 1
"""Seeds are drawn below this number."""


class NetworkEstimator(BaseEstimator):  # type: ignore[misc]
    """The base of both estimators, which have the same parameters.

    Args:
        spec: The network: a list of its layers; a dict of a spec, which may lack everything but
            the parts of interest; a spec or its file; None for a network of dense layers. The value
            ``"$outputs"`` stands for the number of classes or targets.
        hidden_layer_sizes: Units of the hidden dense layers, if ``spec`` has no network.
        overrides: JSON values of the spec by dotted path: ``{"vars.width": 32}``.
        epochs: Passes over the training data; by default those of the spec, or else 100.
        batch_size: Samples in a batch; by default that of the spec, or else a 40th of all samples,
            but from 32 to 200.
        learning_rate: The optimizer's; by default that of the spec, or else 0.003 of Adam.
        early_stopping: Hold out samples for validation, stop when their loss no longer improves,
            and keep the best parameters.
        validation_fraction: The part of the samples that is held out for early stopping.
        n_iter_no_change: Epochs without improvement before training stops early.
        random_state: Seed of all random numbers; by default that of the spec, or else a random one.
        threads: Number of threads, by default one per core; the result is the same for any number.
        verbose: Print a line for each epoch.

    Attributes:
        model_: The trained `tinynet` model: its network, preprocessing and resolved spec.
        history_: The figures after each epoch, a list of dicts: ``train/loss``, ``val/loss``, ...
        n_iter_: The number of epochs.
        n_features_in_: The number of features, of inputs that are rows of features.
        feature_names_in_: Their names, of a DataFrame.
    """

    @property
    def _task(self) -> Task:
        """The kind of targets."""
        raise NotImplementedError

    def __init__(
        self,
        spec: Source = None,
        *,
        hidden_layer_sizes: int | Sequence[int] = HIDDEN_LAYER_SIZES,
        overrides: Mapping[str, Any] | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        random_state: Any = None,
        threads: int | None = None,
        verbose: bool = False,
    ) -> None:
        self.spec = spec
        self.hidden_layer_sizes = hidden_layer_sizes
        self.overrides = overrides
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state
        self.threads = threads
        self.verbose = verbose

    # Training -------------------------------------------------------------------------------

    def _fit(self, x: Any, y: Any, outputs: int, changes: Mapping[str, JsonValue]) -> Self:
        """Train from the start.

        Args:
            x: The validated inputs.
            y: The encoded targets.
            outputs: The number of classes or targets.
            changes: Overrides of the spec that follow from the targets.
        """
        samples, own = with_targets(x, y, self.spec)
        data = GivenData.of(samples)
        assert data is not None
        source = self._source(outputs, len(y), texts=is_text(x))
        spec = self._spec_of(data, source, {**changes, **own})
        trainer = Trainer(spec, data=data, threads=self.threads)
        self._require_outputs(trainer.network, outputs)
        self._warn_of_columns_left_out(trainer)
        self.history_: list[dict[str, float]] = []
        return self._train(trainer)

    def _fit_partially(
        self, x: Any, y: Any, outputs: int, changes: Mapping[str, JsonValue]
    ) -> Self:
        """Train for one epoch: from the start, or with the current parameters and slots."""
        if self.early_stopping:
            raise UsageError("partial_fit trains for one epoch; set early_stopping=False")
        if not hasattr(self, "model_"):
            split: JsonValue = {"validation": 0, "test": 0}
            one: dict[str, JsonValue] = {"training.epochs": 1, "data.split": split}
            return self._fit(x, y, outputs, {**changes, **one})
        checkpoint: Checkpoint = self._checkpoint
        before, spec = checkpoint.progress, checkpoint.load_spec()
        steps = before.step + -(-len(y) // spec.training.batch_size)
        length = spec.training.model_copy(update={"epochs": None, "steps": steps})
        trainer = Trainer(
            spec.model_copy(update={"training": length}),
            data=GivenData.of(with_targets(x, y, self.spec)[0]),
            fitted=checkpoint.transforms,
            threads=self.threads,
        )
        progress = Progress(step=before.step, epoch=before.epoch, evaluated_step=before.step)
        trainer.load_state(checkpoint.tensors, progress)
        return self._train(trainer)

    def _train(self, trainer: Trainer) -> Self:
        trainer.check()
        best: Checkpoint | None = None
        try:
            for event in trainer.run():
                if isinstance(event, Evaluated):
                    self.history_.append(event.figures)
                    self._show(event)
                    if event.improved:
                        best = _snapshot(trainer)
        except KeyboardInterrupt:
            warn(f"training was interrupted at step {trainer.step:,}; its state is kept")
        self._checkpoint = best or _snapshot(trainer)
        kernels = trainer.network.kernels
        self.model_: Model = open_model(self._checkpoint, MAX_PARAMS, kernels, warn)
        self.n_iter_ = trainer.progress.epoch
        return self

    def _require_outputs(self, network: Network, outputs: int) -> None:
        """Require a single output that has a value for each class or target.

        Raises:
            UsageError: for another network.
        """
        if len(network.outputs) != 1:
            raise UsageError(
                f"the network has {len(network.outputs)} outputs ({', '.join(network.outputs)}),"
                " but an estimator predicts one; use tinynet.train(spec, data=...) for several"
            )
        (name,) = network.outputs
        values = math.prod(network.out_shapes[name])
        two_classes = self._task == "classification" and outputs == 2 and values == 1
        if values != outputs and not two_classes:
            kind = "targets" if self._task == "regression" else "classes"
            raise UsageError(
                f"the network's output {name!r} has {values} values for each sample, but y has"
                f' {outputs} {kind}; write "$outputs" for the units of the last layer'
            )

    def _warn_of_columns_left_out(self, trainer: Trainer) -> None:
        """Warn of columns of text beside others, which are not features by themselves."""
        inferred = trainer.data.inferred.get("data", {}).get("columns", {})
        declared = self.spec.get("data", {}) if isinstance(self.spec, Mapping) else {}
        kinds = inferred if isinstance(inferred, Mapping) else {}
        chosen = {**declared.get("columns", {}), **dict.fromkeys(declared.get("features") or ())}
        names = [name for name, kind in kinds.items() if kind == "ignore" and name not in chosen]
        if names:
            listed = ", ".join(map(repr, names))
            warn(
                f"the columns {listed} hold texts, which are not features beside others; name them"
                ' in the spec: {"data": {"features": {...}}}, or leave them out'
            )

    def _show(self, event: Evaluated) -> None:
        if self.verbose:
            figures = ", ".join(f"{name} {value:.4g}" for name, value in event.figures.items())
            print(f"epoch {event.epoch}: {figures}")

    def _source(self, outputs: int, samples: int, *, texts: bool) -> Completed:
        """Return the spec of the parameters, completed, and the overrides that it needs."""
        if self.overrides is not None and (fault := overrides_fault(self.overrides)):
            raise UsageError(f"overrides={self.overrides!r} {fault}")
        sizes = self.hidden_layer_sizes
        return complete(self.spec, self._task, outputs, sizes, samples, texts=texts)

    def _spec_of(
        self, data: GivenData, completed: Completed, changes: Mapping[str, JsonValue]
    ) -> Spec:
        """Return the spec to train: parameters and data change the completed one."""
        source, own = completed
        held_out = self.validation_fraction if self.early_stopping else None
        options = {
            "training.epochs": self.epochs,
            "training.batch_size": self.batch_size,
            "training.optimizer.learning_rate": self.learning_rate,
            "training.seed": self._seed(),
            "data.split.validation": held_out,
        }
        given = {path: _plain(value) for path, value in options.items() if value is not None}
        given = {path: value for path, value in given.items() if path not in changes}
        if self.early_stopping:
            given["training.early_stopping"] = {"patience": self.n_iter_no_change}
            given["training.checkpoint"] = {"keep_best": {"metric": "val/loss"}}
        overrides = {**own, **changes, **given, **(self.overrides or {})}
        return data.in_spec(source, overrides)

    def _seed(self) -> int | None:
        if self.random_state is None and self.spec is not None:
            return None
        return int(check_random_state(self.random_state).randint(_SEEDS))

    # Prediction -----------------------------------------------------------------------------

    def _predictions(self, x: Any) -> Predictions:
        check_is_fitted(self, "model_")
        inputs = validated_inputs(self, x, reset=False)
        return self.model_.predict(inputs, threads=self.threads)

    @property
    def _output(self) -> str:
        """The name of the network's output."""
        return next(iter(self.model_.network.outputs))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _snapshot(trainer: Trainer) -> Checkpoint:
    """Return the state of a trainer, with arrays of its own."""
    state = Checkpoint.of(trainer)
    tensors = {name: array.copy() for name, array in state.tensors.items()}
    return replace(state, tensors=tensors, progress=replace(state.progress))


def _plain(value: Any) -> Any:
    """Return a NumPy number, as searches of parameters draw them, as one of Python."""
    return value.item() if isinstance(value, np.generic) else value


def as_rows(array: Array) -> Array:
    """Return values with the axes of one sample flattened: (N,) or (N, values)."""
    return array if array.ndim == 1 else array.reshape(len(array), -1)
