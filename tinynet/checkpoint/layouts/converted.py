"""A tensor that is computed from arrays of a file in the layout of another framework."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tinynet.checkpoint.layouts.modules import Module
from tinynet.checkpoint.layouts.slots import ParamSource
from tinynet.checkpoint.layouts.steps import (
    Gates,
    Transpose,
    UnsuitableShapeError,
    require_norms,
    shape_after,
    value_after,
    with_norms,
)
from tinynet.checkpoint.tensor_layout import TensorLayout
from tinynet.files.array_header import ArrayHeader
from tinynet.types import Array, Shape

ARRAY = "array/"
"""The prefix of the arrays' names in their layouts, where those of a checkpoint have a group."""


_JOINS = {
    "sum": "added up",
    "stack": "one after the other",
    "norm": "the second with the norms of the first",
}


@dataclass(frozen=True)
class FileArray(TensorLayout):
    """An array of the file as it is.

    Attributes:
        module: The name of its module.
        separator: The character between the name of a module and that of an array.
    """

    module: str = ""
    separator: str = "."

    @property
    def pattern(self) -> str:
        """The pattern of all arrays of its module: ``features.0.*``."""
        own = f"{self.module}{self.separator}"
        return f"{own}*" if self.address.startswith(own) else self.address


@dataclass(frozen=True)
class Converted(FileArray):
    """A tensor that is computed from arrays of a module; its shape is that of the result.

    Attributes:
        arrays: The names of the arrays in the file.
        before: Their shapes in the file.
        source: The computation; None if the arrays' shapes do not allow it, and the tensor has the
            shape of the first array.
    """

    arrays: tuple[str, ...] = ()
    before: tuple[Shape, ...] = ()
    source: ParamSource | None = None

    @property
    def change(self) -> str:
        """The changes of the arrays in words; empty if there are none."""
        steps = [] if self.source is None else [str(step) for step in self.source.steps]
        if len(self.arrays) > 1 and self.source is not None:
            steps.append(_JOINS[self.source.join])
        return ", ".join(steps)

    @property
    def origin(self) -> str:
        """The names and shapes of the arrays, and their changes."""
        pairs = zip(self.arrays, self.before, strict=True)
        named = " and ".join(f"{name} {shape}" for name, shape in pairs)
        return f"{named}: {self.change}" if self.change else named

    @property
    def can_overlap(self) -> bool:
        """True if a part of the result follows from the same part of the source alone."""
        steps = () if self.source is None else self.source.steps
        if self.source is not None and self.source.join == "norm":
            return False
        simple = Transpose, Gates
        has_gates = any(isinstance(step, Gates) for step in steps)
        return not has_gates and all(isinstance(step, simple) for step in steps)

    def value(self, tensors: Mapping[str, Array]) -> Array:
        """Return the result from all arrays by name."""
        assert self.source is not None, "arrays of an unsuitable shape are not transferred"
        if self.source.join == "norm":
            norms, directions = (tensors[ARRAY + name] for name in self.arrays)
            return value_after(self.source.steps, with_norms(directions, norms))
        values = [value_after(self.source.steps, tensors[ARRAY + name]) for name in self.arrays]
        if len(values) == 1:
            return values[0]
        return sum(values[1:], values[0]) if self.source.join == "sum" else np.stack(values)


def file_array(
    module: str, name: str, headers: Mapping[str, ArrayHeader], separator: str
) -> FileArray:
    """Return an array of the file as it is."""
    header = headers[name]
    return FileArray(ARRAY + name, header.shape, header.dtype, False, module, separator)


def convert(
    source: ParamSource, module: Module, headers: Mapping[str, ArrayHeader], separator: str
) -> Converted:
    """Return the tensor that a source computes from arrays of a module, which has them all."""
    names = tuple(module.arrays[role] for role in source.roles)
    found = [headers[name] for name in names]
    computed: ParamSource | None = source
    try:
        if source.join == "norm":
            require_norms(found[0].shape, found[1].shape)
            found = found[1:]
        shapes = [shape_after(source.steps, header.shape) for header in found]
        if len(set(shapes)) > 1:
            raise UnsuitableShapeError
        shape = shapes[0] if source.join == "sum" or len(shapes) == 1 else (len(shapes), *shapes[0])
    except UnsuitableShapeError:
        computed, shape = None, found[0].shape
    dtype = next((h.dtype for h in found if h.dtype != found[0].dtype), found[0].dtype)
    return Converted(
        ARRAY + " and ".join(names),
        shape,
        dtype,
        False,
        module.name,
        separator,
        names,
        tuple(headers[name].shape for name in names),
        computed,
    )


def arrays_of(tensor: TensorLayout) -> tuple[str, ...]:
    """Return the names of the arrays of the file that a tensor is computed from."""
    return tensor.arrays if isinstance(tensor, Converted) else (tensor.address,)
