"""Prediction: forward in evaluation mode, with nothing kept for a backward.

A normalization after a layer that can include it becomes part of that layer, and so does an
activation after that.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from tinynet.engine import layer_calls
from tinynet.engine.batch_pass import join_samples
from tinynet.engine.chain import Chain
from tinynet.engine.inputs import Inputs, convert_inputs, validate_inputs
from tinynet.engine.node import Node
from tinynet.engine.numeric_context import in_numeric_context, on_threads
from tinynet.engine.program import Program
from tinynet.engine.sharding import block_size
from tinynet.engine.threads import ThreadPool, threads_to_use
from tinynet.errors import ShapeError
from tinynet.kernels import Kernels
from tinynet.kernels.memory import Workspace
from tinynet.layer import Foldable, Fusable, Layer, Rescalable
from tinynet.layer.context import Context, Needs
from tinynet.layer.inherited import PASSES, still_holds
from tinynet.types import Array

PREDICT_BATCH = 256
"""Default number of samples that are predicted at a time."""


@dataclass(frozen=True)
class _Step:
    """A node, with the nodes that are folded into it.

    Attributes:
        node: The node.
        folded: The nodes that are folded into it, in order.
        last_reads: Names of the values that no later step reads.
    """

    node: Node
    folded: tuple[Node, ...] = ()
    last_reads: tuple[str, ...] = ()

    @cached_property
    def name(self) -> str:
        """The name of its output: that of the last node in it."""
        return self.folded[-1].name if self.folded else self.node.name

    @property
    def values(self) -> Collection[str]:
        """The names of its outputs."""
        return self.folded[-1].values if self.folded else self.node.values

    def fold(self) -> "_Step":
        """Return the step with a single layer, made from the parameters as they are now."""
        layer, out_shape = self.node.layer, self.node.out_shape
        for node in self.folded:
            layer, out_shape = _folded(node.layer, layer) or layer, node.out_shape
        node = replace(self.node, name=self.name, layer=layer, out_shape=out_shape)
        return replace(self, node=node, folded=())


class _Runner:
    """Runs all steps on one batch after another, in memory that is used again."""

    def __init__(self, steps: Sequence[_Step], kernels: Kernels) -> None:
        self.workspace = Workspace()
        self._contexts = [
            Context(
                needs=Needs((), frozenset()),
                keep=False,
                kernels=kernels,
                node=step.name,
                workspace=self.workspace,
            )
            for step in steps
        ]

    def run(self, steps: Sequence[_Step], inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return the values of all steps by name; they are valid until the next call."""
        self.workspace.reset()
        values = dict(inputs)
        for step, ctx in zip(steps, self._contexts, strict=True):
            sources = [values[source] for source in step.node.inputs]
            outputs, _ = layer_calls.forward(step.node, ctx, sources)
            values.update(zip(step.values, outputs, strict=True))
            for source in step.last_reads:
                del values[source]
        return values


class Inference:
    """Predictions of a program."""

    def __init__(self, program: Program) -> None:
        """Fold layers where they can be folded.

        Args:
            program: A program of all outputs.
        """
        self._program = program
        self._values = {
            output: value.name
            for op in program.fused
            for value in op.values
            for output in value.outputs
        }
        outputs = set(self._values.values())
        self._steps = _steps([op.node for op in program.fused], outputs)
        self._folds = any(step.folded for step in self._steps)
        if not self._folds:
            chains = [_Step(op.node) for op in program.operations]
            self._steps = _with_last_reads(chains, outputs)
        layer: object = self._steps[0].node.layer
        only = len(self._steps) == len(program.input_shapes) == 1
        self._chain = layer if only and isinstance(layer, Chain) else None
        # A layer that needs the whole batch gets it in prediction, too.
        self._whole = any(op.exchange_in_evaluation for op in program.fused)
        self._idle: list[_Runner] = []
        self._pools: dict[int, ThreadPool] = {}

    def predict(
        self,
        x: Inputs,
        *,
        batch_size: int = PREDICT_BATCH,
        threads: int | None = None,
        in_blocks: bool = False,
    ) -> dict[str, Array]:
        """Return predictions, (N, *out_shape) for each output by its name.

        Args:
            x: (N, *input_shape), or such an array for each input by name.
            batch_size: Most samples at a time.
            threads: Number of threads; by default the number of cores. Any number gives the same
                result.
            in_blocks: Compute blocks of a fixed number of samples, the last one padded, in place
                of batches. So the predictions of a sample have the same bits alone and among
                others, unless a layer needs the whole batch.

        Raises:
            ShapeError: if ``x`` does not have the network's input shape, or for a ``batch_size``
                below 1.
            DataError: if ``x`` does not hold real numbers.
            UsageError: for less than one thread.
            PluginError: if a layer or a loss raises an exception, or returns a wrong value.
        """
        if batch_size < 1:
            raise ShapeError(f"batch_size must be at least 1, not {batch_size}")
        program = self._program
        inputs = validate_inputs(x, program.input_shapes)
        inputs = convert_inputs(inputs, program.dtype, program.index_inputs)
        samples = len(next(iter(inputs.values())))
        block = block_size(program.cost) if in_blocks and not self._whole else None
        rows = self._rows(samples, batch_size) if block is None else _blocks(samples, block)
        steps = [step.fold() for step in self._steps] if self._folds else self._steps
        parts: list[dict[str, Array]] = [{}] * len(rows)

        def part(number: int) -> dict[str, Array]:
            arrays = {name: array[rows[number]] for name, array in inputs.items()}
            if block is None:
                return arrays
            return {name: _padded(array, block) for name, array in arrays.items()}

        def run(number: int) -> None:
            parts[number] = self._compute(steps, part(number))

        threads = threads_to_use(threads)
        if len(rows) == 1:
            only = part(0)
            parts = [
                self._replay(only, threads)
                or in_numeric_context(program.kernels, threads, self._compute, steps, only)
            ]
        else:
            jobs = [partial(run, number) for number in range(len(rows))]
            in_numeric_context(program.kernels, 1, self._pool(threads).run, jobs)
        outputs = join_samples(parts)
        if block is None:
            return outputs
        return {name: array[:samples] for name, array in outputs.items()}

    def _compute(self, steps: Sequence[_Step], inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return the predictions of samples that are computed at a time, in a numeric context."""
        runner = self._take_runner()
        values = runner.run(steps, inputs)
        outputs = {name: values[value] for name, value in self._values.items()}
        predictions = self._program.predictions(outputs)
        self._idle.append(runner)
        return predictions

    def _replay(self, inputs: Mapping[str, Array], threads: int) -> dict[str, Array]:
        """Return the same from recorded kernels, which need no context; empty if not recorded."""
        if self._chain is None:
            return {}
        program, predictions = self._program, {}
        runner = self._take_runner()
        (x,) = inputs.values()
        evaluate = self._chain.evaluation(runner.workspace, x.shape)
        if evaluate is not None:
            output = on_threads(program.kernels, threads, evaluate, x)
            outputs = dict.fromkeys(program.outputs, output)
            predictions = (
                in_numeric_context(program.kernels, threads, program.predictions, outputs)
                if program.losses
                else program.predictions(outputs)
            )
        self._idle.append(runner)
        return predictions

    def _take_runner(self) -> _Runner:
        try:
            return self._idle.pop()
        except IndexError:
            return _Runner(self._steps, self._program.kernels)

    def _rows(self, samples: int, batch_size: int) -> list[slice]:
        """Return the samples that are computed at a time: shards of batches."""
        rows = []
        for start in range(0, max(samples, 1), batch_size):
            size = min(batch_size, samples - start)
            shards = (
                [slice(0, size)]
                if self._whole
                else self._program.shard_slices(size, training=False)
            )
            rows += [slice(start + shard.start, start + shard.stop) for shard in shards]
        return rows

    def _pool(self, threads: int) -> ThreadPool:
        if threads not in self._pools:
            self._pools[threads] = ThreadPool(threads)
        return self._pools[threads]


def _blocks(samples: int, size: int) -> list[slice]:
    """Return slices of a size over samples; the last one may have fewer."""
    return [slice(start, min(start + size, samples)) for start in range(0, max(samples, 1), size)]


def _padded(array: Array, size: int) -> Array:
    """Return an array of ``size`` samples, which repeats the last one at its end."""
    missing = size - len(array)
    if not missing or not len(array):
        return array
    return np.concatenate([array, np.repeat(array[-1:], missing, axis=0)])


def _steps(nodes: Sequence[Node], outputs: set[str]) -> list[_Step]:
    """Return a step for each node that cannot be folded into the one before it."""
    readers = Counter(source for node in nodes for source in node.inputs)
    steps: dict[str, _Step] = {}  # by the name of the last node
    for node in nodes:
        before = steps.get(node.inputs[0]) if len(node.inputs) == 1 else None
        only = before is not None and readers[before.name] == 1 and before.name not in outputs
        if before is not None and only and _folds(node, before):
            del steps[before.name]
            steps[node.name] = replace(before, folded=(*before.folded, node))
        else:
            steps[node.name] = _Step(node)
    return _with_last_reads(list(steps.values()), outputs)


def _with_last_reads(steps: list[_Step], outputs: set[str]) -> list[_Step]:
    read = set(outputs)
    result = []
    for step in reversed(steps):
        last = dict.fromkeys(source for source in step.node.inputs if source not in read)
        read.update(last)
        result.append(replace(step, last_reads=tuple(last)))
    return result[::-1]


def _folds(node: Node, before: _Step) -> bool:
    if node.dtype != before.node.dtype or before.node.out_shapes is not None:
        return False
    return _folded(node.layer, before.fold().node.layer) is not None


def _folded(layer: Layer, previous: Layer) -> Layer | None:
    """Return a layer that computes both, or None."""
    if isinstance(previous, Rescalable) and not still_holds(previous, "rescaled", PASSES):
        return None
    if isinstance(layer, Foldable):
        return layer.fold_into(previous) if still_holds(layer, "fold_into", PASSES) else None
    if isinstance(layer, Fusable) and still_holds(layer, "fuse_into", PASSES):
        return layer.fuse_into(previous)
    return None
