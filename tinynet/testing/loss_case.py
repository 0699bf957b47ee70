"""One loss class with one config: drawing the outputs of a network, and running a pass."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from tinynet.kernels.random import derive
from tinynet.layer.context import Context
from tinynet.testing.arrays import Arrays, dtype_names, is_float, owned, spread
from tinynet.testing.checks import require
from tinynet.testing.configs import Options, make_config
from tinynet.testing.stand_ins import StrictContext
from tinynet.types import Array, Shape

Outputs: TypeAlias = tuple[Array, ...]
"""The outputs of a network that a loss compares: one in most cases."""

SAMPLES = 6
"""Samples in a pass of a loss that has neither targets nor chosen outputs."""


@dataclass(frozen=True)
class LossCase:
    """The subject of `check_loss`.

    Attributes:
        loss_class: The class.
        options: Its config, or the options of one.
        out_shapes: Shape of one sample of each output.
        targets: Good targets, (N, *target_shape); None for a loss without.
        outputs: The outputs of every pass; None for any real numbers.
        constants: Numbers of the outputs that the loss takes for constants.
        dtypes: The dtypes that the loss computes in.
        seed: The seed of everything that the kit draws.
    """

    loss_class: type[Any]
    options: Options
    out_shapes: tuple[Shape, ...]
    targets: Array | None
    outputs: Outputs | None
    constants: frozenset[int]
    dtypes: tuple[str, ...]
    seed: int

    @cached_property
    def loss(self) -> Any:
        return self.loss_class(make_config(self.loss_class, self.options))

    @property
    def samples(self) -> int:
        """Number of samples in a pass."""
        if self.targets is not None:
            return len(self.targets)
        return SAMPLES if self.outputs is None else len(self.outputs[0])

    def passed(self, parts: Sequence[Any]) -> Any:
        """Return what the loss gets for one thing of each output: a tuple only for several."""
        return tuple(parts) if output_count(self.loss_class) > 1 else parts[0]

    def draw(self, dtype: DTypeLike = "float64", scale: float = 2.0) -> Outputs:
        """Return outputs of a network, (N, *out_shape) each."""
        if self.outputs is not None:
            return tuple(owned(output.astype(dtype)) for output in self.outputs)
        shapes = [(self.samples, *shape) for shape in self.out_shapes]
        return spread(derive("outputs", self.seed), shapes, dtype, scale)

    def drawn_targets(self, dtype: DTypeLike = "float64") -> Array | None:
        targets = self.targets
        if targets is None:
            return None
        return owned(targets.astype(dtype) if is_float(targets) else targets)

    def weights(self, dtype: DTypeLike = "float64") -> Array | None:
        """Return weights of the samples, one of them 0; None for a loss without weights."""
        if "weights" not in inspect.signature(self.loss.forward).parameters:
            return None
        weights = derive("weights", self.seed).uniform(0.5, 2.0, self.samples)
        weights[0] = 0.0
        return weights.astype(dtype)

    def forward(
        self, ctx: Context, outputs: Outputs, targets: Array | None, *weights: Array
    ) -> tuple[Any, Any]:
        """Return the value and the cache."""
        value, cache = self.loss.forward(ctx, self.passed(outputs), targets, *weights)
        return value, cache

    def backward(self, ctx: Context, cache: Any) -> Arrays:
        """Return the gradient of each output by its name in messages."""
        returned = self.loss.backward(ctx, cache)
        if output_count(self.loss_class) == 1:
            returned = (returned,)
        require(
            isinstance(returned, tuple) and len(returned) == len(self.gradient_names),
            f"backward must return a tuple of the gradients of {len(self.gradient_names)} outputs",
        )
        return dict(zip(self.gradient_names, returned, strict=True))

    @cached_property
    def output_names(self) -> tuple[str, ...]:
        """The name of each output in messages."""
        count = output_count(self.loss_class)
        return tuple(f"output {i}" for i in range(count)) if count > 1 else ("outputs",)

    @cached_property
    def gradient_names(self) -> tuple[str, ...]:
        """The name of the gradient of each output in messages."""
        if output_count(self.loss_class) == 1:
            return ("the gradient",)
        return tuple(f"the gradient of {name}" for name in self.output_names)

    def run(
        self,
        ctx: Context | None = None,
        *,
        outputs: Outputs | None = None,
        rows: slice = slice(None),
        weights: Array | None = None,
    ) -> Arrays:
        """Return the value and the gradients in float64, copied; of some rows only, if any."""
        outputs = tuple(output[rows] for output in (self.draw() if outputs is None else outputs))
        ctx = ctx or StrictContext(training=True)
        targets = self.drawn_targets()
        extra = () if weights is None else (weights[rows],)
        value, cache = self.forward(
            ctx, outputs, targets if targets is None else targets[rows], *extra
        )
        gradients = self.backward(ctx, cache)
        return {
            "the loss": np.array(value),
            **{name: np.array(gradient) for name, gradient in gradients.items()},
        }


def output_count(loss_class: type[Any]) -> int:
    """Return the number of outputs that a loss compares."""
    return int(getattr(loss_class, "output_count", 1))


def takes_target(loss_class: type[Any]) -> bool:
    """Return True if a loss compares its outputs with a target."""
    return bool(getattr(loss_class, "takes_target", True))


def loss_case(
    loss_class: type[Any],
    options: Options,
    out_shape: Sequence[Any],
    targets: Any,
    outputs: Any,
    constants: Sequence[int] = (),
    dtypes: Sequence[str] = ("float64",),
    seed: int = 0,
) -> LossCase:
    """Return the case of the arguments of `loss_checks`.

    Raises:
        UsageError: for ``dtypes`` that are a single string.
        ValueError: for arguments that do not fit the class.
    """
    count, name = output_count(loss_class), loss_class.__name__
    shapes = out_shape if count > 1 else (out_shape,)
    arrays = outputs if count > 1 or outputs is None else (outputs,)
    if len(shapes) != count or not all(map(_is_shape, shapes)):
        expected = (
            "the shape of its output" if count == 1 else f"a shape for each of {count} outputs"
        )
        raise ValueError(f"{name}: out_shape is {out_shape!r}; {expected} is expected")
    if arrays is not None and len(arrays) != count:
        raise ValueError(f"{name}: outputs has {len(arrays)} arrays; {count} are expected")
    if takes_target(loss_class) != (targets is not None):
        problem = "needs targets" if targets is None else "takes no target; pass None for targets"
        raise ValueError(f"{name} {problem}")
    return LossCase(
        loss_class,
        options,
        tuple(tuple(shape) for shape in shapes),
        None if targets is None else np.asarray(targets),
        None if arrays is None else tuple(np.asarray(array) for array in arrays),
        frozenset(constants),
        dtype_names(dtypes),
        seed,
    )


def _is_shape(value: Any) -> bool:
    return isinstance(value, Sequence) and all(isinstance(size, int | np.integer) for size in value)
