"""A program whose layers, losses and kernels are observed."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, cast

from tinynet.engine.chain import Chain
from tinynet.engine.losses import OutputLoss
from tinynet.engine.operation import Operation
from tinynet.engine.program import Program
from tinynet.engine.replay import Replay
from tinynet.engine.trained_chain import TrainedChain
from tinynet.kernels import Kernels
from tinynet.kernels.memory import Workspace
from tinynet.layer import Layer
from tinynet.loss import Loss
from tinynet.profiling.recorder import Direction, Place, RowKey, Wrapper, facts
from tinynet.profiling.replacements import Item

_LAYER_METHODS: Mapping[str, tuple[Direction, int]] = {
    "forward": ("forward", 1),
    "summarize": ("forward", 1),
    "forward_with": ("forward", 2),
    "backward": ("backward", 2),
    "summarize_gradient": ("backward", 2),
    "backward_with": ("backward", 3),
}
"""The pass of each method of a layer, and the position of an input or an output gradient."""

_LOSS_METHODS: Mapping[str, tuple[Direction, int]] = {
    "forward": ("forward", 1),
    "backward": ("backward", 2),
    "predict": ("forward", 0),
}


def observed_program(
    program: Program, kernels: Kernels, wrapper: Wrapper, *, chains: bool
) -> Program:
    """Return a program that computes the same, with observed layers, losses and kernels.

    Args:
        program: The program.
        kernels: Its `observed_kernels`.
        wrapper: The observer.
        chains: True to observe chains, in which no layer is called if they are replayed; False to
            have no chains.
    """
    operations = program.operations if chains else program.fused
    observed = replace(
        program,
        operations=tuple(_operation(op, wrapper) for op in operations),
        losses=tuple(_loss(part, wrapper) for part in program.losses),
        kernels=kernels,
    )
    # So the first step does not take the time to determine them again.
    for name, member in vars(Program).items():
        if isinstance(member, cached_property):
            getattr(observed, name)
    if chains:
        vars(observed)["trained_chain"] = _trained_chain(program, wrapper)
    observed.stages(training=True)
    return observed


def observed_kernels(kernels: Kernels, wrapper: Wrapper) -> Kernels:
    """Return kernels that compute the same, and whose calls are observed."""
    return cast(Kernels, _ObservedKernels(kernels, wrapper))


def fused_names(program: Program) -> dict[str, list[str]]:
    """Return the nodes that each operation computes, by the name of the operation's node."""
    names = {op.node.name: [op.node.name] for op in program.fused}
    first = {name: name for name in names}
    for op in program.unfused:
        node = op.node
        if node.name not in names:
            first[node.name] = first[node.inputs[0]]
            names[first[node.name]].append(node.name)
    return names


def has_chains(program: Program) -> bool:
    """Return True if some layers are joined in chains, which can be replayed."""
    return len(program.operations) < len(program.fused)


def nodes_of(op: Operation) -> list[str]:
    """Return the nodes in an operation of a program: several in a chain; see `fused_names`."""
    layer = op.node.layer
    return layer.nodes if isinstance(layer, Chain) else [op.node.name]


def observed_replays(workspaces: Iterable[Workspace], wrapper: Wrapper) -> Iterator[Item]:
    """Yield the replacements that observe the kernels of the replays in workspaces."""
    place = Place("replay", "kernel")
    for workspace in workspaces:
        for replay in workspace.kept.values():
            if isinstance(replay, Replay):
                for recorded in replay.recorded:
                    calls = recorded.calls
                    run = wrapper.wrap(calls.run, place)
                    yield recorded, "calls", _Observed(calls, {"run": run})


class _Observed:
    """An object some of whose methods are observed; everything else is that of the object."""

    def __init__(self, object: Any, methods: Mapping[str, Callable[..., Any]]) -> None:
        self._object = object
        vars(self).update(methods)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._object, name)


class _ObservedKernels(_Observed):
    """Kernels whose public functions are observed. They equal the kernels that they call."""

    def __init__(self, kernels: Kernels, wrapper: Wrapper) -> None:
        others = "on_threads", "recording"
        names = (name for name in dir(kernels) if not name.startswith("_") and name not in others)
        functions = {n: f for n in names if callable(f := getattr(kernels, n))}
        super().__init__(
            kernels,
            {name: wrapper.wrap(f, Place(name, "kernel"), 0) for name, f in functions.items()},
        )

    # So the numeric context, which is that of certain kernels, is not entered again.
    def __eq__(self, other: object) -> bool:
        return other is self or other is self._object

    def __hash__(self) -> int:
        return hash(self._object)


def _operation(op: Operation, wrapper: Wrapper) -> Operation:
    node = op.node
    row = RowKey("node", node.name)
    methods = _methods(node.layer, _LAYER_METHODS, row, "layer", node.type, wrapper)
    layer = cast(Layer, _Observed(node.layer, dict(methods)))
    return replace(op, node=replace(node, layer=layer))


def _trained_chain(program: Program, wrapper: Wrapper) -> TrainedChain | None:
    chain = program.trained_chain
    if chain is None:
        return None
    name = program.operations[0].node.name
    place = Place(f"{name} forward, loss, backward", "layer", RowKey("node", name))
    run = wrapper.wrap(chain.run, place, 1)
    return cast(TrainedChain, _Observed(chain, {"run": run}))


def _loss(part: OutputLoss, wrapper: Wrapper) -> OutputLoss:
    row, type_name = RowKey("loss", part.name), getattr(part.loss, "name", "")
    methods = _methods(part.loss, _LOSS_METHODS, row, "loss", type_name, wrapper)
    observed = replace(part, loss=cast(Loss, _Observed(part.loss, dict(methods))))
    # These depend on the class of the loss.
    for name, member in vars(OutputLoss).items():
        if isinstance(member, cached_property):
            vars(observed)[name] = getattr(part, name)
    return observed


def _methods(
    plugin: object,
    methods: Mapping[str, tuple[Direction, int]],
    row: RowKey,
    category: Any,
    type_name: str,
    wrapper: Wrapper,
) -> Iterable[tuple[str, Callable[..., Any]]]:
    for method, (direction, shape_of) in methods.items():
        if hasattr(plugin, method):
            suffix = "" if method == direction else f" ({method})"
            name = f"{row.name} {direction}{suffix}"
            place = Place(name, category, row, direction, facts(type=type_name))
            yield method, wrapper.wrap(getattr(plugin, method), place, shape_of)
