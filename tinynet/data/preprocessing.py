"""Preprocessing: the transforms of a spec, fitted to the training data."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace

import numpy as np

from tinynet import registry
from tinynet.archive.header import is_name
from tinynet.data.stages import NUMBERS_OF_TEXT, DeclaredStage, LoadedState, Stage, naming
from tinynet.dataset import TEXT, Field
from tinynet.engine.plugin_state import state_problem
from tinynet.engine.tensor_names import TRANSFORMS
from tinynet.errors import (
    CheckpointMismatchError,
    DataError,
    Problem,
    SpecError,
    TransformError,
)
from tinynet.spec.data_spec import TransformReference
from tinynet.text.wording import suggest
from tinynet.transform import FittedField, Invertible, State, Transform
from tinynet.types import Array

StageRandom = Callable[[Stage], Callable[[int], np.random.Generator]]
"""Return the random streams of the samples of a batch for a stage."""


def no_random(stage: Stage) -> Callable[[int], np.random.Generator]:
    """Return streams that raise an error: evaluation and prediction must be deterministic."""

    def refuse(index: int) -> np.random.Generator:
        raise DataError(
            "a transform used its random generator outside of training; use it only if"
            f" training is True (sample {index})"
        )

    return refuse


class Preprocessing:
    """All transforms in order, with their state; ``fields`` are those of the arrays after them.

    Some transforms describe their result in full only once they are fitted. The stages after such
    a transform are added then.
    """

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
        self._declared: list[DeclaredStage] = []
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
                self._declared.append(DeclaredStage(position, pointer, on, transform))
        self._add_stages()

    def _add_stages(self) -> None:
        """Add the stages whose fields are known: those up to the next that must be fitted."""
        for declared in self._declared[len(self.stages) :]:
            last = self.stages[-1] if self.stages else None
            if last is not None and last.position != declared.position and self._is_open(last):
                return
            field = self.fields[declared.on]
            declared.require_taken(field)
            result = declared.described("describe", field)
            place = declared.position, declared.pointer, declared.on
            self.stages.append(Stage(*place, declared.transform, field, result))
            self.fields[declared.on] = result

    def _is_open(self, stage: Stage) -> bool:
        """Return True if the result of a stage is not described in full yet."""
        return isinstance(stage.transform, FittedField) and stage.label not in self._states

    def fit(self, batches: Callable[[], Iterator[dict[str, Array]]]) -> None:
        """Fit the transforms in order; each call of ``batches`` iterates over the training data.

        Raises:
            TransformError: for an array that is text in the end.
        """
        for first, group in self._groups():
            stage, names = group[0], [stage.on for stage in group]
            with naming(names, stage.pointer), stage.errors("fit"):
                state = stage.transform.fit(stage.field, self._before(batches(), first, names))
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
            self._set_state(first, group, {name: _read_only(a) for name, a in state.items()})
        self._require_numbers()

    def _require_numbers(self) -> None:
        texts = [name for name, field in self.fields.items() if field.dtype == TEXT]
        if texts:
            problems = [
                Problem(
                    f"the array {name!r} is text, which a network cannot take; add"
                    f' {NUMBERS_OF_TEXT} with "on": {json.dumps(name)} to data.transforms, or leave'
                    " it out of the data",
                    "/data",
                )
                for name in texts
            ]
            raise TransformError(problems)

    def _groups(self) -> Iterator[tuple[int, list[Stage]]]:
        """Yield the stages of each state, with the index of the first of them.

        The state must be set before the next ones are requested.
        """
        first = 0
        while first < len(self.stages):
            label = self.stages[first].label
            group = [stage for stage in self.stages[first:] if stage.label == label]
            yield first, group
            first += len(group)

    def _set_state(self, first: int, group: Sequence[Stage], state: State) -> None:
        """Set the state of some stages, and add the stages that depend on it."""
        self._states[group[0].label] = state
        for index, stage in enumerate(group, first):
            if not isinstance(stage.transform, FittedField):
                continue
            result = stage.described("fitted_field", stage.field, copy(state))
            if result.dtype != stage.result.dtype:
                raise stage.error("fitted_field must return the dtype that describe returns")
            self.stages[index] = replace(stage, result=result)
            self.fields[stage.on] = result
        self._add_stages()

    def _before(
        self, batches: Iterable[dict[str, Array]], index: int, names: Sequence[str]
    ) -> Iterator[Array]:
        """Yield some arrays of each batch, one after the other, as they are before a stage."""
        for arrays in batches:
            for name in names:
                yield self.apply({name: arrays[name]}, before=index)[name]

    def apply(
        self,
        arrays: Mapping[str, Array],
        rng: StageRandom = no_random,
        *,
        training: bool = False,
        before: int | None = None,
    ) -> dict[str, Array]:
        """Return the arrays after their transforms, or after those ``before`` a stage."""
        changed = dict(arrays)
        for stage in self.stages[:before]:
            if stage.on in changed:
                state = self._states[stage.label]
                changed[stage.on] = stage.apply(state, changed[stage.on], rng(stage), training)
        return changed

    def invert(self, name: str, array: Array) -> Array:
        """Return values of the array ``name`` after its transforms in the data's units.

        The last transforms are inverted, up to the first that is not invertible.
        """
        for stage in reversed([stage for stage in self.stages if stage.on == name]):
            if not isinstance(stage.transform, Invertible):
                break
            with stage.errors("invert"):
                array = stage.transform.invert(copy(self._states[stage.label]), array)
        return array

    def classes(self, name: str) -> tuple[str, ...] | None:
        """Return the classes of the array ``name``: the last, before a transform or after; or None.

        An encoding, such as one-hot rows, has no classes of its own.
        """
        before = [stage.field for stage in self.stages if stage.on == name]
        fields = [self.fields[name], *reversed(before)]
        return next((field.classes for field in fields if field.classes is not None), None)

    def state_of(self, stage: Stage) -> State:
        """Return the state of a fitted stage."""
        return copy(self._states[stage.label])

    def state(self) -> dict[str, Array]:
        """Return the state of all transforms, as arrays by address."""
        return {
            f"{label}/{name}": array
            for label, state in self._states.items()
            for name, array in state.items()
        }

    def load_state(self, arrays: Mapping[str, Array]) -> None:
        """Load the arrays that `state` returned, or raise `CheckpointMismatchError`."""
        states = {declared.label: LoadedState(declared.label) for declared in self._declared}
        for address, array in arrays.items():
            label, _, name = address.rpartition("/")
            if label not in states:
                raise CheckpointMismatchError(f"{address} belongs to no transform of the spec")
            states[label][name] = _read_only(array)
        for first, group in self._groups():
            self._set_state(first, group, states[group[0].label])


def _read_only(array: Array) -> Array:
    """Return a read-only view: a state that `apply` changed would depend on when a run resumed."""
    view = array.view()
    view.flags.writeable = False
    return view
