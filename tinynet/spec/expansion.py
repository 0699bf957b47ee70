"""Variables, blocks and repeated nodes -> a spec that says everything where it belongs."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import JsonValue

from tinynet.errors import Problem, SpecError
from tinynet.spec.blocks import read_blocks
from tinynet.spec.trace import Source, Trace
from tinynet.spec.unrolled import Unrolled
from tinynet.spec.unrolling import Unroller
from tinynet.spec.variables import (
    NAME,
    NAME_RULE,
    Findings,
    Value,
    mentioned,
    substitute,
)
from tinynet.spec.written import needs_unrolling, written
from tinynet.text.document import join_pointer
from tinynet.text.wording import quoted, show

VARS = "/vars"
OUTPUTS = "/network/outputs"


@dataclass(frozen=True)
class Expansion:
    """What an expanded spec says, and how it came to say so.

    Attributes:
        value: The spec without variables and blocks.
        trace: Where everything came from.
        problems: What could not be expanded, each at the place where it is written.
    """

    value: JsonValue
    trace: Trace
    problems: list[Problem]


def expand(document: JsonValue, used: Iterable[str] = ()) -> Expansion:
    """Put what variables and blocks stand for in their places.

    What is not as it should be in other ways stays as it is: the models explain it.

    Args:
        document: The spec.
        used: Names of variables that were used where something else was put from outside.

    Raises:
        SpecError: if the expanded spec would be too large, or there is no telling what it says.
    """
    if not isinstance(document, dict):
        return Expansion(document, Trace(), [])
    found = Findings(frozenset(used) | set(mentioned(document)))
    rest = {key: value for key, value in document.items() if key != "vars"}
    scope = _read_variables(document.get("vars", {}), found)
    expanded = {
        key: _expand_network(value, scope, found)
        if key == "network" and isinstance(value, dict)
        else substitute(value, scope, found, Source("").part(key), f"/{key}")
        for key, value in rest.items()
    }
    return Expansion(expanded, Trace(found.moved), found.problems)


def _read_variables(raw: JsonValue, found: Findings) -> dict[str, Value]:
    if not isinstance(raw, dict):
        message = f"an object of values by name is expected, not {show(raw)}"
        raise SpecError([Problem(message, VARS)])
    scope = {}
    for name, value in raw.items():
        at = Source(VARS).part(name)
        others = sorted(set(mentioned(value)))
        if not NAME.fullmatch(name):
            message = f"a variable cannot be called {quoted(name)}; a name is {NAME_RULE}"
            found.refuse(message, at, key=True)
        elif others:
            found.refuse(f"a variable stands for plain data, not for {quoted('$' + others[0])}", at)
        elif name not in found.used:
            found.refuse(f"nothing in the spec uses {quoted('$' + name)}", at, key=True)
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
    return {**expanded, "layers": unroller.nodes}


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
