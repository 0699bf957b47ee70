"""The transforms of a spec, fitted: what raw data go through before the network sees them."""

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
from tinynet.engine.plugin_state import check_state
from tinynet.engine.tensor_names import TRANSFORMS
from tinynet.errors import (
    CheckpointMismatchError,
    DataError,
    LocatedError,
    Problem,
    SpecError,
    TransformError,
)
from tinynet.spec.data_spec import TransformReference
from tinynet.text.wording import suggest
from tinynet.transform import Invertible, State, Transform
from tinynet.types import Array

SampleRandom = Callable[[int, int], np.random.Generator]
"""The random stream of a transform, by its position in the spec, for the i-th sample of a batch."""


def no_random(position: int, index: int) -> np.random.Generator:
    """Refuse to draw: evaluation and prediction are deterministic."""
    raise DataError(f"a transform drew random numbers for sample {index} outside of training")


@dataclass(frozen=True)
class Stage:
    """One transform of one array.

    Attributes:
        position: Place of the transform in the spec.
        on: Name of the array.
        field: What the array holds before.
        result: What it holds after.
        transform: The transform.
    """

    position: int
    on: str
    field: Field
    result: Field
    transform: Transform

    @property
    def pointer(self) -> str:
        """Where the spec names the transform."""
        return _pointer(self.position)

    @property
    def label(self) -> str:
        """What its state is called in a checkpoint."""
        return f"{self.position}/{self.on}"


def _pointer(position: int) -> str:
    return f"/data/transforms/{position}"


class _Learned(dict[str, Array]):
    """A transform's state as a checkpoint has it: only the transform knows what must be in it."""

    def __init__(self, label: str) -> None:
        self._label = label

    def __missing__(self, name: str) -> Array:
        raise CheckpointMismatchError(f"the checkpoint lacks {TRANSFORMS}{self._label}/{name}")


class Preprocessing:
    """Every transform in order, with what it learned from the training data.

    Attributes:
        fields: What each array holds after all transforms.
    """

    def __init__(
        self, references: Sequence[TransformReference], fields: Mapping[str, Field]
    ) -> None:
        """Put the transforms in order; they know nothing yet.

        Args:
            references: The spec's transforms.
            fields: What each array of the dataset holds, inputs and targets.

        Raises:
            SpecError: if a transform names an array that is not there, or one twice.
            TransformError: if a transform cannot take the array that it names.
        """
        self.stages: list[Stage] = []
        self._states: dict[str, State] = {}
        self.fields = dict(fields)
        for position, reference in enumerate(references):
            transform: Transform = registry.default().create(reference)
            for index, on in enumerate(reference.on):
                pointer = f"{_pointer(position)}/on"
                if on not in self.fields:
                    message = f"the dataset has no array {on!r}; {suggest(on, self.fields)}"
                    raise SpecError([Problem(message, pointer)])
                if on in reference.on[:index]:
                    raise SpecError([Problem(f"{on!r} is named twice", pointer)])
                field = self.fields[on]
                with _naming(on, position):
                    result = _result(transform, field, position)
                self.stages.append(Stage(position, on, field, result, transform))
                self.fields[on] = result

    def fit(self, batches: Callable[[], Iterator[dict[str, Array]]]) -> None:
        """Learn from training data, one transform after the other.

        Args:
            batches: Starts a new pass over the raw training data: arrays by name.
        """
        for index, stage in enumerate(self.stages):
            blaming = registry.blaming(stage.transform, "fit", stage.pointer)
            with _naming(stage.on, stage.position), blaming:
                state = stage.transform.fit(stage.field, self._before(batches(), index))
            own_fault = partial(registry.fault, stage.transform, pointer=stage.pointer)
            if state and not is_name(f"{TRANSFORMS}{stage.label}/x"):
                message = (
                    f"a checkpoint cannot hold what is learned of an array named {stage.on!r}; call"
                    " it something else, with ASCII letters, digits, '_', '-' and '.' alone"
                )
                raise SpecError([Problem(message, f"{stage.pointer}/on")])
            check_state(state, "fit", f"{TRANSFORMS}{stage.label}", own_fault, finite=False)
            if bad := [name for name in state if "/" in name]:
                raise own_fault(f"fit must give its arrays names without '/'; one is {bad[0]!r}")
            self._states[stage.label] = {name: _read_only(a) for name, a in state.items()}

    def _before(self, batches: Iterable[dict[str, Array]], index: int) -> Iterator[Array]:
        """The array of stage ``index`` as the stages before it leave it."""
        on = self.stages[index].on
        earlier = [stage for stage in self.stages[:index] if stage.on == on]
        for arrays in batches:
            yield self._run(earlier, {on: arrays[on]}, no_random, training=False)[on]

    def apply(
        self, arrays: Mapping[str, Array], rng: SampleRandom = no_random, *, training: bool = False
    ) -> dict[str, Array]:
        """The arrays after every transform of theirs; others pass as they are."""
        stages = [stage for stage in self.stages if stage.on in arrays]
        return self._run(stages, arrays, rng, training=training)

    def _run(
        self,
        stages: Iterable[Stage],
        arrays: Mapping[str, Array],
        rng: SampleRandom,
        *,
        training: bool,
    ) -> dict[str, Array]:
        changed = dict(arrays)
        for stage in stages:
            learned, batch = self._states[stage.label], changed[stage.on]
            state = copy(learned)
            # An overflow is reported with the place of its value: see `tinynet.data.ranges`.
            ignore = np.errstate(over="ignore", invalid="ignore")
            with registry.blaming(stage.transform, "apply", stage.pointer), ignore:
                own = partial(rng, stage.position)
                result = stage.transform.apply(state, batch, own, training)
            names = dict.fromkeys([*learned, *state])
            if other := [n for n in names if state.get(n) is not learned.get(n)]:
                message = f"apply must not change the state, which fit alone makes; {other[0]!r}"
                raise registry.fault(
                    stage.transform, f"{message} is another array afterwards", stage.pointer
                )
            shape = (len(batch), *stage.result.shape)
            if np.shape(result) != shape:
                message = f"apply must return an array of shape {shape}; it returned"
                raise registry.fault(
                    stage.transform, f"{message} {described(result)}", stage.pointer
                )
            found = np.asarray(result).dtype
            if found.kind not in NUMBERS:
                message = f"apply must return numbers; it returned an array of dtype {found}"
                raise registry.fault(stage.transform, message, stage.pointer)
            changed[stage.on] = result
        return changed

    def invert(self, name: str, array: Array) -> Array:
        """Back from what the network says of array ``name`` to the data's own units.

        Stops at the first transform (from the end) that cannot be undone.
        """
        for stage in reversed([stage for stage in self.stages if stage.on == name]):
            if not isinstance(stage.transform, Invertible):
                break
            with registry.blaming(stage.transform, "invert", stage.pointer):
                array = stage.transform.invert(copy(self._states[stage.label]), array)
        return array

    def state(self) -> dict[str, Array]:
        """What was learned, as named arrays."""
        return {
            f"{label}/{name}": array
            for label, state in self._states.items()
            for name, array in state.items()
        }

    def load_state(self, arrays: Mapping[str, Array]) -> None:
        """Take back what `state` gave.

        Raises:
            CheckpointMismatchError: if an array belongs to no transform.
        """
        states: dict[str, State] = {stage.label: _Learned(stage.label) for stage in self.stages}
        for address, array in arrays.items():
            label, _, name = address.rpartition("/")
            if label not in states:
                raise CheckpointMismatchError(f"{address} belongs to no transform of the spec")
            states[label][name] = _read_only(array)
        self._states = states


def _read_only(array: Array) -> Array:
    """Return a view that cannot be written to: a state that changes in use depends on resumes."""
    view = array.view()
    view.flags.writeable = False
    return view


@contextmanager
def _naming(on: str, position: int) -> Iterator[None]:
    """Name the array and the transform in the spec when a transform refuses an array."""
    try:
        yield
    except LocatedError:
        raise
    except DataError as error:
        problem = Problem(f"the array {on!r}: {error}", _pointer(position))
        raise TransformError([problem]) from error


def _result(transform: Transform, field: Field, position: int) -> Field:
    """What an array holds after a transform."""
    with registry.blaming(transform, "describe", _pointer(position)):
        result = transform.describe(field)
    if not isinstance(result, Field):
        message = f"describe must return a Field; it returned {described(result)}"
        raise registry.fault(transform, message, _pointer(position))
    if problem := field_problem(result):
        message = f"describe must return a Field that a checkpoint can hold: {problem}"
        raise registry.fault(transform, message, _pointer(position))
    return result
