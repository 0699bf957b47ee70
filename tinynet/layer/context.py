"""The context of one pass through one layer."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import DTypeLike

from tinynet.kernels import Kernels
from tinynet.kernels.memory import Workspace, aligned_empty
from tinynet.kernels.numpy import NumpyKernels
from tinynet.kernels.random import derive, stream_key
from tinynet.types import Array, Shape


@dataclass(frozen=True)
class Needs:
    """The gradients that a backward must return.

    Attributes:
        inputs: For each input of the node, in order, True if its gradient is needed.
        params: Names of the layer's parameters whose gradients are needed.
    """

    inputs: tuple[bool, ...]
    params: frozenset[str]


@dataclass(kw_only=True, slots=True)
class Context:
    """The context of one pass through one node. ``Context(training=True)`` can call any layer.

    Attributes:
        training: True in a training step; False in evaluation and prediction, and for a layer that
            is frozen (``"trainable": false``), whose `backward` may be called all the same.
        needs: The gradients that `backward` must return; None means all. The others may be left
            out: None for an input, no entry for a parameter.
        keep: True if `backward` or `commit` will be called; when False the cache may be None.
        kernels: The numerical kernels to compute with.
        seed: The run's seed; with the four below it, the key of `rng`.
        step: The optimizer step this pass belongs to, counted from 0.
        node: The node's name.
        micro_batch: Number of the micro-batch in an accumulated step, from 0.
        first_sample: Position of the pass's first sample in the micro-batch.
        workspace: The source of memory for `empty`; None for fresh memory.
        uniforms: The arrays that `uniform` has returned, in order.
    """

    training: bool = False
    needs: Needs | None = None
    keep: bool = True
    kernels: Kernels = field(default_factory=NumpyKernels)
    seed: int = 0
    step: int = 0
    node: str = ""
    micro_batch: int = 0
    first_sample: int = 0
    workspace: Workspace | None = None
    uniforms: tuple[Array, ...] = field(default_factory=tuple, init=False, repr=False)
    _rng: np.random.Generator | None = field(default=None, repr=False)
    # By a factory, since a subclass without slots would not have it otherwise.
    _stream_key: Array | None = field(default_factory=lambda: None, init=False, repr=False)

    @property
    def rng(self) -> np.random.Generator:
        """The random stream of this pass, created at first use. Only `forward` may draw from it."""
        if self._rng is None:
            self._rng = derive(*self._key())
            for numbers in self.uniforms:  # which are the first ones of the stream
                self._rng.random(numbers.size, dtype=np.float32)
        return self._rng

    def _key(self) -> tuple[str | int, ...]:
        return "pass", self.seed, self.step, self.node, self.micro_batch, self.first_sample

    def needs_input(self, index: int = 0) -> bool:
        """Return True if the gradient of input number ``index`` is needed."""
        return self.needs is None or self.needs.inputs[index]

    def needs_param(self, name: str) -> bool:
        """Return True if the gradient of parameter ``name`` is needed."""
        return self.needs is None or name in self.needs.params

    def empty(self, shape: Shape, dtype: DTypeLike) -> Array:
        """Return uninitialized memory, 64-byte aligned, valid until this pass's backward ends."""
        if self.workspace is None:
            return aligned_empty(shape, dtype)
        return self.workspace.empty(shape, dtype)

    def uniform(self, shape: Shape) -> Array:
        """Return random numbers in [0, 1), float32, from `rng`, in memory from `empty`.

        In layers with ``replayable = True``, it is the only source of random numbers.
        """
        if self._rng is not None:
            numbers = self.empty(shape, np.float32)
            self._rng.random(dtype=np.float32, out=numbers)
        else:
            if self._stream_key is None:
                self._stream_key = stream_key(*self._key())
            first = sum([numbers.size for numbers in self.uniforms])
            numbers = self.kernels.uniform(self._stream_key, first, shape, self.empty)
        self.uniforms += (numbers,)
        return numbers

    def draw_again(self, ctx: "Context") -> None:
        """Let the calls of kernels in `uniform`, made again, draw the numbers of another pass.

        Args:
            ctx: A context of that pass, with its seed, step, micro-batch and first sample.
        """
        if self._stream_key is not None:
            key = ctx.seed, ctx.step, self.node, ctx.micro_batch, ctx.first_sample
            self._stream_key[...] = stream_key("pass", *key)
