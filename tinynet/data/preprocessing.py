"""Preprocessing: the transforms of a spec, fitted to the training data."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from functools import partial

import numpy as np

from tinynet import registry
from tinynet.archive.header import is_name
from tinynet.data.fields import field_problem
from tinynet.data.splits import NUMBERS
from tinynet.dataset import Field
from tinynet.engine.layer_calls import described
from tinynet.engine.plugin_state import state_problem
from tinynet.engine.tensor_names import TRANSFORMS
from tinynet.errors import (
    CheckpointMismatchError,
    DataError,
    LocatedError,
    PluginError,
    Problem,
    SpecError,
    TransformError,
)
from tinynet.spec.data_spec import TransformReference
from tinynet.text.plugin_errors import PluginErrors, is_row, plugin_error, wrong_row
from tinynet.text.wording import suggest
from tinynet.transform import Invertible, SampleError, State, Transform
from tinynet.types import Array

SampleRandom = Callable[[int, int], np.random.Generator]
"""Return the random stream of a transform (its position) for the i-th sample of a batch."""


def no_random(position: int, index: int) -> np.random.Generator:
    """Raise an error: evaluation and prediction must be deterministic."""
    raise DataError(
        "a transform used its random generator outside of training; use it only if"
        f" training is True (sample {index})"
    )


@dataclass(frozen=True)
class Stage:
    """One transform of the array ``on``; ``field`` and ``result`` are its fields before and after.

    ``position`` is the transform's index in the spec, and ``pointer`` its place there.
    """

    position: int
    pointer: str
    on: str
    field: Field
    result: Field
    transform: Transform

    @property
    def label(self) -> str:
        """The address of its state in a checkpoint."""
        return f"{self.position}/{self.on}"

    def error(self, message: str) -> PluginError:
        """Return the error of a transform that broke its promise."""
        return plugin_error(self.transform, message, self.pointer)


class _LoadedState(dict[str, Array]):
    """A transform's state from a checkpoint; an array that the transform misses is an error."""

    def __init__(self, label: str) -> None:
        self._label = label

    def __missing__(self, name: str) -> Array:
        raise CheckpointMismatchError(f"the checkpoint lacks {TRANSFORMS}{self._label}/{name}")


class Preprocessing:
    """All transforms in order, with their state; ``fields`` are those of the arrays after them."""

    def __init__(
        self, references: Sequence[TransformReference], fields: Mapping[str, Field]
    ) -> None:
        """Create the transforms of a spec for the fields of a dataset; they are not fitted yet.

        Raises:
            SpecError: if a transform names an array that does not exist, or one twice.
            TransformError: if a transform refuses its array.
        """
        self.stages: list[Stage] = []
        self._states: dict[str, State] = {}
        self.fields = dict(fields)
        for position, reference in enumerate(references):
            pointer = f"/data/transforms/{position}"
            transform: Transform = registry.default().create(reference, pointer)
            for index, on in enumerate(reference.on):
                if on not in self.fields:
                    message = f"the dataset has no array {on!r}; {suggest(on, self.fields)}"
                    raise SpecError([Problem(message, f"{pointer}/on")])
                if on in reference.on[:index]:
                    raise SpecError(
                        [Problem(f"{on!r} is listed twice; remove one", f"{pointer}/on")]
                    )
                field = self.fields[on]
                with _naming(on, pointer):
                    result = _result(transform, field, pointer)
                self.stages.append(Stage(position, pointer, on, field, result, transform))
                self.fields[on] = result

    def fit(self, batches: Callable[[], Iterator[dict[str, Array]]]) -> None:
        """Fit the transforms in order; each call of ``batches`` iterates over the training data."""
        for index, stage in enumerate(self.stages):
            errors = PluginErrors(stage.transform, "fit raised", stage.pointer)
            with _naming(stage.on, stage.pointer), errors:
                state = stage.transform.fit(stage.field, self._before(batches(), index))
            if state and not is_name(f"{TRANSFORMS}{stage.label}/x"):
                message = (
                    "a checkpoint cannot hold the state of a transform of an array named"
                    f" {stage.on!r}; rename it, with only ASCII letters, digits, '_', '-' and '.'"
                )
                raise SpecError([Problem(message, f"{stage.pointer}/on")])
            problem = state_problem(state, "fit", f"{TRANSFORMS}{stage.label}", finite=False)
            if problem is None and (bad := [name for name in state if "/" in name]):
                problem = f"fit must give its arrays names without '/'; one is {bad[0]!r}"
            if problem is not None:
                raise stage.error(problem)
            self._states[stage.label] = {name: _read_only(a) for name, a in state.items()}

    def _before(self, batches: Iterable[dict[str, Array]], index: int) -> Iterator[Array]:
        """Yield the array of stage ``index`` as it is before that stage."""
        on = self.stages[index].on
        for arrays in batches:
            yield self.apply({on: arrays[on]}, before=index)[on]

    def apply(
        self,
        arrays: Mapping[str, Array],
        rng: SampleRandom = no_random,
        *,
        training: bool = False,
        before: int | None = None,
    ) -> dict[str, Array]:
        """Return the arrays after their transforms, or after those ``before`` a stage."""
        changed = dict(arrays)
        for stage in self.stages[:before]:
            if stage.on not in changed:
                continue
            fitted, batch = self._states[stage.label], changed[stage.on]
            state = copy(fitted)
            # An overflow is reported with the place of its value: see `tinynet.data.ranges`.
            ignore = np.errstate(over="ignore", invalid="ignore")
            with PluginErrors(stage.transform, "apply raised", stage.pointer), ignore:
                own = partial(rng, stage.position)
                result = _applied(stage, state, batch, own, training)
            names = dict.fromkeys([*fitted, *state])
            if other := [n for n in names if state.get(n) is not fitted.get(n)]:
                raise stage.error(
                    f"apply must not change its state; {other[0]!r} is another array afterwards"
                )
            shape = (len(batch), *stage.result.shape)
            if np.shape(result) != shape:
                message = f"apply must return an array of shape {shape}; it returned"
                raise stage.error(f"{message} {described(result)}")
            dtype = np.asarray(result).dtype
            if dtype.kind not in NUMBERS:
                message = f"apply must return numbers; it returned an array of dtype {dtype}"
                raise stage.error(message)
            changed[stage.on] = result
        return changed

    def invert(self, name: str, array: Array) -> Array:
        """Return predictions of the array ``name`` in the data's units.

        The last transforms are inverted, up to the first that is not invertible.
        """
        for stage in reversed([stage for stage in self.stages if stage.on == name]):
            if not isinstance(stage.transform, Invertible):
                break
            with PluginErrors(stage.transform, "invert raised", stage.pointer):
                array = stage.transform.invert(copy(self._states[stage.label]), array)
        return array

    def state(self) -> dict[str, Array]:
        """Return the state of all transforms, as arrays by address."""
        return {
            f"{label}/{name}": array
            for label, state in self._states.items()
            for name, array in state.items()
        }

    def load_state(self, arrays: Mapping[str, Array]) -> None:
        """Load the arrays that `state` returned, or raise `CheckpointMismatchError`."""
        states: dict[str, State] = {stage.label: _LoadedState(stage.label) for stage in self.stages}
        for address, array in arrays.items():
            label, _, name = address.rpartition("/")
            if label not in states:
                raise CheckpointMismatchError(f"{address} belongs to no transform of the spec")
            states[label][name] = _read_only(array)
        self._states = states


def _read_only(array: Array) -> Array:
    """Return a read-only view: a state that `apply` changed would depend on when a run resumed."""
    view = array.view()
    view.flags.writeable = False
    return view


@contextmanager
def _naming(on: str, pointer: str) -> Iterator[None]:
    """Add the array and the place of the transform to the error of a transform."""
    try:
        yield
    except LocatedError:
        raise
    except DataError as error:
        raise TransformError([Problem(f"the array {on!r}: {error}", pointer)]) from error


def _applied(
    stage: Stage,
    state: State,
    batch: Array,
    rng: Callable[[int], np.random.Generator],
    training: bool,
) -> Array:
    """Return the result of a transform; an error about a sample must name one of the batch."""
    try:
        return stage.transform.apply(state, batch, rng, training)
    except SampleError as error:
        if is_row(getattr(error, "row", None), len(batch)):
            raise
        raise stage.error(wrong_row("apply", error, len(batch))) from error


def _result(transform: Transform, field: Field, pointer: str) -> Field:
    """Return the field of an array after a transform."""
    with PluginErrors(transform, "describe raised", pointer):
        result = transform.describe(field)
    if not isinstance(result, Field):
        message = f"describe must return a Field; it returned {described(result)}"
        raise plugin_error(transform, message, pointer)
    if problem := field_problem(result):
        message = f"describe must return a Field that a checkpoint can hold: {problem}"
        raise plugin_error(transform, message, pointer)
    return result
