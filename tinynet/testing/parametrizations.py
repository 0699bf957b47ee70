"""The conformance kit for parametrizations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinynet.kernels.random import derive
from tinynet.parametrization import Iterated, ParametrizationConfig
from tinynet.testing.arrays import (
    Arrays,
    read_only,
    require_array,
    require_finite,
    require_same_bits,
    spread,
)
from tinynet.testing.checks import Check, CheckFailed, checks_of, require, run_all
from tinynet.testing.configs import Options, make_config, require_config
from tinynet.testing.gradients import require_gradients
from tinynet.testing.initializers import SHAPES
from tinynet.testing.state import no_global_randomness, require_unchanged, snapshots
from tinynet.types import Array, Shape

DTYPES = ("float32", "float64")


@dataclass(frozen=True)
class ParametrizationCase:
    """The subject of `check_parametrization`; its attributes are that function's arguments."""

    parametrization_class: type[Any]
    options: Options
    shapes: tuple[Shape, ...]
    seed: int

    @cached_property
    def parametrization(self) -> Any:
        return self.parametrization_class(make_config(self.parametrization_class, self.options))

    def initial(self, shape: Shape, dtype: DTypeLike = "float64") -> Array:
        """Return an initial value of a parameter, without equal numbers and zeros."""
        (value,) = spread(derive("param", self.seed, *shape), [shape], dtype)
        return value

    def start(self, shape: Shape, dtype: DTypeLike = "float64") -> tuple[Arrays, Arrays]:
        """Return the trained arrays and the buffers of an initial value."""
        params = self.parametrization.params_of(self.initial(shape, dtype))
        return params, self.buffers(params, shape)

    def buffers(self, params: Arrays, shape: Shape) -> Arrays:
        """Return the initial buffers; empty without an iteration."""
        if not isinstance(self.parametrization, Iterated):
            return {}
        rng = derive("buffers", self.seed, *shape)
        return self.parametrization.initial_buffers(params, rng)

    def gradients(self, params: Arrays, buffers: Arrays, dy: Array) -> Arrays:
        found: Arrays = self.parametrization.gradients(params, buffers, dy)
        return found


def config(case: ParametrizationCase) -> None:
    """Options are validated, described, frozen, and none has a name that specs reserve."""
    require_config(case.parametrization_class, case.options, ParametrizationConfig)


def arrays(case: ParametrizationCase) -> None:
    """All arrays have the declared names and shapes and the parameter's dtype, and are finite."""
    for shape in case.shapes:
        for dtype in DTYPES:
            when = f"for shape {shape} in {dtype}"
            params, buffers = case.start(shape, dtype)
            shapes = case.parametrization.shapes(shape)
            _require_arrays(params, shapes, dtype, f"{when}, params_of")
            if isinstance(case.parametrization, Iterated):
                buffer_shapes = case.parametrization.buffer_shapes(shape)
                _require_arrays(buffers, buffer_shapes, dtype, f"{when}, initial_buffers")
            value = case.parametrization.value(params, buffers)
            require_array(value, f"{when}, the value", shape, dtype)
            gradients = case.gradients(params, buffers, np.ones_like(value))
            _require_arrays(gradients, shapes, dtype, f"{when}, gradients")
            require_finite({"the value": value}, when)


def owned_arrays(case: ParametrizationCase) -> None:
    """The trained arrays and the buffers do not share memory with the initial value."""
    for shape in case.shapes:
        initial = case.initial(shape)
        params = case.parametrization.params_of(initial)
        for name, array in {**params, **case.buffers(params, shape)}.items():
            shared = np.shares_memory(array, initial)
            require(not shared, f"{name!r} shares memory with the parameter; return a copy")


def pure(case: ParametrizationCase) -> None:
    """The same arrays give the same bits, and nothing is changed."""
    for shape in case.shapes:
        with no_global_randomness("params_of"):
            params, buffers = case.start(shape)
        dy = case.initial(shape)
        before = snapshots(kind=case.parametrization, params=params, buffers=buffers, d_value=dy)
        with no_global_randomness("value"):
            first, second = (_results(case, params, buffers, dy) for _ in range(2))
        require_same_bits(first, second, f"computed again for shape {shape}")
        after = snapshots(kind=case.parametrization, params=params, buffers=buffers, d_value=dy)
        require_unchanged(before, after, "value or gradients")
        fixed, fixed_buffers = (
            {name: read_only(array) for name, array in some.items()} for some in (params, buffers)
        )
        try:
            _results(case, fixed, fixed_buffers, read_only(dy))
        except ValueError as error:
            raise CheckFailed(f"value or gradients fails for read-only arrays ({error})") from error


def gradients(case: ParametrizationCase) -> None:
    """The gradients are those of the value, by finite differences; buffers are constants."""
    for shape in case.shapes:
        params, buffers = case.start(shape)
        dy = case.initial(shape)
        point = {f"the array {name!r}": array for name, array in params.items()}
        found = case.gradients(params, buffers, dy)

        def evaluate(moved: Arrays, buffers: Arrays = buffers) -> Array:
            named = {name: moved[f"the array {name!r}"] for name in params}  # noqa: B023
            value: Array = case.parametrization.value(named, buffers)
            return value

        rng = derive("direction", case.seed, *shape)
        named = {f"the array {name!r}": found[name] for name in params}
        require_gradients(evaluate, point, named, dy, rng)


def iteration(case: ParametrizationCase) -> None:
    """`advance` changes buffers in place, and the same way each time; it changes nothing else."""
    if not isinstance(case.parametrization, Iterated):
        return
    for shape in case.shapes:
        params, buffers = case.start(shape)
        again = {name: array.copy() for name, array in buffers.items()}
        before = snapshots(kind=case.parametrization, params=params)
        with no_global_randomness("advance"):
            for some in (buffers, again):
                kept = dict(some)
                advance: Any = case.parametrization.advance
                returned = advance(params, some)
                require(returned is None, f"advance returns {returned!r:.80} instead of nothing")
                same = some.keys() == kept.keys() and all(some[n] is kept[n] for n in kept)
                require(same, "advance replaces an array; change it in place: buffer[...] = value")
        require_same_bits(buffers, again, f"advanced again for shape {shape}")
        require_unchanged(before, snapshots(kind=case.parametrization, params=params), "advance")
        require_finite(buffers, f"advanced for shape {shape}")


def _results(case: ParametrizationCase, params: Arrays, buffers: Arrays, dy: Array) -> Arrays:
    value = case.parametrization.value(params, buffers)
    found = case.gradients(params, buffers, dy)
    return {"the value": value, **{f"the gradient of {name!r}": a for name, a in found.items()}}


def _require_arrays(found: Any, shapes: Mapping[str, Shape], dtype: DTypeLike, method: str) -> None:
    names = sorted(found) if isinstance(found, Mapping) else f"a {type(found).__name__}"
    require(names == sorted(shapes), f"{method} returns {names} instead of {sorted(shapes)}")
    for name, shape in shapes.items():
        require_array(found[name], f"{method}: {name!r}", shape, dtype)
    require_finite({repr(name): array for name, array in found.items()}, method)


PARAMETRIZATION_CHECKS = (config, arrays, owned_arrays, pure, gradients, iteration)


def parametrization_checks(
    parametrization_class: type[Any],
    options: Options,
    *,
    shapes: Sequence[Shape] = SHAPES,
    seed: int = 0,
) -> list[Check]:
    """Return the checks of one parametrization class with one config.

    Args:
        parametrization_class: The class.
        options: Its config, or its options as in a spec.
        shapes: Shapes of parameters that it takes.
        seed: The seed of everything that the checks draw.
    """
    case = ParametrizationCase(parametrization_class, options, tuple(map(tuple, shapes)), seed)
    return checks_of(parametrization_class.__name__, case, PARAMETRIZATION_CHECKS)


def check_parametrization(
    parametrization_class: type[Any], options: Options, **kwargs: Any
) -> None:
    """Run all of `parametrization_checks`, with the same arguments.

    Raises:
        CheckFailed: with one line for each finding.
    """
    run_all(parametrization_checks(parametrization_class, options, **kwargs))
