"""Data that a Python program passes, in place of those that a spec names."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tinynet.builtin.datasets.memory import Memory, MemoryArrays
from tinynet.config import Frozen, Reference
from tinynet.data.given_forms import MEMORY, TABLE, as_table, kind_of
from tinynet.dataset import Dataset
from tinynet.engine.inputs import own_name
from tinynet.errors import DataError, UsageError
from tinynet.spec.data_spec import DataSpec, SortedOrder
from tinynet.spec.graph import build_graph, is_input
from tinynet.spec.models import Spec
from tinynet.spec.reading import declared_part, load_recorded_spec
from tinynet.text.wording import format_list

WEIGHTS = "weights"
"""The name of the weights in a dict of arrays."""


@dataclass(frozen=True)
class GivenData:
    """Datasets that a Python program passes: arrays, or objects with the protocol `Dataset`.

    Attributes:
        parts: The passed values by the pointer to the dataset's place in the spec.
    """

    parts: Mapping[str, Any]

    @classmethod
    def of(cls, data: Any, validation: Any = None, test: Any = None) -> "GivenData | None":
        """Return the data that are passed for training, and for the splits with their own data.

        Raises:
            UsageError: for a split without training data.
        """
        if isinstance(data, GivenData):
            return data
        for name, part in (("data", data), ("validation", validation), ("test", test)):
            if isinstance(part, str | os.PathLike):
                raise UsageError(
                    f"{name}={os.fspath(part)!r} is a path, but samples in memory are expected; a"
                    ' spec names files: "data": {"type": "csv", "path": ...}'
                )
        if data is None:
            if validation is not None or test is not None:
                name = "test" if validation is None else "validation"
                raise UsageError(
                    f"{name}= needs data=: give the training samples, as in data=(x, y)"
                )
            return None
        parts = {"/data": data, "/data/validation": validation, "/data/test": test}
        return cls({pointer: part for pointer, part in parts.items() if part is not None})

    def in_spec(
        self,
        spec: Any,
        overrides: Mapping[str, Any] | None = None,
        recorded: Mapping[str, str] | None = None,
    ) -> Spec:
        """Return a spec, or the spec of a file or dict, whose data are passed.

        Their type becomes ``memory`` or, for tables, ``memory_table``. Splits and transforms stay,
        and so do those options of the dataset that the type has. Further data have the options of
        the training data.
        """
        folder = None
        if isinstance(spec, Spec):
            if not self._others(spec):
                return spec
            folder, spec = spec.folder, spec.resolved()
        kind, options = kind_of(self.parts["/data"], declared_target(spec, overrides or {}))
        changes = {"data.type": kind, **{f"data.{key}": v for key, v in options.items()}}
        filled = load_recorded_spec(spec, {**changes, **(overrides or {})}, recorded)
        assert filled.data is not None
        further = {
            pointer[1:].replace("/", "."): {"type": kind, **filled.data.options}
            for pointer in self.parts
            if pointer != "/data"
        }
        if further:
            changes |= further
            filled = load_recorded_spec(spec, {**changes, **(overrides or {})}, recorded)
        origin = replace(filled.origin, notes=())
        filled._origin = origin if folder is None else replace(origin, folder=folder)
        return filled

    def require_memory(self, spec: Spec) -> None:
        """Require that data are passed exactly where the spec of a run has a type for them.

        Raises:
            DataError: if some are missing.
            UsageError: for another type, which reads the data itself.
        """
        if others := self._others(spec):
            types = [f"{pointer[1:].replace('/', '.')} ({kind!r})" for pointer, kind in others]
            raise UsageError(
                f"the run was not trained on data that were passed: {format_list(types)} in its"
                " spec; leave out data=, validation= and test="
            )
        data = spec.data
        assert data is not None
        parts = {"/data": data, "/data/validation": data.validation, "/data/test": data.test}
        needed = [place for place, part in parts.items() if part is not None and is_given(part)]
        if missing := [_keyword(place) for place in needed if place not in self.parts]:
            again = ", ".join(f"{_keyword(place)}(x, y)" for place in needed)
            raise DataError(
                f"{format_list(missing)} must be passed again, since the run was trained with"
                f" {format_list([*map(_keyword, needed)])}: {again}"
            )

    def _others(self, spec: Spec) -> list[tuple[str, str | None]]:
        """Return place and type of each dataset that is passed, but has another type."""
        data = spec.data
        parts: dict[str, Reference | None] = {"/data": data}
        if data is not None:
            parts |= {"/data/validation": data.validation, "/data/test": data.test}
        types = {pointer: part.type for pointer, part in parts.items() if part is not None}
        given = {pointer for pointer, part in parts.items() if part is not None and is_given(part)}
        return [(pointer, types.get(pointer)) for pointer in self.parts if pointer not in given]

    def datasets(self, spec: Spec) -> "dict[str, GivenDataset]":
        """Return the passed datasets by the pointer to their place in the spec."""
        inputs = {
            own_name(source)
            for node in build_graph(spec.network)
            for source in node.inputs
            if is_input(source)
        }
        columns = () if spec.data is None else tuple(split_columns(spec.data) - _targets(spec))
        return {
            pointer: GivenDataset(value, tuple(inputs), columns)
            for pointer, value in self.parts.items()
        }


@dataclass(frozen=True)
class GivenDataset:
    """A passed dataset.

    Attributes:
        value: A dataset; a tuple (x, y) or (x, y, weights), each an array or a dict of arrays by
            name; a dict of all arrays; or the inputs alone.
        inputs: Names of the network's inputs.
        columns: Names of arrays that only group or sort the samples, unless they are all others.
    """

    value: Any
    inputs: tuple[str, ...]
    columns: tuple[str, ...] = ()

    def open(self, config: Frozen, pointer: str) -> Dataset:
        """Return the dataset, for the place at ``pointer`` in the spec.

        Raises:
            DataError: for values that cannot be used.
        """
        made: Any = self.value
        if not is_dataset(made):
            make = self._arrays_dataset if isinstance(config, Memory.Config) else self._table
            made = make(config, pointer[1:].partition("/")[2])
        dataset: Dataset = made
        return dataset

    def _arrays_dataset(self, config: Any, place: str) -> Any:
        return Memory(config, self.arrays(place))

    def _table(self, config: Any, place: str) -> Any:
        # Imported here: most data are no tables.
        from tinynet.builtin.datasets.memory_table import MemoryTable

        return MemoryTable(config, as_table(self.value, config.target))

    def arrays(self, place: str = "") -> MemoryArrays:
        """Return the arrays of a value that is no dataset."""
        value = self.value
        if isinstance(value, list) and len(value) in (2, 3) and hasattr(value[0], "shape"):
            raise DataError("the data are a list of arrays; give a tuple, as in data=(x, y)")
        if isinstance(value, Mapping):
            value = self._parted(value)
        elif not isinstance(value, tuple):
            value = (value, None)
        if len(value) not in (2, 3):
            raise DataError(
                f"the data are a tuple of {len(value)}; give (x, y), or (x, y, weights)"
            )
        x, y, weights = value if len(value) == 3 else (*value, None)
        columns: dict[str, Any] = {}
        single = self.inputs[0] if len(self.inputs) == 1 else "input"
        if not isinstance(x, Mapping):
            x = {single: x}
        if y is None:
            y = {}
        elif not isinstance(y, Mapping):
            y = {"target": y}
        elif isinstance(self.value, Mapping) and not {*y} <= {*self.columns}:
            columns = {name: y[name] for name in y if name in self.columns}
            y = {name: y[name] for name in y if name not in columns}
        return MemoryArrays(x, y, weights, place, columns)

    def _parted(self, arrays: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return inputs, targets and weights of a dict of all arrays."""
        if missing := [name for name in self.inputs if name not in arrays]:
            listed = format_list([repr(name) for name in missing])
            raise DataError(
                f"the data lack the network's input {listed}; the arrays passed are"
                f" {format_list([repr(name) for name in arrays])}; if they are the columns of a"
                ' table, name its target in the spec: "data": {"target": ...}'
            )
        targets = {n: a for n, a in arrays.items() if n not in self.inputs and n != WEIGHTS}
        weights = [] if WEIGHTS in self.inputs or WEIGHTS not in arrays else [arrays[WEIGHTS]]
        return ({name: arrays[name] for name in arrays if name in self.inputs}, targets, *weights)


def _keyword(pointer: str) -> str:
    return f"{pointer.rpartition('/')[2]}="


def split_columns(data: DataSpec) -> set[str]:
    """Return the names of the columns that group or sort the samples."""
    order = data.split.order
    named = (
        data.split.by,
        order.by if isinstance(order, SortedOrder) else None,
        data.windows.by if data.windows is not None else None,
    )
    return {name for name in named if name is not None}


def _targets(spec: Spec) -> set[str]:
    """Return the names of arrays that losses, transforms or windows use."""
    losses = spec.training.loss
    outputs = losses if isinstance(losses, Mapping) else {"": losses}
    assert spec.data is not None
    transformed = {name for transform in spec.data.transforms for name in transform.on}
    windows = spec.data.windows.targets if spec.data.windows is not None else None
    targets = {loss.target for loss in outputs.values() if loss.target is not None}
    return {*outputs, *targets, *transformed, *(windows or ())}


def is_given(reference: Reference) -> bool:
    """Return True for a part of a spec whose data a Python program passes."""
    return reference.type.removeprefix("tinynet-core:") in (MEMORY, TABLE)


def declared_target(spec: Any, overrides: Mapping[str, Any]) -> Any:
    """Return the target column that the spec of a file or dict names, or None."""
    data = declared_part(spec, "data")
    return overrides.get("data.target", data.get("target") if isinstance(data, Mapping) else None)


def is_dataset(value: Any) -> bool:
    """Return True for an object with the protocol `Dataset`."""
    parts = ("inputs", "targets", "fingerprint", "gather", "__len__")
    return all(hasattr(value, part) for part in parts)
