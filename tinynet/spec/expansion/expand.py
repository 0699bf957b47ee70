"""The expansion of a whole spec: all steps in order."""

from collections import Counter
from collections.abc import Iterable

from pydantic import JsonValue

from tinynet.spec.expansion.blocks import read_blocks
from tinynet.spec.expansion.declared_nodes import needs_flattening, node_or_list
from tinynet.spec.expansion.flattening import LAYERS, Flattener
from tinynet.spec.expansion.node_lists import NodeList
from tinynet.spec.expansion.pruning import prune
from tinynet.spec.expansion.sources import Source
from tinynet.spec.expansion.state import Expansion
from tinynet.spec.expansion.variables import Value, read_variables, strings_in, substitute
from tinynet.text.places import join_pointer

OUTPUTS = "/network/outputs"


def expand(document: JsonValue, strings: Iterable[str] = ()) -> Expansion:
    """Replace variables and blocks by what they declare.

    Values that are invalid in other ways stay unchanged; the models report them.

    Args:
        document: The spec.
        strings: The strings of the spec before overrides: a name that only these use is not unused.

    Raises:
        SpecError: if the expanded spec is too large, or variables or blocks are not objects.
    """
    state = Expansion(frozenset(strings) | all_strings(document), document)
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


def all_strings(document: JsonValue) -> frozenset[str]:
    """Return every string in a spec: any may name a variable, an input or a block.

    The name of a block that occurs only in its own definition is left out: the block is unused.
    """
    counts = Counter(string for string, _ in strings_in(document))
    network = document.get("network") if isinstance(document, dict) else None
    blocks = network.get("blocks") if isinstance(network, dict) else None
    for name, block in blocks.items() if isinstance(blocks, dict) else ():
        if name in counts:
            counts[name] -= sum(string == name for string, _ in strings_in(block))
    return frozenset(+counts)


def _expand_network(
    network: dict[str, JsonValue], scope: dict[str, Value], state: Expansion
) -> JsonValue:
    network_source = Source("/network")
    blocks = read_blocks(network["blocks"], state) if "blocks" in network else {}
    layers = network_source.part("layers")
    nodes, source = node_or_list(network.get("layers"), scope, state, layers)
    if not isinstance(nodes, list) or not needs_flattening(nodes, scope):
        plain = {key: value for key, value in network.items() if key != "blocks"}
        return substitute(plain, scope, state, network_source, network_source.pointer)
    plain = {key: value for key, value in network.items() if key not in ("blocks", "layers")}
    expanded = substitute(plain, scope, state, network_source, network_source.pointer)
    flattener = Flattener(nodes, source, blocks, scope, state)
    assert isinstance(expanded, dict)
    if "outputs" in expanded:
        expanded["outputs"] = _expand_outputs(expanded["outputs"], flattener.top, state)
    return {**expanded, "layers": _pruned(flattener, expanded.get("outputs"), state)}


def _pruned(flattener: Flattener, outputs: JsonValue, state: Expansion) -> list[JsonValue]:
    """Return the flat list without unneeded nodes, if the spec has no mistakes so far."""
    if state.problems or state.reference_problems or not isinstance(outputs, dict | None):
        return flattener.nodes
    output_nodes = None if outputs is None else [str(node) for node in outputs.values()]
    return prune(flattener.nodes, flattener.lists, output_nodes, state.sources, LAYERS)


def _expand_outputs(raw: JsonValue, top: NodeList, state: Expansion) -> JsonValue:
    """Return the outputs with the names of the flat list; invalid ones are not changed."""
    names = [raw] if isinstance(raw, str) else raw
    if isinstance(names, list) and len(set(map(str, names))) == len(names):
        source = state.sources.source(OUTPUTS)
        for index, name in enumerate(names):
            state.sources[OUTPUTS + join_pointer([str(name)])] = source.part(index)
        names = {str(name): name for name in names}
    if not isinstance(names, dict):
        return raw
    return {
        name: top.resolve(node) if isinstance(node, str) else node for name, node in names.items()
    }
