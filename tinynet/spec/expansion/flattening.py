"""The flat list of nodes, without blocks and repeats.

In the flat list every node has its name and its inputs. Nodes of a block are named after the use:
``residual_2.conv2d_1``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from pydantic import JsonValue

from tinynet.errors import SpecError, Use
from tinynet.spec.expansion.blocks import (
    BLOCKS,
    BlockSpec,
    Model,
    RepeatSpec,
    UseSpec,
    arguments,
    move,
    read,
)
from tinynet.spec.expansion.declared_nodes import declared, declared_name, names, owners, references
from tinynet.spec.expansion.node_lists import Item, NodeList
from tinynet.spec.expansion.sources import Source
from tinynet.spec.expansion.state import Expansion
from tinynet.spec.expansion.variables import Scope, Value, evaluate, substitute
from tinynet.spec.graph import INPUT, TAKEN, is_input
from tinynet.spec.parts import MAX_NAME
from tinynet.text.document import (
    MAX_COUNTED,
    MAX_DEPTH,
    MAX_LENGTH,
    join_pointer,
    split_pointer,
)
from tinynet.text.wording import format_list, quote

LAYERS = "/network/layers"
"""JSON pointer to the nodes of a spec."""

MAX_USES = MAX_LENGTH // 2
"""Most uses of blocks; a useful block has at least two nodes."""

_PLACED = ("name", "inputs", "repeat")
"""Keys that a use sharing the layers of another one has for itself."""

_Declared: TypeAlias = tuple[JsonValue, Source]
"""A declared node, or the value of one of its keys, with the place of the node."""


@dataclass(frozen=True)
class _BlockUse:
    """A use of a block, which may be repeated."""

    spec: UseSpec
    block: BlockSpec
    scope: Scope  # the names that the block's nodes can refer to
    at: Source


class Flattener:
    """The builder of the flat list.

    Attributes:
        nodes: The flat list.
        top: The network's own list.
        lists: All lists of nodes: the network's own, and one for each use of a block.
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

        A block that is wrong is None. A flat list that is too large raises a SpecError.
        """
        self.nodes: list[JsonValue] = []
        self.top = NodeList(source, scope)
        self._blocks, self._globals, self._state = blocks, scope, state
        self.lists: list[NodeList] = []
        self._uses = 0
        self._fill(self.top, nodes)
        for node_list in self.lists:
            node_list.connect()
            self._wire(node_list)

    # Step 1, list by list: the nodes and their names -----------------------------------------

    def _fill(self, into: NodeList, nodes: list[JsonValue]) -> None:
        self.lists.append(into)
        declared_names = [declared_name(node, into.scope) for node in nodes]
        full_names = names(declared_names)
        places: dict[str, int] = {}
        for place, own in enumerate(full_names):
            for name in own:
                places.setdefault(name, place)
        owned = owners(nodes, places, into.scope)
        for place, own in enumerate(full_names):
            node = self._declared(into, nodes, place)
            use: _BlockUse | None = None
            for time, name in enumerate(own):
                if name == INPUT:
                    self._state.refuse(TAKEN, node[1].part("name"))
                owner = owned[name]
                if owner is not None and (other := into.by_name.get(name)) is not None:
                    both = (Use("the other", other.source.pointer), *node[1].uses)
                    message = f"two nodes are called {quote(into.prefix + name)}"
                    self._state.refuse(message, replace(node[1], uses=both))
                    break
                if owner is None:
                    self._add_node(into, *node, name, follows=time > 0)
                    continue
                if time == 0:
                    template = self._declared(into, nodes, places[owner])
                    use = self._read_use(into, node, template, owner)
                if use is None or not self._add_use(into, use, name, owner, follows=time > 0):
                    break  # a repeat would have the same mistakes
            named = declared_names[place]
            if named.name is not None and named.repeat is not None and into.items:
                into.last[named.name] = into.items[-1]

    def _declared(self, into: NodeList, nodes: list[JsonValue], place: int) -> _Declared:
        return declared(nodes[place], into.scope, self._state, into.source.part(place))

    def _add_node(
        self, into: NodeList, node: JsonValue, at: Source, name: str, *, follows: bool
    ) -> None:
        self._require_room(len(self.nodes), MAX_LENGTH, "nodes", at)
        if into.prefix:
            self._require_short(into.prefix + name, at)
        if isinstance(node, dict) and "repeat" in node:
            if not follows:
                self._read(RepeatSpec, {"repeat": (node["repeat"], at)}, into.scope)
            node = {key: value for key, value in node.items() if key != "repeat"}
        target = f"{LAYERS}/{len(self.nodes)}"
        self._state.moved[target] = at
        made = substitute(node, into.scope, self._state, at, target)
        if isinstance(made, str):
            made = {"type": made}
            if (source := self._state.moved[target]) is not at:  # a variable holds the type
                self._state.moved |= {f"{target}/type": source, target: at}
        inputs = None
        if isinstance(made, dict):
            if follows:
                made.pop("inputs", None)
            inputs = references(made.get("inputs"))
            if into.frozen and "shares" not in made and made.get("trainable", True) is True:
                made["trainable"] = False
        into.add(Item(into.prefix + name, at, inputs, index=len(self.nodes)))
        self.nodes.append(made)

    def _read_use(
        self, into: NodeList, node: _Declared, template: _Declared, owner: str
    ) -> _BlockUse | None:
        """Return a use of a block; None if it is wrong.

        `template` is the node that names the block, called `owner`: the same, or one it shares.
        """
        problems_before = len(self._state.problems)
        if problems_before >= MAX_COUNTED:
            return None
        (node_fields, at), (fields, origin) = node, template
        self._require_room(self._uses, MAX_USES, "uses of blocks", at)
        self._uses += 1
        assert isinstance(node_fields, dict)
        assert isinstance(fields, dict)
        if origin != at:
            for key in node_fields.keys() - {"shares", *_PLACED}:
                message = f"{quote(key)} belongs to {quote(owner)}, whose layers this node shares"
                self._state.refuse(message, at.part(key), key=True)
            fields = {key: value for key, value in fields.items() if key not in _PLACED}
        own = {key: value for key, value in fields.items() if key in UseSpec.model_fields}
        passed = {key: value for key, value in fields.items() if key not in own}
        keys = {key: (value, origin) for key, value in own.items()}
        keys |= {key: (node_fields[key], at) for key in _PLACED if key in node_fields}
        spec = self._read(UseSpec, keys, into.scope)
        block = None if spec is None else self._block(spec.block, into, origin)
        if spec is None or block is None:
            return None
        scope = arguments(spec.block, block, passed, into.scope, self._globals, origin, self._state)
        self._require_inputs(spec, block, at)
        if len(self._state.problems) > problems_before:
            return None
        return _BlockUse(spec, block, scope, at)

    def _read(
        self, model: type[Model], keys: Mapping[str, _Declared], scope: Scope
    ) -> Model | None:
        """Return the validated keys of a node; None if they are wrong."""
        problems_before = len(self._state.problems)
        values = {
            key: evaluate(value, scope, self._state, at.part(key))
            for key, (value, at) in keys.items()
        }
        if len(self._state.problems) > problems_before:
            return None
        validated, wrong = read(model, {key: value.value for key, value in values.items()})
        for problem in wrong:
            key, *rest = split_pointer(problem.pointer)
            within = replace(problem, pointer=join_pointer(rest))
            self._state.problems.append(move(within, values[key].source))
        return validated

    def _add_use(
        self, into: NodeList, use: _BlockUse, name: str, owner: str, *, follows: bool
    ) -> bool:
        """Add a use of a block, and return True if it has no mistakes.

        It has the layers of `owner`; it `follows` from the second repeat on.
        """
        problems_before = len(self._state.problems)
        here = Use(f"block {quote(use.spec.block)} used", use.at.pointer)
        inner = NodeList(
            source=Source(BLOCKS, (here, *use.at.uses)).part(use.spec.block, "layers"),
            scope=use.scope,
            prefix=f"{into.prefix}{name}.",
            inputs=use.block.input_names,
            outer=(into, len(into.items)),
            blocks=(*into.blocks, use.spec.block),
            frozen=into.frozen or not use.spec.trainable,
            sharing=into.sharing,
        )
        if owner != name:
            inner.sharing = ((inner.prefix, f"{into.prefix}{owner}."), *into.sharing)
        inputs = None if follows else use.spec.inputs
        into.add(Item(into.prefix + name, use.at, inputs, inner=inner))
        if not self._require_short(inner.prefix.rstrip("."), use.at):
            return False  # as would the names of all its nodes
        self._fill(inner, list(use.block.layers))
        return len(self._state.problems) == problems_before

    def _require_short(self, name: str, at: Source) -> bool:
        if len(name) <= MAX_NAME:
            return True
        message = f"the full name {quote(name)} is too long ({len(name)} characters, at most"
        remedy = f"{MAX_NAME}); give the blocks and nodes in it shorter names"
        self._state.refuse(f"{message} {remedy}", at.part("name"))
        return False

    def _require_inputs(self, spec: UseSpec, block: BlockSpec, at: Source) -> None:
        names, there = block.input_names, len(spec.inputs or (INPUT,))
        if len(names) != there:
            inputs = f"{len(names)} input{'s' if len(names) > 1 else ''} ({format_list(names)})"
            message = f"the block {quote(spec.block)} takes {inputs}, not {there}"
            self._state.refuse(message, at if spec.inputs is None else at.part("inputs"))
        elif len(names) > 1 and (spec.repeat or 1) > 1:
            message = (
                "a block that is repeated must have one input, the output before; this one has"
            )
            self._state.refuse(f"{message} {len(names)} inputs", at.part("repeat"))

    def _block(self, name: str, into: NodeList, at: Source) -> BlockSpec | None:
        place = at.part("block")
        if name not in self._blocks:
            message = f"there is no block {quote(name)}"
            self._state.refuse_unknown(message, name, self._blocks, place)
        elif name in into.blocks:
            circle = " -> ".join((*into.blocks[into.blocks.index(name) :], name))
            self._state.refuse(f"a block cannot use itself: {circle}", place)
        elif len(into.blocks) == MAX_DEPTH:
            self._state.refuse(f"blocks are nested more than {MAX_DEPTH} deep", place)
        else:
            return self._blocks[name]
        return None

    def _require_room(self, count: int, limit: int, what: str, at: Source) -> None:
        if count >= limit:
            message = f"with its blocks expanded the network has more than {limit:,} {what}"
            raise SpecError([at.problem(message)])

    # Step 2, with all nodes named: their inputs ------------------------------------------------

    def _wire(self, node_list: NodeList) -> None:
        for place, item in enumerate(node_list.items):
            if not self._state.problems and len(self._state.dangling) < MAX_COUNTED:
                self._check_references(node_list, item)
            if item.index is not None:
                for index, at in node_list.network_inputs(place):
                    self._state.moved[f"{LAYERS}/{item.index}/inputs/{index}"] = at
                self.nodes[item.index] = self._wired(node_list, place, self.nodes[item.index])

    def _wired(self, node_list: NodeList, place: int, node: JsonValue) -> JsonValue:
        """Return a node with its name and inputs; the models report what is not a node."""
        if not isinstance(node, dict):
            return node
        item = node_list.items[place]
        shared = node.get("shares", item.name.removeprefix(node_list.prefix))
        wired = {} if node_list.sharing else dict(node)
        if node_list.sharing or isinstance(node.get("shares"), str):
            wired["shares"] = node_list.owner(str(shared))
        if isinstance(node.get("name", ""), str):
            wired["name"] = item.name
        if item.inputs is not None or "inputs" not in node:
            wired["inputs"] = list(node_list.sources(place))
        return wired

    def _check_references(self, node_list: NodeList, item: Item) -> None:
        for place, reference in enumerate(item.inputs or ()):
            at = item.source.part("inputs", place)
            if node_list.has(reference):
                continue
            if is_input(reference):
                there = format_list(node_list.inputs or ())
                message = f"there is no {quote(reference)} in the block, only {there}"
                self._state.dangling.append(at.problem(message))
            else:
                self._refuse_node(node_list, reference, at)
        node = None if item.index is None else self.nodes[item.index]
        shared = node.get("shares") if isinstance(node, dict) else None
        if not isinstance(shared, str):
            return
        at, owner = item.source.part("shares"), node_list.find(shared)
        if owner is None:
            self._refuse_node(node_list, shared, at)
        elif owner.inner is not None:
            message = f"{quote(shared)} is a use of a block; share one of its nodes instead"
            self._state.dangling.append(at.problem(message))

    def _refuse_node(self, node_list: NodeList, name: str, at: Source) -> None:
        message = f"there is no node {quote(name)}"
        hint = self._state.hint(message, name, node_list.candidates(name), at)
        self._state.dangling.append(at.problem(message + hint))
