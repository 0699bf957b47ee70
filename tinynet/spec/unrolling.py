"""Nodes that use blocks, or are repeated -> one flat list of nodes.

In the flat list every node says its name and its inputs. Nodes of a block are called after its use:
``residual_2.conv2d_1``.
"""

from collections.abc import Mapping

from pydantic import JsonValue

from tinynet.errors import Problem, SpecError, Use
from tinynet.spec.blocks import (
    BLOCKS,
    BlockSpec,
    RepeatSpec,
    UseSpec,
    arguments,
    move,
    read,
    split_use,
)
from tinynet.spec.graph import INPUT, is_input
from tinynet.spec.naming import Unnamed, names
from tinynet.spec.trace import Source
from tinynet.spec.unrolled import Item, Sharing, Unrolled
from tinynet.spec.variables import Findings, Scope, is_variable, substitute
from tinynet.text.document import MAX_COUNTED, MAX_DEPTH, MAX_LENGTH
from tinynet.text.wording import quoted, suggest

LAYERS = "/network/layers"
"""JSON pointer to the nodes of a spec."""

_PLACED = ("name", "inputs", "repeat")
"""What a use says of its own place; the rest of it says what stands there."""


def needs_unrolling(nodes: list[JsonValue]) -> bool:
    """Whether some of the nodes use blocks, or are repeated."""
    return any(isinstance(node, dict) and ("block" in node or "repeat" in node) for node in nodes)


class Unroller:
    """Makes one flat list of a network's nodes.

    Attributes:
        nodes: The flat list.
        top: The network's own list, which knows what its names mean.
    """

    def __init__(
        self,
        nodes: list[JsonValue],
        blocks: Mapping[str, BlockSpec | None],
        scope: Scope,
        found: Findings,
    ) -> None:
        """Unroll.

        Args:
            nodes: The network's own list.
            blocks: The blocks by name; None for one that is wrong.
            scope: What the spec's variables stand for.
            found: Where moves and problems are noted.

        Raises:
            SpecError: if the flat list is too long, or says too much.
        """
        self.nodes: list[JsonValue] = []
        self.top = Unrolled(Source(LAYERS), scope)
        self._blocks, self._globals, self._found = blocks, scope, found
        self._lists: list[Unrolled] = []
        self._complete = True
        self._fill(self.top, nodes)
        for unrolled in self._lists:
            self._wire(unrolled)

    # One list after the other: what stands where, and what it is called -----------------------

    def _fill(self, into: Unrolled, nodes: list[JsonValue]) -> None:
        self._lists.append(into)
        called = names(unnamed(node, into.scope) for node in nodes)
        places: dict[str, int] = {}
        for place, own in enumerate(called):
            for name in own:
                places.setdefault(name, place)
        owners = _owners(nodes, places, into.scope)
        for place, node in enumerate(nodes):
            at = into.source.part(place)
            for time, name in enumerate(called[place]):
                owner = owners[name]
                if owner is None:
                    self._add_node(into, node, name, at, follows=time > 0)
                    continue
                template = _object(nodes[places[owner]]), into.source.part(places[owner])
                use = _object(node), at
                if not self._add_use(into, name, use, template, owner, follows=time > 0):
                    break  # again it would have the same mistakes

    def _add_node(
        self, into: Unrolled, node: JsonValue, name: str, at: Source, *, follows: bool
    ) -> None:
        if len(self.nodes) == MAX_LENGTH:
            message = f"with its blocks unrolled the network has more than {MAX_LENGTH:,} nodes"
            raise SpecError([Problem(message, at.pointer, uses=at.uses)])
        target = f"{LAYERS}/{len(self.nodes)}"
        self._found.moved[target] = at
        made = substitute(node, into.scope, self._found, at, target)
        made = {"type": made} if isinstance(made, str) else made
        inputs = None
        if isinstance(made, dict):
            repeat = {key: made.pop(key) for key in ("repeat",) if key in made}
            self._found.problems += [move(p, at) for p in read(RepeatSpec, repeat)[1]]
            inputs = _references(made.get("inputs"))
            if into.frozen and "shares" not in made and made.get("trainable", True) is True:
                made["trainable"] = False
        into.add(Item(into.prefix + name, at, None if follows else inputs, index=len(self.nodes)))
        self.nodes.append(made)

    def _add_use(
        self,
        into: Unrolled,
        name: str,
        node: tuple[dict[str, JsonValue], Source],
        template: tuple[dict[str, JsonValue], Source],
        owner: str,
        *,
        follows: bool,
    ) -> bool:
        """Add a use of a block, and say whether it has no mistakes.

        Args:
            into: The list that it stands in.
            name: What it is called there.
            node: What is written, and where.
            template: The use that says which block, and where: this one, or the one it shares.
            owner: The name of that use.
            follows: Whether it is a second or later time of one that is repeated.
        """
        known, at = len(self._found.problems), node[1]
        if name in into.by_name:
            self._refuse(f"two nodes are called {quoted(into.prefix + name)}", at)
        if known >= MAX_COUNTED or len(self._found.problems) > known:
            return False
        use, given = self._read_use(into, node, template, owner)
        block = None if use is None else self._block(use.block, into, template[1])
        if use is None or block is None:
            self._complete = False
            return False
        scopes = into.scope, self._globals
        here = Use(f"block {quoted(use.block)} used", at.pointer)
        inner = Unrolled(
            source=Source(BLOCKS, (here, *at.uses)).part(use.block, "layers"),
            scope=arguments(use.block, block, given, scopes, template[1], self._found),
            prefix=f"{into.prefix}{name}.",
            inputs=(INPUT,)
            if block.inputs is None
            else tuple(f"{INPUT}:{i}" for i in block.inputs),
            outer=(into, len(into.items)),
            blocks=(*into.blocks, use.block),
            frozen=into.frozen or not use.trainable,
            sharing=into.sharing,
        )
        if owner != name:
            inner.sharing = (Sharing(inner.prefix, f"{into.prefix}{owner}."), *into.sharing)
        inputs = None if follows else use.inputs
        self._require_inputs(inner, inputs, at)
        if len(self._found.problems) > known:
            self._complete = False
            return False
        into.add(Item(into.prefix + name, at, inputs, inner=inner))
        self._fill(inner, list(block.layers))
        return len(self._found.problems) == known

    def _read_use(
        self,
        into: Unrolled,
        node: tuple[dict[str, JsonValue], Source],
        template: tuple[dict[str, JsonValue], Source],
        owner: str,
    ) -> tuple[UseSpec | None, dict[str, JsonValue]]:
        """What a use says, and what it gives to the block as parameters."""
        found, (written, at), (fields, origin) = self._found, node, template
        if origin != at:
            for key in written.keys() - {"shares", *_PLACED}:
                message = f"{quoted(key)} belongs to {quoted(owner)}, whose layers this node shares"
                found.refuse(message, at.part(key), key=True)
            fields = {key: value for key, value in fields.items() if key not in _PLACED}
        own, given = split_use(fields)
        placed = {key: written[key] for key in _PLACED if key in written}
        known = len(found.problems)
        said = {
            key: substitute(value, into.scope, found, place.part(key), None)
            for part, place in ((own, origin), (placed, at))
            for key, value in part.items()
        }
        if len(found.problems) > known:
            return None, given
        use, wrong = read(UseSpec, said)
        found.problems += [
            move(problem, at if problem.pointer.split("/")[1] in placed else origin)
            for problem in wrong
        ]
        return use, given

    def _require_inputs(self, inner: Unrolled, given: tuple[str, ...] | None, at: Source) -> None:
        names, there = inner.inputs or (), len(given or (INPUT,))
        if len(names) != there:
            inputs = f"{len(names)} input{'s' if len(names) > 1 else ''} ({', '.join(names)})"
            message = f"the block {quoted(inner.blocks[-1])} takes {inputs}, not {there}"
            self._refuse(message, at if given is None else at.part("inputs"))

    def _block(self, name: str, into: Unrolled, at: Source) -> BlockSpec | None:
        place = at.part("block")
        if name not in self._blocks:
            message = f"there is no block {quoted(name)}; {suggest(name, self._blocks)}"
            self._refuse(message, place)
            return None
        if name in into.blocks:
            circle = " -> ".join((*into.blocks[into.blocks.index(name) :], name))
            self._refuse(f"a block cannot use itself: {circle}", place)
            return None
        if len(into.blocks) == MAX_DEPTH:
            self._refuse(f"blocks are nested more than {MAX_DEPTH} deep", place)
            return None
        return self._blocks[name]

    def _refuse(self, message: str, at: Source) -> None:
        """Note a problem that leaves something out, so that other places may be right."""
        self._found.refuse(message, at)
        self._complete = False

    # When all is there: what feeds what --------------------------------------------------------

    def _wire(self, unrolled: Unrolled) -> None:
        for place, item in enumerate(unrolled.items):
            if self._complete and len(self._found.problems) < MAX_COUNTED:
                self._check_references(unrolled, item)
            if item.index is not None:
                self.nodes[item.index] = self._wired(unrolled, place, self.nodes[item.index])

    def _wired(self, unrolled: Unrolled, place: int, node: JsonValue) -> JsonValue:
        """A node with its name and its inputs; what is no node is for the models to refuse."""
        if not isinstance(node, dict):
            return node
        item = unrolled.items[place]
        shared = node.get("shares", item.name.removeprefix(unrolled.prefix))
        wired = {} if unrolled.sharing else dict(node)
        if unrolled.sharing or isinstance(node.get("shares"), str):
            wired["shares"] = unrolled.owner(str(shared))
        if isinstance(node.get("name", ""), str):
            wired["name"] = item.name
        if item.inputs is not None or "inputs" not in node:
            wired["inputs"] = list(unrolled.sources(place))
        return wired

    def _check_references(self, unrolled: Unrolled, item: Item) -> None:
        for place, reference in enumerate(item.inputs or ()):
            at = item.source.part("inputs", place)
            if unrolled.knows(reference):
                continue
            if is_input(reference):
                there = " and ".join(unrolled.inputs or ())
                message = f"there is no {quoted(reference)} in the block, only {there}"
                self._found.refuse(message, at)
            else:
                self._refuse_node(unrolled, reference, at)
        node = None if item.index is None else self.nodes[item.index]
        shared = node.get("shares") if isinstance(node, dict) else None
        if isinstance(shared, str) and not unrolled.knows(shared):
            self._refuse_node(unrolled, shared, item.source.part("shares"))

    def _refuse_node(self, unrolled: Unrolled, reference: str, at: Source) -> None:
        hint = suggest(reference, unrolled.known(reference))
        self._found.refuse(f"there is no node {quoted(reference)}; {hint}", at)


def _peek(node: JsonValue, key: str, scope: Scope) -> JsonValue:
    """What a node says of itself, as far as that is known before its place is."""
    value = node.get(key) if isinstance(node, dict) else node if key == "type" else None
    known = scope.get(value[1:]) if isinstance(value, str) and is_variable(value) else None
    return value if known is None else known.value


def unnamed(node: JsonValue, scope: Scope) -> Unnamed:
    """What a node's names follow from.

    Args:
        node: A node as it is written.
        scope: What variables stand for; those that are not known are of no account.
    """
    block, kind, name = (_peek(node, key, scope) for key in ("block", "type", "name"))
    kind = kind if block is None else block
    repeat = _peek(node, "repeat", scope)
    if not isinstance(repeat, int) or isinstance(repeat, bool) or repeat < 1:
        repeat = None
    return Unnamed(
        kind if isinstance(kind, str) else "",
        name if isinstance(name, str) else None,
        # One more than there can be is enough to see that it is too much.
        None if repeat is None else min(repeat, MAX_LENGTH + 1),
    )


def _owners(
    nodes: list[JsonValue], places: Mapping[str, int], scope: Scope
) -> dict[str, str | None]:
    """For each name the use of a block whose layers stand there, its own or another's; or None."""
    owners: dict[str, str | None] = {}
    for start in places:
        name, way = start, dict[str, None]()
        while name not in owners and name not in way:
            way[name] = None
            node = nodes[places[name]]
            if isinstance(node, dict) and "block" in node:
                owners[name] = name
            shared = _peek(node, "shares", scope)
            if not isinstance(shared, str) or shared not in places:
                break
            name = shared
        owner = owners.get(name)
        owners |= {passed: owner for passed in way if passed not in owners}
    return owners


def _object(node: JsonValue) -> dict[str, JsonValue]:
    return node if isinstance(node, dict) else {}


def _references(raw: JsonValue) -> tuple[str, ...] | None:
    """The names in an ``inputs``; None where there is none, or it is for the models to refuse."""
    listed = [raw] if isinstance(raw, str) else raw
    if isinstance(listed, list) and all(isinstance(name, str) for name in listed):
        return tuple(map(str, listed)) or None
    return None
