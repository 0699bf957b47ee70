"""The expansion of a whole spec: all steps in order."""

from collections import Counter
from collections.abc import Iterable

from pydantic import JsonValue

from tinynet.spec.expansion.blocks import read_blocks
from tinynet.spec.expansion.declared_nodes import declared, needs_flattening
from tinynet.spec.expansion.flattening import LAYERS, Flattener
from tinynet.spec.expansion.node_lists import NodeList
from tinynet.spec.expansion.pruning import prune
from tinynet.spec.expansion.sources import Source
from tinynet.spec.expansion.state import Expansion
from tinynet.spec.expansion.variables import Value, read_variables, substitute, texts
from tinynet.text.document import join_pointer

OUTPUTS = "/network/outputs"


def expand(document: JsonValue, used: Iterable[str] = ()) -> Expansion:
    """Replace variables and blocks by what they declare.

    Values that are invalid in other ways stay unchanged; the models report them.

    Args:
        document: The spec.
        used: The names that the spec used before overrides; see `uses`.

    Raises:
        SpecError: if the expanded spec is too large, or variables or blocks are not objects.
    """
    state = Expansion(frozenset(used) | uses(document), document)
    if isinstance(document, dict):
        scope = read_variables(document.get("vars", {}), state)
        state.value = {
            key: _expand_network(value, scope, state)
            if key == "network" and isinstance(value, dict)
            else substitute(value, scope, state, Source("").part(key), f"/{key}")
            for key, value in document.items()
            if key != "vars"
        }
    return state


def uses(document: JsonValue) -> frozenset[str]:
    """Return every string in a spec that may name a variable, an input or a block.

    A block that only its own definition names is unused.
    """
    counts = Counter(text for text, _ in texts(document))
    network = document.get("network") if isinstance(document, dict) else None
    blocks = network.get("blocks") if isinstance(network, dict) else None
    for name, block in blocks.items() if isinstance(blocks, dict) else ():
        if name in counts:
            counts[name] -= sum(text == name for text, _ in texts(block))
    return frozenset(+counts)


def _expand_network(
    network: dict[str, JsonValue], scope: dict[str, Value], state: Expansion
) -> JsonValue:
    at = Source("/network")
    blocks = read_blocks(network["blocks"], state) if "blocks" in network else {}
    nodes, source = declared(network.get("layers"), scope, state, at.part("layers"))
    if not isinstance(nodes, list) or not needs_flattening(nodes, scope):
        plain = {key: value for key, value in network.items() if key != "blocks"}
        return substitute(plain, scope, state, at, at.pointer)
    plain = {key: value for key, value in network.items() if key not in ("blocks", "layers")}
    expanded = substitute(plain, scope, state, at, at.pointer)
    flattener = Flattener(nodes, source, blocks, scope, state)
    assert isinstance(expanded, dict)
    if "outputs" in expanded:
        expanded["outputs"] = _expand_outputs(expanded["outputs"], flattener.top, state)
    return {**expanded, "layers": _pruned(flattener, expanded.get("outputs"), state)}


def _pruned(flattener: Flattener, outputs: JsonValue, state: Expansion) -> list[JsonValue]:
    """Return the flat list without unneeded nodes, if the spec has no mistakes so far."""
    names = outputs.values() if isinstance(outputs, dict) else None
    if state.problems or state.dangling or (names is None) != (outputs is None):
        return flattener.nodes
    named = None if names is None else [str(name) for name in names]
    return prune(flattener.nodes, flattener.lists, named, state.moved, LAYERS)


def _expand_outputs(raw: JsonValue, top: NodeList, state: Expansion) -> JsonValue:
    """Return the outputs with the names of the flat list; invalid ones are not changed."""
    named = [raw] if isinstance(raw, str) else raw
    if isinstance(named, list) and len(set(map(str, named))) == len(named):
        source = state.moved.source(OUTPUTS)
        for i, name in enumerate(named):
            state.moved[OUTPUTS + join_pointer([str(name)])] = source.part(i)
        named = {str(name): name for name in named}
    if not isinstance(named, dict):
        return raw
    return {
        name: top.resolve(node) if isinstance(node, str) else node for name, node in named.items()
    }
