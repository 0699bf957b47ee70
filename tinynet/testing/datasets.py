"""The conformance kit for datasets."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from tinynet.dataset import Batch, DatasetConfig, Field, LearningDataset, Located, TargetReader
from tinynet.testing.arrays import (
    Arrays,
    read_only,
    require_array,
    require_finite,
    require_same_bits,
)
from tinynet.testing.checks import Check, CheckFailed, checks_of, require, run_all
from tinynet.testing.configs import Options, make_config, require_config
from tinynet.testing.saving import require_field
from tinynet.testing.state import no_global_randomness
from tinynet.types import Array

MOST = 2000
"""Most samples that are checked; those of a larger dataset are spread over its length."""


@dataclass(frozen=True)
class DatasetCase:
    """The subject of `check_dataset`; its attributes are that function's arguments."""

    dataset_class: type[Any]
    options: Options

    @cached_property
    def dataset(self) -> Any:
        return self.new()

    def new(self) -> Any:
        return self.dataset_class(make_config(self.dataset_class, self.options))

    @property
    def some(self) -> Array:
        """Return the indices of a few samples, out of order, one of them twice."""
        last = len(self.dataset) - 1
        return np.array([last, 0, last // 2, 0])

    @property
    def many(self) -> Array:
        count = len(self.dataset)
        return np.unique(np.linspace(0, count - 1, min(count, MOST)).astype(np.int64))


def named(batch: Batch) -> Arrays:
    """Return the arrays of a batch, by the names that messages use."""
    arrays = {f"inputs[{name!r}]": array for name, array in batch.inputs.items()}
    arrays |= {f"targets[{name!r}]": array for name, array in batch.targets.items()}
    return arrays if batch.weights is None else {**arrays, "weights": batch.weights}


def config(case: DatasetCase) -> None:
    """Options are validated, described, frozen, and none has a name that specs reserve."""
    require_config(case.dataset_class, case.options, DatasetConfig)


def length(case: DatasetCase) -> None:
    """There is at least one sample."""
    count = len(case.dataset)
    require(count > 0, f"the dataset has {count} samples")


def fields(case: DatasetCase) -> None:
    """`inputs` and `targets` have the shape and dtype of every array that `gather` returns."""
    _require_fields(case.dataset, case.some)


def _require_fields(dataset: Any, indices: Array) -> None:
    """Require the batch of some samples to have the arrays that a dataset describes."""
    batch = dataset.gather(indices)
    require(isinstance(batch, Batch), f"gather gives a {type(batch).__name__}, not a Batch")
    for kind, described, arrays in (
        ("inputs", dataset.inputs, batch.inputs),
        ("targets", dataset.targets, batch.targets),
    ):
        require(
            set(described) == set(arrays),
            f"gather gives {kind} {sorted(arrays)}, described are {sorted(described)}",
        )
        for name, field in described.items():
            what = f"{kind}[{name!r}]"
            require(isinstance(field, Field), f"{what} is not described by a Field")
            require_field(field, what)
            require_array(arrays[name], what, (len(indices), *field.shape), field.dtype)
            _require_names_fit(field, what)
    if batch.weights is not None:
        require_array(batch.weights, "weights", None, None)
        shape, samples = batch.weights.shape, (len(indices),)
        arrays = [*batch.targets.values(), *batch.inputs.values()]
        fits = not batch.targets or any(shape == array.shape[: len(shape)] for array in arrays)
        require(
            shape[:1] == samples and fits,
            f"weights has shape {shape} instead of {samples}, or of more of the leading axes of"
            " a target or an input",
        )


def values(case: DatasetCase) -> None:
    """Numbers are finite, and labels are indices of the class names."""
    batch = case.dataset.gather(case.many)
    require_finite(named(batch), "in the data")
    if batch.weights is not None:
        require(bool((batch.weights >= 0).all()), "a weight is negative")
    described = {
        **{f"inputs[{name!r}]": field for name, field in case.dataset.inputs.items()},
        **{f"targets[{name!r}]": field for name, field in case.dataset.targets.items()},
    }
    for what, field in described.items():
        if field.classes is not None:
            array, count = named(batch)[what], len(field.classes)
            inside = bool(((array >= 0) & (array < count)).all())
            low, high = array.min(), array.max()
            require(inside, f"{what} has labels from {low} to {high}, and {count} classes")


def any_order(case: DatasetCase) -> None:
    """`gather` returns the requested samples in that order, repeated ones too, untransformed."""
    indices = case.some
    together = named(case.dataset.gather(read_only(indices)))
    alone = [named(case.dataset.gather(indices[i : i + 1])) for i in range(len(indices))]
    one_by_one = {name: np.concatenate([part[name] for part in alone]) for name in together}
    require_same_bits(one_by_one, together, "gathered together instead of one by one")


def targets_alone(case: DatasetCase) -> None:
    """A dataset that reads targets without inputs reads those of `gather`."""
    whole = case.dataset.gather(read_only(case.some))
    if isinstance(case.dataset, TargetReader):
        alone = case.dataset.gather_targets(read_only(case.some))
        require(not alone.inputs, "gather_targets returned inputs")
        expected = named(replace(whole, inputs={}))
        require_same_bits(expected, named(alone), "gathered by gather_targets")


def copies(case: DatasetCase) -> None:
    """A change of a batch does not change the dataset."""
    indices = np.arange(min(3, len(case.dataset)))
    before = {name: array.copy() for name, array in named(case.dataset.gather(indices)).items()}
    for array in named(case.dataset.gather(indices)).values():
        if array.flags.writeable:
            array[...] = array.flat[-1]
            array[...] = np.zeros((), array.dtype)
    after = named(case.dataset.gather(indices))
    require_same_bits(before, after, "after somebody wrote into an earlier batch")


def repeatable(case: DatasetCase) -> None:
    """Opened again, the dataset has the same samples and the same fingerprint."""
    first_batch = named(case.dataset.gather(case.many))
    with no_global_randomness("the dataset"):
        again = case.new()
        require_same_bits(first_batch, named(again.gather(case.many)), "opened again")
    first, second = case.dataset.fingerprint, again.fingerprint
    require(isinstance(first, str) and bool(first), f"the fingerprint is {first!r}, not a text")
    require(first == second, f"opened again, the fingerprint is {second!r} instead of {first!r}")
    require(len(again) == len(case.dataset), "opened again, the dataset has another length")


def places(case: DatasetCase) -> None:
    """A dataset that knows where a sample comes from says so in words."""
    if isinstance(case.dataset, Located):
        where = case.dataset.where(0)
        require(isinstance(where, str) and bool(where), f"where(0) is {where!r}, not a text")


def learning(case: DatasetCase) -> None:
    """A dataset learns the same from the same samples, and stays as it is."""
    if not isinstance(case.dataset, LearningDataset):
        return
    dataset: Any = case.dataset
    before = named(dataset.gather(case.many))
    indices = read_only(np.arange(0, len(dataset), 2))
    state = dataset.learn(indices)
    require_same_bits(state, case.new().learn(indices), "learned again from the same samples")
    encoded = dataset.with_state({name: read_only(array) for name, array in state.items()})
    require_same_bits(before, named(dataset.gather(case.many)), "after with_state")
    count = len(encoded)
    require(count == len(dataset), f"with a state, it has {count} samples, not {len(dataset)}")
    _require_fields(encoded, case.some)
    targets = encoded.gather(case.many).targets
    learned = named(Batch({}, targets))
    require_same_bits({name: before[name] for name in learned}, learned, "with a state")
    require(
        encoded.fingerprint == dataset.fingerprint,
        "with a state, the fingerprint is another one; it is that of the samples alone",
    )


def _require_names_fit(field: Field, what: str) -> None:
    if field.names is not None and field.shape != (len(field.names),):
        raise CheckFailed(f"{what} has {len(field.names)} names for samples of shape {field.shape}")


DATASET_CHECKS = (
    config,
    length,
    fields,
    values,
    any_order,
    targets_alone,
    copies,
    repeatable,
    places,
    learning,
)


def dataset_checks(dataset_class: type[Any], options: Options) -> list[Check]:
    """Return the checks of one dataset class with one config.

    Args:
        dataset_class: The class.
        options: Its config, or its options as in a spec, with absolute paths.
    """
    case = DatasetCase(dataset_class, options)
    return checks_of(dataset_class.__name__, case, DATASET_CHECKS)


def check_dataset(dataset_class: type[Any], options: Options) -> None:
    """Run all of `dataset_checks`.

    Raises:
        CheckFailed: with one line for each finding.
    """
    run_all(dataset_checks(dataset_class, options))
