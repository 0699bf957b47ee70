"""A linear change that is known beforehand."""

from collections.abc import Iterable
from typing import ClassVar

import numpy as np
from pydantic import Field as ConfigField
from pydantic import field_validator
from pydantic_core import PydanticCustomError

from tinynet.builtin.transforms._numbers import Numeric, RNGs, as_floats, floats_of, output_dtype
from tinynet.dataset import Field
from tinynet.transform import (
    OnnxGraph,
    State,
    TransformConfig,
)
from tinynet.types import Array


class Scale(Numeric):
    """A factor and an offset: y = x * factor + offset.

    (N, ...) -> (N, ...), float32; float64 stays float64.

    A factor of 0.00392156862745098 (1 / 255) brings bytes into [0, 1].
    """

    example: ClassVar = {"factor": 0.0625}
    spec_name = "scale"

    class Config(TransformConfig):
        """Parameters of `scale`."""

        factor: float = ConfigField(default=1.0, description="Factor of every value.")
        offset: float = ConfigField(default=0.0, description="Number that is added afterwards.")

        @field_validator("factor")
        @classmethod
        def _not_zero(cls, factor: float) -> float:
            if factor == 0:
                raise PydanticCustomError("factor", "0 makes all values equal; use another factor")
            return factor

    def __init__(self, config: Config) -> None:
        self.factor = config.factor
        self.offset = config.offset

    def fit(self, field: Field, batches: Iterable[Array]) -> State:
        return {}

    def apply(self, state: State, batch: Array, rng: RNGs, training: bool) -> Array:
        y = as_floats(batch)
        y *= self.factor
        y += self.offset
        return y.astype(output_dtype(batch.dtype), copy=False)

    def invert(self, state: State, batch: Array) -> Array:
        return (batch - self.offset) / self.factor

    def to_onnx(self, graph: OnnxGraph, state: State, field: Field, x: str) -> str:
        y = graph.cast(x, floats_of(field))
        dtype = graph.dtype_of(y)
        y = graph.node("Mul", y, graph.constant(self.factor, dtype=dtype))
        y = graph.node("Add", y, graph.constant(self.offset, dtype=dtype))
        return graph.cast(y, output_dtype(np.dtype(field.dtype)))

    def inverse_to_onnx(self, graph: OnnxGraph, state: State, x: str) -> str:
        y = graph.node("Sub", x, graph.constant(self.offset))
        return graph.node("Div", y, graph.constant(self.factor))
