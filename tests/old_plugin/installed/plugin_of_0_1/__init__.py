"""A plugin of every kind, written for tinynet 0.1.0."""
# ruff: noqa
# fmt: off

import math

import numpy as np
from pydantic import Field as Option

from tinynet.dataset import Batch, DatasetConfig, Field
from tinynet.errors import DataError, ShapeError
from tinynet.initializer import InitializerConfig
from tinynet.layer import InitializerReference, LayerConfig
from tinynet.loss import LossConfig
from tinynet.metric import MetricConfig
from tinynet.optimizer import OptimizerConfig
from tinynet.schedule import ScheduleConfig
from tinynet.targets import first_bad, match_targets
from tinynet.transform import TransformConfig


class CentredDense:
    """y = (x - running_mean) @ weight + bias.  (N, I) -> (N, units)."""

    class Config(LayerConfig):
        units: int = Option(ge=1, description="Size of the output.")
        weight_initializer: InitializerReference = Option(
            default=InitializerReference(type="glorot_uniform"),
            description="How `weight` is filled at first.",
        )

    def __init__(self, config, in_shapes, build):
        (in_shape,) = in_shapes
        if len(in_shape) != 1:
            raise ShapeError(f"centred_dense needs an input of shape (features,); it got {in_shape}")
        self.out_shape = (config.units,)
        self.params = {
            "weight": build.param("weight", (*in_shape, config.units), config.weight_initializer),
            "bias": build.param("bias", (config.units,), lambda rng, shape, *_: np.zeros(shape)),
        }
        self.buffers = {
            "running_mean": build.buffer("running_mean", in_shape, lambda rng, shape, *_: np.zeros(shape))
        }

    def forward(self, ctx, x):
        centred = x - self.buffers["running_mean"]
        y = centred @ self.params["weight"] + self.params["bias"]
        return y, (centred, x.mean(axis=0))

    def backward(self, ctx, cache, dy):
        centred, _ = cache
        grads = {"weight": centred.T @ dy, "bias": dy.sum(axis=0)}
        return (dy @ self.params["weight"].T,), grads

    def commit(self, cache):
        _, mean = cache
        running = self.buffers["running_mean"]
        running += 0.1 * (mean - running)


class GaussianNoise:
    """Adds noise in training.  (N, ...) -> (N, ...)."""

    per_sample = True

    class Config(LayerConfig):
        stddev: float = Option(default=0.1, ge=0, description="Standard deviation of the noise.")

    def __init__(self, config, in_shapes, build):
        (self.out_shape,) = in_shapes
        self.params = {}
        self._stddev = config.stddev

    def forward(self, ctx, x):
        if not ctx.training:
            return x, None
        y = ctx.empty(x.shape, x.dtype)
        y[...] = ctx.rng.standard_normal(x.shape, dtype=np.float32)
        y *= self._stddev
        y += x
        return y, None

    def backward(self, ctx, cache, dy):
        return (dy if ctx.needs_input() else None,), {}

    def cost(self):
        size = math.prod(self.out_shape)
        return 2 * size, 4 * size


class LogCosh:
    """Mean over a sample's elements of log(cosh(output - target))."""

    per_sample = True

    class Config(LossConfig):
        pass

    def __init__(self, config):
        pass

    def forward(self, ctx, outputs, targets, weights=None):
        residual = outputs - match_targets(outputs, targets).astype(outputs.dtype, copy=False)
        size = np.abs(residual)
        losses = size + np.log1p(np.exp(-2 * size)) - math.log(2)
        scale = np.ones(len(outputs), outputs.dtype) if weights is None else weights
        scale = scale.astype(outputs.dtype).reshape(-1, *[1] * (outputs.ndim - 1))
        scale = scale / math.prod(outputs.shape[1:])
        return float((losses * scale).sum(dtype=np.float64)), np.tanh(residual) * scale

    def backward(self, ctx, cache):
        return cache

    def predict(self, outputs):
        return outputs

    def check_shapes(self, out_shape, target_shape):
        if out_shape not in (target_shape, (*target_shape, 1)):
            raise ShapeError(f"log_cosh: outputs are {out_shape} and targets {target_shape}")

    def bad_target(self, out_shape, targets):
        return first_bad(targets, np.isfinite(targets), "a finite number")


class Adagrad:
    """param -= rate * grad / (sqrt(sum of grad^2) + epsilon)."""

    class Config(OptimizerConfig):
        epsilon: float = Option(default=1e-8, gt=0, description="Added to the denominator.")

    def __init__(self, config):
        self._epsilon = config.epsilon

    def slots(self, param):
        return {"sum_of_squares": np.zeros_like(param)}

    def update(self, param, grad, slots, step, rate):
        slots["sum_of_squares"] += np.square(grad)
        param -= rate * grad / (np.sqrt(slots["sum_of_squares"]) + self._epsilon)


class InverseSqrt:
    """1 / sqrt(1 + step / decay_steps)."""

    class Config(ScheduleConfig):
        decay_steps: int = Option(default=100, ge=1, description="Steps after which 1 is 0.71.")

    def __init__(self, config):
        self._decay_steps = config.decay_steps

    def factor(self, step, total_steps):
        return 1 / math.sqrt(1 + step / self._decay_steps)


class Within:
    """Share of predictions within `tolerance` of their targets."""

    greater_is_better = True

    class Config(MetricConfig):
        tolerance: float = Option(default=0.1, gt=0, description="Largest error, in target units.")

    def __init__(self, config):
        self._tolerance = config.tolerance

    def start(self, out_shape):
        return {"hits": np.zeros((), np.int64), "count": np.zeros((), np.int64)}

    def update(self, state, predictions, targets):
        errors = np.abs(predictions - match_targets(predictions, targets))
        state["hits"] += np.count_nonzero(errors <= self._tolerance)
        state["count"] += errors.size

    def merge(self, state, other):
        for name in state:
            state[name] += other[name]

    def result(self, state):
        return float(state["hits"] / max(int(state["count"]), 1))


class LecunNormal:
    """Normal, of standard deviation sqrt(1 / fan_in)."""

    class Config(InitializerConfig):
        pass

    def __init__(self, config):
        pass

    def __call__(self, rng, shape, fan_in, fan_out, dtype):
        return rng.normal(0, math.sqrt(1 / fan_in), shape).astype(dtype)


class Waves:
    """x in [-2, 2]^features and the sum of sin(x)."""

    class Config(DatasetConfig):
        samples: int = Option(default=400, ge=1, description="How many samples.")
        features: int = Option(default=2, ge=1, description="How many features.")

    def __init__(self, config):
        if config.samples < 10:
            raise DataError(f"waves: {config.samples} samples are no waves; give at least 10")
        rng = np.random.default_rng(0)
        self._x = rng.uniform(-2, 2, (config.samples, config.features)).astype(np.float32)
        names = tuple(f"x{feature}" for feature in range(config.features))
        self.inputs = {"input": Field(shape=(config.features,), dtype="float32", names=names)}
        self.targets = {"target": Field(shape=(), dtype="float32")}
        self.fingerprint = f"waves {config.samples} {config.features}"

    def __len__(self):
        return len(self._x)

    def gather(self, indices):
        x = self._x[indices]
        y = np.sin(x).sum(axis=1)
        return Batch(inputs={"input": x}, targets={"target": y}, weights=None)

    def where(self, index):
        return f"waves, sample {index}"


class UnitPeak:
    """Divides by the largest absolute value of each feature in the training data."""

    class Config(TransformConfig):
        pass

    def __init__(self, config):
        pass

    def describe(self, field):
        return Field(field.shape, "float32", names=field.names)

    def fit(self, field, batches):
        peak = np.zeros(field.shape)
        for batch in batches:
            peak = np.maximum(peak, np.abs(batch).max(axis=0))
        return {"peak": np.where(peak > 0, peak, 1).astype(np.float32)}

    def apply(self, state, batch, rng, training):
        return batch.astype(np.float32) / state["peak"]

    def invert(self, state, batch):
        return batch * state["peak"].astype(batch.dtype)
