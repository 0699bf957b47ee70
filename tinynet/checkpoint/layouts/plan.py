"""A plan for the transfer from a file of weights in the layout of another framework."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from tinynet.checkpoint.layouts.branches import Branches
from tinynet.checkpoint.layouts.converted import (
    ARRAY,
    Converted,
    arrays_of,
    convert,
    file_array,
)
from tinynet.checkpoint.layouts.epsilons import epsilon_warnings
from tinynet.checkpoint.layouts.feature_order import FeatureOrders
from tinynet.checkpoint.layouts.keras_layers import keras_slots
from tinynet.checkpoint.layouts.keras_names import keras_modules
from tinynet.checkpoint.layouts.matching import Matcher, Pairing
from tinynet.checkpoint.layouts.modules import Module, ModuleList
from tinynet.checkpoint.layouts.names import Layout
from tinynet.checkpoint.layouts.slots import (
    LayerFacts,
    Slot,
    layer_params,
    layer_types,
)
from tinynet.checkpoint.layouts.square_norms import square_norm_warnings
from tinynet.checkpoint.layouts.torch_layers import torch_slots
from tinynet.checkpoint.layouts.torch_names import torch_modules
from tinynet.checkpoint.layouts.unsupported import reasons
from tinynet.checkpoint.parametrized_transfer import transferable
from tinynet.checkpoint.tensor_layout import TensorLayout
from tinynet.checkpoint.tensor_pairs import target_problems
from tinynet.checkpoint.transfer import (
    TensorTransfer,
    TransferPlan,
    TransferRefusedError,
    allowing_options,
    planned_moves,
    refusals,
)
from tinynet.checkpoint.transfer_rules import TransferRules
from tinynet.engine.node import Node
from tinynet.errors import CheckpointMismatchError
from tinynet.files.array_header import ArrayHeader
from tinynet.network.network import Network
from tinynet.spec.expansion.declared_nodes import is_positional
from tinynet.spec.graph import build_graph
from tinynet.spec.network_spec import TRANSPOSED
from tinynet.text.wording import quote, suggest


@dataclass(frozen=True)
class _Framework:
    modules: Callable[..., ModuleList]
    slots: Callable[[LayerFacts], list[Slot]]
    separator: str
    is_channels_first: bool


_FRAMEWORKS: Mapping[str, _Framework] = {
    "torch": _Framework(torch_modules, torch_slots, ".", True),
    "keras": _Framework(keras_modules, keras_slots, "/", False),
}


def plan_layout_transfer(
    network: Network,
    headers: Mapping[str, ArrayHeader],
    layout: Layout,
    rules: TransferRules,
    origin: str,
    *,
    in_order: bool,
) -> TransferPlan:
    """Return the plan of a transfer; nothing changes.

    Args:
        network: The network.
        headers: The shape and dtype of each array in the file, by its name.
        layout: The framework whose layout the arrays have.
        rules: The allowed actions. ``map`` has layers of the file (``features.0``), each with a
            node; or arrays, each with the address of a parameter.
        origin: The name of the file in messages.
        in_order: True if the file's kind keeps the order in which arrays were written.

    Raises:
        TransferRefusedError: listing every move that the rules do not allow, and the layers that
            cannot be paired without ``map``.
        CheckpointMismatchError: listing the mistakes in ``rules.map``.
    """
    transfer = _Transfer(network, headers, layout, rules, origin, in_order=in_order)
    return transfer.plan()


def _has_second_sequence(node: Node) -> bool:
    """Return True for a node that reads two values, apart from a mask."""
    return len(set(node.inputs[:2])) > 1 and len(node.in_shapes[1]) > 1


class _Transfer:
    def __init__(
        self,
        network: Network,
        headers: Mapping[str, ArrayHeader],
        layout: Layout,
        rules: TransferRules,
        origin: str,
        *,
        in_order: bool,
    ) -> None:
        self._network, self._headers, self._rules = network, headers, rules
        self._origin, self._layout, self._framework = origin, layout, _FRAMEWORKS[layout]
        self._modules = self._framework.modules(headers, in_order=in_order)
        self._warnings: list[str] = []
        self._slots = [s for layer in self._layers() for s in self._framework.slots(layer)]
        self._paired: dict[str, TensorLayout] = {}

    def plan(self) -> TransferPlan:
        """Return the plan; see `plan_layout_transfer`."""
        separator = self._framework.separator
        branches = Branches(self._network.nodes, (slot.layer.name for slot in self._slots))
        matcher = Matcher(
            self._slots, self._modules, self._headers, separator, self._origin, branches
        )
        self._apply_map(matcher)
        matcher.match_names()
        matcher.match_shapes()
        chosen: dict[str, TensorLayout] = {}
        for slot, module in matcher.pairing.pairs:
            for param, tensor in matcher.tensors(slot, module).items():
                chosen[f"{slot.layer.name}/{param}"] = tensor
        chosen |= self._paired
        moves = planned_moves(
            self._network,
            (),
            lambda target: chosen.get(target.address),
            self._rules,
            self._paired.keys(),
            self._origin,
        )
        self._require_overlaps(moves)
        moves += tuple(self._unused(moves))
        paired = [slot.layer for slot, _ in matcher.pairing.pairs]
        plan = TransferPlan(
            moves,
            tuple(self._notes(matcher.pairing)),
            warnings=(
                *self._warnings,
                *square_norm_warnings(paired),
                *epsilon_warnings(paired, self._layout),
            ),
        )
        return self._checked(plan, matcher)

    def _layers(self) -> list[LayerFacts]:
        """Return the layers with parameters, in topological order."""
        types = layer_types(self._network)
        options = {node.name: node.spec.options for node in build_graph(self._network.spec)}
        is_first = self._framework.is_channels_first
        orders = FeatureOrders(self._network, options) if is_first else None
        self._warnings = [] if orders is None else orders.notes()
        layers = []
        for name, node in self._network.nodes.items():
            if params := layer_params(self._network, name):
                layers.append(
                    LayerFacts(
                        name,
                        types[name],
                        not is_positional(name, types[name]),
                        params,
                        options[name],
                        _has_second_sequence(node),
                        None if orders is None else orders.of_input(node),
                        None if orders is None else orders.of_output(node),
                        node.in_shapes[0] if node.in_shapes else (),
                        orders is not None and orders.is_channels_first(node),
                    )
                )
        return layers

    def _apply_map(self, matcher: Matcher) -> None:
        """Pair what the rules name: layers, or single arrays."""
        addresses = {name.partition("/")[2] for name in transferable(self._network)}
        problems = matcher.problems
        arrays = {name.removesuffix(":0"): name for name in self._headers}
        for before, after in self._rules.pairs:
            name = before.removesuffix(TRANSPOSED)
            array = arrays.get(before.removesuffix(":0"), arrays.get(name.removesuffix(":0")))
            if after not in addresses and array is None:
                matcher.map_module(before, after)
            elif array is None:
                hint = suggest(before, self._headers)
                problems.append(f"--map: {self._origin} has no array {quote(before)}; {hint}")
            else:
                problems += target_problems(before, after, addresses, self._paired)
                is_transposed = before.removesuffix(":0") not in arrays
                self._paired[after] = self._array_for(after, array, transposed=is_transposed)
        if problems:
            raise CheckpointMismatchError("\n  ".join(problems))
        used = {t.name.removeprefix(ARRAY) for t in self._paired.values()}
        modules = [m.name for m in self._modules.modules if used & set(m.arrays.values())]
        slots = [
            slot
            for slot in self._slots
            if any(f"{slot.layer.name}/{param}" in self._paired for param in slot.sources)
        ]
        matcher.leave_out(slots, modules)

    def _array_for(self, address: str, array: str, *, transposed: bool) -> TensorLayout:
        """Return an array for a parameter: as its layer needs it, or as it is."""
        module, role = next(
            (
                (module, role)
                for module in self._modules.modules
                for role, name in module.arrays.items()
                if name == array
            ),
            (Module("", {"value": array}, {}, 0), "value"),
        )
        separator = self._framework.separator
        plain = file_array(module.name, array, self._headers, separator)
        if transposed:
            return plain.transpose()
        node, _, param = address.rpartition("/")
        slots = [s for s in self._slots if s.layer.name == node and param in s.sources]
        sources = [
            replace(source, roles=(role,))
            for slot in slots
            for source in sorted(slot.sources[param], key=lambda source: role not in source.roles)
            if len(source.roles) == 1
        ]
        tensors = [convert(s, module, self._headers, separator) for s in sources]
        if not slots:
            return plain
        shape = slots[0].layer.params[param]
        fitting = [tensor for tensor in tensors if tensor.source and tensor.shape == shape]
        return (*fitting, plain)[0]

    def _require_overlaps(self, moves: tuple[TensorTransfer, ...]) -> None:
        """Raise an error for parts of a tensor that do not follow from the same parts before."""
        wrong = [
            f"{move.target} overlaps with {move.source.origin}, which is not possible after this"
            f" change: leave out --overlap for it"
            for move in moves
            if move.action == "overlapped"
            and isinstance(move.source, Converted)
            and not (move.source.source and move.source.can_overlap)
        ]
        if wrong:
            raise CheckpointMismatchError("\n  ".join(wrong))

    def _unused(self, moves: tuple[TensorTransfer, ...]) -> list[TensorTransfer]:
        """Return the arrays of the file that no parameter takes."""
        used = {name for move in moves if move.source for name in arrays_of(move.source)}
        return [
            TensorTransfer(
                file_array(module.name, name, self._headers, self._framework.separator),
                None,
                origin=self._origin,
            )
            for module in self._modules.modules
            for name in module.arrays.values()
            if name not in used
        ]

    def _notes(self, pairing: Pairing) -> list[str]:
        notes = list(pairing.notes)
        if ignored := self._modules.ignored:
            names = sorted({name.rpartition(self._framework.separator)[2] for name in ignored})
            notes.append(f"not needed: {', '.join(names)} ({len(ignored):,})")
        return notes

    def _checked(self, plan: TransferPlan, matcher: Matcher) -> TransferPlan:
        """Return the plan, or raise `TransferRefusedError` for what the rules do not allow."""
        undecided = {
            f"{slot.layer.name}/{param}"
            for slot in matcher.pairing.undecided
            for param in slot.sources
        }
        refused = {
            move: line
            for move, line in refusals(plan.moves, self._rules).items()
            if not self._is_undecided(move, undecided, matcher)
        }
        problems = [slot.problem for slot in self._slots if slot.problem]
        unused = [move.source.address for move in refused if move.source and not move.target]
        if self._layout == "torch":
            problems += reasons(unused)
        lines = [*matcher.pairing.ambiguous, *problems, *refused.values()]
        if not lines:
            return plan
        if refused and not matcher.pairing.ambiguous:
            lines.append("--map LAYER=NODE pairs a layer of the file with a node")
        refusing = replace(plan, refusals=tuple(lines), options=allowing_options(refused))
        raise TransferRefusedError(refusing)

    def _is_undecided(self, move: TensorTransfer, addresses: set[str], matcher: Matcher) -> bool:
        """Return True for a tensor of a layer that has a message of its own."""
        if move.source is None:
            return move.target is not None and move.target.address in addresses
        return move.target is None and move.source.address in matcher.undecided_arrays
