"""The flat list of nodes, without blocks and repeats.

In the flat list every node has its name and its inputs. Nodes of a block are named after the
instance: ``residual_2.conv2d_1``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeAlias

from pydantic import JsonValue

from tinynet.errors import SpecError, Use
from tinynet.spec.expansion.blocks import (
    BLOCKS,
    BlockSpec,
    InstanceSpec,
    Model,
    RepeatSpec,
    block_scope,
    relocate,
    validate,
)
from tinynet.spec.expansion.declared_nodes import (
    declared_name,
    input_references,
    names,
    node_or_list,
    owning_instances,
)
from tinynet.spec.expansion.node_lists import Item, NodeList
from tinynet.spec.expansion.sources import Source
from tinynet.spec.expansion.state import Expansion
from tinynet.spec.expansion.variables import Scope, Value, substitute, substitute_with_source
from tinynet.spec.graph import INPUT, TAKEN, is_input, node_of
from tinynet.spec.network_spec import SharedParam
from tinynet.spec.parts import MAX_NAME
from tinynet.text.places import MAX_COUNTED, MAX_DEPTH, MAX_LENGTH, join_pointer, split_pointer
from tinynet.text.wording import format_list, quote

LAYERS = "/network/layers"
"""JSON pointer to the nodes of a spec."""

MAX_INSTANCES = MAX_LENGTH // 2
"""Most instances of blocks; a useful block has at least two nodes."""

_KEYS_BESIDE_SHARES = ("name", "inputs", "repeat")
"""Keys that a node sets itself if it shares the layers of an instance; it has no others."""

_WithSource: TypeAlias = tuple[JsonValue, Source]
"""A node as declared, or the value of one of its keys, with the source of the node."""


@dataclass(frozen=True)
class _BlockInstance:
    """An instance of a block, or several if it is repeated."""

    spec: InstanceSpec
    block: BlockSpec
    scope: Scope  # the names that the block's nodes can refer to
    source: Source


class Flattener:
    """The builder of the flat list.

    Attributes:
        nodes: The flat list.
        top: The network's own list.
        lists: All lists of nodes: the network's own, and one for each instance of a block.
    """

    def __init__(
        self,
        nodes: list[JsonValue],
        source: Source,
        blocks: Mapping[str, BlockSpec | None],
        scope: dict[str, Value],
        state: Expansion,
    ) -> None:
        """Build the flat list from the network's own list of nodes, which is at `source`.

        An invalid block is None. A flat list that is too large raises a SpecError.
        """
        self.nodes: list[JsonValue] = []
        self.top = NodeList(source, scope)
        self._blocks, self._globals, self._state = blocks, scope, state
        self.lists: list[NodeList] = []
        self._instances = 0
        self._fill(self.top, nodes)
        for node_list in self.lists:
            node_list.connect()
            self._connect(node_list)

    # Step 1, list by list: the nodes and their names -----------------------------------------

    def _fill(self, into: NodeList, nodes: list[JsonValue]) -> None:
        self.lists.append(into)
        declared_names = [declared_name(node, into.scope) for node in nodes]
        names_of_nodes = names(declared_names)
        indices: dict[str, int] = {}
        for index, repeats in enumerate(names_of_nodes):
            for name in repeats:
                indices.setdefault(name, index)
        owners = owning_instances(nodes, indices, into.scope)
        for index, repeats in enumerate(names_of_nodes):
            node, source = self._declared_node(into, nodes, index)
            instance: _BlockInstance | None = None
            for repeat_index, name in enumerate(repeats):
                follows = repeat_index > 0
                if name == INPUT:
                    self._state.refuse(TAKEN, source.part("name"))
                owner = owners[name]
                if owner is not None and (other := into.by_name.get(name)) is not None:
                    both = (Use("the other", other.source.pointer), *source.uses)
                    message = f"two nodes are called {quote(into.prefix + name)}"
                    self._state.refuse(message, replace(source, uses=both))
                    break
                if owner is None:
                    self._add_node(into, node, source, name, follows=follows)
                    continue
                if not follows:
                    owner_node = self._declared_node(into, nodes, indices[owner])
                    instance = self._read_instance(into, (node, source), owner_node, owner)
                previous = repeats[repeat_index - 1] if follows else None
                if instance is None or not self._add_instance(
                    into, instance, name, owner, previous
                ):
                    break  # a repeat would have the same mistakes
            declared = declared_names[index]
            if declared.name is not None and declared.repeat is not None and into.items:
                into.last[declared.name] = into.items[-1]

    def _declared_node(self, into: NodeList, nodes: list[JsonValue], index: int) -> _WithSource:
        return node_or_list(nodes[index], into.scope, self._state, into.source.part(index))

    def _add_node(
        self, into: NodeList, node: JsonValue, source: Source, name: str, *, follows: bool
    ) -> None:
        """Add a node to both lists; it `follows` the same node from the second repeat on."""
        self._require_room(len(self.nodes), MAX_LENGTH, "nodes", source)
        if into.prefix:
            self._require_short(into.prefix + name, source)
        if isinstance(node, dict) and "repeat" in node:
            if not follows:
                self._read(RepeatSpec, {"repeat": (node["repeat"], source)}, into.scope)
            node = {key: value for key, value in node.items() if key != "repeat"}
        target = f"{LAYERS}/{len(self.nodes)}"
        self._state.sources[target] = source
        flat_node = substitute(node, into.scope, self._state, source, target)
        if isinstance(flat_node, str):
            flat_node = {"type": flat_node}
            type_source = self._state.sources[target]
            if type_source is not source:  # a variable holds the type
                self._state.sources |= {f"{target}/type": type_source, target: source}
        inputs = None
        if isinstance(flat_node, dict):
            if follows:
                flat_node.pop("inputs", None)
            inputs = input_references(flat_node.get("inputs"))
            shares_layer = isinstance(flat_node.get("shares"), str)
            trains = not shares_layer and flat_node.get("trainable", True) is True
            if into.frozen and trains:
                flat_node["trainable"] = False
        into.add(Item(into.prefix + name, source, inputs, flat_index=len(self.nodes)))
        self.nodes.append(flat_node)

    def _read_instance(
        self, into: NodeList, node: _WithSource, owner_node: _WithSource, owner: str
    ) -> _BlockInstance | None:
        """Return the instance of a block that a node declares; None if it is wrong.

        `owner_node`, called `owner`, names the block: it is `node` itself, or the instance whose
        layers `node` shares.
        """
        problems_before = len(self._state.problems)
        if problems_before >= MAX_COUNTED:
            return None
        (node_fields, source), (fields, owner_source) = node, owner_node
        self._require_room(self._instances, MAX_INSTANCES, "instances of blocks", source)
        self._instances += 1
        assert isinstance(node_fields, dict)
        assert isinstance(fields, dict)
        if owner_source != source:
            for key in node_fields.keys() - {"shares", *_KEYS_BESIDE_SHARES}:
                message = f"{quote(key)} belongs to {quote(owner)}, whose layers this node shares"
                self._state.refuse(message, source.part(key), key=True)
            fields = {key: value for key, value in fields.items() if key not in _KEYS_BESIDE_SHARES}
        keys = {
            key: (value, owner_source)
            for key, value in fields.items()
            if key in InstanceSpec.model_fields
        }
        arguments = {key: value for key, value in fields.items() if key not in keys}
        keys |= {
            key: (node_fields[key], source) for key in _KEYS_BESIDE_SHARES if key in node_fields
        }
        spec = self._read(InstanceSpec, keys, into.scope)
        block = None if spec is None else self._block(spec.block, into, owner_source)
        if spec is None or block is None:
            return None
        scope = block_scope(
            spec.block, block, arguments, into.scope, self._globals, owner_source, self._state
        )
        self._require_inputs(spec, block, source)
        if len(self._state.problems) > problems_before:
            return None
        return _BlockInstance(spec, block, scope, source)

    def _read(
        self, model: type[Model], keys: Mapping[str, _WithSource], scope: Scope
    ) -> Model | None:
        """Return the validated keys of a node; None if they are wrong."""
        problems_before = len(self._state.problems)
        values = {
            key: substitute_with_source(value, scope, self._state, source.part(key))
            for key, (value, source) in keys.items()
        }
        if len(self._state.problems) > problems_before:
            return None
        validated, wrong = validate(model, {key: value.value for key, value in values.items()})
        for problem in wrong:
            key, *rest = split_pointer(problem.pointer)
            within = replace(problem, pointer=join_pointer(rest))
            self._state.problems.append(relocate(within, values[key].source))
        return validated

    def _add_instance(
        self,
        into: NodeList,
        instance: _BlockInstance,
        name: str,
        owner: str,
        previous: str | None,
    ) -> bool:
        """Add one repeat of an instance of a block, and return True if it has no mistakes.

        It has its own layers if it is called `owner`, and otherwise shares those of the instance
        with that name. From the second repeat on its first input is the `previous` repeat.
        """
        problems_before = len(self._state.problems)
        block_name, source = instance.spec.block, instance.source
        use = Use(f"block {quote(block_name)} used", source.pointer)
        inner = NodeList(
            source=Source(BLOCKS, (use, *source.uses)).part(block_name, "layers"),
            scope=instance.scope,
            prefix=f"{into.prefix}{name}.",
            inputs=instance.block.input_names,
            outer=(into, len(into.items)),
            blocks=(*into.blocks, block_name),
            frozen=into.frozen or not instance.spec.trainable,
            sharing=into.sharing,
        )
        if owner != name:
            inner.sharing = ((inner.prefix, f"{into.prefix}{owner}."), *into.sharing)
        inputs = instance.spec.inputs
        if previous is not None and inputs is not None:
            inputs = (previous, *inputs[1:])
        into.add(Item(into.prefix + name, source, inputs, inner=inner))
        if not self._require_short(inner.prefix.rstrip("."), source):
            return False  # the names of the nodes in it are longer still: one report is enough
        self._fill(inner, list(instance.block.layers))
        return len(self._state.problems) == problems_before

    def _require_short(self, name: str, source: Source) -> bool:
        if len(name) <= MAX_NAME:
            return True
        message = f"the full name {quote(name)} is too long ({len(name)} characters, at most"
        remedy = f"{MAX_NAME}); give the blocks and nodes in it shorter names"
        self._state.refuse(f"{message} {remedy}", source.part("name"))
        return False

    def _require_inputs(self, spec: InstanceSpec, block: BlockSpec, source: Source) -> None:
        names, passed = block.input_names, len(spec.inputs or (INPUT,))
        if len(names) != passed:
            inputs = f"{len(names)} input{'s' if len(names) > 1 else ''} ({format_list(names)})"
            message = f"the block {quote(spec.block)} takes {inputs}, not {passed}"
            self._state.refuse(message, source if spec.inputs is None else source.part("inputs"))

    def _block(self, name: str, into: NodeList, source: Source) -> BlockSpec | None:
        block_source = source.part("block")
        if name not in self._blocks:
            message = f"there is no block {quote(name)}"
            self._state.refuse_unknown(message, name, self._blocks, block_source)
        elif name in into.blocks:
            circle = " -> ".join((*into.blocks[into.blocks.index(name) :], name))
            self._state.refuse(f"a block cannot use itself: {circle}", block_source)
        elif len(into.blocks) == MAX_DEPTH:
            self._state.refuse(f"blocks are nested more than {MAX_DEPTH} deep", block_source)
        else:
            return self._blocks[name]
        return None

    def _require_room(self, count: int, limit: int, what: str, source: Source) -> None:
        if count >= limit:
            message = f"with its blocks expanded the network has more than {limit:,} {what}"
            raise SpecError([source.problem(message)])

    # Step 2, with all nodes named: their inputs ------------------------------------------------

    def _connect(self, node_list: NodeList) -> None:
        for index, item in enumerate(node_list.items):
            if not self._state.problems and len(self._state.reference_problems) < MAX_COUNTED:
                self._check_references(node_list, item)
            if item.flat_index is not None:
                for input_index, source in node_list.network_inputs(index):
                    target = f"{LAYERS}/{item.flat_index}/inputs/{input_index}"
                    self._state.sources[target] = source
                connected = self._with_name_and_inputs(
                    node_list, index, self.nodes[item.flat_index]
                )
                self.nodes[item.flat_index] = connected

    def _with_name_and_inputs(self, node_list: NodeList, index: int, node: JsonValue) -> JsonValue:
        """Return a node with its name and inputs; the models report what is not a node."""
        if not isinstance(node, dict):
            return node
        item = node_list.items[index]
        shared = node.get("shares", item.name.removeprefix(node_list.prefix))
        connected = {} if node_list.sharing else dict(node)
        if isinstance(shared, dict) and not node_list.sharing:
            connected["shares"] = {
                name: _resolved_address(node_list, address) for name, address in shared.items()
            }
        elif node_list.sharing or (isinstance(shared, str) and "shares" in node):
            own = item.name.removeprefix(node_list.prefix)
            connected["shares"] = node_list.owner(shared if isinstance(shared, str) else own)
        if isinstance(node.get("name", ""), str):
            connected["name"] = item.name
        if item.inputs is not None or "inputs" not in node:
            connected["inputs"] = list(node_list.sources(index))
        return connected

    def _check_references(self, node_list: NodeList, item: Item) -> None:
        for index, reference in enumerate(item.inputs or ()):
            source = item.source.part("inputs", index)
            if node_list.has(reference):
                continue
            if is_input(reference):
                available = format_list(node_list.inputs or ())
                message = f"there is no {quote(reference)} in the block, only {available}"
                self._state.reference_problems.append(source.problem(message))
            elif node_list.find_shared(node_of(reference)) is not None:
                message = f"{quote(reference)} is outside of the block; add an input to the block's"
                remedy = f"'inputs', and pass {quote(reference)} in the 'inputs' of its instances"
                self._state.reference_problems.append(source.problem(f"{message} {remedy}"))
            else:
                self._refuse_node([node_list], reference, source)
        node = None if item.flat_index is None else self.nodes[item.flat_index]
        shared = node.get("shares") if isinstance(node, dict) else None
        source = item.source.part("shares")
        if isinstance(shared, str):
            self._check_owner(node_list, shared, source)
        elif isinstance(shared, dict):
            for name, address in shared.items():
                if isinstance(address, str) and all(SharedParam.parse(address)[:2]):
                    self._check_owner(node_list, SharedParam.parse(address).node, source.part(name))

    def _check_owner(self, node_list: NodeList, name: str, source: Source) -> None:
        owner = node_list.find_shared(name)
        if owner is None:
            self._refuse_node(node_list.outwards(), name, source)
        elif owner.inner is not None:
            message = f"{quote(name)} is an instance of a block; share one of its nodes instead"
            self._state.reference_problems.append(source.problem(message))

    def _refuse_node(self, node_lists: Iterable[NodeList], name: str, source: Source) -> None:
        message = f"there is no node {quote(name)}"
        candidates = chain.from_iterable(nodes.candidates(name) for nodes in node_lists)
        hint = self._state.hint(message, name, candidates, source)
        self._state.reference_problems.append(source.problem(message + hint))


def _resolved_address(node_list: NodeList, address: JsonValue) -> JsonValue:
    """Return the address of a shared parameter with the flat name of its node."""
    if not isinstance(address, str):
        return address
    shared = SharedParam.parse(address)
    return str(shared._replace(node=node_list.owner(shared.node))) if all(shared[:2]) else address
