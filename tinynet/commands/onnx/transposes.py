"""Removal of transposes between operators that all work channels first.

Each layer takes and returns channels last, so a convolution is surrounded by two transposes. Each
transpose is moved behind the operators that treat every element alike, until it meets its
opposite, or an operator that needs it.
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from onnx import helper

from tinynet.types import Array

ELEMENTWISE = frozenset(
    "Abs Add And Cast Ceil Celu Clip Cos Div Elu Equal Erf Exp Floor Greater GreaterOrEqual"
    " HardSigmoid HardSwish Identity LeakyRelu Less LessOrEqual Log Max Min Mul Neg Not Or PRelu"
    " Pow Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Softplus Softsign Sqrt Sub Tanh"
    " ThresholdedRelu Where Xor".split()
)
"""Operators that treat every element alike, and broadcast their inputs."""

OF_AN_AXIS = frozenset(("Concat", "LogSoftmax", "Softmax"))
"""Operators with an attribute ``axis``, which keep the order of the axes."""

Order: TypeAlias = tuple[int, ...]


class _Transposed(NamedTuple):
    """A value that is the transpose of another, not yet computed."""

    source: str
    order: Order


def without_transposes(
    operators: Iterable[Any],
    arrays: dict[str, Array],
    outputs: Collection[str],
    shape_of: Callable[[str], Sequence[int | None] | None],
) -> list[Any]:
    """Return operators that compute the same with fewer transposes.

    Args:
        operators: The operators, in topological order; they are not changed.
        arrays: The constants by name; transposed ones are added.
        outputs: The values that must be computed.
        shape_of: Returns the shape of a value with the batch axis; None if it is not known.
    """
    mover = _Mover(arrays, shape_of)
    for operator in operators:
        mover.add(operator)
    for name in outputs:
        mover.finish(name)
    return mover.made


class _Mover:
    """Operators in their new order, and the transposes that are still to be placed."""

    def __init__(
        self,
        arrays: dict[str, Array],
        shape_of: Callable[[str], Sequence[int | None] | None],
    ) -> None:
        self.made: list[Any] = []
        self._arrays = arrays
        self._shape_of = shape_of
        self._waiting: dict[str, _Transposed] = {}
        self._computed: set[str] = set()

    def add(self, operator: Any) -> None:
        if operator.op_type == "Transpose":
            self._add_transpose(operator)
            return
        order = self._common_order(operator)
        if order is None:
            inputs = [self._computed_name(name) for name in operator.input]
            self.made.append(_rewritten(operator, inputs, operator.output))
        else:
            self._move(operator, order)

    def finish(self, output: str) -> None:
        """Compute an output of the model under its own name."""
        source = self._computed_name(output)
        if source != output:
            self.made.append(helper.make_node("Identity", [source], [output], name=output))

    def _computed_name(self, name: str) -> str:
        """Return the name under which a value is computed; its transpose is placed if it waits."""
        if name not in self._waiting:
            return name
        source, order = self._waiting[name]
        if order == tuple(range(len(order))):
            return source
        if name not in self._computed:
            node = helper.make_node("Transpose", [source], [name], name=name, perm=order)
            self.made.append(node)
            self._computed.add(name)
        return name

    def _add_transpose(self, operator: Any) -> None:
        order = tuple(helper.get_attribute_value(operator.attribute[0]))
        (source,), (name,) = operator.input, operator.output
        if source in self._waiting:
            source, first = self._waiting[source]
            order = tuple(first[axis] for axis in order)
        self._waiting[name] = _Transposed(source, order)

    def _common_order(self, operator: Any) -> Order | None:
        """Return the order of axes of all inputs of an operator, if it can be moved before it."""
        waiting = [name for name in operator.input if name in self._waiting]
        orders = {self._waiting[name].order for name in waiting}
        if len(orders) != 1 or len(operator.output) != 1:
            return None
        (order,) = orders
        others = [name for name in operator.input if name and name not in self._waiting]
        if operator.op_type in ELEMENTWISE:
            largest = max(map(self._elements, waiting))
            fits = all(self._fits(name, order, largest) for name in others)
        elif operator.op_type in OF_AN_AXIS:
            # The default of an axis would name another one.
            fits = not others and any(a.name == "axis" for a in operator.attribute)
        else:
            fits = waiting == [operator.input[0]] and self._names_axes(operator)
        return order if fits else None

    def _names_axes(self, operator: Any) -> bool:
        """Return True if all axes that an operator names are known, for `_with_axes`."""
        _, *others = operator.input
        if any(name not in self._arrays for name in others):
            return False
        if operator.op_type == "Gather":
            indices = self._arrays[others[0]]
            return indices.ndim == 1 and any(a.name == "axis" for a in operator.attribute)
        if operator.op_type == "Slice":
            return len(others) > 2
        return operator.op_type in ("Pad", "Tile")

    def _fits(self, name: str, order: Order, largest: float) -> bool:
        """Return True if an input can be transposed where no transpose waits for it."""
        if name in self._arrays:
            return self._arrays[name].ndim <= len(order)
        # A small factor of each channel is transposed in place of the images that it scales.
        shape = self._shape_of(name)
        return shape is not None and len(shape) == len(order) and self._elements(name) < largest

    def _elements(self, name: str) -> float:
        """Return the number of elements of a sample; infinite if it is not known."""
        shape = self._shape_of(name)
        if shape is None or None in shape[1:]:
            return math.inf
        return math.prod(size or 1 for size in shape[1:])

    def _move(self, operator: Any, order: Order) -> None:
        """Add an operator that computes on the sources of its inputs, and wait with its output."""
        (name,) = operator.output
        if operator.op_type in ELEMENTWISE:
            inputs = [self._source(n, order) for n in operator.input]
        else:
            first = [self._waiting[n].source if n in self._waiting else n for n in operator.input]
            inputs = self._with_axes(operator.op_type, first, order)
        moved = _rewritten(operator, inputs, [f"{name}:source"])
        moved.name = moved.output[0]  # The transpose of the output will have the old name.
        for attribute in moved.attribute:
            if attribute.name == "axis":
                attribute.i = order[attribute.i]
        self.made.append(moved)
        self._waiting[name] = _Transposed(moved.output[0], order)

    def _source(self, name: str, order: Order) -> str:
        """Return the value that a transpose of this order turns into an input."""
        if not name or name in self._waiting:
            return name and self._waiting[name].source
        made = f"{name}:{''.join(map(str, order))}"
        array = self._arrays.get(name)
        if array is None:
            if made not in self._computed:
                back = np.argsort(order).tolist()
                self.made.append(helper.make_node("Transpose", [name], [made], made, perm=back))
                self._computed.add(made)
            return made
        if array.ndim == 0 or array.size == 1:
            return name
        full = array.reshape((1,) * (len(order) - array.ndim) + array.shape)
        self._arrays[made] = np.ascontiguousarray(full.transpose(np.argsort(order)))
        return made

    def _with_axes(self, op: str, inputs: list[str], order: Order) -> list[str]:
        """Return the inputs of an operator with its constants for the axes of its source."""
        if op in ("Pad", "Tile"):
            # Rows of one number for each axis: the elements before it, and those after.
            place, rows = 1, self._arrays[inputs[1]].reshape(-1, len(order))
            values = rows[:, np.argsort(order)].reshape(-1)
        elif op == "Slice":
            place, values = 3, np.array([order[axis] for axis in self._arrays[inputs[3]]])
        else:
            return inputs
        made = f"{inputs[place]}:axes{''.join(map(str, order))}"
        self._arrays[made] = values
        return [*inputs[:place], made, *inputs[place + 1 :]]


def _rewritten(operator: Any, inputs: Iterable[str], outputs: Iterable[str]) -> Any:
    """Return a copy of an operator with other inputs and outputs."""
    made = type(operator)()
    made.CopyFrom(operator)
    inputs, outputs = [*inputs], [*outputs]
    del made.input[:], made.output[:]
    made.input.extend(inputs)
    made.output.extend(outputs)
    return made


def needed_operators(operators: Iterable[Any], outputs: Collection[str]) -> list[Any]:
    """Return the operators that some values depend on, in the same order."""
    needed, kept = set(outputs), []
    for operator in reversed(list(operators)):
        if not needed.isdisjoint(operator.output):
            needed.update(operator.input)
            kept.append(operator)
    return kept[::-1]


def needed_arrays(operators: Iterable[Any], arrays: Mapping[str, Array]) -> Iterator[str]:
    """Yield the names of the constants that operators read, each once."""
    read = {name for operator in operators for name in operator.input}
    yield from (name for name in arrays if name in read)
