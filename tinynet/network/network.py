"""A network: layers wired into a directed acyclic graph, as a spec says."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np

from tinynet.errors import DataError, ShapeError, SpecError
from tinynet.kernels import Kernels
from tinynet.kernels.memory import Workspace
from tinynet.kernels.numpy import NumpyKernels
from tinynet.layer import Buffered, Layer
from tinynet.layer.build import MAX_PARAMS, Budget, Build
from tinynet.loss import Loss
from tinynet.network import calls, loss_calls
from tinynet.network.construction import build_nodes, create_initializer
from tinynet.network.execution import Operation, Pass, PassKey, plan
from tinynet.network.freezing import freeze
from tinynet.network.fusion import fuse
from tinynet.network.heads import GivenLoss, heads_of
from tinynet.network.inference import Inference
from tinynet.network.inputs import as_array, input_shapes_of
from tinynet.network.kernel_choice import chosen_kernels
from tinynet.network.legs import Leg, legs
from tinynet.network.node import Node, needed_for
from tinynet.network.parts import joined
from tinynet.network.sharding import cut
from tinynet.spec.graph import INPUT, is_input, outputs_of, wire
from tinynet.spec.network_spec import NetworkSpec
from tinynet.spec.reading import parse_network
from tinynet.types import Array, Shape

PREDICT_BATCH = 256
"""Samples that `Network.predict` runs at a time."""


class Network:
    """Layers wired into a directed acyclic graph.

    Attributes:
        spec: What it was built from.
        nodes: The nodes by name, in topological order.
        params: What is learned, by address: ``conv2d_1/weight``. The mapping is read-only; the
            arrays are live.
        buffers: Running statistics, likewise.
        input_shapes: Shape of one sample of each input, by name: ``input``, ``input:image``.
        outputs: The node that gives each output, by what the output is called.
        out_shapes: Shape of one sample of each output, likewise.
        dtype: What parameters are made of and what is computed in.
        heads: What each output is trained by, in their order; none without a loss, and none for an
            output that has no loss.
    """

    def __init__(
        self,
        spec: NetworkSpec | Mapping[str, Any],
        input_shape: Shape | Mapping[str, Shape] | None = None,
        *,
        seed: int = 0,
        dtype: str | None = None,
        loss: GivenLoss | None = None,
        trainable: Sequence[str] | None = None,
        dry: bool = False,
        max_params: int = MAX_PARAMS,
        kernels: Kernels | None = None,
    ) -> None:
        """Build every layer.

        Args:
            spec: The ``network`` part of a spec, or a dict like it.
            input_shape: Shape of one sample, or of each input by name; by default what the spec
                says.
            seed: Parameters are drawn from it.
            dtype: ``"float32"`` or ``"float64"``; by default what the spec says.
            loss: A loss, or what a spec says of one; or losses by the names of the outputs that
                have one.
            trainable: Patterns of the addresses of the parameters that training may change, as
                ``training.trainable`` of a spec; by default it may change all.
            dry: Infer shapes and count parameters, but allocate nothing.
            max_params: Elements of parameters and buffers that may be allocated.
            kernels: What to compute with; by default what is installed, see `chosen_kernels`.

        Raises:
            SpecError: for a spec that is wrong, or wants more than ``max_params``.
            ShapeError: listing every node that its inputs do not fit.
            PluginError: for a layer that is missing or broken.
        """
        self._arguments: dict[str, Any] = {
            "loss": loss, "trainable": trainable, "dry": dry, "max_params": max_params
        }  # fmt: skip
        self.spec = spec if isinstance(spec, NetworkSpec) else parse_network(spec)
        self.dtype = np.dtype(_dtype_name(dtype or self.spec.dtype))
        self.seed = seed
        self.kernels = kernels or (NumpyKernels() if dry else chosen_kernels())
        wires = wire(self.spec)
        self.input_shapes = input_shapes_of(wires, input_shape, self.spec)
        nodes = build_nodes(wires, self.input_shapes, self._builder(seed, dry, max_params))
        self.nodes = MappingProxyType(nodes if trainable is None else freeze(nodes, trainable))
        owners = [node for node in self.nodes.values() if node.owner == node.name]
        self.params = MappingProxyType(_addressed(owners, lambda layer: layer.params))
        self.buffers = MappingProxyType(
            _addressed(owners, lambda layer: layer.buffers if isinstance(layer, Buffered) else {})
        )
        self.outputs = MappingProxyType(outputs_of(self.spec, wires))
        self.out_shapes = {name: nodes[node].out_shape for name, node in self.outputs.items()}
        self.heads = heads_of(loss, tuple(self.outputs))
        self._cuts: dict[tuple[int, bool], tuple[slice, ...]] = {}
        # The graph as it is computed, and as it was declared: every layer by itself. Training and
        # evaluation compute only the part of it that a loss depends on.
        trained = {output: self.outputs[output] for output in self.trained_shapes}
        declared = needed_for(trained.values(), self.nodes.values())
        self._operations = plan(*fuse(declared, trained))
        self._declared = plan(declared, trained)

    def __copy__(self) -> "Network":
        """Return a network of the same layers, which shares parameters and buffers with this."""
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        for planned in ("_inference", "_whole"):
            made.__dict__.pop(planned, None)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and deep-copy what it was built from and its arrays, not the layers themselves.

        So the arrays of a layer, and whatever its constructor made of them, belong together in the
        copy, too.
        """
        arguments = {
            **self._arguments,
            "seed": self.seed,
            "dtype": self.dtype.name,
            "kernels": self.kernels,
        }
        arrays = {} if arguments["dry"] else {**self.params, **self.buffers}
        return _rebuild, (self.spec, self.input_shapes, arguments, arrays)

    def _builder(self, seed: int, dry: bool, max_params: int) -> Callable[[str], Build]:
        budget = Budget(max_params)
        return lambda node: Build(
            node=node,
            dtype=self.dtype,
            seed=seed,
            dry=dry,
            budget=budget,
            create=create_initializer,
        )

    @property
    def loss(self) -> Loss | None:
        """What the only output is trained by; None without a loss, or with several outputs."""
        return self.heads[0].loss if self.heads and len(self.outputs) == 1 else None

    @property
    def trained_shapes(self) -> dict[str, Shape]:
        """Shape of one sample of each output that has a loss; of all outputs where none has."""
        names = [head.output for head in self.heads] or self.outputs
        return {name: self.out_shapes[name] for name in names}

    @cached_property
    def _whole(self) -> tuple[tuple[Operation, ...], tuple[Operation, ...]]:
        """The whole graph as it is computed, and as it was declared; losses aside."""
        if len(self.trained_shapes) == len(self.outputs):
            return self._operations, self._declared
        nodes = tuple(self.nodes.values())
        return plan(*fuse(nodes, self.outputs)), plan(nodes, self.outputs)

    def shards(self, samples: int, *, training: bool) -> tuple[slice, ...]:
        """How a batch is cut into parts that are computed apart: the same on every machine."""
        key = samples, training
        if key not in self._cuts:
            operations, params, size = self._costs
            trained = params if training else 0
            self._cuts[key] = cut(samples, operations, trained, size, self.kernels.cut_from)
        return self._cuts[key]

    @cached_property
    def _costs(self) -> tuple[int, int, int]:
        """Operations of one sample's forward pass, parameters, and bytes of layers' outputs."""
        operations = sum(map(calls.operations, self.nodes.values()))
        elements = sum(prod(node.out_shape) for node in self.nodes.values())
        params = sum(param.size for param in self.params.values())
        return operations, params, elements * self.dtype.itemsize

    @property
    def trainable(self) -> frozenset[str]:
        """Addresses of the parameters that training changes."""
        return frozenset(
            f"{op.node.owner}/{name}" for op in self._operations for name in op.needs.params
        )

    def forward(
        self,
        x: Array | Mapping[str, Array],
        *,
        training: bool = False,
        key: PassKey | None = None,
        first_sample: int = 0,
        workspace: Workspace | None = None,
        observe: Callable[[Node, Array], None] | None = None,
    ) -> Pass:
        """Run a batch through the graph.

        Args:
            x: (N, *input_shape), or such an array for each input by name.
            training: Whether dropout drops, and `Pass.backward` may follow.
            key: Key of the pass's random streams; by default step 0 of the network's seed.
            first_sample: Position in the batch of the first sample; part of that key.
            workspace: Where large arrays come from; by default fresh memory.
            observe: Called with each node and its output.

        Raises:
            ShapeError: if ``x`` is not of the network's input shape.
            DataError: if it holds no numbers.
        """
        computed, declared = self._whole
        passing = self.start(
            self.checked(x),
            training=training,
            key=key or PassKey(self.seed),
            first_sample=first_sample,
            workspace=workspace,
            observe=observe,
            operations=computed if observe is None else declared,
        )
        passing.advance(passing.operations)
        return passing

    def start(
        self,
        inputs: Mapping[str, Array],
        *,
        training: bool,
        key: PassKey,
        first_sample: int = 0,
        workspace: Workspace | None = None,
        observe: Callable[[Node, Array], None] | None = None,
        operations: Sequence[Operation] | None = None,
    ) -> Pass:
        """A pass that stands at the start.

        Args:
            inputs: From `checked`, or rows of these.
            training: As for `forward`, and so are the others.
            key: Key of the pass's random streams.
            first_sample: Position in the batch of the first sample.
            workspace: Where large arrays come from.
            observe: Called with each node and its output.
            operations: What is computed; by default what the losses depend on.
        """
        if operations is None:
            operations = self._operations if observe is None else self._declared
        return Pass(
            operations,
            {name: self._converted(name, array) for name, array in inputs.items()},
            training=training,
            kernels=self.kernels,
            key=key,
            first_sample=first_sample,
            workspace=workspace,
            observe=observe,
        )

    def legs(self, *, training: bool, observed: bool = False) -> tuple[Leg, ...]:
        """The way through the graph, cut where the samples of a batch see each other.

        Args:
            training: Whether it is gone in training.
            observed: Whether somebody observes what every single layer gives.
        """
        return legs(self._declared if observed else self._operations, training=training)

    def predict(
        self,
        x: Array | Mapping[str, Array],
        *,
        batch_size: int = PREDICT_BATCH,
        threads: int | None = None,
    ) -> Array | dict[str, Array]:
        """What the network says of ``x``, in evaluation mode.

        Args:
            x: (N, *input_shape), or such an array for each input by name.
            batch_size: Samples at a time, at most.
            threads: How many threads compute; by default as many as there are cores. The result is
                the same for any number.

        Returns:
            (N, *out_shape): what the loss predicts (probabilities, for a classifier), or the raw
            output where it has no loss. Of a network of several outputs a dict of such arrays,
            by the output's name.

        Raises:
            ShapeError: if ``x`` is not of the network's input shape, or a batch has no sample.
            DataError: if it holds no numbers.
            TinynetError: for less than one thread.
        """
        if batch_size < 1:
            raise ShapeError(f"a batch has at least 1 sample, not {batch_size}")
        whole = self.predict_outputs(x, batch_size=batch_size, threads=threads)
        return whole if len(whole) > 1 else whole.popitem()[1]

    def predict_outputs(
        self,
        x: Array | Mapping[str, Array],
        *,
        batch_size: int = PREDICT_BATCH,
        threads: int | None = None,
    ) -> dict[str, Array]:
        """As `predict`: (N, *out_shape) for each output by its name."""
        inputs = {name: self._converted(name, array) for name, array in self.checked(x).items()}
        samples = len(next(iter(inputs.values())))
        # A layer that needs the whole batch gets it here as well.
        cut = not any(op.meets_in_evaluation for op in self._operations)
        rows = []
        for start in range(0, max(samples, 1), batch_size):
            size = min(batch_size, samples - start)
            parts = self.shards(size, training=False) if cut else (slice(0, size),)
            rows += [slice(start + part.start, start + part.stop) for part in parts]
        return joined(self._inference.predict(inputs, rows, self.predictions, threads))

    @cached_property
    def _inference(self) -> Inference:
        return Inference(*fuse(tuple(self.nodes.values()), self.outputs), self.kernels)

    def predictions(self, outputs: Mapping[str, Array]) -> dict[str, Array]:
        """What the losses predict of a pass's outputs, in arrays of their own.

        Args:
            outputs: By name, (N, *out_shape) each; those without a loss are copied.
        """
        losses = {head.output: head.loss for head in self.heads}
        return {
            name: loss_calls.predict(losses[name], outputs[name])
            if name in losses
            else np.array(outputs[name])
            for name in self.outputs
            if name in outputs
        }

    def seen_through(self, layer: Callable[[Node], Any], loss: Callable[[Loss], Any]) -> "Network":
        """This very network, parameters and all, with somebody between it and its plugins.

        Args:
            layer: Gives what shall stand at a node instead of its layer.
            loss: Gives what shall stand instead of a loss.
        """
        seen = copy(self)
        # What was planned for a layer holds for whatever stands there: it may have no buffers.
        seen._operations = seen._declared = tuple(
            replace(op, node=replace(op.node, layer=layer(op.node))) for op in self._declared
        )
        nodes = {op.node.name: op.node for op in seen._declared}
        seen.nodes = MappingProxyType({**self.nodes, **nodes})
        seen.heads = tuple(replace(head, loss=loss(head.loss)) for head in self.heads)
        return seen

    def _named(self, x: Array | Mapping[str, Array]) -> dict[str, Array]:
        if not isinstance(x, Mapping):
            if len(self.input_shapes) > 1:
                names = ", ".join(self.input_shapes)
                raise ShapeError(f"the network has the inputs {names}; give an array for each")
            return {(name := next(iter(self.input_shapes))): as_array(name, x)}
        given = {name if is_input(name) else f"{INPUT}:{name}": array for name, array in x.items()}
        arrays = {name: as_array(name, array) for name, array in given.items()}
        if missing := self.input_shapes.keys() - arrays.keys():
            there = ", ".join(arrays) or "none"
            raise ShapeError(
                f"no array for the network's input {', '.join(sorted(missing))!r}; given: {there}"
            )
        return {name: arrays[name] for name in self.input_shapes}

    def checked(self, x: Array | Mapping[str, Array]) -> dict[str, Array]:
        """The inputs by name, each of its own shape; not converted yet.

        Args:
            x: (N, *input_shape), or such an array for each input by name.

        Raises:
            ShapeError: if ``x`` is not of the network's input shape.
        """
        inputs = self._named(x)
        lengths = {len(array) if array.ndim else None for array in inputs.values()}
        for name, array in inputs.items():
            if array.ndim == 0 or array.shape[1:] != self.input_shapes[name] or len(lengths) > 1:
                wanted = ", ".join(("N", *map(str, self.input_shapes[name])))
                raise ShapeError(
                    f"{name} must be of shape ({wanted}), the same N for every input;"
                    f" it is {array.shape}"
                )
        return inputs

    def _converted(self, name: str, array: Array) -> Array:
        """The array in the network's dtype, unless whoever reads it wants indices."""
        if array.dtype == self.dtype:
            return array
        if array.dtype.kind not in "biuf":
            raise DataError(f"{name} must hold real numbers; its dtype is {array.dtype}")
        indices = all(n.wants_indices for n in self.nodes.values() if name in n.inputs)
        if indices and np.issubdtype(array.dtype, np.integer):
            return array
        return array.astype(self.dtype, copy=False)


def _rebuild(
    spec: NetworkSpec,
    input_shapes: Mapping[str, Shape],
    arguments: Mapping[str, Any],
    arrays: Mapping[str, Array],
) -> Network:
    network = Network(spec, input_shapes, **arguments)
    for address, array in {**network.params, **network.buffers}.items():
        if arrays:
            array[...] = arrays[address]
    return network


def _dtype_name(name: str) -> str:
    if name not in ("float32", "float64"):
        raise SpecError(f"dtype must be 'float32' or 'float64', not {name!r}")
    return name


def _addressed(
    owners: list[Node], arrays: Callable[[Layer], Mapping[str, Array]]
) -> dict[str, Array]:
    return {
        f"{node.name}/{name}": array
        for node in owners
        for name, array in arrays(node.layer).items()
    }
