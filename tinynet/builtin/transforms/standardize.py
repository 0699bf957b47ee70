"""Features brought to mean 0 and standard deviation 1."""

import math
from collections.abc import Iterable

import numpy as np
from pydantic import Field as ConfigField

from tinynet.builtin.transforms._numbers import Numeric, RNGs, as_floats, floats_of, output_dtype
from tinynet.dataset import Field
from tinynet.errors import DataError
from tinynet.text.wording import format_list
from tinynet.transform import (
    OnnxGraph,
    State,
    TransformConfig,
)
from tinynet.types import Array


class Standardize(Numeric):
    """Mean 0 and variance 1 for each feature: y = (x - mean) / sqrt(variance + epsilon).

    (N, ..., F) -> (N, ..., F), float32; float64 stays float64. Mean and (biased) variance of a
    feature are over all samples and all axes but the last, merged batch by batch in float64: Chan,
    Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances",
    1979. A feature that never changes is centered only. One that is 0 or 1 by construction, such as
    a category of a table, stays as it is.

    State: ``mean`` and ``std``, (F,) each, float64.
    """

    spec_name = "standardize"

    class Config(TransformConfig):
        """Parameters of `standardize`."""

        epsilon: float = ConfigField(
            default=0.0,
            ge=0,
            description="Added to the variance, in squared units of the feature; keeps the noise of"
            " an almost constant feature small.",
        )

    def __init__(self, config: Config) -> None:
        self.epsilon = config.epsilon

    def fit(self, field: Field, batches: Iterable[Array]) -> State:
        moments = _Moments(_features(field.shape))
        with np.errstate(over="ignore", invalid="ignore"):
            for batch in batches:
                moments.add(batch.reshape(-1, moments.mean.size).astype(np.float64))
            std = np.sqrt(moments.squares / max(moments.count, 1) + self.epsilon)
        if not moments.count:
            raise DataError(
                "standardize has no training data to learn from; the training split is empty"
            )
        bad = ~(np.isfinite(moments.mean) & np.isfinite(std))
        if bad.any():
            names = dict(enumerate(field.names or ()))
            wrong = [f"{names.get(i, f'feature {i}')!r}" for i in map(int, np.flatnonzero(bad))]
            raise DataError(
                f"standardize cannot compute mean and deviation of {format_list(wrong)}: values"
                " there are not finite, or too large for their squares to be summed in float64;"
                " correct them"
            )
        # A spread that float32 cannot hold would divide by zero.
        std[(moments.low == moments.high) | (std < np.finfo(np.float32).tiny)] = 1.0
        if field.indicators is not None:
            flags = np.array(field.indicators)
            moments.mean[flags], std[flags] = 0.0, 1.0
        return {"mean": moments.mean, "std": std}

    def apply(self, state: State, batch: Array, rng: RNGs, training: bool) -> Array:
        features = _features(batch.shape[1:])
        if features != state["mean"].size:
            raise DataError(
                f"standardize was fitted on {state['mean'].size} features, but these samples have"
                f" {features}; give samples of the shape of the training data"
            )
        y = as_floats(batch)
        y -= state["mean"].astype(y.dtype)
        y /= state["std"].astype(y.dtype)
        return y.astype(output_dtype(batch.dtype), copy=False)

    def invert(self, state: State, batch: Array) -> Array:
        x: Array = batch * state["std"].astype(batch.dtype)
        x += state["mean"].astype(batch.dtype)
        return x

    def to_onnx(self, graph: OnnxGraph, state: State, field: Field, x: str) -> str:
        y = graph.cast(x, floats_of(field))
        dtype = graph.dtype_of(y)
        y = graph.node("Sub", y, graph.constant(state["mean"], "mean", dtype))
        y = graph.node("Div", y, graph.constant(state["std"], "std", dtype))
        return graph.cast(y, output_dtype(np.dtype(field.dtype)))

    def inverse_to_onnx(self, graph: OnnxGraph, state: State, x: str) -> str:
        y = graph.node("Mul", x, graph.constant(state["std"], "std"))
        return graph.node("Add", y, graph.constant(state["mean"], "mean"))


class _Moments:
    """Count, mean, sum of squared deviations and range of (F,) features, added up in parts."""

    def __init__(self, features: int) -> None:
        self.count = 0
        self.mean = np.zeros(features)
        self.squares = np.zeros(features)
        self.low = np.full(features, math.inf)
        self.high = np.full(features, -math.inf)

    def add(self, rows: Array) -> None:
        """Count in ``rows`` (R, F), float64."""
        if not len(rows):
            return
        mean = rows.mean(axis=0)
        delta = mean - self.mean
        total = self.count + len(rows)
        self.squares += np.square(rows - mean).sum(axis=0)
        self.squares += np.square(delta) * (self.count * len(rows) / total)
        self.mean += delta * (len(rows) / total)
        self.count = total
        np.minimum(self.low, rows.min(axis=0), out=self.low)
        np.maximum(self.high, rows.max(axis=0), out=self.high)


def _features(shape: tuple[int, ...]) -> int:
    return shape[-1] if shape else 1
