"""The forward and backward pass of one shard of a batch.

A pass owns the values that later operations read, and the caches that the backward needs. Each is
dropped after its last use.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from tinynet.engine import layer_calls, losses
from tinynet.engine.chain import Chain
from tinynet.engine.inputs import convert_inputs
from tinynet.engine.layer_calls import OutputGradients, Outputs
from tinynet.engine.losses import LossInputs, LossResult
from tinynet.engine.node import Node
from tinynet.engine.operation import Operation
from tinynet.engine.program import Program, Stage
from tinynet.errors import TinynetError
from tinynet.kernels.memory import Workspace
from tinynet.layer import Cache, Gradients
from tinynet.layer.context import Context
from tinynet.types import Array

Observer: TypeAlias = Callable[[Node, Array], None]
"""Called with each node and each of its outputs."""


class RandomKey(NamedTuple):
    """The key of the random streams of a pass, besides a node's name and the first sample."""

    seed: int = 0
    step: int = 0
    micro_batch: int = 0


class ShardPass:
    """The forward and backward pass of one shard.

    Attributes:
        operations: The operations of the program, in topological order.
        outputs: The outputs of the network computed so far, (n, *out_shape) each, by name; valid
            until the workspace is reset.
        gradients: The gradients of parameters computed so far, by address (``conv2d_1/weight``).
        workspace: Memory for large arrays; None for fresh memory.
        summary: The summary for the other shards at the next sync point.
    """

    def __init__(
        self,
        program: Program,
        inputs: Mapping[str, Array],
        *,
        training: bool,
        key: RandomKey,
        first_sample: int = 0,
        commits_exchanged: bool = True,
        workspace: Workspace | None = None,
        observe: Observer | None = None,
    ) -> None:
        """Prepare a pass.

        Args:
            program: The program.
            inputs: Rows of the validated inputs, (n, *input_shape) each, by name.
            training: True if a backward may follow; otherwise nothing is kept for one.
            key: Key of the random streams.
            first_sample: Position of the first sample in the batch; part of that key.
            commits_exchanged: True to update the running statistics that all shards hold alike
                after an exchange.
            workspace: Memory for large arrays.
            observe: Called with each node and each of its outputs.

        Raises:
            DataError: for an input that does not hold real numbers.
        """
        self.operations = program.operations
        self.outputs: dict[str, Array] = {}
        self.gradients: dict[str, Array] = {}
        self.workspace = workspace
        self.summary: Any = None
        self._program = program
        self._training = training
        self._first_sample = first_sample
        self._commits_exchanged = commits_exchanged
        self._new_context: Callable[..., Context] = partial(
            Context,
            kernels=program.kernels,
            seed=key.seed,
            step=key.step,
            micro_batch=key.micro_batch,
        )
        self._observe = observe
        self._values = convert_inputs(inputs, program.dtype, program.index_inputs)
        self._d_values: dict[str, Array] = {}
        self._waiting: dict[str, Context] = {}
        self._caches: dict[str, tuple[Context, Cache]] = {}
        self._to_commit: list[tuple[Node, Cache]] = []
        self._own_sums: set[str] = set()

    def context(self, op: Operation, *, whole_batch: bool = False) -> Context:
        """Return the context for the layer of an operation, of this shard or the whole batch."""
        return self._new_context(
            first_sample=0 if whole_batch else self._first_sample,
            node=op.node.name,
            training=self._training and not op.eval_mode,
            keep=self._training and (op.has_backward or op.commits),
            needs=op.needs,
            workspace=self.workspace,
        )

    # Forward ----------------------------------------------------------------------------------

    def forward(self) -> None:
        """Run all operations; for a pass over a whole batch.

        Raises:
            PluginError: if a layer raises an exception, or its output has another shape or dtype.
        """
        self.forward_stage(Stage(None, self.operations, None), ())

    def forward_stage(self, stage: Stage, summaries: Sequence[Any]) -> None:
        """Run a stage, from the summaries of all shards at its entry to the summary for its exit.

        Raises:
            PluginError: if a layer raises an exception, or its output has another shape or dtype.
        """
        if stage.entry is not None and stage.entry.exchange == "summaries":
            op = stage.entry.operation
            ctx = self._waiting.pop(op.node.name)
            ys, cache = layer_calls.forward_with(op.node, ctx, summaries, self.inputs(op))
            self.store(op, ctx, ys, cache)
        for op in stage.operations:
            ctx = self.context(op)
            ys, cache = _forward(op, ctx, self.inputs(op))
            self.store(op, ctx, ys, cache)
        if stage.exit is not None and stage.exit.exchange == "summaries":
            op = stage.exit.operation
            ctx = self._waiting[op.node.name] = self.context(op)
            self.summary = layer_calls.summarize(op.node, ctx, self.inputs(op))

    def run_last_stage(
        self, stage: Stage, summaries: Sequence[Any], labels: LossInputs
    ) -> LossResult:
        """Run a stage and the losses; in training, too, the backward of the stage."""
        self.forward_stage(stage, summaries)
        result = self.compute_losses(self.outputs, labels)
        if labels.scales is not None:
            self.start_backward(result.gradients)
            self.backward_stage(stage, ())
        return result

    def inputs(self, op: Operation) -> list[Array]:
        """Return the inputs of an operation, (n, *in_shape) each."""
        values = self._values
        return [values[source] for source in op.node.inputs]

    def store(self, op: Operation, ctx: Context, ys: Outputs, cache: Cache) -> None:
        """Store an operation's outputs, and drop values without a later reader."""
        if self._training and op.has_backward:
            self._caches[op.node.name] = ctx, cache
        # After an exchange all shards hold the same statistics: one of them commits these.
        commits = self._commits_exchanged or op.exchange_in_training is None
        if self._training and op.commits and commits:
            self._to_commit.append((op.node, layer_calls.to_commit(op.node, cache)))
        for (name, outputs, is_read), y in zip(op.values, ys, strict=True):
            if self._observe is not None:
                self._observe(op.node, y)
            for output in outputs:
                self.outputs[output] = y
            if is_read:
                self._values[name] = y
        for source in op.last_reads:
            del self._values[source]

    def compute_losses(self, outputs: Mapping[str, Array], labels: LossInputs) -> LossResult:
        """Return the losses of outputs, with the gradients and predictions that are needed.

        The outputs, (n, *out_shape) each, are those of this shard or of the whole batch.

        Raises:
            PluginError: if a loss raises an exception, or returns a wrong value.
        """
        scales, sums = labels.scales, {}
        gradients: dict[str, Array] = {}
        training = scales is not None
        first = 0 if self._program.losses_need_batch else self._first_sample
        for part in self._program.losses:
            name = part.name
            compared = tuple([outputs[output] for output in part.outputs])
            passed = compared if len(compared) > 1 else compared[0]
            ctx = self._new_context(
                first_sample=first,
                node=f"loss/{name}",
                training=training,
                keep=training,
                workspace=self.workspace,
            )
            sums[name], cache = losses.forward(
                part, ctx, passed, labels.targets.get(name), labels.weights
            )
            if scales is not None:
                of_outputs = losses.backward(part, ctx, cache, passed)
                for output, gradient in zip(part.outputs, of_outputs, strict=True):
                    scaled = ctx.empty(gradient.shape, gradient.dtype)
                    np.multiply(gradient, part.weight * scales[name], out=scaled)
                    earlier = gradients.get(output)
                    gradients[output] = scaled if earlier is None else earlier + scaled
        predictions = self._program.predictions(outputs) if labels.predict else {}
        return LossResult(sums, predictions, gradients)

    # Backward ---------------------------------------------------------------------------------

    def backward(self, d_outputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return the gradients of all trainable parameters, by address, after `forward`.

        Args:
            d_outputs: Gradient of each output, (n, *out_shape), by name.

        Raises:
            PluginError: if a layer raises an exception, or omits a required gradient.
            TinynetError: as `start_backward`.
        """
        self.start_backward(d_outputs)
        self.backward_stage(Stage(None, self.operations, None), ())
        return self.gradients

    def start_backward(self, d_outputs: Mapping[str, Array]) -> None:
        """Set the gradients of the outputs.

        Args:
            d_outputs: Gradient of each output, (n, *out_shape), by name.

        Raises:
            TinynetError: if the pass is not in training, or has had its backward, or the gradient
                of an output is missing.
        """
        if not self._caches and any(op.has_backward for op in self.operations):
            raise TinynetError("call backward once, after a forward pass in training mode")
        if missing := sorted(self.outputs.keys() - d_outputs.keys()):
            raise TinynetError(f"the gradient of the output(s) {', '.join(missing)} is missing")
        for op in self.operations:
            if op.has_backward:
                for name, outputs, _ in op.values:
                    for output in outputs:
                        self._add(self._d_values, name, d_outputs[output])

    def backward_stage(self, stage: Stage, summaries: Sequence[Any]) -> None:
        """Run backward in a stage, from the summaries at its exit to the summary for its entry.

        Raises:
            PluginError: if a layer raises an exception, or omits a required gradient.
        """
        if stage.exit is not None and stage.exit.exchanges_gradient_summaries:
            op = stage.exit.operation
            ctx, cache, dy = self.pop_backward_arguments(op)
            d_inputs = layer_calls.backward_with(op.node, ctx, op.needs, cache, summaries, dy)
            self.add_input_gradients(op, d_inputs)
        for op in reversed(stage.operations):
            if op.has_backward:
                ctx, cache, dy = self.pop_backward_arguments(op)
                d_inputs, d_params = _backward(op, ctx, cache, dy)
                self.add_param_gradients(op, d_params)
                self.add_input_gradients(op, d_inputs)
        if stage.entry is not None and stage.entry.exchanges_gradient_summaries:
            op = stage.entry.operation
            ctx, cache = self._caches[op.node.name]
            dy = tuple([self._d_values.get(value.name) for value in op.values])
            self.summary, gradients = layer_calls.summarize_gradient(
                op.node, ctx, op.needs, cache, dy
            )
            self.add_param_gradients(op, gradients)

    def pop_backward_arguments(self, op: Operation) -> tuple[Context, Cache, OutputGradients]:
        """Return and drop the context, the cache and the output gradients of an operation."""
        dy = tuple([self._d_values.pop(value.name, None) for value in op.values])
        return *self._caches.pop(op.node.name), dy

    def add_param_gradients(
        self, op: Operation, d_params: Mapping[str, Array], left_out: Collection[str] = ()
    ) -> None:
        """Add gradients to those of an operation's parameters, by the names in its layer.

        The parameters with the addresses in ``left_out`` get none.
        """
        for name, address, transposed in op.gradients:
            if address in left_out:
                continue
            gradient = d_params[name]
            self._add(self.gradients, address, gradient.T if transposed else gradient)

    def add_input_gradients(self, op: Operation, d_inputs: Sequence[Array | None]) -> None:
        """Add gradients to those of the values that an operation reads."""
        for source, needed, d_input in zip(op.node.inputs, op.needs.inputs, d_inputs, strict=True):
            if needed and d_input is not None:
                self._add(self._d_values, source, d_input)

    def _add(self, sums: dict[str, Array], name: str, term: Array) -> None:
        """Add to ``sums[name]``; the first term is not copied, so the second needs new memory."""
        if name not in sums:
            sums[name] = term
        elif name in self._own_sums:
            sums[name] += term
        else:
            empty = self.workspace.empty if self.workspace is not None else np.empty
            sums[name] = self._program.kernels.add(sums[name], term, empty)
            self._own_sums.add(name)

    def release_workspace(self) -> None:
        """Drop all arrays in the workspace but the gradients, which are copied."""
        self.gradients = {name: np.array(array) for name, array in self.gradients.items()}
        self.outputs = {}
        self.workspace = None

    def commit(self) -> None:
        """Update running statistics from this pass, in topological order."""
        for node, cache in self._to_commit:
            layer_calls.commit(node, cache)
        self._to_commit.clear()


# A chain has checked the results of its layers.


def _forward(op: Operation, ctx: Context, inputs: Sequence[Array]) -> tuple[Outputs, Cache]:
    layer: Any = op.node.layer
    if isinstance(layer, Chain):
        y, cache = layer.forward(ctx, *inputs)
        return (y,), cache
    return layer_calls.forward(op.node, ctx, inputs)


def _backward(op: Operation, ctx: Context, cache: Cache, dy: OutputGradients) -> Gradients:
    layer: Any = op.node.layer
    if isinstance(layer, Chain):
        (d_output,) = dy
        assert d_output is not None
        return layer.backward(ctx, cache, d_output)
    return layer_calls.backward(op.node, ctx, op.needs, cache, dy)
