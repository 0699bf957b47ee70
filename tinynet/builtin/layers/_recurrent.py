"""The base of recurrent layers."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from tinynet.builtin.layers._merge_modes import divide, merge
from tinynet.builtin.layers._recurrent_config import RecurrentConfig, has_mask
from tinynet.builtin.layers._recurrent_onnx import (
    OnnxDirection,
    RecurrentOperator,
    flipped,
    merged,
)
from tinynet.initializer import Initializer
from tinynet.kernels import Recurrence, RecurrentGradients, RecurrentNeeds, States
from tinynet.layer import (
    Array,
    Build,
    Cache,
    Context,
    Gradients,
    InitializerReference,
    OnnxGraph,
    Shape,
    ShapeError,
)


class Run(NamedTuple):
    """A pass over the sequences in one direction.

    Attributes:
        call: The arguments of the kernel.
        y: The state after each step, (N, T, units).
        states: The states after the last step, (N, units) each.
        saved: The values that the kernel saved for its backward.
        factors: The factors of the input by dropout, (N, C); None without dropout.
    """

    call: Recurrence
    y: Array
    states: States
    saved: Any
    factors: Array | None


class Recurrent(ABC):
    """A layer that computes its states step by step, from the input and the states before.

    A subclass declares its name in a spec, its number of gates, the names of its states, and how
    many arrays (N, T, units) a pass keeps for `backward`.
    """

    family = "recurrent"
    example: ClassVar = {"units": 64}
    per_sample = True
    any_length = True
    several_positions = True
    min_shard = 32  # Each time step has Python overhead.
    spec_name: ClassVar[str]
    gates: ClassVar[int]
    state_names: ClassVar[tuple[str, ...]] = ("state",)
    kept_arrays: ClassVar[int]
    out_shapes: dict[str, Shape]  # With return_state only, as the next.
    final_outputs: tuple[str, ...]

    def __init__(self, config: RecurrentConfig, in_shapes: tuple[Shape, ...], build: Build) -> None:
        self._config = config
        self._prefixes = ("", "backward_") if config.bidirectional else ("",)
        states = tuple(prefix + name for prefix in self._prefixes for name in self.state_names)
        self._has_mask = has_mask(self.spec_name, config, states, in_shapes)
        self._steps, self._channels = in_shapes[0]
        self._dtype = build.dtype
        joined = config.bidirectional and config.merge_mode == "concat"
        width = config.units * (2 if joined else 1)
        self.out_shape: Shape = (self._steps, width) if config.return_sequences else (width,)
        if config.return_state:
            self.out_shapes = {"output": self.out_shape, **dict.fromkeys(states, (config.units,))}
            self.final_outputs = states
        self.params: dict[str, Array] = {}
        for prefix in self._prefixes:
            self._add_params(prefix, build)

    def _add_params(self, prefix: str, build: Build) -> None:
        config, columns = self._config, self.gates * self._config.units

        def add(name: str, shape: Shape, initializer: InitializerReference | Initializer) -> None:
            self.params[prefix + name] = build.param(prefix + name, shape, initializer)

        add("weight", (self._channels, columns), config.weight_initializer)
        add("recurrent_weight", (config.units, columns), config.recurrent_initializer)
        if config.use_bias:
            add("bias", self._bias_shape(), self._bias_initializer(build))

    def _bias_shape(self) -> Shape:
        return (self.gates * self._config.units,)

    def _bias_initializer(self, build: Build) -> InitializerReference | Initializer:
        return self._config.bias_initializer

    @abstractmethod
    def _forward(self, ctx: Context, call: Recurrence) -> tuple[Array, States, Any]:
        """Call the forward kernel."""

    @abstractmethod
    def _backward(
        self,
        ctx: Context,
        dy: Array | None,
        dstates: tuple[Array | None, ...],
        run: Run,
        needs: RecurrentNeeds,
    ) -> RecurrentGradients:
        """Call the backward kernel."""

    @abstractmethod
    def _onnx_operator(self) -> RecurrentOperator:
        """Return the operator of ONNX that computes one direction."""

    def forward(
        self, ctx: Context, x: Array, *others: Array
    ) -> tuple[Array | tuple[Array, ...], Cache]:
        mask, initial = (others[0], others[1:]) if self._has_mask else (None, others)
        if self._config.go_backwards:
            x, mask = x[:, ::-1], None if mask is None else mask[:, ::-1]
        if not initial:
            zeros = ctx.empty((len(x), self._config.units), x.dtype)
            zeros.fill(0)
            initial = (zeros,) * len(self._prefixes) * len(self.state_names)
        runs = [
            self._run(ctx, prefix, x, mask, self._of_direction(index, initial))
            for index, prefix in enumerate(self._prefixes)
        ]
        y = merge(ctx, self._config.merge_mode, self._parts(runs))
        cache = runs if ctx.keep else None
        if self._config.return_state:
            return (y, *(state for run in runs for state in run.states)), cache
        return y, cache

    def _run(self, ctx: Context, prefix: str, x: Array, mask: Array | None, initial: States) -> Run:
        factors = self._dropout_factors(ctx, self._config.dropout, x[:, 0])
        call = Recurrence(
            x=x if factors is None else _multiplied(ctx, x, factors),
            weight=self.params[f"{prefix}weight"],
            recurrent_weight=self.params[f"{prefix}recurrent_weight"],
            bias=self.params.get(f"{prefix}bias"),
            states=initial,
            mask=mask,
            state_factors=self._dropout_factors(ctx, self._config.recurrent_dropout, initial[0]),
            reverse=bool(prefix),
        )
        return Run(call, *self._forward(ctx, call), factors)

    def _dropout_factors(self, ctx: Context, rate: float, values: Array) -> Array | None:
        """Return the factors of one time step's values, (N, F), for all time steps."""
        if not ctx.training or rate == 0:
            return None
        uniform = ctx.empty(values.shape, np.float32)  # for any dtype: the same mask
        ctx.rng.random(dtype=np.float32, out=uniform)
        factors = np.greater_equal(uniform, rate, out=ctx.empty(values.shape, values.dtype))
        factors *= 1 / (1 - rate)
        return factors

    def backward(
        self, ctx: Context, cache: Cache, dy: Array | tuple[Array | None, ...]
    ) -> Gradients:
        runs: list[Run] = cache
        main, *last = dy if isinstance(dy, tuple) else (dy,)
        parts = divide(ctx, self._config.merge_mode, main, self._parts(runs))
        dx: Array | None = None
        dstates: list[Array] = []
        dparams: dict[str, Array] = {}
        for index, (prefix, run) in enumerate(zip(self._prefixes, runs, strict=True)):
            dlast = self._of_direction(index, last) or (None,) * len(self.state_names)
            dpart: Array | None = parts[index]
            if not self._config.return_sequences:
                dlast, dpart = (_sum(dpart, dlast[0]), *dlast[1:]), None
            gradients = self._backward(ctx, dpart, dlast, run, self._needs(ctx, prefix))
            if gradients.x is not None:
                # The kernel's own array, so it may be changed.
                part = gradients.x
                if run.factors is not None:
                    part *= run.factors[:, np.newaxis]
                dx = part if dx is None else np.add(dx, part, out=part)
            dstates += gradients.states
            dparams |= {
                prefix + name: gradient
                for name in ("weight", "recurrent_weight", "bias")
                if (gradient := getattr(gradients, name)) is not None
            }
        if dx is not None and self._config.go_backwards:
            dx = dx[:, ::-1]
        dmask: tuple[Array | None, ...] = ()
        if self._has_mask:
            dmask = (np.zeros_like(runs[0].call.mask) if ctx.needs_input(1) else None,)
        return (dx, *dmask, *(dstates if self._config.initial_state else ())), dparams

    def start_cache(self, samples: int, length: int) -> Cache:
        config = self._config
        if not config.return_sequences or config.bidirectional or config.go_backwards:
            raise ShapeError(
                f"{self.spec_name} computes one position at a time only if it goes forwards and"
                ' returns sequences: set "return_sequences" to true, and "bidirectional" and'
                ' "go_backwards" to false'
            )
        if config.initial_state:
            raise ShapeError(
                f"{self.spec_name} computes one position at a time only if it starts at zeros: set"
                ' "initial_state" to false'
            )
        return [np.zeros((samples, config.units), self._dtype) for _ in self.state_names]

    def forward_next(
        self, ctx: Context, cache: Cache, position: int, x: Array, *others: Array
    ) -> Array | tuple[Array]:
        run = self._run(ctx, "", x, others[0] if self._has_mask else None, tuple(cache))
        for state, new in zip(cache, run.states, strict=True):
            state[...] = new
        return (run.y,) if self._config.return_state else run.y

    def to_onnx(self, graph: OnnxGraph, x: str, *others: str) -> str | tuple[str, ...]:
        config = self._config
        mask, initial = (others[0], others[1:]) if self._has_mask else (None, others)
        if config.go_backwards:
            x, mask = flipped(graph, x), None if mask is None else flipped(graph, mask)
        if not initial:
            zeros = "" if mask is None else graph.full(x, (config.units,), 0.0)
            initial = (zeros,) * len(self._prefixes) * len(self.state_names)
        operator = self._onnx_operator()
        runs = [
            OnnxDirection(graph, operator, self.params, prefix, reverse=bool(prefix)).run(
                x, mask, self._of_direction(index, initial)
            )
            for index, prefix in enumerate(self._prefixes)
        ]
        parts = [y if config.return_sequences else states[0] for y, states in runs]
        y = merged(graph, config.merge_mode, parts)
        if config.return_state:
            return (y, *(state for _, states in runs for state in states))
        return y

    def _parts(self, runs: list[Run]) -> list[Array]:
        """Return the part of the output from each direction."""
        return [run.y if self._config.return_sequences else run.states[0] for run in runs]

    def _of_direction(self, index: int, states: Sequence[Any]) -> tuple[Any, ...]:
        """Return the states of one direction, of those of all directions."""
        count = len(self.state_names)
        return tuple(states[index * count : (index + 1) * count])

    def _needs(self, ctx: Context, prefix: str) -> RecurrentNeeds:
        return RecurrentNeeds(
            x=ctx.needs_input(),
            weight=ctx.needs_param(f"{prefix}weight"),
            recurrent_weight=ctx.needs_param(f"{prefix}recurrent_weight"),
            bias=self._config.use_bias and ctx.needs_param(f"{prefix}bias"),
        )

    def cost(self) -> tuple[int, int]:
        # Operations of the matrix products: what remains is small beside them.
        size = self._steps * self._config.units * len(self._prefixes)
        terms = self.gates * (self._channels + self._config.units)
        return 2 * terms * size, self.kept_arrays * size * self._dtype.itemsize


def _multiplied(ctx: Context, x: Array, factors: Array) -> Array:
    """(N, T, C) times (N, C), with time as the first axis in memory, as the NumPy kernels need."""
    swapped = x.swapaxes(0, 1)
    return np.multiply(swapped, factors, out=ctx.empty(swapped.shape, x.dtype)).swapaxes(0, 1)


def _sum(a: Array | None, b: Array | None) -> Array | None:
    if a is None or b is None:
        return b if a is None else a
    return a + b
