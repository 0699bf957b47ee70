"""Prediction: forward in evaluation mode, with nothing kept for a backward."""

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from math import prod
from typing import NamedTuple

import numpy as np

from tinynet.engine import layer_calls
from tinynet.engine.batch_pass import join_samples
from tinynet.engine.chain import Chain, chained
from tinynet.engine.folding import Step, folded_steps, separate_steps
from tinynet.engine.inputs import Inputs, convert_inputs, validate_inputs
from tinynet.engine.kernel_threads import threads_for_pass
from tinynet.engine.numeric_context import in_numeric_context, on_threads
from tinynet.engine.program import Program
from tinynet.engine.sharding import block_size
from tinynet.engine.threads import ThreadPool, threads_to_use
from tinynet.errors import ShapeError
from tinynet.kernels import Kernels
from tinynet.kernels.memory import Workspace
from tinynet.layer.context import Context, Needs
from tinynet.types import Array

PREDICT_BATCH = 256
"""Default number of samples that are predicted at a time."""

FOLD_FROM = 2**18
"""Elements of the output of a step from which it is faster to fold layers into it. For fewer, it
takes longer to compute the weights of the folded layer than to run its layers separately."""


SCHEDULES = 16
"""Schedules that are kept: of as many numbers of samples."""


class _Runner:
    """Runs all steps on one batch after another, in memory that is used again."""

    def __init__(self, steps: Sequence[Step], kernels: Kernels) -> None:
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

    def run(self, steps: Sequence[Step], inputs: Mapping[str, Array]) -> dict[str, Array]:
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


class _Plan:
    """Steps that compute all outputs of a program, some samples at a time."""

    def __init__(self, program: Program, steps: Sequence[Step], outputs: Mapping[str, str]) -> None:
        """Prepare for predictions.

        Args:
            program: The program.
            steps: The steps.
            outputs: The value of each output, by the output's name.
        """
        self._program, self._steps, self._outputs = program, steps, outputs
        self.folded = [step for step in steps if step.folded]
        self._idle: list[_Runner] = []
        only: object = steps[0].node.layer if len(steps) == len(program.input_shapes) == 1 else None
        self._chain = only if isinstance(only, Chain) else None

    def current_steps(self) -> Sequence[Step]:
        """Return the steps with the parameters as they are now."""
        return [step.fold() for step in self._steps] if self.folded else self._steps

    def predict(self, inputs: Mapping[str, Array], threads: int) -> dict[str, Array]:
        """Return the predictions of some samples, by the output's name."""
        return self._replay(inputs, threads) or in_numeric_context(
            self._program.kernels, threads, self.compute, self.current_steps(), inputs
        )

    def compute(self, steps: Sequence[Step], inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return the same in a numeric context, from the current steps."""
        runner = self._take_runner()
        values = runner.run(steps, inputs)
        outputs = {name: values[value] for name, value in self._outputs.items()}
        predictions = self._program.predictions(outputs)
        self._idle.append(runner)
        return predictions

    def _replay(self, inputs: Mapping[str, Array], threads: int) -> dict[str, Array]:
        """Return the same from recorded kernels, which need no context; empty if not recorded."""
        predictions: dict[str, Array] = {}
        if self._chain is None:
            return predictions
        program, runner, (x,) = self._program, self._take_runner(), inputs.values()
        evaluate = self._chain.evaluation(runner.workspace, x.shape)
        if evaluate is not None:
            # Kernels use the caller's thread alone unless they are on some threads.
            one = threads == 1
            output = evaluate(x) if one else on_threads(program.kernels, threads, evaluate, x)
            outputs = dict.fromkeys(self._outputs, output)
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


class _Schedule(NamedTuple):
    """The computation of some samples.

    Attributes:
        plan: The plan.
        block: The samples of a block, of which the last one is padded; None without blocks.
        rows: The samples that are computed at a time.
        threads: The number of threads.
    """

    plan: _Plan
    block: int | None
    rows: Sequence[slice]
    threads: int


class Inference:
    """Predictions of a program."""

    def __init__(self, program: Program) -> None:
        """Plan the computation, with layers folded and without.

        Args:
            program: A program of all outputs.
        """
        self._program = program
        values = {
            output: value.name
            for op in program.fused
            for value in op.values
            for output in value.outputs
        }
        outputs = set(values.values())
        operations = chained(program.fused, program.kernels, training=False)
        self._separate = _Plan(
            program, separate_steps([op.node for op in operations], outputs), values
        )
        self._folded = _Plan(
            program, folded_steps([op.node for op in program.fused], outputs), values
        )
        # A layer that needs the whole batch gets it in prediction, too.
        self._whole = any(op.exchange_in_evaluation for op in program.fused)
        self._pools: dict[int, ThreadPool] = {}
        # Most predictions are of as many samples as the one before.
        self._schedule = lru_cache(maxsize=SCHEDULES)(self._new_schedule)

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
        program = self._program
        inputs = validate_inputs(x, program.input_shapes)
        inputs = convert_inputs(inputs, program.dtype, program.index_inputs)
        samples = len(next(iter(inputs.values())))
        plan, block, rows, threads = self._schedule(samples, batch_size, threads, in_blocks)
        if len(rows) == 1:
            outputs = plan.predict(_padded(inputs, block), threads)
        else:
            steps = plan.current_steps()
            parts: list[dict[str, Array]] = [{}] * len(rows)

            def compute(number: int) -> None:
                part = {name: array[rows[number]] for name, array in inputs.items()}
                parts[number] = plan.compute(steps, _padded(part, block))

            jobs = [partial(compute, number) for number in range(len(rows))]
            in_numeric_context(program.kernels, 1, self._pool(threads).run, jobs)
            outputs = join_samples(parts)
        if block is None:
            return outputs
        return {name: array[:samples] for name, array in outputs.items()}

    def _new_schedule(
        self, samples: int, batch_size: int, threads: int | None, in_blocks: bool
    ) -> _Schedule:
        """Return the schedule of some samples; the arguments are those of `predict`."""
        if batch_size < 1:
            raise ShapeError(f"batch_size must be at least 1, not {batch_size}")
        cost, threads = self._program.cost, threads_to_use(threads)
        block = block_size(cost) if in_blocks and not self._whole else None
        rows = self._rows(samples, batch_size) if block is None else _blocks(samples, block)
        at_a_time = block or rows[0].stop
        if len(rows) == 1:
            threads = threads_for_pass(threads, cost.flops * at_a_time)
        return _Schedule(self._plan(at_a_time), block, rows, threads)

    def _plan(self, samples: int) -> _Plan:
        """Return the faster plan for so many samples at a time."""
        folded = self._folded.folded
        elements = samples * sum(prod(step.node.out_shape) for step in folded)
        return self._folded if folded and elements >= len(folded) * FOLD_FROM else self._separate

    def _rows(self, samples: int, batch_size: int) -> Sequence[slice]:
        """Return the samples that are computed at a time: shards of batches."""
        if samples <= batch_size:
            return self._shards(samples)
        return [
            slice(start + shard.start, start + shard.stop)
            for start in range(0, samples, batch_size)
            for shard in self._shards(min(batch_size, samples - start))
        ]

    def _shards(self, samples: int) -> Sequence[slice]:
        if self._whole:
            return [slice(0, samples)]
        return self._program.shard_slices(samples, training=False)

    def _pool(self, threads: int) -> ThreadPool:
        if threads not in self._pools:
            self._pools[threads] = ThreadPool(threads)
        return self._pools[threads]


def _blocks(samples: int, size: int) -> list[slice]:
    """Return slices of a size over samples; the last one may have fewer."""
    return [slice(start, min(start + size, samples)) for start in range(0, max(samples, 1), size)]


def _padded(inputs: dict[str, Array], block: int | None) -> dict[str, Array]:
    """Return a block of samples, which repeats the last one at its end; all of them for None."""
    samples = len(next(iter(inputs.values())))
    if block is None or samples in (0, block):
        return inputs
    return {
        name: np.concatenate([array, np.repeat(array[-1:], block - samples, axis=0)])
        for name, array in inputs.items()
    }
