"""Variables, blocks and repeated nodes -> a spec that says everything where it belongs."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import JsonValue

from tinynet.errors import Problem, SpecError
from tinynet.spec.blocks import read_blocks
from tinynet.spec.pruning import prune
from tinynet.spec.trace import Source, Trace
from tinynet.spec.unrolled import Unrolled
from tinynet.spec.unrolling import LAYERS, Unroller
from tinynet.spec.variables import (
    NAME,
    NAME_RULE,
    Findings,
    Value,
    is_variable,
    substitute,
    texts,
)
from tinynet.spec.written import needs_unrolling, written
from tinynet.text.document import join_pointer
from tinynet.text.wording import format_value, quote

VARS = "/vars"
OUTPUTS = "/network/outputs"


@dataclass(frozen=True)
class Expansion:
    """What an expanded spec says, and how it came to say so.

    Attributes:
        value: The spec without variables and blocks.
        trace: Where everything came from.
        problems: What could not be expanded, each at the place where it is written.
        dangling: Names of nodes that mean nothing: mistakes, unless others have caused them.
        unused: Blocks, and inputs of blocks, that nothing uses: likewise.
    """

    value: JsonValue
    trace: Trace
    problems: list[Problem]
    dangling: list[Problem] = field(default_factory=list)
    unused: list[Problem] = field(default_factory=list)


def expand(document: JsonValue, used: Iterable[str] = ()) -> Expansion:
    """Put what variables and blocks stand for in their places.

    What is not as it should be in other ways stays as it is: the models explain it.

    Args:
        document: The spec.
        used: What was used where something else was put from outside; see `uses`.

    Raises:
        SpecError: if the expanded spec would be too large, or there is no telling what it says.
    """
    if not isinstance(document, dict):
        return Expansion(document, Trace(), [])
    found = Findings(frozenset(used) | uses(document))
    rest = {key: value for key, value in document.items() if key != "vars"}
    scope = _read_variables(document.get("vars", {}), found)
    expanded = {
        key: _expand_network(value, scope, found)
        if key == "network" and isinstance(value, dict)
        else substitute(value, scope, found, Source("").part(key), f"/{key}")
        for key, value in rest.items()
    }
    trace = Trace(found.moved)
    return Expansion(expanded, trace, found.problems, found.dangling, found.unused)


def uses(document: JsonValue) -> frozenset[str]:
    """Every text in a spec that may name a variable, an input or a block.

    A block that only its own definition names is not used.
    """
    counts = Counter(text for text, _ in texts(document))
    network = document.get("network") if isinstance(document, dict) else None
    blocks = network.get("blocks") if isinstance(network, dict) else None
    for name, block in blocks.items() if isinstance(blocks, dict) else ():
        if name in counts:
            counts[name] -= sum(text == name for text, _ in texts(block))
    return frozenset(+counts)


def _read_variables(raw: JsonValue, found: Findings) -> dict[str, Value]:
    if not isinstance(raw, dict):
        message = f"an object of values by name is expected, not {format_value(raw)}"
        raise SpecError([Problem(message, VARS)])
    scope = {}
    for name, value in raw.items():
        at = Source(VARS).part(name)
        others = [(text, path) for text, path in texts(value) if is_variable(text)]
        if not NAME.fullmatch(name):
            message = f"a variable cannot be called {quote(name)}; a name is {NAME_RULE}"
            found.refuse(message, at, key=True)
        elif others:
            for other, path in others:
                message = f"a variable stands for plain data, not for {quote(other)}"
                found.refuse(f"{message}; write the value itself here", at.part(*path))
        elif f"${name}" not in found.used:
            found.refuse(f"nothing in the spec uses {quote('$' + name)}", at, key=True)
        scope[name] = Value(substitute(value, {}, Findings(), at, None), at)
    return scope


def _expand_network(
    network: dict[str, JsonValue], scope: dict[str, Value], found: Findings
) -> JsonValue:
    at = Source("/network")
    blocks = read_blocks(network["blocks"], found) if "blocks" in network else {}
    nodes, source = written(network.get("layers"), scope, found, at.part("layers"))
    if not isinstance(nodes, list) or not needs_unrolling(nodes, scope):
        plain = {key: value for key, value in network.items() if key != "blocks"}
        return substitute(plain, scope, found, at, at.pointer)
    plain = {key: value for key, value in network.items() if key not in ("blocks", "layers")}
    expanded = substitute(plain, scope, found, at, at.pointer)
    unroller = Unroller(nodes, source, blocks, scope, found)
    assert isinstance(expanded, dict)
    if "outputs" in expanded:
        expanded["outputs"] = _expand_outputs(expanded["outputs"], unroller.top, found)
    return {**expanded, "layers": _pruned(unroller, expanded.get("outputs"), found)}


def _pruned(unroller: Unroller, outputs: JsonValue, found: Findings) -> list[JsonValue]:
    """The flat list without what nothing needs, as far as that can be told."""
    names = outputs.values() if isinstance(outputs, dict) else None
    if found.problems or found.dangling or (names is None) != (outputs is None):
        return unroller.nodes
    named = None if names is None else [str(name) for name in names]
    return prune(unroller.nodes, unroller.lists, named, found.moved, LAYERS)


def _expand_outputs(raw: JsonValue, top: Unrolled, found: Findings) -> JsonValue:
    """The outputs by name, each with the node of the flat list; what is neither, as it is."""
    named = [raw] if isinstance(raw, str) else raw
    if isinstance(named, list) and len(set(map(str, named))) == len(named):
        source = Trace(found.moved).source(OUTPUTS)
        for i, name in enumerate(named):
            found.moved[OUTPUTS + join_pointer([str(name)])] = source.part(i)
        named = {str(name): name for name in named}
    if not isinstance(named, dict):
        return raw
    return {
        name: top.resolve(node) if isinstance(node, str) else node for name, node in named.items()
    }
