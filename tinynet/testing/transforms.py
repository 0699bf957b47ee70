"""The conformance kit for transforms."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinynet.dataset import TEXT, Field
from tinynet.kernels.random import derive
from tinynet.testing.arrays import (
    Arrays,
    as_samples,
    owned,
    read_only,
    require_array,
    require_close,
    require_finite,
    require_same_bits,
)
from tinynet.testing.checks import Check, CheckFailed, checks_of, require, run_all
from tinynet.testing.configs import Options, make_config, require_config
from tinynet.testing.saving import require_field, require_storable, saved_and_loaded
from tinynet.testing.state import no_global_randomness, require_unchanged, snapshots
from tinynet.transform import FittedField, Invertible, TransformConfig
from tinynet.types import Array

TOLERANCE = 1e-5


@dataclass(frozen=True)
class TransformCase:
    """The subject of `check_transform`; its attributes are that function's arguments."""

    transform_class: type[Any]
    options: Options
    field: Field
    samples: Array
    seed: int

    def new(self) -> Any:
        return self.transform_class(make_config(self.transform_class, self.options))

    def fitted(self, *sizes: int) -> tuple[Any, Arrays]:
        """Return a transform and its state, fitted on batches of these sizes and the rest."""
        transform = self.new()
        parts = np.split(owned(self.samples), np.cumsum(sizes)) if sizes else [self.samples]
        state: Arrays = transform.fit(self.field, iter(parts))
        return transform, state

    @property
    def mixes(self) -> bool:
        """True if the transform mixes the samples of a batch, which then has one stream."""
        return bool(getattr(self.transform_class, "mixes_samples", False))

    def stream(self, first: int = 0) -> Callable[[int], np.random.Generator]:
        return lambda i: derive("sample", self.seed, 0 if self.mixes else first + i)

    def applied(
        self, transform: Any, state: Arrays, training: bool, rows: slice = slice(None)
    ) -> Arrays:
        batch = owned(self.samples[rows])
        rng = self.stream(rows.start or 0)
        return {"the result": np.array(transform.apply(state, batch, rng, training))}


def config(case: TransformCase) -> None:
    """Options are validated, described, frozen, and none has a name that specs reserve."""
    require_config(case.transform_class, case.options, TransformConfig)


def description(case: TransformCase) -> None:
    """`describe`, or `fitted_field`, returns the shape and dtype of the arrays from `apply`."""
    transform, state = case.fitted()
    field = transform.describe(case.field)
    require(isinstance(field, Field), f"describe gives a {type(field).__name__}, not a Field")
    require_field(field, "describe gives a field that no checkpoint can hold")
    if isinstance(transform, FittedField):
        field = transform.fitted_field(case.field, state)
    for training in (True, False):
        batch = owned(case.samples)
        result = transform.apply(state, batch, case.stream(), training)
        require_array(result, "the result", (len(batch), *field.shape), field.dtype)


def fitted_description(case: TransformCase) -> None:
    """`fitted_field` adds to the field from `describe`, and keeps its dtype."""
    transform, state = case.fitted()
    if not isinstance(transform, FittedField):
        return
    after = transform.fitted_field(case.field, state)
    before = case.new().describe(case.field)
    require(isinstance(after, Field), f"fitted_field gives a {type(after).__name__}, not a Field")
    require_field(after, "fitted_field gives a field that no checkpoint can hold")
    require(
        after.dtype == before.dtype,
        f"fitted_field gives {after.dtype}, but describe {before.dtype}",
    )


def fit_in_parts(case: TransformCase) -> None:
    """The state is a dict of arrays, the same for batches of any size."""
    _, whole = case.fitted()
    require(
        isinstance(whole, dict) and all(isinstance(a, np.ndarray) for a in whole.values()),
        "fit does not return a dict of arrays",
    )
    require_storable(whole, "fit", finite=False)
    require(not any("/" in name for name in whole), "fit gives an array a name with '/'")
    require_finite(whole, "fitted on batches that come by once")
    _, parts = case.fitted(1, 2)
    require_close(whole, parts, "fitted on batches of 1, 2 and the rest", TOLERANCE)


def pure(case: TransformCase) -> None:
    """`fit` and `apply` change neither the transform nor the batch, and `apply` no state."""
    transform, batch = case.new(), owned(case.samples)
    before = snapshots(transform=transform, batch=batch)
    state = transform.fit(case.field, iter([batch]))
    require_unchanged(before, snapshots(transform=transform, batch=batch), "fit")
    for training in (True, False):
        frozen = snapshots(transform=transform, batch=batch, state=state)
        transform.apply(state, batch, case.stream(), training)
        after = snapshots(transform=transform, batch=batch, state=state)
        require_unchanged(frozen, after, "apply")
        try:
            transform.apply(state, read_only(batch), case.stream(), training)
        except ValueError as error:
            raise CheckFailed(f"apply writes to a read-only batch ({error})") from error


def repeatable(case: TransformCase) -> None:
    """The same streams give the same bits, and no other source of randomness is touched."""
    transform, state = case.fitted()
    with no_global_randomness("apply"):
        for training in (True, False):
            first, second = (case.applied(transform, state, training) for _ in range(2))
            require_same_bits(first, second, "applied again")


def per_sample(case: TransformCase) -> None:
    """The result for a sample depends on no other sample of its batch, unless samples are mixed."""
    transform, state = case.fitted()
    for training in (False,) if case.mixes else (True, False):
        whole = case.applied(transform, state, training)
        parts = [
            case.applied(transform, state, training, rows) for rows in (slice(0, 1), slice(1, None))
        ]
        together = {"the result": np.concatenate([part["the result"] for part in parts])}
        require_close(whole, together, "applied to parts of the batch", TOLERANCE)


def evaluation_draws_nothing(case: TransformCase) -> None:
    """No random stream is used outside of training."""

    def refuse(index: int) -> np.random.Generator:
        raise CheckFailed(f"the random stream of sample {index} is drawn from outside training")

    transform, state = case.fitted()
    transform.apply(state, owned(case.samples), refuse, False)


def resumable(case: TransformCase) -> None:
    """A new transform with the saved state gives the same bits: there is no other state."""
    transform, state = case.fitted()
    loaded = saved_and_loaded(state)
    for training in (True, False):
        require_same_bits(
            case.applied(transform, state, training),
            case.applied(case.new(), loaded, training),
            "from a fresh transform with the saved state",
        )


def inverse(case: TransformCase) -> None:
    """A transform of numbers that can be undone gives the data back."""
    transform, state = case.fitted()
    if not isinstance(transform, Invertible) or case.field.dtype == TEXT:
        return
    result = case.applied(transform, state, training=False)["the result"]
    before = {"the batch": case.samples.astype(result.dtype)}
    after = {"the batch": np.array(transform.invert(state, read_only(result)))}
    require_close(before, after, "after apply and invert", TOLERANCE)


TRANSFORM_CHECKS = (
    config,
    description,
    fitted_description,
    fit_in_parts,
    pure,
    repeatable,
    per_sample,
    evaluation_draws_nothing,
    resumable,
    inverse,
)


def transform_checks(
    transform_class: type[Any], options: Options, field: Field, samples: Array, *, seed: int = 0
) -> list[Check]:
    """Return the checks of one transform class with one config.

    Args:
        transform_class: The class.
        options: Its config, or its options as in a spec.
        field: The field of the transformed array.
        samples: The array, (N, *field.shape), at least four samples; cast to the field's dtype.
            For a field of text a list of ``str``.
        seed: The seed of the random streams.
    """
    case = TransformCase(transform_class, options, field, as_samples(samples, field), seed)
    return checks_of(transform_class.__name__, case, TRANSFORM_CHECKS)


def check_transform(
    transform_class: type[Any], options: Options, field: Field, samples: Array, **kwargs: Any
) -> None:
    """Run all of `transform_checks`, with the same arguments.

    Raises:
        CheckFailed: with one line for each finding.
    """
    run_all(transform_checks(transform_class, options, field, samples, **kwargs))
