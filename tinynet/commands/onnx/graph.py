"""Construction of an ONNX graph; see `tinynet.layer.onnx_graph.OnnxGraph` for its methods.

Types and shapes of values are inferred by ONNX when an operator is added, so that an operator that
cannot take its inputs is reported for the layer that added it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, DTypeLike
from onnx import checker, defs, helper, numpy_helper, shape_inference

from tinynet.engine.node import Node
from tinynet.errors import PluginError, Problem
from tinynet.types import Array, Shape

OPSET = 17
"""The version of ONNX's operators: of 2022, so that runtimes of the years since can run it."""

IR_VERSION = 8
"""The version of the file format that came with this opset."""

BATCH = "N"
"""The name of the batch axis."""

MAX_SHAPE_DATA = 64
"""The most elements of a constant that shape inference is given: shapes, axes, pads."""


class GraphBuilder:
    """An ONNX graph under construction.

    Attributes:
        dtype: The dtype in which the model computes.
        operators: The operators, in topological order.
        arrays: The constants and parameters by name.
        inputs: The names of the graph's inputs.
    """

    def __init__(self) -> None:
        self.dtype: np.dtype[Any] = np.dtype(np.float32)
        self.operators: list[Any] = []
        self.arrays: dict[str, Array] = {}
        self.inputs: list[str] = []
        self._types: dict[str, Any] = {}
        self._stored: dict[tuple[Any, ...], str] = {}
        self._scope = "model"
        self._layer: Node | None = None
        self._context = checker.C.CheckerContext()
        self._context.ir_version = IR_VERSION
        self._context.opset_imports = {"": OPSET}

    @contextmanager
    def scope(self, name: str, layer: Node | None = None) -> Iterator[None]:
        """Name the operators that are added after something, and take parameters from a layer."""
        before = self._scope, self._layer
        self._scope, self._layer = name, layer
        try:
            yield
        finally:
            self._scope, self._layer = before

    def input(self, name: str, shape: Shape, dtype: DTypeLike) -> str:
        """Add an input of the graph, (N, *shape), and return its name."""
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self._types[name] = helper.make_tensor_type_proto(kind, [BATCH, *shape])
        self.inputs.append(name)
        return name

    def __contains__(self, name: object) -> bool:
        return name in self._types

    # The interface of layers --------------------------------------------------------------------

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator with one output."""
        (output,) = self.nodes(op, *inputs, outputs=1, **attributes)
        return output

    def nodes(self, op: str, *inputs: str, outputs: int, **attributes: Any) -> tuple[str, ...]:
        """Add an operator with several outputs."""
        if unknown := [name for name in inputs if name and name not in self._types]:
            raise self._error(f"{op} reads {unknown[0]!r}, which is not a value of the graph")
        base = self._unique(f"{self._scope}/{op}")
        names = (base, *(self._unique(f"{base}:{n}") for n in range(1, outputs)))
        try:
            made = helper.make_node(op, inputs, names, name=base, **_plain(attributes))
            checker.check_node(made, self._context)
            types = self._inferred(made)
        except (checker.ValidationError, shape_inference.InferenceError, *_FAULTS) as error:
            reason = " ".join(str(error).split())
            shapes = ", ".join(self._described(name) for name in inputs if name)
            raise self._error(f"the operator {op} cannot take {shapes}: {reason}") from error
        for name in names:
            self._types[name] = types.get(name) or onnx.TypeProto()
        self.operators.append(made)
        return names

    def constant(self, values: ArrayLike, name: str = "", dtype: DTypeLike | None = None) -> str:
        """Return the name of a constant array."""
        label = f"{self._scope}/{name}" if name else f"{self._scope}/constant"
        array = np.asarray(values)
        array = self._converted(array) if dtype is None else array.astype(dtype)
        return self._store(label, array)

    def param(self, name: str, values: Array | None = None) -> str:
        """Return the name of an array of the layer."""
        if self._layer is None:
            raise self._error(f"param({name!r}) is for layers: there is none here")
        layer = self._layer.layer
        own = {**getattr(layer, "buffers", {}), **layer.params}
        if name not in own:
            raise self._error(f"the layer has no array {name!r}; available: {', '.join(own)}")
        tied = self._layer.tied.get(name)
        address = self._layer.address(name)
        if tied is not None and tied.transposed and values is None:
            stored = self._store(address, self._converted(tied.array))
            return self.node("Transpose", stored, perm=list(range(tied.array.ndim))[::-1])
        return self._store(address, self._converted(own[name] if values is None else values))

    def shape_of(self, x: str) -> Shape:
        """Return the shape of a sample of a value."""
        shape = self.full_shape_of(x)
        if shape is None or None in shape[1:]:
            raise self._error(f"the shape of {x!r} is not known before the model runs")
        return tuple(size for size in shape[1:] if size is not None)

    def full_shape_of(self, x: str) -> tuple[int | None, ...] | None:
        """Return the shape of a value with its batch axis; None for sizes that are not known."""
        tensor = self._types[x].tensor_type
        if not tensor.HasField("shape"):
            return None
        return tuple(d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim)

    def known_shape(self, x: str) -> tuple[int | None, ...] | None:
        """Return the shape of a value with its batch axis; None if there is no such value."""
        return self.full_shape_of(x) if x in self._types else None

    def dtype_of(self, x: str) -> np.dtype[Any]:
        """Return the dtype of a value."""
        kind = self._types[x].tensor_type.elem_type
        if kind == onnx.TensorProto.STRING:
            return np.dtype(np.str_)
        dtype: np.dtype[Any] = helper.tensor_dtype_to_np_dtype(kind)
        return dtype

    def cast(self, x: str, dtype: DTypeLike) -> str:
        """Convert a value to a dtype."""
        dtype = np.dtype(dtype)
        if self.dtype_of(x) == dtype:
            return x
        return self.node("Cast", x, to=helper.np_dtype_to_tensor_dtype(dtype))

    def reshape(self, x: str, shape: Sequence[int]) -> str:
        """Change the shape of each sample."""
        known = self.full_shape_of(x)
        if known is not None and known[1:] == tuple(shape):
            return x
        return self.node("Reshape", x, self.constant(np.array([0, *shape], np.int64)))

    def transpose(self, x: str, axes: Sequence[int]) -> str:
        """Reorder the axes of each sample."""
        order = [0, *(axis + 1 for axis in axes)]
        return x if order == sorted(order) else self.node("Transpose", x, perm=order)

    def channels_first(self, x: str) -> str:
        """Move the last axis to the front of a sample."""
        rank = len(self.full_shape_of(x) or ()) - 1
        return self.transpose(x, (rank - 1, *range(rank - 1)))

    def channels_last(self, x: str) -> str:
        """Move the first axis of a sample to its end."""
        rank = len(self.full_shape_of(x) or ()) - 1
        return self.transpose(x, (*range(1, rank), 0))

    def full(self, x: str, shape: Sequence[int], value: float) -> str:
        """Return an array (N, *shape) of one value, where N is the batch size of x."""
        size = self.node("Shape", x, start=0, end=1)
        if shape:
            size = self.node("Concat", size, self.constant(np.array(shape, np.int64)), axis=0)
        filled = self.node("ConstantOfShape", size, value=np.array([value], self.dtype))
        # Shape inference does not know the sizes; a reshape states them.
        return self.reshape(filled, shape)

    # Values -------------------------------------------------------------------------------------

    def type_of(self, x: str) -> Any:
        """Return ONNX's description of a value."""
        return self._types[x]

    def _inferred(self, made: Any) -> Mapping[str, Any]:
        """Return the types of an operator's outputs by name."""
        names = [name for name in made.input if name]
        data = {
            name: numpy_helper.from_array(self.arrays[name], name)
            for name in names
            if name in self.arrays and self.arrays[name].size <= MAX_SHAPE_DATA
        }
        found: Mapping[str, Any] = shape_inference.infer_node_outputs(
            defs.get_schema(made.op_type, OPSET, ""),
            made,
            {name: self._types[name] for name in names},
            data,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
        )
        return found

    def _converted(self, array: Array) -> Array:
        """Return an array in the dtype in which the graph has it."""
        if array.dtype.kind == "f":
            with np.errstate(over="ignore"):
                array = array.astype(self.dtype)
        elif array.dtype.kind in "iu":
            array = array.astype(np.int64)
        return np.ascontiguousarray(array).reshape(array.shape)

    def _store(self, label: str, array: Array) -> str:
        is_text = array.dtype.kind in "UO"
        content = tuple(array.ravel().tolist()) if is_text else array.tobytes()
        # Parameters keep their addresses, also if two of them are equal.
        own = "" if label.endswith("/constant") else label
        key = (array.dtype.str, array.shape, content, own)
        if key not in self._stored:
            name = self._unique(label)
            self._stored[key] = name
            self.arrays[name] = array
            kind = onnx.TensorProto.STRING
            if not is_text:
                kind = helper.np_dtype_to_tensor_dtype(array.dtype)
            self._types[name] = helper.make_tensor_type_proto(kind, array.shape)
        return self._stored[key]

    def _unique(self, name: str) -> str:
        """Return a name that no value has."""
        made, number = name, 1
        while made in self._types:
            number += 1
            made = f"{name}_{number}"
        return made

    def _described(self, name: str) -> str:
        sizes = self.full_shape_of(name)
        if sizes is None:
            return f"{name!r}"
        known = ", ".join(BATCH if size is None else str(size) for size in sizes)
        return f"{self.dtype_of(name).name} of shape ({known})"

    def _error(self, message: str) -> PluginError:
        """Return an error that names the layer at work."""
        if self._layer is None:
            return PluginError([Problem(f"{self._scope}: {message}")])
        return PluginError(
            [Problem(f"{self._layer}: to_onnx failed: {message}", self._layer.pointer)]
        )


_FAULTS = (defs.SchemaError, TypeError, ValueError)
"""Errors of onnx for an unknown operator, or attributes of a wrong type."""


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes in the types that onnx takes: arrays as tensors, NumPy's numbers as own."""
    plain: dict[str, Any] = {}
    for name, value in attributes.items():
        if isinstance(value, np.ndarray):
            plain[name] = numpy_helper.from_array(value)
        elif isinstance(value, np.generic):
            plain[name] = value.item()
        elif isinstance(value, tuple | list):
            plain[name] = [v.item() if isinstance(v, np.generic) else v for v in value]
        else:
            plain[name] = value
    return plain
