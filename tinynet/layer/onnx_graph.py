"""The interface by which layers, losses and transforms add operators to an ONNX model."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from tinynet.types import Array, Shape


class OnnxGraph(Protocol):
    """An ONNX graph under construction, of opset 17.

    Values are named by strings. Their arrays are those of tinynet: (N, *shape) with the batch axis
    first, and channels last. As everywhere, the shape and the axes of a sample do not include the
    batch axis, whose size is not known before the model runs. Attributes of ONNX operators, such as
    ``axis`` and ``perm``, count it.

    Attributes:
        dtype: The dtype in which the model computes: float32, in which every runtime has all
            operators. Layers get their inputs in it, except those with ``integer_inputs``.
    """

    dtype: np.dtype[Any]

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator with one output.

            y = graph.node("Softmax", x, axis=-1)

        Args:
            op: The operator's name, of ONNX's own domain.
            *inputs: Names of its inputs; ``""`` for an optional input that is left out.
            **attributes: Its attributes: numbers, strings, lists of them, or arrays.

        Returns:
            The name of the output.

        Raises:
            PluginError: if ONNX has no such operator, or it cannot take these inputs.
        """
        ...

    def nodes(self, op: str, *inputs: str, outputs: int, **attributes: Any) -> tuple[str, ...]:
        """Add an operator with several outputs, and return their names; see `node`."""
        ...

    def constant(self, values: ArrayLike, name: str = "", dtype: DTypeLike | None = None) -> str:
        """Return the name of a constant array, without a batch axis.

        Equal constants are stored once.

        Args:
            values: The numbers.
            name: A name for people who read the model; by default one is made.
            dtype: The dtype in which they are stored; by default `dtype` of the graph for
                floating-point numbers, and int64 for integers.
        """
        ...

    def param(self, name: str, values: Array | None = None) -> str:
        """Return the name of an array of the layer, stored under its address (``dense_1/weight``).

        Args:
            name: The name in the layer's ``params`` or ``buffers``.
            values: The array as the operator takes it, if its axes have another order or shape
                there; by default the layer's own.
        """
        ...

    def shape_of(self, x: str) -> Shape:
        """Return the shape of a sample of a value.

        Raises:
            PluginError: if it depends on the batch.
        """
        ...

    def dtype_of(self, x: str) -> np.dtype[Any]:
        """Return the dtype of a value."""
        ...

    def cast(self, x: str, dtype: DTypeLike) -> str:
        """Convert a value to a dtype; one that has it already is returned as it is."""
        ...

    def reshape(self, x: str, shape: Sequence[int]) -> str:
        """Change the shape of each sample; -1 stands for one size that follows."""
        ...

    def transpose(self, x: str, axes: Sequence[int]) -> str:
        """Reorder the axes of each sample: ``(2, 0, 1)`` turns (N, H, W, C) into (N, C, H, W)."""
        ...

    def channels_first(self, x: str) -> str:
        """Move the last axis to the front of a sample, as convolutions of ONNX take it."""
        ...

    def channels_last(self, x: str) -> str:
        """Move the first axis of a sample to its end: the opposite of `channels_first`.

        Transposes that cancel each other, between two convolutions, are removed from the model.
        """
        ...

    def full(self, x: str, shape: Sequence[int], value: float) -> str:
        """Return an array (N, *shape) of one value in `dtype`, where N is the batch size of x."""
        ...
