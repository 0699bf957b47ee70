"""The conformance kit for optimizers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinynet.kernels.random import derive
from tinynet.optimizer import OptimizerConfig
from tinynet.testing.arrays import (
    Arrays,
    dtype_names,
    owned,
    read_only,
    require_array,
    require_close,
    require_finite,
    require_same_bits,
)
from tinynet.testing.checks import Check, CheckFailed, checks_of, require, run_all
from tinynet.testing.configs import Options, make_config, require_config
from tinynet.testing.saving import require_storable, saved_and_loaded
from tinynet.testing.state import require_unchanged, snapshots
from tinynet.types import Array, Shape

RATE = 0.01


@dataclass(frozen=True)
class OptimizerCase:
    """The subject of `check_optimizer`; its attributes are that function's arguments."""

    optimizer_class: type[Any]
    options: Options
    shape: Shape
    dtypes: tuple[str, ...]
    seed: int

    @property
    def is_elementwise(self) -> bool:
        return bool(getattr(self.optimizer_class, "elementwise", True))

    def new(self) -> Any:
        return self.optimizer_class(make_config(self.optimizer_class, self.options))

    def param(self, dtype: DTypeLike = "float64") -> Array:
        values = derive("param", self.seed).uniform(-1.0, 1.0, self.shape)
        return owned(values.astype(dtype))

    def gradient(self, step: int, dtype: DTypeLike = "float64") -> Array:
        values = derive("gradient", self.seed, step).standard_normal(self.shape)
        return owned(values.astype(dtype))

    def after(self, steps: int, rate: float = RATE) -> Arrays:
        """Return parameter and slots after some steps."""
        optimizer, param = self.new(), self.param()
        slots = optimizer.slots(param)
        for step in range(1, steps + 1):
            optimizer.update(param, self.gradient(step), slots, step, rate)
        return {"the parameter": param, **slots}


def config(case: OptimizerCase) -> None:
    """Options are validated, described, frozen, and none has a name that specs reserve."""
    require_config(case.optimizer_class, case.options, OptimizerConfig)


def slots_like_param(case: OptimizerCase) -> None:
    """The state is a dict of arrays of the parameter's dtype, each its own memory.

    Those of an elementwise optimizer also have the parameter's shape.
    """
    for dtype in case.dtypes:
        param = case.param(dtype)
        slots = case.new().slots(param)
        require(isinstance(slots, dict), f"slots is a {type(slots).__name__}, not a dict")
        require_storable(slots, "slots", finite=True)
        for name, array in slots.items():
            shape = param.shape if case.is_elementwise else None
            require_array(array, f"the slot {name!r}", shape, dtype)
            others = [param, *(other for key, other in slots.items() if key != name)]
            shared = any(np.shares_memory(array, other) for other in others)
            require(not shared, f"the slot {name!r} shares memory with another array")


def update_in_place(case: OptimizerCase) -> None:
    """`update` changes the parameter and the slots in place, and nothing else."""
    for dtype in case.dtypes:
        optimizer, param = case.new(), case.param(dtype)
        slots = optimizer.slots(param)
        held, gradient = dict(slots), case.gradient(1, dtype)
        before = snapshots(optimizer=optimizer, gradient=gradient)
        optimizer.update(param, gradient, slots, 1, RATE)
        after = snapshots(optimizer=optimizer, gradient=gradient)
        require_unchanged(before, after, "update")
        require(
            slots.keys() == held.keys() and all(slots[name] is held[name] for name in held),
            "update replaces a slot instead of changing it in place",
        )
        require(
            param.tobytes() != case.param(dtype).tobytes(),
            f"in {dtype}, update leaves the parameter as it was",
        )
        try:
            optimizer.update(param, read_only(gradient), slots, 2, RATE)
        except ValueError as error:
            raise CheckFailed(f"update writes to a read-only gradient ({error})") from error


def elementwise(case: OptimizerCase) -> None:
    """An array updated in two pieces equals one updated as a whole, unless it says otherwise.

    An optimizer whose update uses the whole parameter has ``elementwise = False``.
    """
    if not case.is_elementwise:
        return
    whole, optimizer, param = case.after(3), case.new(), case.param()
    slots = optimizer.slots(param)
    flat = {name: array.reshape(-1) for name, array in slots.items()}
    for step in (1, 2, 3):
        gradient = case.gradient(step).reshape(-1)
        for piece in (slice(0, 4), slice(4, None)):
            cut = {name: array[piece] for name, array in flat.items()}
            optimizer.update(param.reshape(-1)[piece], gradient[piece], cut, step, RATE)
    require_close(whole, {"the parameter": param, **slots}, "updated in two pieces")


def resumable(case: OptimizerCase) -> None:
    """A new optimizer continues from saved slots with the same bits: it has no other state."""
    whole, first, param = case.after(6), case.new(), case.param()
    slots = first.slots(param)
    for step in (1, 2, 3):
        first.update(param, case.gradient(step), slots, step, RATE)
    slots, second = saved_and_loaded(slots), case.new()
    for step in (4, 5, 6):
        second.update(param, case.gradient(step), slots, step, RATE)
    require_same_bits(whole, {"the parameter": param, **slots}, "resumed after step 3")


def rate_of_zero(case: OptimizerCase) -> None:
    """A first step with a learning rate of 0 does not change the parameter."""
    still = {"the parameter": case.param()}
    moved = {"the parameter": case.after(1, rate=0.0)["the parameter"]}
    require_same_bits(still, moved, "after a first step of rate 0")


def zero_gradient(case: OptimizerCase) -> None:
    """Gradients of 0 cause no division by 0."""
    for dtype in case.dtypes:
        optimizer, param = case.new(), case.param(dtype)
        slots = optimizer.slots(param)
        for step in (1, 2):
            optimizer.update(param, np.zeros_like(param), slots, step, RATE)
        require_finite({"the parameter": param, **slots}, f"in {dtype}, after gradients of 0")


def descent(case: OptimizerCase) -> None:
    """A hundred steps on |x|^2 / 2, whose gradient is x, decrease it."""
    optimizer, param = case.new(), case.param()
    slots, start = optimizer.slots(param), float(np.sum(param**2)) / 2
    for step in range(1, 101):
        optimizer.update(param, param.copy(), slots, step, RATE)
    end = float(np.sum(param**2)) / 2
    require(end < start, f"100 steps on |x|^2 / 2 lead from {start:.6g} up to {end:.6g}")


OPTIMIZER_CHECKS = (
    config,
    slots_like_param,
    update_in_place,
    elementwise,
    resumable,
    rate_of_zero,
    zero_gradient,
    descent,
)


def optimizer_checks(
    optimizer_class: type[Any],
    options: Options,
    *,
    shape: Sequence[int] = (5, 3),
    dtypes: Sequence[str] = ("float32", "float64"),
    seed: int = 0,
) -> list[Check]:
    """Return the checks of one optimizer class with one config.

    Args:
        optimizer_class: The class.
        options: Its config, or its options as in a spec.
        shape: Shape of the updated parameter, of more than four elements.
        dtypes: The dtypes of parameters.
        seed: The seed of everything that the checks draw.

    Raises:
        UsageError: for ``dtypes`` that are a single string.
    """
    case = OptimizerCase(optimizer_class, options, tuple(shape), dtype_names(dtypes), seed)
    return checks_of(optimizer_class.__name__, case, OPTIMIZER_CHECKS)


def check_optimizer(optimizer_class: type[Any], options: Options, **kwargs: Any) -> None:
    """Run all of `optimizer_checks`, with the same arguments.

    Raises:
        CheckFailed: with one line for each finding.
    """
    run_all(optimizer_checks(optimizer_class, options, **kwargs))
