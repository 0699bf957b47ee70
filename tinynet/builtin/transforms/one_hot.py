"""Indices of classes as rows of zeros with a single one."""

from collections.abc import Iterable

import numpy as np
from pydantic import Field as ConfigField

from tinynet.builtin.transforms._numbers import RNGs
from tinynet.dataset import Field
from tinynet.errors import DataError
from tinynet.transform import (
    OnnxGraph,
    SampleError,
    State,
    TransformConfig,
)
from tinynet.types import Array


class OneHot:
    """One number for each class: y[..., k] = 1 where x[...] is k, else 0.

    (N, ...) integers -> (N, ..., classes) float32.

    State: ``num_classes``, (), int64.

    Raises:
        DataError: for an array that holds no integers, or a value outside [0, classes).
    """

    class Config(TransformConfig):
        """Parameters of `one_hot`."""

        num_classes: int | None = ConfigField(
            default=None,
            ge=1,
            description="Size of the new axis; by default the number of classes the dataset names.",
        )

    def __init__(self, config: Config) -> None:
        self.num_classes = config.num_classes

    def describe(self, field: Field) -> Field:
        return Field((*field.shape, self._count(field)), "float32", names=field.classes)

    def fit(self, field: Field, batches: Iterable[Array]) -> State:
        return {"num_classes": np.array(self._count(field))}

    def apply(self, state: State, batch: Array, rng: RNGs, training: bool) -> Array:
        count = int(state["num_classes"])
        bad = (batch < 0) | (batch >= count)
        if bad.any():
            position = np.argwhere(bad)[0]
            value = int(batch[tuple(position)])
            remedy = f'set "num_classes": {value + 1} or more' if value > 0 else "correct it"
            raise SampleError(
                int(position[0]),
                f"{value} is not one of the {count} classes of one_hot (0 to {count - 1});"
                f" {remedy}",
            )
        y = np.zeros((batch.size, count), np.float32)
        y[np.arange(batch.size), batch.reshape(-1)] = 1.0
        return y.reshape(*batch.shape, count)

    def _count(self, field: Field) -> int:
        if np.dtype(field.dtype).kind not in "iu":
            raise DataError(
                f"one_hot needs integers, but this array holds {field.dtype}; save it as integers,"
                ' or, for the target of a csv file, set "target_type": "class"'
            )
        named = len(field.classes or ())
        if self.num_classes is None and not named:
            raise DataError(
                "one_hot needs the number of classes, but the dataset names no classes; set"
                ' "num_classes"'
            )
        if self.num_classes is not None and self.num_classes < named:
            raise DataError(
                f'one_hot has "num_classes": {self.num_classes}, but the dataset has {named}'
                f' classes; set "num_classes": {named}, or leave it out'
            )
        return self.num_classes or named

    def to_onnx(self, graph: OnnxGraph, state: State, field: Field, x: str) -> str:
        indices = graph.reshape(graph.cast(x, np.int64), (*field.shape, 1))
        is_class = graph.node(
            "Equal", indices, graph.constant(np.arange(int(state["num_classes"])))
        )
        return graph.cast(is_class, np.float32)
