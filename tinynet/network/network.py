"""A network: layers connected as a directed acyclic graph, as a spec declares them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any

import numpy as np

from tinynet.engine.inference import PREDICT_BATCH, Inference
from tinynet.engine.inputs import Inputs, validate_inputs
from tinynet.engine.node import Node
from tinynet.engine.program import Program
from tinynet.engine.shard_pass import Observer, RandomKey, ShardPass
from tinynet.errors import SpecError, UsageError
from tinynet.kernels import Kernels
from tinynet.kernels.blas import one_blas_thread
from tinynet.kernels.memory import Workspace
from tinynet.kernels.numpy import NumpyKernels
from tinynet.layer import Buffered
from tinynet.layer.build import MAX_PARAMS, Budget, Build
from tinynet.loss import Loss
from tinynet.network.construction import build_nodes, create_initializer, output_values
from tinynet.network.freezing import freeze
from tinynet.network.input_shapes import input_shapes_of
from tinynet.network.kernel_choice import choose_kernels
from tinynet.network.losses import LossLike, output_losses
from tinynet.network.parametrizations import Parametrizations
from tinynet.network.summary import Summary, shape_text, summary_of
from tinynet.spec.graph import build_graph, outputs_of
from tinynet.spec.network_spec import NetworkSpec
from tinynet.spec.reading import parse_network
from tinynet.types import Array, Shape


class Network:
    """Layers connected as a directed acyclic graph.

    Attributes:
        spec: The spec that it was built from.
        nodes: The nodes by name, in topological order.
        params: The learned arrays by address (``conv2d_1/weight``). The mapping is read-only; the
            arrays are live. A parametrized parameter has those that it is computed from in its
            place (``conv2d_1/weight_g``); if they are set by hand, `refresh` must follow.
        buffers: The running statistics, likewise.
        parametrizations: The parametrized parameters.
        input_shapes: Shape of one sample of each input, by name: ``input``, ``input:image``.
        outputs: The value of each output, ``dense_2`` or ``lstm_1:state``, by the output's name.
        out_shapes: Shape of one sample of each output, by name.
        dtype: The dtype of parameters and computation.
        kernels: The numerical kernels.
        losses: The losses, in the order of their names.
        program: The plan of training: the computation of the outputs that have a loss, or of all
            outputs if none has.
        refusal: The reason why `predict` refuses inputs: the network was loaded without its
            preprocessing. None if it takes inputs.
    """

    def __init__(
        self,
        spec: NetworkSpec | Mapping[str, Any],
        input_shape: Shape | Mapping[str, Shape] | None = None,
        *,
        seed: int = 0,
        dtype: str | None = None,
        loss: LossLike | None = None,
        trainable: Sequence[str] | None = None,
        dry: bool = False,
        max_params: int = MAX_PARAMS,
        kernels: Kernels | None = None,
    ) -> None:
        """Build all layers.

        Args:
            spec: The ``network`` part of a spec, or a dict like it.
            input_shape: Shape of one sample, or of each input by name; by default from the spec.
            seed: Seed of the initial parameters.
            dtype: ``"float32"`` or ``"float64"``; by default from the spec.
            loss: A loss, or its declaration in a spec; or several by the names of their outputs.
            trainable: Patterns of the addresses of trainable parameters, as
                ``training.trainable`` of a spec; by default all are trainable.
            dry: Infer shapes and count parameters, but allocate nothing.
            max_params: Most elements of parameters and buffers together.
            kernels: The numerical kernels; by default those that are installed, see
                `choose_kernels`.

        Raises:
            SpecError: for a wrong spec, or more than ``max_params`` elements.
            ShapeError: listing every node whose inputs have a wrong shape.
            PluginError: for a layer that is missing or broken.
            UsageError: for a ``trainable`` that is not a list of strings.
        """
        self._arguments: dict[str, Any] = {
            "loss": loss, "trainable": trainable, "dry": dry, "max_params": max_params
        }  # fmt: skip
        self.refusal: str | None = None
        self.spec = spec if isinstance(spec, NetworkSpec) else parse_network(spec)
        self.dtype = np.dtype(_dtype_name(dtype or self.spec.dtype))
        self.seed = seed
        self.kernels = kernels or (NumpyKernels() if dry else choose_kernels())
        graph = build_graph(self.spec)
        self.input_shapes = input_shapes_of(graph, input_shape, self.spec)
        build = self._builder(seed, dry, max_params)
        # An initializer may compute with BLAS, whose threads would change the last bits.
        built = build_nodes if dry else partial(one_blas_thread().call, build_nodes)
        nodes = built(graph, self.input_shapes, build)
        self.parametrizations = Parametrizations(self.spec.parametrizations or (), nodes, build)
        if trainable is not None:
            nodes = freeze(nodes, trainable, self.parametrizations)
        self.nodes = MappingProxyType(nodes)
        owners = [node.name for node in self.nodes.values() if node.owner == node.name]
        params = {a: array for name in owners for a, array in self.params_of(name).items()}
        self.params = MappingProxyType(params)
        buffers = {a: array for name in owners for a, array in _buffers(nodes[name]).items()}
        self.buffers = MappingProxyType(buffers | self.parametrizations.buffers)
        self.outputs = MappingProxyType(output_values(outputs_of(self.spec, graph), nodes))
        shapes = {value: shape for node in nodes.values() for value, shape in node.values.items()}
        self.out_shapes = {name: shapes[value] for name, value in self.outputs.items()}
        self.losses = output_losses(loss, self.out_shapes, self.dtype.name)
        self.program = self._plan(tuple(self.trained_shapes))

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

    def _plan(self, outputs: Sequence[str]) -> Program:
        return Program.of(
            tuple(self.nodes.values()),
            {name: self.outputs[name] for name in outputs},
            self.losses,
            self.input_shapes,
            self.dtype,
            self.kernels,
        )

    @cached_property
    def _whole_program(self) -> Program:
        """The plan of all outputs."""
        trained_all = len(self.trained_shapes) == len(self.outputs)
        return self.program if trained_all else self._plan(tuple(self.outputs))

    @cached_property
    def _inference(self) -> Inference:
        return Inference(self._whole_program)

    def __repr__(self) -> str:
        inputs = ", ".join(f"{n} {shape_text(s)}" for n, s in self.input_shapes.items())
        outputs = ", ".join(f"{n} {shape_text(s)}" for n, s in self.out_shapes.items())
        count = sum(array.size for array in self.params.values())
        return f"<Network: {inputs} -> {outputs}; {count:,} parameters, {self.dtype.name}>"

    def summary(self) -> Summary:
        """Return the layers, shapes and costs; ``print(network.summary())`` shows a table."""
        return summary_of(self)

    def __copy__(self) -> "Network":
        """Return a network of the same layers: it shares parameters and buffers with this one."""
        copied = object.__new__(type(self))
        copied.__dict__.update(self.__dict__)
        return copied

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and deep-copy the arguments and the arrays, and build the layers anew.

        So attributes that a constructor derives from a layer's arrays stay consistent with them.
        """
        arguments = {
            **self._arguments,
            "seed": self.seed,
            "dtype": self.dtype.name,
            "kernels": self.kernels,
        }
        arrays = {} if arguments["dry"] else {**self.params, **self.buffers}
        return _rebuild, (self.spec, self.input_shapes, arguments, arrays, self.refusal)

    @property
    def loss(self) -> Loss | None:
        """The loss of the only output; None without a loss, or with several outputs."""
        only = len(self.losses) == 1 and len(self.outputs) == 1
        return self.losses[0].loss if only else None

    @property
    def trained_shapes(self) -> dict[str, Shape]:
        """Shape of one sample of each output that has a loss; of all outputs if none has."""
        trained = {name for part in self.losses for name in part.outputs} or {*self.outputs}
        return {name: shape for name, shape in self.out_shapes.items() if name in trained}

    @property
    def trainable(self) -> frozenset[str]:
        """Addresses of the parameters that training changes."""
        return frozenset(
            self.parametrizations.trained(
                gradient.address for op in self.program.operations for gradient in op.gradients
            )
        )

    def params_of(self, name: str) -> dict[str, Array]:
        """Return the learned arrays of a node by address; none if it shares another node's layer.

        Args:
            name: The node's name.
        """
        node = self.nodes[name]
        if node.owner != name:
            return {}
        own = node.own_params.items()
        pairs = (self.parametrizations.params(node.address(n), array) for n, array in own)
        return {address: array for pair in pairs for address, array in pair.items()}

    def refresh(self) -> None:
        """Compute the parametrized parameters, after ``params`` or ``buffers`` were set by hand.

        Without parametrizations it does nothing.

        Raises:
            PluginError: if a parametrization raises an exception, or returns a wrong value.
        """
        self.parametrizations.fill()

    def forward(
        self,
        x: Inputs,
        *,
        training: bool = False,
        key: RandomKey | None = None,
        first_sample: int = 0,
        workspace: Workspace | None = None,
        observe: Observer | None = None,
    ) -> ShardPass:
        """Run forward on a batch, all outputs included.

        Args:
            x: (N, *input_shape), or such an array for each input by name.
            training: True for training mode, in which `ShardPass.backward` may follow.
            key: Key of the random streams; by default step 0 of the network's seed.
            first_sample: Position of the first sample in the batch; part of that key.
            workspace: Memory for large arrays; by default fresh memory.
            observe: Called with each node and its output.

        Raises:
            ShapeError: if ``x`` does not have the network's input shape.
            DataError: if ``x`` does not hold real numbers.
            PluginError: if a layer raises an exception, or returns a wrong value.
        """
        program = self._whole_program
        shard = ShardPass(
            program if observe is None else replace(program, operations=program.unfused),
            validate_inputs(x, self.input_shapes),
            training=training,
            key=key or RandomKey(self.seed),
            first_sample=first_sample,
            workspace=workspace,
            observe=observe,
        )
        shard.forward()
        return shard

    def predict(
        self, x: Inputs, *, batch_size: int = PREDICT_BATCH, threads: int | None = None
    ) -> Array | dict[str, Array]:
        """Return predictions, computed in evaluation mode.

        Args:
            x: (N, *input_shape), or such an array for each input by name.
            batch_size: Most samples at a time.
            threads: Number of threads; by default the number of cores. Any number gives the same
                result.

        Returns:
            (N, *out_shape): the predictions of the loss (probabilities, for a classifier), or the
            output itself where it has no loss. For a network of several outputs, a dict of such
            arrays by the output's name.

        Raises:
            ShapeError: if ``x`` does not have the network's input shape, or for a ``batch_size``
                below 1.
            DataError: if ``x`` does not hold real numbers.
            UsageError: for less than one thread, and for a network that was loaded without its
                preprocessing; see `refusal`.
            PluginError: if a layer or a loss raises an exception, or returns a wrong value.
        """
        outputs = self.predict_outputs(x, batch_size=batch_size, threads=threads)
        return outputs if len(outputs) > 1 else outputs.popitem()[1]

    def predict_outputs(
        self,
        x: Inputs,
        *,
        batch_size: int = PREDICT_BATCH,
        threads: int | None = None,
        in_blocks: bool = False,
    ) -> dict[str, Array]:
        """Return predictions, (N, *out_shape), of each output by its name; see `predict`.

        With ``in_blocks``, the bits of a sample's predictions do not depend on the other samples,
        unless a layer needs the whole batch.
        """
        if self.refusal is not None:
            raise UsageError(self.refusal)
        return self._inference.predict(
            x, batch_size=batch_size, threads=threads, in_blocks=in_blocks
        )


def _rebuild(
    spec: NetworkSpec,
    input_shapes: Mapping[str, Shape],
    arguments: Mapping[str, Any],
    arrays: Mapping[str, Array],
    refusal: str | None = None,
) -> Network:
    network = Network(spec, input_shapes, **arguments)
    network.refusal = refusal
    for address, array in {**network.params, **network.buffers}.items():
        if arrays:
            array[...] = arrays[address]
    if arrays:
        network.refresh()
    return network


def _dtype_name(name: str) -> str:
    if name not in ("float32", "float64"):
        raise SpecError(f"dtype must be 'float32' or 'float64', not {name!r}")
    return name


def _buffers(node: Node) -> dict[str, Array]:
    """Return the running statistics of a node's layer by address."""
    buffers = node.layer.buffers if isinstance(node.layer, Buffered) else {}
    return {f"{node.name}/{name}": array for name, array in buffers.items()}
