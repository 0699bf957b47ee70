"""The kit finds what is wrong with datasets, transforms and kernels."""

from collections.abc import Callable, Iterable
from copy import copy
from typing import Any

import numpy as np
import pytest

from tinynet.dataset import Batch, DatasetConfig, Field
from tinynet.kernels.numpy import NumpyKernels
from tinynet.testing import (
    Check,
    CheckFailed,
    check_dataset,
    check_kernels,
    check_transform,
    dataset_checks,
    kernel_checks,
    transform_checks,
)
from tinynet.transform import TransformConfig
from tinynet.types import Array

DRAW = np.random.default_rng(3)
VALUES = DRAW.normal(size=(9, 2)).astype(np.float32)
LABELS = np.array([0, 1, 2] * 3)
FIELD = Field((2,), "float32")
Stream = Callable[[int], np.random.Generator]


class Table:
    """Nine rows of two numbers, in three classes."""

    class Config(DatasetConfig):
        pass

    def __init__(self, config: Config) -> None:
        self.values = VALUES.copy()
        self.inputs = {"input": Field((2,), "float32", names=("width", "height"))}
        self.targets = {"target": Field((), "int64", classes=("a", "b", "c"))}
        self.fingerprint = "nine rows"

    def __len__(self) -> int:
        return len(self.values)

    def gather(self, indices: Array) -> Batch:
        return Batch({"input": self.values[indices]}, {"target": LABELS[indices]})

    def where(self, index: int) -> str:
        return f"row {index}"


class Empty(Table):
    def __len__(self) -> int:
        return 0


class WrongDtype(Table):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.inputs = {"input": Field((2,), "float64")}


class HoldsText(Table):
    """Trained to the end, and none of its checkpoints could be read."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.values = self.values.astype("<U6")
        self.inputs = {"input": Field((2,), "<U6")}


class TooManyNames(Table):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.inputs = {"input": Field((2,), "float32", names=("a", "b", "c"))}


class LabelOutsideItsClasses(Table):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.targets = {"target": Field((), "int64", classes=("a", "b"))}


class NotANumber(Table):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.values[4, 1] = np.nan


class WeightsOfNoPositions(Table):
    def gather(self, indices: Array) -> Batch:
        batch = super().gather(indices)
        return Batch(batch.inputs, batch.targets, np.ones((len(indices), 3)))


class Sorts(Table):
    def gather(self, indices: Array) -> Batch:
        return super().gather(np.sort(indices))


class HandsOutItsOwnRows(Table):
    def gather(self, indices: Array) -> Batch:
        first, last = indices[0], indices[-1]
        if len(indices) == last - first + 1:
            return Batch({"input": self.values[first : last + 1]}, {"target": LABELS[indices]})
        return super().gather(indices)


class NewFingerprint(Table):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.fingerprint = str(id(self))


class Shuffles(Table):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        np.random.default_rng().shuffle(self.values)


class OtherTargetsAlone(Table):
    def gather_targets(self, indices: Array) -> Batch:
        return Batch({}, {"target": np.sort(LABELS[indices])})


class Centered(Table):
    """Its numbers, less the mean that was learned."""

    mean: Any = 0

    def learn(self, indices: Array) -> dict[str, Array]:
        return {"mean": self.values[indices].mean(axis=0)}

    def with_state(self, state: dict[str, Array]) -> "Centered":
        result = copy(self)
        result.mean = state["mean"]
        return result

    def gather(self, indices: Array) -> Batch:
        batch = super().gather(indices)
        return Batch({"input": batch.inputs["input"] - self.mean}, batch.targets)


class KeepsTheStateOnItself(Centered):
    def with_state(self, state: dict[str, Array]) -> "Centered":
        self.mean = state["mean"]
        return self


class LearnsByChance(Centered):
    def learn(self, indices: Array) -> dict[str, Array]:
        return {"mean": np.random.default_rng().normal(size=2)}


class DescribesAnotherWidth(Centered):
    def with_state(self, state: dict[str, Array]) -> "Centered":
        result = super().with_state(state)
        result.inputs = {"input": Field((3,), "float32")}
        return result


class NoPlace(Table):
    def where(self, index: int) -> str:
        return ""


class Jitter:
    """Subtracts the training data's mean; in training, adds a little noise."""

    class Config(TransformConfig):
        pass

    def __init__(self, config: Config) -> None:
        pass

    def describe(self, field: Field) -> Field:
        return field

    def fit(self, field: Field, batches: Iterable[Array]) -> dict[str, Array]:
        total, count = np.zeros(field.shape), 0
        for batch in batches:
            total, count = total + batch.sum(axis=0), count + len(batch)
        return {"mean": total / count}

    def apply(self, state: Any, batch: Array, rng: Stream, training: bool) -> Array:
        y = (batch - state["mean"]).astype(np.float32)
        if training:
            for i in range(len(y)):
                y[i] += rng(i).normal(scale=0.1, size=y[i].shape)
        return y


class Shift(Jitter):
    """The same without noise, and it can be undone."""

    def apply(self, state: Any, batch: Array, rng: Stream, training: bool) -> Array:
        return super().apply(state, batch, rng, False)

    def invert(self, state: Any, batch: Array) -> Array:
        return (batch + state["mean"]).astype(np.float32)


class DescribesAnother(Jitter):
    def describe(self, field: Field) -> Field:
        return Field((*field.shape, 1), "float32")


class FitsTheLastBatch(Jitter):
    def fit(self, field: Field, batches: Iterable[Array]) -> dict[str, Array]:
        return super().fit(field, list(batches)[-1:])


class LearnsWords(Jitter):
    def fit(self, field: Field, batches: Iterable[Array]) -> dict[str, Array]:
        return {**super().fit(field, batches), "words": np.array(["a", "b"])}


class TwoWords(Jitter):
    def fit(self, field: Field, batches: Iterable[Array]) -> dict[str, Array]:
        return {**super().fit(field, batches), "two words": np.zeros(1)}


class DescribesText(Jitter):
    def describe(self, field: Field) -> Field:
        return Field(field.shape, "object")


class LooksTwice(Jitter):
    def fit(self, field: Field, batches: Iterable[Array]) -> dict[str, Array]:
        sum(len(batch) for batch in batches)
        return super().fit(field, batches)


class ChangesTheBatch(Jitter):
    def apply(self, state: Any, batch: Array, rng: Stream, training: bool) -> Array:
        y = super().apply(state, batch, rng, training)
        batch[0] = 0
        return y


class OwnNoise(Jitter):
    def apply(self, state: Any, batch: Array, rng: Stream, training: bool) -> Array:
        return super().apply(state, batch, lambda i: np.random.default_rng(), training)


class SubtractsTheBatchMean(Jitter):
    def apply(self, state: Any, batch: Array, rng: Stream, training: bool) -> Array:
        return super().apply({"mean": batch.mean(axis=0)}, batch, rng, training)


class OneStreamForAll(Jitter):
    def apply(self, state: Any, batch: Array, rng: Stream, training: bool) -> Array:
        return super().apply(state, batch, lambda i: rng(0), training)


class NoiseInEvaluation(Jitter):
    def apply(self, state: Any, batch: Array, rng: Stream, training: bool) -> Array:
        return super().apply(state, batch, rng, True)


class KeepsTheMeanOnItself(Jitter):
    mean: Any = 0.0

    def fit(self, field: Field, batches: Iterable[Array]) -> dict[str, Array]:
        self.mean = super().fit(field, batches)["mean"]
        return {}

    def apply(self, state: Any, batch: Array, rng: Stream, training: bool) -> Array:
        return super().apply({"mean": self.mean}, batch, rng, training)


class InvertsTheWrongWay(Shift):
    def invert(self, state: Any, batch: Array) -> Array:
        return (batch - state["mean"]).astype(np.float32)


class LastMaximumWins(NumpyKernels):
    def max_pool2d_backward(self, dy: Array, *args: Any) -> Array:
        return super().max_pool2d_backward(dy, *args)[:, ::-1]


class ReadsWhatItNeverWrote(NumpyKernels):
    def avg_pool2d(self, x: Array, window: Any, empty: Any, keep: bool) -> Any:
        y, saved = super().avg_pool2d(x, window, empty, keep)
        return y + 0 * empty(y.shape, y.dtype), saved


class ChangesItsInput(NumpyKernels):
    def dropout(self, x: Array, *args: Any) -> Any:
        x *= 1
        return super().dropout(x, *args)


class ComputesInDouble(NumpyKernels):
    def layer_norm(self, x: Array, *args: Any) -> Any:
        y, saved = super().layer_norm(x, *args)
        return y.astype(np.float64), saved


class ForgetsWeightDecay(NumpyKernels):
    def sgd(self, *args: Any) -> None:
        *others, _, rate = args
        super().sgd(*others, 0.0, rate)


class SwapsItsDecayRates(NumpyKernels):
    def adam(self, *args: Any) -> None:
        super().adam(*args[:4], args[5], args[4], *args[6:])


def test_correct_ones_pass() -> None:
    check_dataset(Table, {})
    check_dataset(Centered, {})
    check_transform(Jitter, {}, FIELD, VALUES)
    check_transform(Shift, {}, FIELD, VALUES)
    check_kernels(NumpyKernels)


BROKEN: list[tuple[type[Any], str]] = [
    (Empty, "length"),
    (WrongDtype, "fields"),
    (TooManyNames, "fields"),
    (HoldsText, "fields"),
    (WeightsOfNoPositions, "fields"),
    (LabelOutsideItsClasses, "values"),
    (NotANumber, "values"),
    (Sorts, "any_order"),
    (OtherTargetsAlone, "targets_alone"),
    (HandsOutItsOwnRows, "copies"),
    (NewFingerprint, "repeatable"),
    (Shuffles, "repeatable"),
    (NoPlace, "places"),
    (KeepsTheStateOnItself, "learning"),
    (LearnsByChance, "learning"),
    (DescribesAnotherWidth, "learning"),
    (DescribesAnother, "description"),
    (FitsTheLastBatch, "fit_in_parts"),
    (LooksTwice, "fit_in_parts"),
    (LearnsWords, "fit_in_parts"),
    (TwoWords, "fit_in_parts"),
    (DescribesText, "description"),
    (ChangesTheBatch, "pure"),
    (OwnNoise, "repeatable"),
    (SubtractsTheBatchMean, "per_sample"),
    (OneStreamForAll, "per_sample"),
    (NoiseInEvaluation, "evaluation_draws_nothing"),
    (KeepsTheMeanOnItself, "resumable"),
    (InvertsTheWrongWay, "inverse"),
    (LastMaximumWins, "max_pool2d"),
    (ReadsWhatItNeverWrote, "avg_pool2d"),
    (ChangesItsInput, "dropout"),
    (ComputesInDouble, "layer_norm"),
    (ForgetsWeightDecay, "sgd"),
    (SwapsItsDecayRates, "adam"),
]


def checks(cls: type[Any]) -> list[Check]:
    if issubclass(cls, Table):
        return list(dataset_checks(cls, {}))
    if issubclass(cls, Jitter):
        return list(transform_checks(cls, {}, FIELD, VALUES))
    return list(kernel_checks(cls))


@pytest.mark.parametrize(("broken", "check"), BROKEN)
def test_a_broken_one_is_found_by_the_check_that_names_its_fault(
    broken: type[Any], check: str
) -> None:
    (candidate,) = (c for c in checks(broken) if c.name == check)
    with pytest.raises(CheckFailed, match=f"{broken.__name__}, {check}: "):
        candidate()
