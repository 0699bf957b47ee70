"""Replay: the kernels of a pass are recorded once, and called again all at once.

A step on a small batch takes most of its time in Python, between the kernels. But in every step the
same kernels run with the same numbers, and on the same arrays if their memory is used again. So the
calls of one pass are recorded; later passes copy their input to where that pass had it, draw their
random numbers to where that pass had drawn its own, and make the recorded calls in a single one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np

from tinynet.kernels import Recording
from tinynet.kernels.memory import Workspace, aligned_empty
from tinynet.layer.context import Context
from tinynet.types import Array

T = TypeVar("T")

FIRST_PASSES = 2
"""Passes of each shape before one is recorded: shapes that come only once or twice never are."""

POISON = 0xFF
"""The value of each byte of a number that must be computed before it is used: NaN of any size."""

Gradients: TypeAlias = tuple[Array | None, dict[str, Array]]
"""The gradient of the input, and those of the parameters by name."""


class Computation(NamedTuple):
    """A function of arrays, with its gradients, that only calls kernels and makes views.

    Attributes:
        contexts: Returns the context of each layer in it, from that of the pass.
        forward: Computes the output and a cache, from these contexts and the inputs. The output is
            an array, or tuples and dicts of arrays.
        backward: Computes the gradients, from the cache and the gradient of the output; None for a
            function without.
        recording: Creates a recording of the kernels.
    """

    contexts: Callable[[Context], list[Context]]
    forward: Callable[..., tuple[Any, Any]]
    backward: Callable[[Any, Array], Gradients] | None
    recording: Callable[[], Recording]


@dataclass(frozen=True, eq=False)
class _Recorded:
    """A recorded pass in one direction.

    Attributes:
        calls: Its calls of kernels.
        inputs: The arrays that it read.
        results: The values that it returned, with the arrays that each replay fills again.
        random: The contexts of layers that drew random numbers.
    """

    calls: Recording
    inputs: tuple[Array, ...]
    results: Any
    random: tuple[Context, ...] = ()

    def replay(self, values: Iterable[Array], ctx: Context | None = None) -> None:
        """Compute the results for other inputs, in the pass of a context."""
        for array, value in zip(self.inputs, values, strict=True):
            array[...] = value
        for recorded in self.random:
            assert ctx is not None
            recorded.draw_again(ctx)
        self.calls.run()

    def output_of(self, value: Array) -> Array:
        """Return the output for another input; it is valid until the next replay."""
        (own,) = self.inputs
        own[...] = value
        self.calls.run()
        output: Array = self.results[0]
        return output


class Replay:
    """The passes of a computation over batches of one shape, one pass after another.

    The first passes are computed as usual. Then one is recorded, in memory of its own. In the next
    one, the results of a replay are compared with those of an ordinary pass: if a bit differs, the
    computation is not what it claims to be, and nothing is ever replayed.
    """

    def __init__(self, computation: Computation, *, keep: bool) -> None:
        """Prepare for the first pass.

        Args:
            computation: The computation.
            keep: True if each forward pass has a backward pass.
        """
        self._computation, self._keep = computation, keep
        self._passes_before = FIRST_PASSES
        self._ready = self._refused = False
        self._memory = Workspace()
        self._forward: _Recorded | None = None
        self._backward: _Recorded | None = None
        self._cache: Any = None  # of the last pass that was recorded or checked
        self._generation = -1

    @property
    def ready(self) -> bool:
        """True if passes are replayed from now on."""
        return self._ready and not self._refused

    @property
    def evaluation(self) -> Callable[[Array], Array] | None:
        """The replay of the forward for an input, if it is ready and draws no random numbers."""
        forward = self._forward
        return None if forward is None or forward.random or not self.ready else forward.output_of

    @property
    def recorded(self) -> list["_Recorded"]:
        """The passes that are recorded so far, of both directions."""
        return [each for each in (self._forward, self._backward) if each is not None]

    @property
    def arrays(self) -> list[Array]:
        """The arrays that it computes in."""
        return self._memory.arrays

    def cache_of(self, cache: Any) -> Any:
        """Return the cache of the computation itself, with the arrays as the pass has left them.

        Args:
            cache: The cache that `forward` returned in the last pass.
        """
        if cache is not self:
            return cache
        assert self._forward is not None
        return self._forward.results[1]

    def forward(self, ctx: Context, *inputs: Array) -> tuple[Any, Any]:
        """Return the output, and the cache for `backward`.

        Args:
            ctx: The context of the pass. The results are valid as long as arrays of its workspace.
            inputs: The inputs, of the same shapes and dtypes in every pass.
        """
        assert ctx.workspace is not None
        generation = ctx.workspace.generation
        # A second pass before the workspace is reset must leave the results of the first alone.
        again, self._generation = self._generation == generation, generation
        if self._refused:
            self._forward = self._backward = self._cache = None
        if again or self._refused or self._passes_before:
            self._passes_before = max(self._passes_before - 1, 0)
            return self._compute(ctx, inputs)
        if self._forward is None or (self._keep and self._backward is None):
            return self._record_forward(ctx, inputs)
        if not self._ready:
            return self._check_forward(self._forward, ctx, inputs)
        self._forward.replay(inputs, ctx)
        return self._forward.results[0], self

    def backward(self, cache: Any, dy: Array) -> Gradients:
        """Return the gradients of the input and the parameters.

        Args:
            cache: The cache that `forward` returned.
            dy: The gradient of the output.
        """
        if cache is self:
            assert self._backward is not None
            self._backward.replay((dy,))
            gradients: Gradients = self._backward.results
            return gradients
        if self._forward is None or cache is not self._cache:
            return self._gradients(cache, dy)
        if self._backward is None:
            return self._record_backward(cache, dy)
        return self._check_backward(self._backward, cache, dy)

    def _compute(self, ctx: Context, inputs: Iterable[Array]) -> tuple[Any, Any]:
        return self._computation.forward(self._computation.contexts(ctx), *inputs)

    def _gradients(self, cache: Any, dy: Array) -> Gradients:
        assert self._computation.backward is not None
        return self._computation.backward(cache, dy)

    def _record_forward(self, ctx: Context, inputs: Iterable[Array]) -> tuple[Any, Any]:
        assert ctx.workspace is not None
        ctx.workspace.forget()  # Passes of this shape do not need its arrays any more.
        self._memory, self._backward = Workspace(ctx.workspace.chunks), None
        contexts = self._computation.contexts(replace(ctx, workspace=self._memory))
        own = tuple(map(_copy, inputs))
        calls, results = self._record(lambda: self._computation.forward(contexts, *own))
        random = tuple([context for context in contexts if context.uniforms])
        self._forward, self._cache = _Recorded(calls, own, results, random), results[1]
        return results

    def _record_backward(self, cache: Any, dy: Array) -> Gradients:
        own = _copy(dy)
        calls, results = self._record(lambda: self._gradients(cache, own))
        self._backward = _Recorded(calls, (own,), results)
        return results

    def _record(self, compute: Callable[[], T]) -> tuple[Recording, T]:
        calls = self._computation.recording()
        # Twice, since an interrupt may come in the first `finally` clause.
        try:
            try:
                calls.start()
                results = compute()
            finally:
                calls.stop()
        finally:
            calls.stop()
        self._refused |= not calls.faithful
        return calls, results

    def _check_forward(
        self, recorded: _Recorded, ctx: Context, inputs: Iterable[Array]
    ) -> tuple[Any, Any]:
        if self._refused:
            return self._compute(ctx, inputs)
        # Otherwise an array that no recorded call writes would have the right values in it if the
        # samples of this pass were those of the recorded one.
        for array in self._memory.arrays:
            array.view(np.uint8).fill(POISON)
        recorded.replay(inputs, ctx)
        replayed = _bytes(recorded.results[0])
        # In the same memory, whose arrays are handed out in the same order: after it they hold
        # what an ordinary pass leaves in them.
        self._memory.reset()
        y, self._cache = self._compute(replace(ctx, workspace=self._memory), recorded.inputs)
        self._refused |= _bytes(y) != replayed
        self._ready = not self._keep
        return y, self._cache

    def _check_backward(self, recorded: _Recorded, cache: Any, dy: Array) -> Gradients:
        recorded.replay((dy,))
        replayed = _bytes(recorded.results)
        results = self._gradients(cache, *recorded.inputs)
        self._refused |= _bytes(results) != replayed
        self._ready = True
        return results


def _copy(array: Array) -> Array:
    own = aligned_empty(array.shape, array.dtype)
    own[...] = array
    return own


def _bytes(results: Any) -> list[bytes]:
    """Return the bytes of all arrays in tuples and dicts; a result may be None."""
    if results is None:
        return []
    if isinstance(results, np.ndarray):
        return [results.tobytes()]
    values = results.values() if isinstance(results, dict) else results
    return [data for each in values for data in _bytes(each)]
