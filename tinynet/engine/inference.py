"""What a network says, as fast as it can say it: nothing is kept for a way back.

A normalisation that follows a layer which can do its work becomes part of that layer; and so does a
rectifier that comes next to it then.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

from tinynet.kernels import Kernels
from tinynet.kernels.memory import Workspace
from tinynet.layer import Foldable, Fusable, Layer
from tinynet.layer.context import Context, Needs
from tinynet.network import calls
from tinynet.network.blas import threads_to_use
from tinynet.network.computing import compute
from tinynet.network.crew import ThreadPool
from tinynet.network.node import Node
from tinynet.network.parts import rows_of
from tinynet.types import Array


@dataclass(frozen=True)
class _Step:
    """A node.

    Attributes:
        node: The node.
        folded: Those that are folded into it, in order.
        last_reads: What nobody reads after it.
    """

    node: Node
    folded: tuple[Node, ...] = ()
    last_reads: tuple[str, ...] = ()

    @cached_property
    def name(self) -> str:
        """What its output is called: that of the last node in it."""
        return self.folded[-1].name if self.folded else self.node.name

    def fold(self) -> "_Step":
        """The same as one layer, with the parameters as they are now."""
        layer = self.node.layer
        for node in self.folded:
            layer = _folded(node.layer, layer) or layer
        return replace(self, node=replace(self.node, name=self.name, layer=layer), folded=())


class _Runner:
    """One batch at a time through all steps, in memory that is used again."""

    def __init__(self, steps: Sequence[_Step], kernels: Kernels) -> None:
        self._workspace = Workspace()
        self._contexts = [
            Context(
                needs=Needs((), frozenset()),
                keep=False,
                kernels=kernels,
                node=step.name,
                workspace=self._workspace,
            )
            for step in steps
        ]

    def run(self, steps: Sequence[_Step], inputs: Mapping[str, Array]) -> dict[str, Array]:
        """What nobody reads, by the name of the step that gives it; valid until the next run."""
        self._workspace.reset()
        values = dict(inputs)
        for step, ctx in zip(steps, self._contexts, strict=True):
            sources = [values[source] for source in step.node.inputs]
            values[step.name], _ = calls.forward(step.node, ctx, sources)
            for source in step.last_reads:
                del values[source]
        return values


class Inference:
    """The way through a network in evaluation."""

    def __init__(self, nodes: Sequence[Node], outputs: Mapping[str, str], kernels: Kernels) -> None:
        """Plan the way.

        Args:
            nodes: The nodes in topological order.
            outputs: The node that gives each output, by the output's name.
            kernels: What to compute with.
        """
        self._steps = _steps(nodes, set(outputs.values()))
        self._outputs = outputs
        self._kernels = kernels
        self._folds = any(step.folded for step in self._steps)
        self._idle: list[_Runner] = []
        self._pools: dict[int, ThreadPool] = {}

    def predict(
        self,
        inputs: Mapping[str, Array],
        rows: Sequence[slice],
        finish: Callable[[dict[str, Array]], dict[str, Array]],
        threads: int | None = None,
    ) -> list[dict[str, Array]]:
        """What each part of a batch gives, by the outputs' names.

        Args:
            inputs: The network's inputs by name, each (N, *shape), in the network's dtype.
            rows: The parts.
            finish: Gets the outputs of a part, which are valid until it returns.
            threads: How many threads compute, by default one for each core; the result is the same
                for any number.
        """
        steps = [step.fold() for step in self._steps] if self._folds else self._steps
        parts: list[dict[str, Array]] = [{}] * len(rows)

        def run(number: int) -> None:
            try:
                runner = self._idle.pop()
            except IndexError:
                runner = _Runner(self._steps, self._kernels)
            values = runner.run(steps, rows_of(inputs, rows[number]))
            parts[number] = finish({name: values[node] for name, node in self._outputs.items()})
            self._idle.append(runner)

        threads = threads_to_use(threads)
        if len(rows) == 1:
            compute(partial(run, 0), self._kernels, threads)
        else:
            jobs = [partial(run, number) for number in range(len(rows))]
            compute(partial(self._pool(threads).run, jobs), self._kernels, 1)
        return parts

    def _pool(self, threads: int) -> ThreadPool:
        if threads not in self._pools:
            self._pools[threads] = ThreadPool(threads)
        return self._pools[threads]


def _steps(nodes: Sequence[Node], outputs: set[str]) -> list[_Step]:
    """The nodes, with those folded into the one before them that can be."""
    read = Counter(source for node in nodes for source in node.inputs)
    steps: dict[str, _Step] = {}  # by the name of the last node
    for node in nodes:
        before = steps.get(node.inputs[0]) if len(node.inputs) == 1 else None
        alone = before is not None and read[before.name] == 1 and before.name not in outputs
        if before is not None and alone and _folds(node, before):
            del steps[before.name]
            steps[node.name] = replace(before, folded=(*before.folded, node))
        else:
            steps[node.name] = _Step(node)
    return _with_last_reads(list(steps.values()), outputs)


def _with_last_reads(steps: list[_Step], outputs: set[str]) -> list[_Step]:
    read = set(outputs)
    found = []
    for step in reversed(steps):
        last = dict.fromkeys(source for source in step.node.inputs if source not in read)
        read.update(last)
        found.append(replace(step, last_reads=tuple(last)))
    return found[::-1]


def _folds(node: Node, before: _Step) -> bool:
    if node.dtype != before.node.dtype:
        return False
    return _folded(node.layer, before.fold().node.layer) is not None


def _folded(layer: Layer, previous: Layer) -> Layer | None:
    """A layer that does what both do, if there is one."""
    if isinstance(layer, Foldable):
        return layer.fold_into(previous)
    return layer.fuse_into(previous) if isinstance(layer, Fusable) else None
